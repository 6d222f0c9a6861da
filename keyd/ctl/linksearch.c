#include "linksearch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	TELL = 100 * 1000, /* names between two words on the terminal */
	WANTED = STATX_TYPE | STATX_INO | STATX_MNT_ID,
};

struct search {
	struct linksearch *out;
	const struct stat *file;
	struct statx home;   /* of the file's directory: device and mount */
	uint64_t done;       /* directory that is searched already */
	char path[PATH_MAX]; /* of the directory at hand; "" for the root */
	unsigned long seen;
	bool tells, told;
};

static bool
is_full(const struct search *s)
{
	return s->out->n == s->file->st_nlink || s->out->n == LINKS_MAX ||
	       s->seen >= LINKSEARCH_MAX;
}

static int
look(int dir, const char *name, struct statx *out)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;

	if (*name == '\0')
		flags |= AT_EMPTY_PATH;
	return statx(dir, name, flags, WANTED, out);
}

/* On kernels that do not tell mounts apart, the device must do. */
static bool
is_home(const struct search *s, const struct statx *x)
{
	return x->stx_dev_major == s->home.stx_dev_major &&
	       x->stx_dev_minor == s->home.stx_dev_minor &&
	       x->stx_mnt_id == s->home.stx_mnt_id;
}

static void
tell(struct search *s)
{
	if (++s->seen % TELL != 0 || !s->tells)
		return;
	s->told = true;
	(void)fprintf(stderr,
		"\rkeydctl: looking for hard links: %lu names, %u of %lu found",
		s->seen, s->out->n, (unsigned long)s->file->st_nlink);
}

static void scan(struct search *s, int dir, unsigned depth);

/* Goes down into a directory that is really the one that was looked at. */
static void
enter(struct search *s, int dir, const char *name, const struct statx *was,
	unsigned depth)
{
	size_t len = strlen(s->path);
	struct statx x;
	int n, fd;

	if (depth == LINKSEARCH_DEPTH) {
		s->out->whole = false;
		return;
	}
	n = snprintf(s->path + len, sizeof(s->path) - len, "/%s", name);
	fd = n < 0 || (size_t)n >= sizeof(s->path) - len
		     ? -1
		     : openat(dir, name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		s->out->whole = false;
	else if (look(fd, "", &x) < 0 || x.stx_ino != was->stx_ino ||
		 !is_home(s, &x))
		(void)close(fd);
	else
		scan(s, fd, depth + 1);
	s->path[len] = '\0';
}

static void
one(struct search *s, int dir, const struct dirent *e, unsigned depth)
{
	struct linksearch *out = s->out;
	struct statx x;
	int n;

	if (e->d_type != DT_REG && e->d_type != DT_DIR &&
		e->d_type != DT_UNKNOWN)
		return;
	if (look(dir, e->d_name, &x) < 0 || !is_home(s, &x))
		return;
	if (S_ISDIR(x.stx_mode) && x.stx_ino != s->done)
		enter(s, dir, e->d_name, &x, depth);
	if (!S_ISREG(x.stx_mode) || x.stx_ino != s->file->st_ino)
		return;
	n = snprintf(out->found[out->n], PATH_MAX, "%s/%s", s->path, e->d_name);
	if (n > 0 && n < PATH_MAX)
		out->n++;
}

/* All that is in the directory and below; closes it. */
static void
scan(struct search *s, int dir, unsigned depth)
{
	const struct dirent *e;
	DIR *d = fdopendir(dir);

	if (d == NULL) {
		s->out->whole = false;
		(void)close(dir);
		return;
	}
	while (!is_full(s) && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		tell(s);
		one(s, dir, e, depth);
	}
	(void)closedir(d);
}

/* One up, if that is not beyond the mount. The descriptor, or -1. */
static int
above(struct search *s, int dir)
{
	char *slash = strrchr(s->path, '/');
	struct statx x;
	int fd;

	if (slash == NULL)
		return -1;
	fd = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		s->out->whole = false;
		return -1;
	}
	if (look(fd, "", &x) < 0 || !is_home(s, &x)) {
		(void)close(fd);
		return -1;
	}
	*slash = '\0';
	return fd;
}

/* The directory, then what is above it, each but for what has been searched. */
static void
climb(struct search *s, int from)
{
	int dir = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), copy;
	struct statx x;

	if (dir < 0)
		s->out->whole = false;
	while (dir >= 0) {
		copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (copy >= 0)
			scan(s, copy, 0);
		else
			s->out->whole = false;
		if (is_full(s) || look(dir, "", &x) < 0)
			break;
		s->done = x.stx_ino;
		copy = above(s, dir);
		(void)close(dir);
		dir = copy;
	}
	if (dir >= 0)
		(void)close(dir);
}

int
linksearch(const struct path_place *from, const struct stat *file,
	struct linksearch *out, struct fault *f)
{
	struct search s = {
		.out = out, .file = file, .tells = isatty(STDERR_FILENO) == 1
	};

	out->n = 0;
	out->whole = true;
	(void)snprintf(s.path, sizeof(s.path), "%s", from->real);
	*strrchr(s.path, '/') = '\0';
	if (path_enter(from, f) < 0) {
		path_leave(from);
		return -1;
	}
	if (look(from->dir, "", &s.home) == 0)
		climb(&s, from->dir);
	else
		out->whole = false;
	path_leave(from);
	if (s.seen >= LINKSEARCH_MAX)
		out->whole = false;
	if (s.told)
		(void)fprintf(stderr, "\r\033[K");
	return 0;
}
