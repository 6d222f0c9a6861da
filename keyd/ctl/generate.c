/* keydctl generate: a new key that never was a file of an application. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "daemon.h"
#include "enlist.h"
#include "keytype.h"
#include "origin.h"
#include "pubkey.h"
#include "recover.h"
#include "shellfile.h"
#include "swap.h"
#include "text.h"

struct options {
	struct keytype type;
	struct policy policy;
	const char *name, *shell;
	bool offline;
};

/* The place for the shell is looked at before there is a key. */
static int
find_place(const struct options *o, struct path_place *p, struct fault *f)
{
	p->dir = -1;
	if (o->shell == NULL)
		return 0;
	if (path_find(o->shell, p, f) < 0)
		return -1;
	return !p->exists ? 0
			  : fault_set(f, FAULT_REFUSED,
				    "%s: it is there already: move it away "
				    "first",
				    p->real);
}

static int
put_shell(const struct enlist *e, const struct path_place *p, struct fault *f)
{
	char text[SHELLFILE_MAX];
	long n;

	if (p->dir < 0)
		return 0;
	n = shellfile_print(SHELLFILE_PEM, e->name, e->key->spki, text, f);
	return n < 0 ? -1 : swap_create(p, text, (size_t)n, f);
}

/* All is done but the note of it, which the next keydctl makes. */
static void
finish(const struct options *o, const struct store *s, struct origin *origin)
{
	struct fault f;

	origin->phase = ORIGIN_GENERATED;
	origin->path[0] = '\0';
	if (origin_put(s, o->name, origin, &f) < 0)
		(void)fault_print(&f);
}

static int
make(const struct ctl *c, const struct options *o, const struct store *s,
	struct enlist *e, struct helper_answer *a, struct fault *f)
{
	struct path_place place;
	struct origin *origin = calloc(1, sizeof(*origin));
	int r = -1;

