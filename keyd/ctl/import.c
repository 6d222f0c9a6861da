/* keydctl import: a key file becomes a shell, its key goes to keyd. */
#include "import.h"

#include <getopt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "import_again.h"
#include "recover.h"

/* In the list that --json prints, a failure has its place too. */
static int
fail(struct import_job *j, const struct fault *f)
{
	struct json *out = &j->ctl->out;

	if (j->ctl->json) {
		json_open(out, NULL, '{');
		json_string(out, "file", j->file);
		json_string(out, "outcome", "failed");
		json_string(out, "error", f->text);
		json_number(out, "code", (unsigned)f->code);
		json_close(out, '}');
	}
	return fault_print(f);
}

static int
import_one(struct ctl *c, const struct import_options *o, const struct store *s,
	const struct fault *stopped, const char *file, bool *more)
{
	struct import_job *j = calloc(1, sizeof(*j));
	struct helper_extract *key = NULL;
	struct fault f = { 0 };
	int r;

	*more = false;
	if (j != NULL)
		key = bytes_secret(sizeof(*key));
	if (key == NULL) {
		(void)fault_set(&f, FAULT_FAILED, "no memory for a key: %s",
			strerror(errno));
		free(j);
		return fault_print(&f);
	}
	*j = (struct import_job){ .ctl = c,
		.options = o,
		.store = s,
		.stopped = stopped,
		.file = file,
		.key = key };
	r = import_plan(j, &f);
	if (r == 0 && !o->dry_run)
		r = import_move(j, &f);
	if (r == 0 && j->again)
		import_again_say(j);
	else if (r == 0)
		import_say(j);
	*more = r == 0 && !o->dry_run && key->e.more > 0;
	r = r < 0 ? fail(j, &f) : FAULT_NONE;
	bytes_secret_free(key, sizeof(*key));
	swap_free(&j->old);
	bytes_free(&j->original);
	links_close(&j->links);
	free(j);
	return r;
}

static int
parse(int argc, char **argv, struct import_options *o, struct fault *f)
{
	static const struct option table[] = {
		{ "allow", required_argument, NULL, 'a' },
		{ "use", required_argument, NULL, 'u' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "name", required_argument, NULL, 'n' },
		{ "dry-run", no_argument, NULL, 'd' },
		{ "offline", no_argument, NULL, 'o' },
		{ "weak-keys", no_argument, NULL, 'w' },
		{ "passin", required_argument, NULL, 'p' },
		{ "force", no_argument, NULL, 'f' },
		{ "all-links", no_argument, NULL, 'l' },
		{ 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == 'a' && policy_allow(&o->policy, optarg, f) < 0)
			return -1;
		if (opt == 'u' && policy_use(optarg, &o->policy.use, f) < 0)
			return -1;
		if (opt == 'c')
			o->certificate = optarg;
		if (opt == 'n')
			o->name = optarg;
		o->dry_run |= opt == 'd';
		o->offline |= opt == 'o';
		o->weak_keys |= opt == 'w';
		o->force |= opt == 'f';
		o->all_links |= opt == 'l';
		if (opt == 'p')
			o->passin = optarg;
		if (opt == '?')
			return fault_set(f, FAULT_USAGE,
				"import: unknown "
				"option");
	}
	if (o->policy.allow[0] == '\0')
		return fault_set(f, FAULT_USAGE,
			"import: --allow is missing: who may use the key? "
			"(the user that the server runs as, such as www-data)");
	if (optind == argc)
		return fault_set(f, FAULT_USAGE, "import: no file was named");
	/* With --all-links the others may be names of the first. */
	if (argc - optind > 1 && !o->all_links &&
		(o->name != NULL || o->certificate != NULL))
		return fault_set(f, FAULT_USAGE,
			"import: --name and --certificate are for one file");
	o->files = argv + optind;
	return 0;
}

static int
run(struct ctl *c, const struct import_options *o, struct fault *f)
{
	char *const *files = o->files;
	struct fault stopped = { 0 };
	struct store store;
	bool more;
	unsigned done = 0, failed = 0;
	int r, code = 0, n;

	/* Shells need no keyd that runs. */
	if (!o->dry_run && enlist_ready(&c->config, o->offline, f) < 0) {
		if (f->code != FAULT_NOT_RUNNING)
			return fault_print(f);
		stopped = *f;
	}
	if (store_open(&c->config, !o->dry_run, &store, f) < 0)
		return fault_print(f);
	/* What cannot be ended is another key's. */
	n = o->dry_run ? 0 : recover_all(&store, f);
	if (n < 0 || (n > 0 && !o->offline && stopped.code == 0 &&
			     daemon_tell(&c->config, f) < 0))
		(void)fault_print(f);
	if (c->json)
		json_open(&c->out, NULL, '[');
	while (*files != NULL) {
		r = import_one(c, o, &store,
			stopped.code != 0 ? &stopped : NULL, *files, &more);
		done += r == 0;
		failed += r != 0;
		if (code == 0)
			code = r;
		/* A file may hold more than one key. */
		files += !more;
	}
	if (c->json)
		json_close(&c->out, ']');
	store_close(&store);
	if (done == 0 || failed == 0 || o->dry_run)
		return code;
	(void)fault_set(f, FAULT_PARTLY,
		"import: of %u keys, %u were not imported", done + failed,
		failed);
	return fault_print(f);
}

int
import_verb(struct ctl *c, int argc, char **argv)
{
	struct import_options o = { 0 };
	struct fault f = { 0 };
	int code;

	if (parse(argc, argv, &o, &f) < 0) {
		(void)fault_print(&f);
		return f.code == FAULT_USAGE ? ctl_usage("import") : f.code;
	}
	if (passphrase_open(o.passin, &o.passphrase, &f) < 0)
		return fault_print(&f);
	code = run(c, &o, &f);
	passphrase_free(o.passphrase);
	return code;
}
