#include "examine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "origin.h"
#include "shellfile.h"
#include "text.h"
#include "wire/keykind.h"

void
examine_mode(struct findings *v, const char *path, bool secret)
{
	mode_t others = secret ? 077 : 022;
	struct stat st;

	if (lstat(path, &st) < 0) {
		finding_say(v, FINDING_ERROR, path, "%s", strerror(errno));
		return;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid())
		finding_say(v, FINDING_ERROR, path,
			"it belongs to uid %u: chown root",
			(unsigned)st.st_uid);
	if ((st.st_mode & others) != 0)
		finding_say(v, FINDING_ERROR, path,
			"mode %04o lets others %s it: chmod go-%s",
			(unsigned)st.st_mode & 07777, secret ? "at" : "write",
			secret ? "rwx" : "w");
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		finding_say(v, FINDING_ERROR, path,
			"it has other hard links: remove them");
}

/* What is right, but not for long. */
static void
words(struct findings *v, const char *about, const struct policy *p)
{
	static const char until[] = "log until ";
	char today[32]; /* YYYY-MM-DD and more */

	(void)text_time((uint64_t)time(NULL), today);
	if (strcmp(p->weak_digests, "yes") == 0)
		finding_say(v, FINDING_WARNING, about,
			"weak-digests = yes: MD5 and SHA-1 can be forged");
	if (strncmp(p->enforce, until, sizeof(until) - 1) == 0 &&
		strncmp(p->enforce + sizeof(until) - 1, today, 10) > 0)
		finding_say(v, FINDING_WARNING, about,
			"enforce = %s: what use does not allow is only logged "
			"until then",
			p->enforce);
}

static void
strength(struct findings *v, const char *name, const struct boot_description *d)
{
	const struct keykind *k = keykind_by_type(d->key_type);

	if (k != NULL && keykind_is_weak(k, d->bits))
		finding_say(v, FINDING_WARNING, name,
			"a %s key of %u bits can be broken: make a new one "
			"(keydctl generate) and have it certified",
			k->name, (unsigned)d->bits);
}

static void
dates(struct findings *v, const char *name, const struct boot_description *d)
{
	uint64_t now = (uint64_t)time(NULL);
	char when[32];

	if (d->certificate == 0)
		return;
	if (d->not_after < now)
		finding_say(v, FINDING_WARNING, name,
			"its certificate has ended on %s",
			text_time(d->not_after, when));
	else if (d->not_after - now < EXAMINE_SOON)
		finding_say(v, FINDING_WARNING, name,
			"its certificate ends on %s: renew it",
			text_time(d->not_after, when));
	if (d->not_before > now)
		finding_say(v, FINDING_WARNING, name,
			"its certificate begins on %s",
			text_time(d->not_before, when));
}

/* What stands there is, by keyd-load's word: its key's shell under another name
 * than the journal's, another key's, or a key. Returns whether another's shell has
 * taken its place, as it should be after a renewal. */
static bool
is_another(struct findings *v, const char *name, const struct origin *o,
	const char *path, const struct helper_answer *a)
{
	char hash[2 * PROTO_HASH_LEN + 1];
	bool shell = a->d.form == BOOT_FORM_SHELL, own;

	text_hex(a->d.hash, PROTO_HASH_LEN, hash);
	own = strcmp(hash, o->hash) == 0;
	if (shell && own)
		return false;
	if (shell)
		finding_say(v, FINDING_WARNING, name,
			"%s is the shell of another key by now, %.*s: when "
			"what uses it has been reloaded or restarted, keydctl "
			"remove %s",
			path, (int)a->d.name.len, (const char *)a->d.name.data,
			name);
	else if (own)
		finding_say(v, FINDING_ERROR, name,
			"%s is not its shell any more: THE KEY ITSELF stands "
			"there again (a renewal with the same key?): keydctl "
			"import %s puts the shell back",
			path, path);
	else
		finding_say(v, FINDING_ERROR, name,
			"%s is not its shell any more: ANOTHER KEY stands "
			"there, in plain text (a renewal?): keydctl import "
			"--name NEW %s, reload or restart what uses it, and "
			"only then keydctl remove %s: until they have "
			"reloaded, running programs need the old key",
			path, path, name);
	return shell;
}