	place.dir = -1;
	if (origin == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	*e = (struct enlist){ .config = &c->config,
		.store = s,
		.name = o->name,
		.policy = &o->policy,
		.key = &a->d,
		.offline = o->offline };
	if (find_place(o, &place, f) < 0 ||
		enlist_free(e, o->name, false, f) < 0 ||
		helper_generate(
			&c->config, o->type.kind->type, o->type.bits, a, f) < 0)
		goto done;
	/* Before anything else is written: what to look for if we are killed. */
	origin->phase = ORIGIN_GENERATING;
	origin->time = (uint64_t)time(NULL);
	text_hex(a->d.hash, PROTO_HASH_LEN, origin->hash);
	if (place.dir >= 0)
		(void)snprintf(
			origin->path, sizeof(origin->path), "%s", place.real);
	r = origin_put(s, o->name, origin, f);
	if (r == 0)
		r = enlist_add(e, a->pem, f);
	if (r == 0)
		r = put_shell(e, &place, f);
	if (r < 0)
		enlist_undo(e, f);
	if (r == 0)
		finish(o, s, origin);
done:
	path_close(&place);
	free(origin);
	return r;
}

static void
say(struct ctl *c, const struct options *o, const struct enlist *e)
{
	const char *warning = policy_judge_tls12(&o->policy, o->type.kind);
	const char *note = pubkey_judge_decrypt(o->type.kind, o->policy.use);
	char hash[2 * PROTO_HASH_LEN + 1], words[128];

	text_hex(e->key->hash, PROTO_HASH_LEN, hash);
	(void)proto_use_names(o->policy.use, words, sizeof(words));
	if (c->json) {
		json_open(&c->out, NULL, '{');
		json_string(&c->out, "name", o->name);
		json_string(&c->out, "type", o->type.kind->name);
		json_number(&c->out, "bits", o->type.bits);
		json_string(&c->out, "hash", hash);
		json_words(&c->out, "allow", o->policy.allow);
		json_words(&c->out, "use", words);
		json_string(&c->out, "warning", warning);
		json_string(&c->out, "note", note);
		json_string(&c->out, "proof", e->proof);
		json_close(&c->out, '}');
		return;
	}
	(void)printf("%s: made (%s, %u bits)\n  allow = %s\n  use = %s\n  "
		     "%s\n",
		o->name, o->type.kind->name, (unsigned)o->type.bits,
		o->policy.allow, words, e->proof);
	if (warning[0] != '\0')
		(void)printf("  Warning: it %s\n", warning);
	if (note[0] != '\0')
		(void)printf("  Note: it %s\n", note);
	if (o->shell != NULL)
		(void)printf("%s is its shell.\n", o->shell);
	else
		(void)printf(
			"Its shell: keydctl shell %s --out FILE\n", o->name);
	if ((o->policy.use & PROTO_USE_CSR) != 0)
		(void)printf("To have it certified: keydctl csr %s "
			     "--subject /CN=…\n",
			o->name);
}

static int
run(struct ctl *c, const struct options *o, struct fault *f)
{
	struct helper_answer *a = bytes_secret(sizeof(*a));
	struct enlist e = { .key = &a->d };
	struct store store;
	int r = -1;

	if (a == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	if (enlist_ready(&c->config, o->offline, f) == 0 &&
		store_open(&c->config, true, &store, f) == 0) {
		/* What cannot be ended is another key's. */
		if (recover_all(&store, f) < 0)
			(void)fault_print(f);
		r = make(c, o, &store, &e, a, f);
		store_close(&store);
	}
	if (r == 0)
		say(c, o, &e);
	bytes_secret_free(a, sizeof(*a));
	return r;
}

/* What a new key is for, if nothing is said: a server's, if it signs. */
static uint32_t
default_use(const struct keykind *k)
{
	uint32_t use = k->uses & (PROTO_USE_TLS_SERVER | PROTO_USE_CSR);

	return use != 0 ? use : k->uses;
}

/* What was given, as a whole. */
static int
complete(struct options *o, const char *type, struct fault *f)
{
	char options[512];

	if (o->policy.allow[0] == '\0') {
		(void)fault_set(f, FAULT_USAGE,
			"generate: --allow is missing: who may use the key?");
		return -1;
	}
	if (type == NULL) {
		(void)fault_set(f, FAULT_USAGE,
			"generate: --type is missing: it is one of %s",
			keytype_options(options, sizeof(options)));
		return -1;
	}
	if (keytype_parse(type, &o->type, f) < 0)
		return -1;
	if (o->policy.use == 0)
		o->policy.use = default_use(o->type.kind);
	if (keytype_allows(o->type.kind, o->policy.use, f) < 0)
		return -1;
	policy_show_tls12(&o->policy, o->type.kind);
	return 0;
}

static int
parse(int argc, char **argv, struct options *o, struct fault *f)
{
	static const struct option table[] = {
		{ "type", required_argument, NULL, 't' },
		{ "allow", required_argument, NULL, 'a' },
		{ "use", required_argument, NULL, 'u' },
		{ "shell", required_argument, NULL, 's' },
		{ "offline", no_argument, NULL, 'o' },
		{ 0 },
	};
	const char *type = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == 'a' && policy_allow(&o->policy, optarg, f) < 0)
			return -1;
		if (opt == 'u' && policy_use(optarg, &o->policy.use, f) < 0)
			return -1;
		if (opt == 't')
			type = optarg;
		if (opt == 's')
			o->shell = optarg;
		o->offline |= opt == 'o';
		if (opt == '?') {
			(void)fault_set(
				f, FAULT_USAGE, "generate: unknown option");
			return -1;
		}
	}
	return complete(o, type, f);
}

int
generate_verb(struct ctl *c, int argc, char **argv)
{
	struct options o = { 0 };
	struct fault f = { 0 };

	if (parse(argc, argv, &o, &f) < 0) {
		(void)fault_print(&f);
		return f.code == FAULT_USAGE ? ctl_usage("generate") : f.code;
	}
	o.name = ctl_name(argc - optind, argv + optind, "generate");
	if (o.name == NULL)
		return FAULT_USAGE;
	return run(c, &o, &f) < 0 ? fault_print(&f) : 0;
}
