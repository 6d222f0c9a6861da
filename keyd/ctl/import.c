/* keydctl import: a key file becomes a shell, its key goes to keyd. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "activation.h"
#include "cnffile.h"
#include "ctl.h"
#include "daemon.h"
#include "enlist.h"
#include "keytype.h"
#include "origin.h"
#include "recover.h"
#include "shellfile.h"
#include "text.h"
#include "wellknown.h"

struct options {
	struct policy policy; /* allow, use, certificate as given */
	const char *certificate, *name;
	char *passin;
	bool dry_run, offline, weak_keys, force;
	struct passphrase *passphrase;
};

struct job {
	struct ctl *ctl;
	const struct options *options;
	const struct store *store;
	const struct fault *stopped; /* keyd does not run; or NULL */
	const char *file;            /* as given */
	char name[PROTO_MAX_NAME + 1];
	struct path_place place;
	struct swap_file old;
	struct helper_answer answer;
	struct helper_extract *key; /* secret memory */
	struct view part;           /* of old: what becomes the shell */
	enum shellfile_form form;
	const char *certificate; /* as given, or the file itself */
	struct policy policy;
	struct origin origin;
	struct enlist enlist;
};

/* What no one but the owner and a group may have seen. */
static int
check_file(const struct job *j, struct fault *f)
{
	if ((j->old.st.st_mode & 04) != 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: every user of this machine can read it (mode "
			"%04o): the key is not secret any more: make a new "
			"one; or chmod o-r and import it all the same",
			j->place.real, (unsigned)j->old.st.st_mode & 07777);
	if (j->options->force)
		return 0;
	return wellknown_check(
		&j->ctl->config, j->place.real, j->answer.d.hash, f);
}

/* What part of the file the key is, by keyd-load's word. */
static int
locate(struct job *j, struct fault *f)
{
	const struct boot_extracted *e = &j->key->e;
	const struct bytes *b = &j->old.bytes;

	if (e->start > b->len || e->len > b->len - e->start)
		return fault_set(
			f, FAULT_FAILED, "keyd-load: malformed answer");
	j->part = (struct view){ b->data + e->start, e->len };
	j->form = e->der            ? SHELLFILE_DER
		  : e->len < b->len ? SHELLFILE_BLOCK
				    : SHELLFILE_PEM;
	j->certificate = e->own ? j->file : j->options->certificate;
	return 0;
}

/* The bytes that were read, and the certificate, to keyd-load. */
static int
inspect(struct job *j, struct fault *f)
{
	const char *cert = j->options->certificate;
	int files[2] = { bytes_file(&j->old.bytes), -1 }, r = -1;

	if (files[0] < 0)
		return fault_set(
			f, FAULT_FAILED, "memfd_create: %s", strerror(errno));
	if (cert != NULL)
		files[1] = open(
			cert, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (cert != NULL && files[1] < 0)
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", cert, strerror(errno));
	else
		r = helper_extract(&j->ctl->config, j->place.real, files,
			j->options->passphrase, j->key, &j->answer, f);
	(void)close(files[0]);
	if (files[1] >= 0)
		(void)close(files[1]);
	if (r == 0)
		r = locate(j, f);
	if (r == 0 && j->answer.d.certificate == 2)
		r = fault_set(f, FAULT_FAILED,
			"%s: the certificate %s belongs to another key: name "
			"this key's certificate",
			j->place.real, cert);
	return r;
}

/* From the file's name: "www.example.org.key" is www.example.org. */
static int
choose_name(struct job *j, struct fault *f)
{
	static const char *const suffixes[] = { ".pem", ".key", ".crt" };
	const char *given = j->options->name;
	const char *from = given != NULL ? given : strrchr(j->file, '/');
	char next[8] = "", *p;
	size_t i, n;

	if (from == NULL || *from == '\0')
		from = j->file;
	else if (given == NULL)
		from++;
	n = strlen(from);
	for (i = 0; given == NULL && i < 3; i++)
		if (n > 4 && strcmp(from + n - 4, suffixes[i]) == 0) {
			n -= 4;
			break;
		}
	/* Of several keys in one file, the second is NAME-2. */
	if (j->key->e.shells > 0)
		(void)snprintf(
			next, sizeof(next), "-%u", j->key->e.shells + 1U);
	if (n + strlen(next) <= PROTO_MAX_NAME)
		(void)snprintf(
			j->name, sizeof(j->name), "%.*s%s", (int)n, from, next);
	for (p = j->name; given == NULL && *p != '\0'; p++)
		if (!proto_is_name(p, 1) && strchr("._-", *p) == NULL)
			*p = '-';
	if (proto_is_name(j->name, strlen(j->name)))
		return 0;
	return fault_set(f, FAULT_USAGE,
		"%s: %s cannot be a key's name (1 to 63 of A-Z a-z 0-9 . _ -, "
		"the first a letter or digit): choose one with --name",
		j->file, from);
}

/* A weak key is for the operator to decide. */
static int
check_strength(struct job *j, const struct keykind *k, struct fault *f)
{
	unsigned bits = j->answer.d.bits;

	if (!keykind_is_weak(k, bits))
		return 0;
	if (!j->options->weak_keys)
		return fault_set(f, FAULT_REFUSED,
			"%s: a %s key of %u bits only, which can be broken: "
			"make a new one (keydctl generate), or say "
			"--weak-keys",
			j->place.real, k->name, bits);
	(void)snprintf(j->policy.weak_keys, sizeof(j->policy.weak_keys), "yes");
	return 0;
}

/* What the certificate leaves open is not guessed. */
static int
ask_use(const struct job *j, const struct keykind *k, struct fault *f)
{
	char proposed[128], fit[128];

	(void)proto_use_names(j->answer.d.use, proposed, sizeof(proposed));
	return fault_set(f, FAULT_REFUSED,
		"%s: what is it used for? %s%s: say --use %s%s%s (keydctl help "
		"tells what each allows)",
		j->place.real,
		j->answer.why[0] != '\0' ? j->answer.why : "that is not plain",
		j->options->certificate == NULL
			? ", and no --certificate was named"
			: "",
		proposed, proposed[0] != '\0' ? ", if that is so, or " : "",
		proto_use_names(k->uses, fit, sizeof(fit)));
}

static int
make_policy(struct job *j, struct fault *f)
{
	const struct keykind *k = keykind_by_type(j->answer.d.key_type);

	j->policy = j->options->policy;
	if (k == NULL)
		return fault_set(f, FAULT_FAILED,
			"%s: a key of a type that is unknown here",
			j->place.real);
	if (check_strength(j, k, f) < 0)
		return -1;
	if (j->policy.use == 0 && !j->answer.d.certain)
		return ask_use(j, k, f);
	if (j->policy.use == 0)
		j->policy.use = j->answer.d.use;
	if (j->policy.use == 0)
		return fault_set(f, FAULT_REFUSED, "%s: %s: say --use",
			j->place.real, j->answer.why);
	if (keytype_allows(k, j->policy.use, f) < 0)
		return -1;
	policy_show_tls12(&j->policy, k);
	return j->certificate == NULL
		       ? 0
		       : policy_set_certificate(&j->policy, j->certificate, f);
}

/* Nothing is left to do, if the key is here. */
static int
already_shell(struct job *j, struct fault *f)
{
	const struct view *told = &j->answer.d.name;
	char file[PATH_MAX], hint[PROTO_MAX_NAME + 1] = "";
	int r;

	(void)snprintf(hint, sizeof(hint), "%.*s", (int)told->len,
		(const char *)told->data);
	r = enlist_find(j->store, j->answer.d.hash, hint, j->name, f);
	if (r < 0)
		return -1;
	if (r == 0)
		return fault_set(f, FAULT_FAILED,
			"%s: it is a shell, but keyd does not have its key "
			"here (%s on the machine where it was made): put the "
			"key itself there, or a shell of a key that is here "
			"(keydctl list)",
			j->place.real, hint);
	if (j->ctl->json) {
		json_open(&j->ctl->out, NULL, '{');
		json_string(&j->ctl->out, "file", j->file);
		json_string(&j->ctl->out, "outcome", "already a shell");
		json_string(&j->ctl->out, "name", j->name);
		json_close(&j->ctl->out, '}');
	} else {
		(void)printf("%s: already a shell, for key %s\n",
			text_shown(j->file, file), j->name);
	}
	return 1;
}

/* Reads and decides; writes nothing. 1: it is a shell, and all is said. */
static int
plan(struct job *j, struct fault *f)
{
	if (path_find(j->file, &j->place, f) < 0)
		return -1;
	if (!j->place.exists)
		return fault_set(f, FAULT_FAILED, "%s: %s", j->place.real,
			strerror(ENOENT));
	if (swap_read(&j->place, j->place.name, &j->old, f) < 0)
		return -1;
	if (inspect(j, f) < 0)
		return -1;
	if (j->answer.d.form == BOOT_FORM_SHELL)
		return already_shell(j, f);
	if (j->stopped != NULL) {
		*f = *j->stopped;
		return -1;
	}
	/* A shell is public, and may be readable by everyone. */
	if (check_file(j, f) < 0 || choose_name(j, f) < 0 ||
		make_policy(j, f) < 0)
		return -1;
	j->enlist = (struct enlist){ .config = &j->ctl->config,
		.store = j->store,
		.name = j->name,
		.policy = &j->policy,
		.key = &j->answer.d,
		.offline = j->options->offline };
	return enlist_free(&j->enlist, j->place.real,
		j->options->offline || j->options->dry_run, f);
}

/* Does the text activate the provider? Nothing of it is acted on. */
static bool
activates(const char *path, const struct bytes *b)
{
	struct activation a;
	struct fault ignored;
	struct cnf cnf;
	bool r;

	if (cnf_read(path, (const char *)b->data, b->len, cnffile_include, NULL,
		    &cnf, &ignored) < 0)
		return false;
	r = activation_find(&cnf, &a, &ignored) == 0 && a.has_keyd;
	cnf_free(&cnf);
	return r;
}

/* Does the system's openssl.cnf activate the provider? Not, as far as is known. */
static bool
is_enabled(void)
{
	char path[PATH_MAX];
	struct bytes b;
	bool r = false;
	struct fault ignored;
	int fd = cnffile_include(NULL, cnffile_default(path), &ignored);

	if (fd >= 0 && bytes_read(fd, CNF_MAX, &b) == 0) {
		r = activates(path, &b);
		bytes_free(&b);
	}
	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* What may not be expected of this file. */
static void
say_form(const struct job *j)
{
	const struct boot_extracted *e = &j->key->e;
	char path[PATH_MAX];

	if (j->form == SHELLFILE_BLOCK)
		(void)printf(
			"  of the file, only the key's block is replaced\n");
	if (e->encrypted)
		(void)printf(
			"  the shell needs no passphrase, and in the store "
			"the key has none: %s; as it was, it is kept "
			"there for restore\n",
			store_path(j->store, STORE_KEY, j->name, path));
	if (e->more > 0 && j->options->dry_run)
		(void)printf("  the file holds %u more: each would be imported "
			     "after it, as %s-2 and so on\n",
			(unsigned)e->more, j->name);
}

static void
say(const struct job *j)
{
	struct json *out = &j->ctl->out;
	const char *outcome = j->options->dry_run ? "would import" : "imported";
	char words[128], hash[2 * PROTO_HASH_LEN + 1], file[PATH_MAX];
	char note[PATH_MAX + 128];
	bool proposed = j->options->policy.use == 0;
	const char *warning = policy_judge_tls12(
		&j->policy, keykind_by_type(j->answer.d.key_type));

	(void)proto_use_names(j->policy.use, words, sizeof(words));
	text_hex(j->answer.d.hash, PROTO_HASH_LEN, hash);
	policy_judge_certificate(&j->policy, note, sizeof(note));
	if (j->ctl->json) {
		json_open(out, NULL, '{');
		json_string(out, "file", j->file);
		json_string(out, "real", j->place.real);
		json_string(out, "outcome", outcome);
		json_string(out, "name", j->name);
		json_string(out, "hash", hash);
		json_string(
			out, "type", proto_key_type_name(j->answer.d.key_type));
		json_words(out, "allow", j->policy.allow);
		json_words(out, "use", words);
		json_string(out, "tls12", j->policy.tls12);
		json_string(out, "warning", warning);
		json_string(out, "certificate", j->policy.certificate);
		json_string(out, "certificate-note", note);
		json_bool(out, "encrypted", j->key->e.encrypted);
		json_number(out, "more-keys", j->key->e.more);
		json_string(out, "proof", j->enlist.proof);
		json_close(out, '}');
		return;
	}
	(void)printf("%s: %s as %s\n  allow = %s\n  use = %s%s\n",
		text_shown(j->file, file), outcome, j->name, j->policy.allow,
		words, proposed ? " (by its certificate)" : "");
	if (j->policy.tls12[0] != '\0')
		(void)printf("  tls12 = %s (only `no` makes sure that nothing "
			     "else than a handshake is ever signed)\n",
			j->policy.tls12);
	if (warning[0] != '\0')
		(void)printf("  Warning: the key %s\n", warning);
	if (j->policy.certificate[0] != '\0')
		(void)printf("  certificate = %s\n",
			text_shown(j->policy.certificate, file));
	if (note[0] != '\0')
		(void)printf("    %s\n", note);
	say_form(j);
	if (j->options->dry_run)
		return;
	(void)printf("  %s\n", j->enlist.proof);
	(void)printf("%s is a shell now. What remains true:\n"
		     "  The key was on this disk, and may be in backups.\n"
		     "  Running programs have it in memory: restart what "
		     "uses this file.\n"
		     "  If you are in doubt who has seen it: make a new key "
		     "(keydctl generate).\n",
		text_shown(j->place.real, file));
	if (!is_enabled())
		(void)printf("  Programs need the provider keyd to read it: "
			     "keydctl enable (or --service NAME.service).\n");
}

/* The file as it will be. */
static int
put_together(struct job *j, struct bytes *out, struct fault *f)
{
	char shell[SHELLFILE_MAX];
	long n = shellfile_print(j->form, j->name, j->answer.d.spki, shell, f);

	if (n < 0)
		return -1;
	if (bytes_splice(&j->old.bytes, j->key->e.start, j->part.len, shell,
		    (size_t)n, out) < 0)
		return fault_set(f, FAULT_FAILED, "no memory for the file: %s",
			strerror(errno));
	/* It must be read again to be restored. */
	if (out->len <= SWAP_MAX)
		return 0;
	bytes_free(out);
	return fault_set(f, FAULT_REFUSED,
		"%s: with the shell it would be longer than 64 kB: put the key "
		"into a file of its own",
		j->place.real);
}

/* What the file will be, to the journal. */
static int
begin(struct job *j, struct fault *f)
{
	j->origin.phase = ORIGIN_IMPORTING;
	j->origin.meta = j->old.meta;
	j->origin.as = j->place.uid;
	j->origin.time = (uint64_t)time(NULL);
	text_hex(j->answer.d.hash, PROTO_HASH_LEN, j->origin.hash);
	(void)snprintf(
		j->origin.path, sizeof(j->origin.path), "%s", j->place.real);
	j->origin.form = j->form;
	if (j->form == SHELLFILE_BLOCK &&
		origin_rest(&j->old.bytes, j->part, j->origin.rest) < 0)
		return fault_set(f, FAULT_FAILED, "out of memory");
	if (swap_name(j->origin.tmp, f) < 0)
		return -1;
	return origin_put(j->store, j->name, &j->origin, f);
}

/* The key into the store: as it is in the file, or else what keyd can load, and
 * beside it what restore puts back. */
static int
keep(struct job *j, struct fault *f)
{
	struct view key = j->key->e.pem;

	if (key.len == 0)
		return enlist_add(&j->enlist, j->part, f);
	if (store_put(j->store, STORE_ORIGINAL, j->name, j->part.data,
		    j->part.len, f) < 0)
		return -1;
	return enlist_add(&j->enlist, key, f);
}

/* Up to the exchange; what fails is taken back. */
static int
prepare(struct job *j, struct fault *f)
{
	struct bytes file;
	int r;

	if (put_together(j, &file, f) < 0)
		return -1;
	/* Before anything else is written: what to look for if we are killed.
	 */
	r = begin(j, f);
	if (r == 0)
		r = keep(j, f);
	if (r == 0)
		r = swap_prepare(&j->place, j->origin.tmp, file.data, file.len,
			&j->old.meta, f);
	bytes_free(&file);
	if (r < 0)
		enlist_undo(&j->enlist, f);
	return r;
}

/* Stores, tries, and then replaces the file. */
static int
move(struct job *j, struct fault *f)
{
	int r;

	if (prepare(j, f) < 0)
		return -1;
	r = swap_exchange(&j->place, j->origin.tmp, &j->old, f);
	if (r == SWAP_STUCK) {
		fault_add(f, ", and keyd has the key");
		return -1;
	}
	if (r < 0) {
		struct fault more;

		if (swap_discard(&j->place, j->origin.tmp, &more) < 0)
			fault_add(f, "; %s", more.text);
		enlist_undo(&j->enlist, f);
		return -1;
	}
	/* From here on there is no way back, and running again ends it. */
	if (swap_discard(&j->place, j->origin.tmp, f) < 0) {
		fault_add(f, "; THE KEY IS STILL THERE: run keydctl import "
			     "again when that is mended");
		return -1;
	}
	j->origin.phase = ORIGIN_IMPORTED;
	j->origin.tmp[0] = '\0';
	/* All is done but the note of it, which the next keydctl makes. */
	if (origin_put(j->store, j->name, &j->origin, f) < 0)
		(void)fault_print(f);
	return 0;
}

/* In the list that --json prints, a failure has its place too. */
static int
fail(struct job *j, const struct fault *f)
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
import_one(struct ctl *c, const struct options *o, const struct store *s,
	const struct fault *stopped, const char *file, bool *more)
{
	struct job *j = calloc(1, sizeof(*j));
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
	*j = (struct job){ .ctl = c,
		.options = o,
		.store = s,
		.stopped = stopped,
		.file = file,
		.key = key };
	j->place.dir = -1;
	r = plan(j, &f);
	if (r == 0 && !o->dry_run)
		r = move(j, &f);
	if (r == 0)
		say(j);
	*more = r == 0 && !o->dry_run && key->e.more > 0;
	r = r < 0 ? fail(j, &f) : FAULT_NONE;
	bytes_secret_free(key, sizeof(*key));
	swap_free(&j->old);
	path_close(&j->place);
	free(j);
	return r;
}

static int
parse(int argc, char **argv, struct options *o, struct fault *f)
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
	if (argc - optind > 1 && (o->name != NULL || o->certificate != NULL))
		return fault_set(f, FAULT_USAGE,
			"import: --name and --certificate are for one file");
	return 0;
}

static int
run(struct ctl *c, const struct options *o, char **files, struct fault *f)
{
	struct fault stopped = { 0 };
	struct store store;
	bool more;
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
		if (code == 0)
			code = r;
		/* A file may hold more than one key. */
		files += !more;
	}
	if (c->json)
		json_close(&c->out, ']');
	store_close(&store);
	return code;
}

int
import_verb(struct ctl *c, int argc, char **argv)
{
	struct options o = { 0 };
	struct fault f = { 0 };
	int code;

	if (parse(argc, argv, &o, &f) < 0) {
		(void)fault_print(&f);
		return f.code == FAULT_USAGE ? ctl_usage("import") : f.code;
	}
	if (passphrase_open(o.passin, &o.passphrase, &f) < 0)
		return fault_print(&f);
	code = run(c, &o, argv + optind, &f);
	passphrase_free(o.passphrase);
	return code;
}
