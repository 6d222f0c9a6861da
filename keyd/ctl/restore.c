/* keydctl restore: the exact undo of an import. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confirm.h"
#include "ctl.h"
#include "daemon.h"
#include "enlist.h"
#include "origin.h"
#include "recover.h"
#include "shellfile.h"
#include "text.h"

struct job {
	const struct store *store;
	const char *name;
	struct origin origin;
	struct links links;
	const struct path_place *place; /* the first of them */
	struct swap_file shell;
	struct view part;  /* of it: the shell */
	struct bytes key;  /* what stood there */
	struct bytes file; /* as it will be */
	bool is_changed;   /* what stands around it */
};

/* Is what the store has the key of this very shell? Damaged, it would take the
 * place of the only thing that tells. */
static int
check_key(const struct job *j, struct fault *f)
{
	struct helper_answer *key = malloc(sizeof(*key));
	struct helper_answer *shell = malloc(sizeof(*shell));
	struct bytes part = { .data = (uint8_t *)(uintptr_t)j->part.data,
		.len = j->part.len };
	int fd = bytes_file(&part), r = -1;

	if (key == NULL || shell == NULL || fd < 0)
		(void)fault_set(f, FAULT_FAILED, "out of memory");
	else if (enlist_inspect(j->store, j->name, NULL, key, f) == 0 &&
		 helper_inspect(j->store->config, j->place->real, fd, -1, shell,
			 f) == 0)
		r = memcmp(key->d.hash, shell->d.hash, PROTO_HASH_LEN) == 0
			    ? 0
			    : fault_set(f, FAULT_REFUSED,
				      "%s: it is the shell of another key than "
				      "the one in the store",
				      j->place->real);
	if (fd >= 0)
		(void)close(fd);
	free(shell);
	free(key);
	return r;
}

/* The file with the old bytes in the shell's place. */
static int
put_together(struct job *j, struct fault *f)
{
	uint8_t rest[ORIGIN_HASH];

	if (bytes_splice(&j->shell.bytes,
		    (size_t)(j->part.data - j->shell.bytes.data), j->part.len,
		    j->key.data, j->key.len, &j->file) < 0)
		return fault_set(f, FAULT_FAILED, "out of memory");
	if (j->origin.form != SHELLFILE_BLOCK)
		return 0;
	if (origin_rest(&j->shell.bytes, j->part, rest) < 0)
		return fault_set(f, FAULT_FAILED, "out of memory");
	j->is_changed = memcmp(rest, j->origin.rest, sizeof(rest)) != 0;
	return 0;
}

/* A hard link from the import, which is none any more: if it is a shell all the
 * same, it would be left without its key. */
static int
check_lost(const struct job *j, const char *path, struct fault *f)
{
	struct swap_file file;
	struct path_place p;
	struct view part;
	bool shell;
	int r;

	if (path_find(path, &p, f) < 0)
		return -1;
	r = p.exists ? swap_read_linked(&p, p.name, &file, f) : 0;
	if (r == 0 && p.exists) {
		shell = shellfile_find(
			j->origin.form, &file.bytes, j->name, &part);
		swap_free(&file);
		if (shell)
			r = fault_set(f, FAULT_REFUSED,
				"%s: it is a file of its own by now, and no "
				"more a hard link of %s: make it one again (ln "
				"-f), or remove it",
				path, j->place->real);
	}
	path_close(&p);
	return r;
}

/* Is it among the names that are put back? */
static bool
has_link(const struct job *j, const char *path)
{
	unsigned i;

	for (i = 1; i < j->links.n; i++)
		if (strcmp(j->links.at[i].real, path) == 0)
			return true;
	return false;
}

/*
 * The names that were replaced with it. One that is gone, or another's by now, is left
 * alone; one that was added would be a shell without a key.
 */
static int
find_links(struct job *j, struct fault *f)
{
	unsigned long n = j->shell.st.st_nlink;
	char *named[LINKS_MAX];
	struct stat st;
	unsigned i, k = 0;

	for (i = 0; i < j->origin.nlinks; i++)
		if (lstat(j->origin.links[i], &st) == 0 && S_ISREG(st.st_mode))
			named[k++] = j->origin.links[i];
	named[k] = NULL;
	if (links_join(&j->links, &j->shell.st, named, f) < 0)
		return -1;
	if (j->links.n != n)
		return fault_set(f, FAULT_REFUSED,
			"%s: it has %lu hard links, and %u of them are known "
			"from the import: remove the others (find -samefile)",
			j->place->real, n, j->links.n);
	for (i = 0; i < k; i++)
		if (!has_link(j, named[i]) && check_lost(j, named[i], f) < 0)
			return -1;
	return 0;
}

static int
look(struct job *j, struct fault *f)
{
	int r = origin_part(j->store, j->name, &j->key, f);

	if (r == 0)
		return fault_set(f, FAULT_FAILED,
			"%s: there is no key of this name: keydctl list",
			j->name);
	if (r < 0)
		return -1;
	r = origin_get(j->store, j->name, &j->origin, f);
	if (r < 0)
		return -1;
	if (r > 0 && j->origin.phase != ORIGIN_IMPORTED &&
		j->origin.phase != ORIGIN_GENERATED)
		return fault_set(f, FAULT_REFUSED,
			"%s: a move of it was interrupted, and cannot be ended",
			j->name);
	if (r == 0 || j->origin.phase == ORIGIN_GENERATED)
		return fault_set(f, FAULT_REFUSED,
			"%s: the key was not imported from a file, so there "
			"is nothing to go back to",
			j->name);
	if (links_add(&j->links, j->origin.path, f) < 0)
		return -1;
	j->place = j->links.at;
	/* Who writes there now would get to see the key. */
	if (j->place->uid != geteuid() && j->place->uid != j->origin.as)
		return fault_set(f, FAULT_REFUSED,
			"%s: its directory is now uid %u's, who would get the "
			"key: it was uid %u's when it was imported",
			j->place->real, (unsigned)j->place->uid,
			(unsigned)j->origin.as);
	if (!j->place->exists)
		return fault_set(f, FAULT_REFUSED,
			"%s: it is gone: put the shell there first (keydctl "
			"shell %s --out FILE)",
			j->origin.path, j->name);
	if (swap_read_linked(j->place, j->place->name, &j->shell, f) < 0)
		return -1;
	if (!shellfile_find(j->origin.form, &j->shell.bytes, j->name, &j->part))
		return fault_set(f, FAULT_REFUSED,
			"%s: it is not the shell of %s any more, and is left "
			"alone",
			j->place->real, j->name);
	if (find_links(j, f) < 0 || check_key(j, f) < 0)
		return -1;
	return put_together(j, f);
}

