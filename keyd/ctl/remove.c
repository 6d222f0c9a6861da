/* keydctl remove: a key is destroyed. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "confirm.h"
#include "ctl.h"
#include "daemon.h"
#include "enlist.h"
#include "origin.h"
#include "recover.h"
#include "text.h"

static int
ask(const struct store *s, const char *name, bool yes, struct fault *f)
{
	struct origin *o = calloc(1, sizeof(*o));
	char question[PATH_MAX + 256], path[PATH_MAX];
	struct fault ignored;
	int key, policy, journal, r = -1;

	if (o == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	key = store_has(s, STORE_KEY, name, f);
	policy = store_has(s, STORE_POLICY, name, f);
	journal = store_has(s, STORE_ORIGIN, name, f);
	if (key < 0 || policy < 0 || journal < 0)
		goto done;
	/* A damaged journal goes with the key. */
	if (origin_get(s, name, o, &ignored) < 0)
		o->path[0] = '\0';
	if (key == 0 && policy == 0 && journal == 0) {
		(void)fault_set(f, FAULT_FAILED,
			"%s: there is no key of this name: keydctl list", name);
		goto done;
	}
	(void)snprintf(question, sizeof(question), "Destroy the key %s%s%s",
		name, o->path[0] != '\0' ? ", whose shell is " : "",
		text_shown(o->path, path));
	r = confirm(yes, question, f);
done:
	free(o);
	return r;
}

static void
say(struct ctl *c, const char *name)
{
	if (c->json) {
		json_open(&c->out, NULL, '{');
		json_string(&c->out, "name", name);
		json_string(&c->out, "outcome", "removed");
		json_close(&c->out, '}');
		return;
	}
	(void)printf("%s: removed from the store.\n", name);
}

static int
run(struct ctl *c, const char *name, bool yes, bool offline, struct fault *f)
{
	struct store store;
	struct fault more;
	int r;

	if (enlist_ready(&c->config, offline, f) < 0 ||
		store_open(&c->config, true, &store, f) < 0)
		return -1;
	/* Also the way out for an import that cannot be ended otherwise. */
	if (recover_all(&store, f) < 0)
		(void)fault_print(f);
	r = ask(&store, name, yes, f);
	if (r == 0)
		r = store_can_drop(&store, f);
	if (r == 0)
		r = recover_drop(&store, name, f);
	store_close(&store);
	if (r < 0 && f->code != FAULT_PARTLY)
		return -1;
	if (r == 0)
		say(c, name);
	if (offline || daemon_without(&c->config, name, &more) == 0)
		return r;
	if (r == 0)
		*f = more;
	else
		fault_add(f, "; %s", more.text);
	return -1;
}

int
remove_verb(struct ctl *c, int argc, char **argv)
{
	static const struct option table[] = {
		{ "yes", no_argument, NULL, 'y' },
		{ "offline", no_argument, NULL, 'o' },
		{ 0 },
	};
	bool yes = false, offline = false;
	struct fault f = { 0 };
	const char *name;
	int opt;

	while ((opt = getopt_long(argc, argv, "y", table, NULL)) != -1) {
		if (opt == '?')
			return ctl_usage("remove");
		yes |= opt == 'y';
		offline |= opt == 'o';
	}
	name = ctl_name(argc - optind, argv + optind, "remove");
	if (name == NULL)
		return FAULT_USAGE;
	return run(c, name, yes, offline, &f) < 0 ? fault_print(&f) : 0;
}
