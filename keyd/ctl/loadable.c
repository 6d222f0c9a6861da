#include "loadable.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "broker/trust.h"
#include "cnffile.h"
#include "user.h"

int
loadable_path(const char *path, struct fault *f)
{
	struct trust_foreign why;
	char owner[64];
	int fd;

	if (geteuid() != 0)
		return 0;
	fd = trust_open_any(path, &why);
	if (fd >= 0)
		(void)close(fd);
	if (fd != TRUST_FOREIGN)
		return 0;
	return fault_set(f, FAULT_REFUSED,
		"%s: %s is not root's alone (%s's, mode %04o), and root would "
		"run what it names: change its owner and mode, or run keydctl "
		"as that user",
		path, why.path, user_name(why.uid, owner), (unsigned)why.mode);
}

static int
entry_fault(const struct cnf_entry *e, const char *what, struct fault *f)
{
	return fault_set(f, FAULT_REFUSED, "%s:%u: %s %s", e->file, e->line,
		e->name, what);
}

/* libcrypto ignores what stands before the first dot of a name. */
static const char *
bare(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? name : dot + 1;
}

static int
value_path(const struct cnf_entry *e, struct fault *f)
{
	const char *name = bare(e->name), *value = e->value;
	const char *folder = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
	char path[PATH_MAX];
	struct fault inner;

	/* A module without a folder is in one that is looked through. */
	if (strchr(value, '/') == NULL || strcmp(name, "socket") == 0)
		return 0;
	if (value[0] != '/' && (strcmp(name, "module") != 0 || folder == NULL))
		return entry_fault(e,
			"is a relative path: which file that is depends on "
			"where a program is started: give it the whole path",
			f);
	if (snprintf(path, sizeof(path), "%s%s%s",
		    value[0] == '/' ? "" : folder, value[0] == '/' ? "" : "/",
		    value) >= (int)sizeof(path))
		return entry_fault(e, "is too long", f);
	if (loadable_path(path, &inner) == 0)
		return 0;
	return fault_set(
		f, inner.code, "%s:%u: %s", e->file, e->line, inner.text);
}

static int
entry(const struct cnf_entry *e, struct fault *f)
{
	if (e->value == NULL)
		return entry_fault(e,
			"depends on the environment: write out what root's "
			"programs are to load",
			f);
	/* Names are loaded, too. */
	if (strchr(e->name, '/') != NULL)
		return entry_fault(e, "has a name with a slash: rename it", f);
	/* A name in such a folder could be anybody's. */
	if (strcmp(bare(e->name), "DIR_ADD") == 0)
		return entry_fault(e,
			"adds a folder: give the whole path of the engine "
			"with dynamic_path",
			f);
	return value_path(e, f);
}

/* All that a bare name could stand for. */
static int
folder(const char *path, struct fault *f)
{
	struct trust_foreign why;
	const struct dirent *e;
	char file[PATH_MAX];
	DIR *dir;
	int fd, r = loadable_path(path, f);

	if (r < 0)
		return -1;
	fd = trust_open_any(path, &why);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL && fd >= 0)
		(void)close(fd);
	while (r == 0 && dir != NULL && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(file, sizeof(file), "%s/%s", path, e->d_name) >=
			(int)sizeof(file))
			continue; /* nor can libcrypto name it */
		r = loadable_path(file, f);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return r;
}

enum mark {
	UNKNOWN,
	REACHED,
	DONE,
};

static void
reach(const struct cnf *c, unsigned char *marks, const char *section)
{
	size_t i;

	for (i = 0; i < c->nsections; i++)
		if (marks[i] == UNKNOWN && strcmp(c->sections[i], section) == 0)
			marks[i] = REACHED;
}

/* Values that hold no longer count as well: better once too often. */
static int
section(const struct cnf *c, unsigned char *marks, size_t n, struct fault *f)
{
	size_t i;

	marks[n] = DONE;
	for (i = 0; i < c->n; i++) {
		if (strcmp(c->entries[i].section, c->sections[n]) != 0)
			continue;
		if (entry(&c->entries[i], f) < 0)
			return -1;
		reach(c, marks, c->entries[i].value);
	}
	return 0;
}

/* From the init section, whatever names a section leads there. */
static int
sections(const struct cnf *c, unsigned char *marks, struct fault *f)
{
	size_t i;
	bool more = true;

	while (more) {
		more = false;
		for (i = 0; i < c->nsections; i++) {
			if (marks[i] != REACHED)
				continue;
			more = true;
			if (section(c, marks, i, f) < 0)
				return -1;
		}
	}
	return 0;
}

int
loadable_settings(const struct cnf *c, struct fault *f)
{
	const struct cnf_entry *init = cnf_find(c, "default", "openssl_conf");
	const char *modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
	const char *engines = OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
	unsigned char *marks;
	int r;

	if (geteuid() != 0)
		return 0;
	if (init == NULL)
		return 0;
	if (init->value == NULL)
		return entry(init, f);
	if ((modules != NULL && folder(modules, f) < 0) ||
		(engines != NULL && folder(engines, f) < 0))
		return -1;
	marks = calloc(c->nsections + 1, 1);
	if (marks == NULL)
		return fault_set(f, FAULT_FAILED, "no memory");
	reach(c, marks, init->value);
	r = sections(c, marks, f);
	free(marks);
	return r;
}

int
loadable_text(const char *file, const void *text, size_t len, struct fault *f)
{
	struct cnf c;
	int r;

	if (geteuid() != 0)
		return 0;
	if (loadable_path(file, f) < 0 ||
		cnf_read(file, text, len, cnffile_include, NULL, &c, f) < 0)
		return -1;
	r = loadable_settings(&c, f);
	cnf_free(&c);
	return r;
}
