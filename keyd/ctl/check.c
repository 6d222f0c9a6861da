/* keydctl check: what is wrong, or may go wrong. */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/peer.h"
#include "ctl.h"
#include "daemon.h"
#include "dryrun.h"
#include "examine.h"
#include "listeners.h"
#include "pid.h"
#include "running.h"
#include "stale.h"
#include "tryout.h"
#include "unitbox.h"
#include "wire/status.h"

struct check {
	struct findings findings;
	struct dryrun dryrun;
	struct store store;
	bool as; /* --as */
	struct user_identity who;
	char name[64];
	bool running;
};

static void
keys(struct check *k)
{
	struct helper_answer *a = malloc(sizeof(*a));
	struct policy *p = malloc(sizeof(*p));
	unsigned before;
	struct fault f;
	char **names = store_names(&k->store, STORE_KEY, &f), **n;
	bool never = k->as && k->who.uid == PEER_OVERFLOW_ID;

	if (never)
		finding_say(&k->findings, FINDING_ERROR, k->name, "%s: %s",
			status_text(PROTO_NOBODY),
			"run the program as a user of its own");
	for (n = names; a != NULL && p != NULL && n != NULL && *n != NULL;
		n++) {
		/* All has been said of it, but for its file. */
		if (dryrun_refused(&k->dryrun, *n)) {
			(void)examine_origin(&k->findings, &k->store, *n);
			continue;
		}
		before = k->findings.count[FINDING_ERROR] +
			 k->findings.count[FINDING_WARNING];
		if (examine_key(&k->findings, &k->store, *n, p, a) < 0)
			continue;
		listeners_examine_key(&k->findings, *n, p);
		if (k->as && !never)
			tryout_key(&k->findings, &k->findings.ctl->config,
				&k->who, k->name, k->running, *n, p, &a->d);
		else if (before == k->findings.count[FINDING_ERROR] +
					   k->findings.count[FINDING_WARNING])
			finding_say(&k->findings, FINDING_OK, *n,
				"key, policy%s agree",
				a->d.certificate == 1 ? ", certificate" : "");
	}
	if (names == NULL)
		finding_say(&k->findings, FINDING_ERROR, "keys", "%s", f.text);
	else
		listeners_examine(&k->findings, names);
	free(names);
	free(p);
	free(a);
}

/* Does a keyd listen there? The wrong type of socket finds out without a
 * connection, which keyd would have to turn away: we are no one's user. */
static void
socket_path(struct check *k, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%.107s", path);
	if (fd < 0 ||
		connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		finding_say(&k->findings, FINDING_ERROR, path,
			"another program listens there");
	else if (errno != EPROTOTYPE)
		finding_say(&k->findings, FINDING_ERROR, path,
			"cannot connect to it: %s", strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

static void
daemon_side(struct check *k)
{
	const struct config *c = &k->findings.ctl->config;
	struct fault f;
	unsigned i;
	pid_t pid;

	if (daemon_pid(c, &pid, &f) < 0)
		finding_say(&k->findings, FINDING_ERROR, "keyd", "%s", f.text);
	else if (pid == 0)
		finding_say(&k->findings, FINDING_WARNING, "keyd",
			"it does not run with %s: %s", c->file,
			daemon_start_words(c));
	else
		k->running = true;
	if (k->running)
		running_examine(&k->findings, pid);
	for (i = 0; k->running && i < c->nsockets; i++)
		socket_path(k, c->socket[i]);
	for (i = 0; k->running && i < c->nlisteners; i++)
		socket_path(k, c->listener[i].socket);
}

static int
run(struct check *k, struct fault *f)
{
	struct ctl *c = k->findings.ctl;

	if (c->json)
		json_open(&c->out, NULL, '[');
	examine_mode(&k->findings, c->config.file, false);
	examine_mode(&k->findings, c->config.keys, true);
	examine_mode(&k->findings, c->config.policies, false);
	daemon_side(k);
	dryrun(&k->findings, &k->dryrun);
	if (store_open(&c->config, false, &k->store, f) == 0) {
		keys(k);
		store_close(&k->store);
	} else if (access(c->config.keys, F_OK) == 0) {
		finding_say(&k->findings, FINDING_ERROR, "keys", "%s", f->text);
	}
	stale_examine(&k->findings);
	if (c->json)
		json_close(&c->out, ']');
	else
		(void)printf("%u errors, %u warnings\n",
			k->findings.count[FINDING_ERROR],
			k->findings.count[FINDING_WARNING]);
	if (k->findings.count[FINDING_ERROR] > 0)
		return FAULT_FAILED;
	return k->running ? 0 : FAULT_NOT_RUNNING;
}

static int
is_pid(const char *text, pid_t *out)
{
	unsigned long n;

	if (ini_number(text, INT32_MAX, &n) < 0 || n == 0)
		return -1;
	*out = (pid_t)n;
	return 0;
}

int
check_verb(struct ctl *c, int argc, char **argv)
{
	static const struct option table[] = {
		{ "as", required_argument, NULL, 'a' },
		{ "pid", required_argument, NULL, 'p' },
		{ "service", required_argument, NULL, 's' },
		{ 0 },
	};
	static struct check k;
	struct fault f = { 0 };
	const char *service = NULL;
	pid_t pid = 0;
	uid_t uid;
	int opt;

	k.findings.ctl = c;
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == '?' || (opt == 'p' && is_pid(optarg, &pid) < 0))
			return ctl_usage("check");
		if (opt == 's')
			service = optarg;
		if (opt != 'a')
			continue;
		if (policy_word(optarg, &uid) != POLICY_USER) {
			(void)fault_set(&f, FAULT_USAGE,
				"--as %s: there is no such user", optarg);
			return fault_print(&f);
		}
		if (user_find(uid, &k.who, &f) < 0)
			return fault_print(&f);
		k.as = true;
		(void)user_name(uid, k.name);
	}
	if (optind != argc || k.as + (pid != 0) + (service != NULL) > 1)
		return ctl_usage("check");
	if (service != NULL)
		return unitbox_check(c, service);
	return pid != 0 ? pid_check(c, pid) : run(&k, &f);
}