/* The file is no shell as keydctl writes it for the key. */
static bool
no_shell(struct findings *v, const char *name, const struct origin *o,
	const char *path, const struct bytes *file)
{
	struct helper_answer *a = malloc(sizeof(*a));
	bool superseded = false;
	struct fault ignored;
	int fd = bytes_file(file);

	if (a != NULL && fd >= 0 &&
		helper_inspect(&v->ctl->config, path, fd, -1, a, &ignored) == 0)
		superseded = is_another(v, name, o, path, a);
	else
		finding_say(v, FINDING_ERROR, name,
			"%s is not its shell any more. If a renewal wrote a "
			"key there: keydctl import --name NEW, restart or "
			"reload what uses it, and only then keydctl remove %s: "
			"until they have reloaded, running programs need the "
			"old key",
			path, name);
	if (fd >= 0)
		(void)close(fd);
	free(a);
	return superseded;
}

/* Is there still a shell where the key was? Returns as is_another(). */
static bool
is_shell_still(struct findings *v, const char *name, const struct origin *o,
	const char *path)
{
	bool superseded = false;
	struct path_place place;
	struct swap_file file;
	struct view part;
	struct fault f;

	if (path_find(path, &place, &f) < 0) {
		finding_say(v, FINDING_WARNING, name, "%s", f.text);
		return false;
	}
	if (!place.exists) {
		finding_say(v, FINDING_WARNING, name, "%s is gone", path);
	} else if (swap_read_linked(&place, place.name, &file, &f) < 0) {
		finding_say(v, FINDING_WARNING, name, "%s", f.text);
	} else {
		if (!shellfile_find(o->form, &file.bytes, name, &part))
			superseded = no_shell(v, name, o, path, &file.bytes);
		swap_free(&file);
	}
	path_close(&place);
	return superseded;
}

static bool
files(struct findings *v, const char *name, const struct origin *o)
{
	bool superseded;
	unsigned i;

	if (o->phase == ORIGIN_GENERATING)
		finding_say(v, FINDING_ERROR, name,
			"it was being made, and that was interrupted: the next "
			"keydctl generate, import or remove ends it");
	if (o->phase == ORIGIN_IMPORTING || o->phase == ORIGIN_RESTORING ||
		o->phase == ORIGIN_RENEWING)
		finding_say(v, FINDING_ERROR, name,
			"%s it was interrupted: run keydctl import %s again",
			origin_phase_name(o->phase), o->path);
	if (o->phase != ORIGIN_IMPORTED)
		return false;
	superseded = is_shell_still(v, name, o, o->path);
	for (i = 0; i < o->nlinks; i++)
		(void)is_shell_still(v, name, o, o->links[i]);
	return superseded;
}

bool
examine_origin(struct findings *v, const struct store *s, const char *name)
{
	struct origin *o = calloc(1, sizeof(*o));
	bool superseded = false;
	struct fault f;

	if (o == NULL)
		return false;
	if (origin_get(s, name, o, &f) < 0)
		finding_say(v, FINDING_ERROR, name, "%s", f.text);
	else
		superseded = files(v, name, o);
	free(o);
	return superseded;
}

int
examine_key(struct findings *v, const struct store *s, const char *name,
	struct policy *p, struct helper_answer *a)
{
	char path[PATH_MAX];
	struct fault f, certificate;
	bool superseded;
	int r;

	examine_mode(v, store_path(s, STORE_KEY, name, path), true);
	if (store_has(s, STORE_ORIGINAL, name, &f) > 0)
		examine_mode(
			v, store_path(s, STORE_ORIGINAL, name, path), true);
	superseded = examine_origin(v, s, name);
	(void)store_path(s, STORE_POLICY, name, path);
	r = policy_get(s, name, p, &f);
	if (r == 0)
		finding_say(v, FINDING_ERROR, path,
			"it is missing: keyd will not load the key %s", name);
	if (r < 0)
		finding_say(v, FINDING_ERROR, path, "%s", f.text);
	if (r <= 0)
		return -1;
	examine_mode(v, path, false);
	words(v, path, p);
	if (enlist_inspect_both(s, name, p, a, &certificate, &f) < 0) {
		finding_say(v, FINDING_ERROR, name, "%s", f.text);
		return -1;
	}
	if (certificate.text[0] != '\0')
		finding_say(v, FINDING_ERROR, name, "its certificate: %s",
			certificate.text);
	strength(v, name, &a->d);
	if (a->d.certificate != 2)
		dates(v, name, &a->d);
	else
		finding_say(v, superseded ? FINDING_WARNING : FINDING_ERROR,
			name,
			"its certificate belongs to another key: name its own "
			"in the policy, or remove the line; if key and "
			"certificate were renewed, import the new key under "
			"another name, and in the end remove this one");
	return 0;
}