static int
replace(struct job *j, struct fault *f)
{
	struct fault more;
	int r;

	j->origin.phase = ORIGIN_RESTORING;
	origin_set_links(&j->origin, &j->links);
	if (swap_name(j->origin.tmp, f) < 0 ||
		origin_put(j->store, j->name, &j->origin, f) < 0)
		return -1;
	r = links_prepare(&j->links, j->origin.tmp, j->file.data, j->file.len,
		&j->origin.meta, f);
	if (r == 0)
		r = links_exchange(&j->links, j->origin.tmp, &j->shell, f);
	if (r == SWAP_STUCK) {
		fault_add(f, ", and keyd has the key");
		return -1;
	}
	if (links_discard(&j->links, j->origin.tmp, NULL, r < 0 ? &more : f) <
		0) {
		if (r < 0)
			fault_add(f, "; %s", more.text);
		return -1;
	}
	if (r == 0)
		return 0;
	j->origin.phase = ORIGIN_IMPORTED;
	j->origin.tmp[0] = '\0';
	if (origin_put(j->store, j->name, &j->origin, &more) < 0)
		fault_add(f, "; %s", more.text);
	return -1;
}

static void
say(struct ctl *c, const struct job *j)
{
	const char *name = j->name, *path = j->place->real;
	char real[PATH_MAX];
	unsigned i;

	if (c->json) {
		json_open(&c->out, NULL, '{');
		json_string(&c->out, "name", name);
		json_string(&c->out, "file", path);
		json_open(&c->out, "links", '[');
		for (i = 1; i < j->links.n; i++)
			json_string(&c->out, NULL, j->links.at[i].real);
		json_close(&c->out, ']');
		json_string(&c->out, "outcome", "restored");
		json_string(&c->out, "rest",
			j->is_changed ? "changed" : "as it was");
		json_close(&c->out, '}');
		return;
	}
	(void)printf("%s holds its private key again, and %s is no longer "
		     "in the store. Restart what uses the file.\n",
		text_shown(path, real), name);
	for (i = 1; i < j->links.n; i++)
		(void)printf("So does its hard link %s.\n",
			text_shown(j->links.at[i].real, real));
	if (j->is_changed)
		(void)printf("What stands beside the key has changed since the "
			     "import (certificates that were renewed, other "
			     "keys that were imported), and was left as it is: "
			     "only the key's block was put back.\n");
}

/* The file is the key again: whatever fails now, that stays. */
static int
take_out(struct ctl *c, const struct job *j, bool offline, struct fault *f)
{
	struct fault more;
	int r = recover_drop(j->store, j->name, f);

	if (r == 0)
		say(c, j);
	else
		fault_add(
			f, "; %s holds its private key again", j->place->real);
	if (!offline && daemon_without(&c->config, j->name, &more) < 0) {
		if (r == 0)
			*f = more;
		else
			fault_add(f, "; %s", more.text);
		r = -1;
	}
	if (r < 0)
		f->code = FAULT_PARTLY;
	return r;
}

static const char changed[] =
	" (in which certificates or other keys have changed since the import, "
	"and stay as they are)";

static int
run(struct ctl *c, const char *name, bool yes, bool offline, struct fault *f)
{
	struct job *j = calloc(1, sizeof(*j));
	char question[PATH_MAX + 256], real[PATH_MAX];
	struct store store;
	int r = -1;

	if (j == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	j->name = name;
	if (enlist_ready(&c->config, offline, f) < 0 ||
		store_open(&c->config, true, &store, f) < 0)
		goto done;
	j->store = &store;
	/* What cannot be ended may be another key's. */
	if (recover_all(&store, f) < 0)
		(void)fault_print(f);
	if (look(j, f) < 0)
		goto close;
	(void)snprintf(question, sizeof(question),
		"Put the private key of %s back into %s%s, readable to who "
		"may read the file, and take it out of keyd: programs that "
		"run with its shell fail until they are restarted, so do that "
		"at once",
		name, text_shown(j->place->real, real),
		j->is_changed ? changed : "");
	if (confirm(yes, question, f) < 0 || store_can_drop(&store, f) < 0 ||
		replace(j, f) < 0)
		goto close;
	r = take_out(c, j, offline, f);
close:
	store_close(&store);
done:
	bytes_free(&j->key);
	bytes_free(&j->file);
	swap_free(&j->shell);
	links_close(&j->links);
	free(j);
	return r;
}

int
restore_verb(struct ctl *c, int argc, char **argv)
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
			return ctl_usage("restore");
		yes |= opt == 'y';
		offline |= opt == 'o';
	}
	name = ctl_name(argc - optind, argv + optind, "restore");
	if (name == NULL)
		return FAULT_USAGE;
	return run(c, name, yes, offline, &f) < 0 ? fault_print(&f) : 0;
}
