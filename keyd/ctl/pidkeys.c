#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "enlist.h"
#include "pidcheck.h"
#include "tryout.h"

enum {
	MAX_SHOWN = 8, /* keys that are right, one a line */
};

/* May it, by what the policy and the listener say? */
static bool
may_use(const struct pid_check *k, const char *name, const struct policy *p)
{
	if (k->listener != NULL && !listener_has_key(k->listener, name))
		return false;
	return policy_names(p, &k->p->id) ||
	       (k->p->unit[0] != '\0' && policy_names_unit(p, k->p->unit));
}

static void
try_key(struct pid_check *k, const struct config *c, const char *name,
	const char *words, const struct policy *p)
{
	struct helper_answer *a;
	struct fault f;

	if (!policy_names(p, &k->p->id)) {
		finding_say(&k->findings, FINDING_OK, name,
			"allow names its unit %s (not tried: keydctl is not in "
			"it)",
			k->p->unit);
		return;
	}
	a = malloc(sizeof(*a));
	if (a == NULL)
		finding_say(&k->findings, FINDING_ERROR, name, "no memory");
	else if (enlist_inspect(&k->store, name, p, a, &f) < 0)
		finding_say(&k->findings, FINDING_ERROR, name, "%s", f.text);
	else
		tryout_key(&k->findings, c, &k->p->id, words, k->keyd > 0, name,
			p, &a->d);
	free(a);
}

/* Keys that it may use, of names: those that are not are struck out ("").
 * Their number. keydctl check tells of policies that cannot be read. */
static unsigned
choose(const struct pid_check *k, char **names, struct policy *p)
{
	struct fault ignored;
	unsigned n = 0;
	char **name;

	for (name = names; *name != NULL; name++)
		if (policy_get(&k->store, *name, p, &ignored) > 0 &&
			may_use(k, *name, p))
			n++;
		else
			**name = '\0';
	return n;
}

/* With the socket that it reaches as the only one. */
static void
only(struct config *out, const struct pid_check *k)
{
	*out = k->findings.ctl->config;
	out->nsockets = k->reached[0] == '/';
	out->abstract[0] = '\0';
	if (out->nsockets == 0)
		(void)snprintf(out->abstract, sizeof(out->abstract), "%.107s",
			k->reached + 1);
	else
		(void)snprintf(out->socket[0], sizeof(out->socket[0]),
			"/proc/self/fd/%d", k->reached_socket);
}

static void
try_all(struct pid_check *k, char **names, struct policy *p, unsigned n)
{
	unsigned before = k->findings.count[FINDING_OK];
	char who[64], words[160];
	struct user_way way = {
		.net = -1, .server = pidway_server(k), .name = k->reached
	};
	struct config *through = malloc(sizeof(*through));
	struct fault ignored;
	char **name;

	if (through == NULL) {
		pidcheck_say(k, FINDING_ERROR, "no memory");
		return;
	}
	only(through, k);
	if (k->reached[0] == '@' && k->p->own_net)
		way.net = openat(k->p->dir, "ns/net", O_RDONLY | O_CLOEXEC);
	k->p->id.way = &way;
	(void)snprintf(words, sizeof(words), "%s (process %d)",
		user_name(k->p->id.uid, who), (int)k->p->pid);
	k->findings.brief = n > MAX_SHOWN;
	for (name = names; *name != NULL; name++)
		if (**name != '\0' &&
			policy_get(&k->store, *name, p, &ignored) > 0)
			try_key(k, through, *name, words, p);
	k->findings.brief = false;
	if (n > MAX_SHOWN)
		pidcheck_say(k, FINDING_OK,
			"%s may use %u keys; with %u of them all is well", who,
			n, k->findings.count[FINDING_OK] - before);
	k->p->id.way = NULL;
	if (way.net >= 0)
		(void)close(way.net);
	free(through);
}

void
pidkeys_try(struct pid_check *k)
{
	struct policy *p = malloc(sizeof(*p));
	struct fault ignored;
	char **names = store_names(&k->store, STORE_KEY, &ignored);
	unsigned n = 0;
	char who[64];

	if (p != NULL && names != NULL) {
		n = choose(k, names, p);
		if (n > 0 && k->reached[0] == '\0')
			pidcheck_say(k, FINDING_OK,
				"%s may use %u keys (not tried: it does not "
				"reach keyd)",
				user_name(k->p->id.uid, who), n);
		else if (n > 0)
			try_all(k, names, p, n);
		else
			pidcheck_say(k, FINDING_OK,
				"no key names its user %s%s%s in allow",
				user_name(k->p->id.uid, who),
				k->p->unit[0] != '\0' ? " or its unit " : "",
				k->p->unit);
		k->usable += n;
	}
	free(names);
	free(p);
}
