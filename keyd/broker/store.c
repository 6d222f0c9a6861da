#include "broker/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/log.h"
#include "wire/proto.h"

enum {
	OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	WRITABLE = S_IWGRP | S_IWOTH,
};

static bool
is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static int
open_folder(const char *where, const char *path, struct reasons *reasons)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		reasons_add(reasons, LOG_ERR, "%s: the folder %s: %s%s", where,
			path, strerror(errno),
			errno == EACCES ? ": run keyd as root" : "");
	} else if (!is_ours(&st)) {
		reasons_add(reasons, LOG_ERR,
			"%s: the folder %s belongs to uid %u: it must be "
			"root's",
			where, path, (unsigned)st.st_uid);
	} else if ((st.st_mode & WRITABLE) != 0) {
		reasons_add(reasons, LOG_ERR,
			"%s: the folder %s can be written by others (mode "
			"%04o): chmod go-w",
			where, path, (unsigned)st.st_mode & 07777);
	} else {
		return fd;
	}
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* The bytes of name before suffix, 0 if it ends otherwise. */
static size_t
stem(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	if (name[0] == '.' || len <= n || strcmp(name + len - n, suffix) != 0)
		return 0;
	return len - n;
}

static int
add_name(struct store *s, const char *file, size_t len)
{
	char **more, *name;

	/* Grows at each power of two. */
	if ((s->n & (s->n - 1)) == 0) {
		more = reallocarray(
			s->names, s->n == 0 ? 1 : s->n * 2, sizeof(*more));
		if (more == NULL)
			return -1;
		s->names = more;
	}
	name = strndup(file, len);
	if (name == NULL)
		return -1;
	s->names[s->n++] = name;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static DIR *
read_folder(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL && fd >= 0)
		(void)close(fd);
	return d;
}

/* Adds the names of all files with suffix in a folder. 0, or -1. */
static int
list_folder(struct store *s, int folder, const char *path, const char *suffix,
	struct reasons *reasons, struct leftout *left_out)
{
	struct dirent *e;
	DIR *d = read_folder(folder);
	size_t len;
	int r = 0;

	if (d == NULL) {
		reasons_add(reasons, LOG_ERR, "the folder %s: %s", path,
			strerror(errno));
		return -1;
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		len = stem(e->d_name, suffix);
		if (len == 0)
			continue;
		if (!proto_is_name(e->d_name, len)) {
			reasons_add(reasons, LOG_ERR,
				"%s/%s: not a key's name (1 to 63 of letters, "
				"digits, '.', '_', '-')",
				path, e->d_name);
			r = leftout_add(left_out, e->d_name);
		} else if (s->n == STORE_MAX_FILES ||
			   add_name(s, e->d_name, len) < 0) {
			reasons_add(
				reasons, LOG_ERR, "%s: too many files", path);
			r = -1;
		}
	}
	(void)closedir(d);
	return r;
}

/* Sorts the names, and keeps one of each. */
static void
sort_names(struct store *s)
{
	unsigned i, kept = 0;

	if (s->n == 0)
		return;
	qsort(s->names, s->n, sizeof(*s->names), compare);
	for (i = 1; i < s->n; i++)
		if (strcmp(s->names[i], s->names[kept]) == 0)
			free(s->names[i]);
		else
			s->names[++kept] = s->names[i];
	s->n = kept + 1;
}

int
store_open(struct store *s, const struct config *c, struct reasons *reasons,
	struct leftout *left_out)
{
	char where[CONFIG_MAX_WHERE];

	memset(s, 0, sizeof(*s));
	(void)snprintf(s->keys, sizeof(s->keys), "%s", c->keys);
	(void)snprintf(s->policies, sizeof(s->policies), "%s", c->policies);
	s->keys_fd =
		open_folder(config_where(c, "keys", where), s->keys, reasons);
	s->policies_fd = open_folder(
		config_where(c, "policies", where), s->policies, reasons);
	if (s->keys_fd < 0 || s->policies_fd < 0)
		return -1;
	if (list_folder(s, s->keys_fd, s->keys, ".pem", reasons, left_out) <
			0 ||
		list_folder(s, s->policies_fd, s->policies, ".conf", reasons,
			left_out) < 0)
		return -1;
	sort_names(s);
	return 0;
}

int
store_find(const struct store *s, const char *name)
{
	char *const *found = s->n == 0 ? NULL
				       : bsearch(&name, s->names, s->n,
						 sizeof(*s->names), compare);

	return found == NULL ? -1 : (int)(found - s->names);
}

void
store_close(struct store *s)
{
	if (s->keys_fd >= 0)
		(void)close(s->keys_fd);
	if (s->policies_fd >= 0)
		(void)close(s->policies_fd);
	while (s->n > 0)
		free(s->names[--s->n]);
	free(s->names);
	s->names = NULL;
	s->keys_fd = s->policies_fd = -1;
}

/* Opens one file of a key: out has a descriptor, or an errno. */
static void
open_one(int folder, const char *name, const char *suffix,
	struct store_file *out)
{
	char file[PROTO_MAX_NAME + 8];
	struct stat st;

	(void)snprintf(file, sizeof(file), "%s%s", name, suffix);
	out->fd = openat(folder, file, OPEN_FLAGS | O_NOFOLLOW);
	out->error = out->fd < 0 ? errno : 0;
	if (out->fd < 0)
		return;
	/* A folder's descriptor would be a way out of the loader's root. */
	if (fstat(out->fd, &st) < 0)
		out->error = errno;
	else if (!S_ISREG(st.st_mode))
		out->error = EINVAL;
	if (out->error == 0)
		return;
	(void)close(out->fd);
	out->fd = -1;
}

void
store_open_key(
	const struct store *s, const char *name, struct store_file files[2])
{
	open_one(s->keys_fd, name, ".pem", &files[0]);
	open_one(s->policies_fd, name, ".conf", &files[1]);
}

void
store_close_key(struct store_file files[2])
{
	if (files[0].fd >= 0)
		(void)close(files[0].fd);
	if (files[1].fd >= 0)
		(void)close(files[1].fd);
	files[0].fd = files[1].fd = -1;
}

int
store_open_file(
	const struct store *s, const char *path, struct trust_foreign *why)
{
	return trust_open(s->policies_fd, s->policies, path, why);
}
