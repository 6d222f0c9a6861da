/* What is to be imported, and as what. */
#include "import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "import_again.h"
#include "ini/ini.h"
#include "certificate.h"
#include "keytype.h"
#include "recover.h"
#include "text.h"
#include "wellknown.h"

/* What no one but the owner and a group may have seen. */
static int
check_file(const struct import_job *j, struct fault *f)
{
	if ((j->old.st.st_mode & 04) != 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: every user of this machine can read it (mode "
			"%04o): the key is not secret any more: make a new "
			"one; or chmod o-r and import it all the same",
			j->place->real, (unsigned)j->old.st.st_mode & 07777);
	if (j->options->force)
		return 0;
	return wellknown_check(
		&j->ctl->config, j->place->real, j->answer.d.hash, f);
}

/* What part of the file the key is, by keyd-load's word. */
static int
locate(struct import_job *j, struct fault *f)
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
inspect(struct import_job *j, struct fault *f)
{
	const char *cert = j->options->certificate;
	int files[2] = { bytes_file(&j->old.bytes), -1 }, r = -1;

	if (files[0] < 0)
		return fault_set(
			f, FAULT_FAILED, "memfd_create: %s", strerror(errno));
	if (cert != NULL)
		files[1] = certificate_named(cert, f);
	if (cert == NULL || files[1] >= 0)
		r = helper_extract(&j->ctl->config, j->place->real, files,
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
			j->place->real, cert);
	return r;
}

/* From the file's name: "www.example.org.key" is www.example.org. */
static int
choose_name(struct import_job *j, struct fault *f)
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
check_strength(struct import_job *j, const struct keykind *k, struct fault *f)
{
	unsigned bits = j->answer.d.bits;

	if (!keykind_is_weak(k, bits))
		return 0;
	if (!j->options->weak_keys)
		return fault_set(f, FAULT_REFUSED,
			"%s: a %s key of %u bits only, which can be broken: "
			"make a new one (keydctl generate), or say "
			"--weak-keys",
			j->place->real, k->name, bits);
	(void)snprintf(j->policy.weak_keys, sizeof(j->policy.weak_keys), "yes");
	return 0;
}

/* As --use takes them, or in a sentence. */
static void
use_words(uint32_t use, const char *between, char *out, size_t size)
{
	char names[128];
	const char *words = proto_use_names(use, names, sizeof(names));
	char word[64];
	size_t used = 0;

	out[0] = '\0';
	while (used < size && ini_next_word(&words, word, sizeof(word)) > 0)
		used += (size_t)snprintf(out + used, size - used, "%s%s",
			used > 0 ? between : "", word);
}

/* Without the store: a passphrase may be asked for, or be slow to try. What a
 * keydctl that was killed meanwhile has left is ended first. */
static int
inspect_alone(struct import_job *j, struct fault *f)
{
	struct timespec when;
	struct fault more;
	int r;

	if (j->options->dry_run)
		return inspect(j, f);
	store_release(j->store, &when);
	r = inspect(j, f);
	if (r < 0)
		f = &more;
	switch (store_resume(j->store, &when, f)) {
	case 0:
		return r;
	case 1:
		/* What cannot be ended is another key's. */
		if (recover_all(j->store, &more) < 0)
			(void)fault_print(&more);
		return r;
	default:
		return -1;
	}
}

/* What the certificate leaves open is not guessed. */
static int
ask_use(const struct import_job *j, const struct keykind *k, struct fault *f)
{
	const char *why = j->answer.why;
	char proposed[128], fit[128];

	if (j->answer.d.certificate == 0)
		why = "no --certificate was named";
	else if (why[0] == '\0')
		why = "that is not plain";
	use_words(j->answer.d.use, ",", proposed, sizeof(proposed));
	use_words(k->uses, ", ", fit, sizeof(fit));
	return fault_set(f, FAULT_REFUSED,
		"%s: what is it used for? %s: say --use %s%s%s%s (keydctl help "
		"tells what each allows)",
		j->place->real, why, proposed,
		proposed[0] != '\0' ? ", if that is so, or " : "",
		proposed[0] != '\0' ? "some of " : "with some of ", fit);
}

static int
make_policy(struct import_job *j, struct fault *f)
{
	const struct keykind *k = keykind_by_type(j->answer.d.key_type);

	j->policy = j->options->policy;
	if (k == NULL)
		return fault_set(f, FAULT_FAILED,
			"%s: a key of a type that is unknown here",
			j->place->real);
	if (check_strength(j, k, f) < 0)
		return -1;
	if (j->policy.use == 0 && !j->answer.d.certain)
		return ask_use(j, k, f);
	if (j->policy.use == 0)
		j->policy.use = j->answer.d.use;
	if (j->policy.use == 0)
		return fault_set(f, FAULT_REFUSED, "%s: %s: say --use",
			j->place->real, j->answer.why);
	if (keytype_allows(k, j->policy.use, f) < 0)
		return -1;
	policy_show_tls12(&j->policy, k);
	return j->certificate == NULL
		       ? 0
		       : policy_set_certificate(&j->policy, j->certificate, f);
}

/* Nothing is left to do, if the key is here. */
static int
already_shell(struct import_job *j, struct fault *f)
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
			j->place->real, hint);
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

/* What else would keep the key. */
static int
find_links(struct import_job *j, struct fault *f)
{
	unsigned long n = j->old.st.st_nlink;

	if (n == 1)
		return 0;
	if (j->options->all_links)
		return links_find(&j->links, &j->old.st, j->options->files, f);
	return fault_set(f, FAULT_REFUSED,
		"%s: it has other hard links (%lu), which would keep the key: "
		"say --all-links to replace them as well, or remove them (find "
		"-samefile)",
		j->place->real, n - 1);
}

int
import_plan(struct import_job *j, struct fault *f)
{
	int again;

	if (links_add(&j->links, j->file, f) < 0)
		return -1;
	j->place = j->links.at;
	if (!j->place->exists)
		return fault_set(f, FAULT_FAILED, "%s: %s", j->place->real,
			strerror(ENOENT));
	if (swap_read_linked(j->place, j->place->name, &j->old, f) < 0)
		return -1;
	if (inspect_alone(j, f) < 0)
		return -1;
	if (j->answer.d.form == BOOT_FORM_SHELL)
		return already_shell(j, f);
	if (j->stopped != NULL) {
		*f = *j->stopped;
		return -1;
	}
	/* A shell is public: who may read it, and how often, is all the same. */
	if (check_file(j, f) < 0 || find_links(j, f) < 0)
		return -1;
	again = import_again_find(j, f);
	if (again < 0)
		return -1;
	if (again == 0 && (choose_name(j, f) < 0 || make_policy(j, f) < 0))
		return -1;
	j->enlist = (struct enlist){ .config = &j->ctl->config,
		.store = j->store,
		.name = j->name,
		.policy = &j->policy,
		.key = &j->answer.d,
		.offline = j->options->offline };
	if (j->again)
		return 0;
	return enlist_free(&j->enlist, j->place->real,
		j->options->offline || j->options->dry_run, f);
}
