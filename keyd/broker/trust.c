#include "broker/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/peer.h"

enum {
	WRITABLE = S_IWGRP | S_IWOTH,
	GO_ON = -3, /* neither a descriptor nor a failure yet */
};

struct walk {
	int dir; /* O_PATH */
	unsigned links;
	char real[PATH_MAX]; /* of dir; "" is the root folder */
	char rest[PATH_MAX]; /* still to be walked */
	struct trust_foreign *why;
	bool any; /* a folder too, and of any size */
};

static int
fail(int error)
{
	errno = error;
	return -1;
}

/* name: in the directory at hand, or "", itself. */
static int
foreign(struct walk *w, const char *name, const struct stat *st)
{
	const char *slash = name[0] != '\0' || w->real[0] == '\0' ? "/" : "";

	w->why->uid = st->st_uid;
	w->why->mode = st->st_mode & 07777;
	if (snprintf(w->why->path, sizeof(w->why->path), "%s%s%s", w->real,
		    slash, name) >= (int)sizeof(w->why->path))
		return fail(ENAMETOOLONG);
	return TRUST_FOREIGN;
}

static bool
is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static bool
is_shared(const struct stat *st)
{
	return !S_ISLNK(st->st_mode) && (st->st_mode & WRITABLE) != 0;
}

static void
move_to(struct walk *w, int dir)
{
	(void)close(w->dir);
	w->dir = dir;
}

/* Takes the next component off w->rest; "" at the end. */
static int
next_name(struct walk *w, char name[NAME_MAX + 1])
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(start, "/");

	if (n > NAME_MAX)
		return fail(ENAMETOOLONG);
	memcpy(name, start, n);
	name[n] = '\0';
	start += n;
	memmove(w->rest, start, strlen(start) + 1);
	return GO_ON;
}

static int
go_root(struct walk *w)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	move_to(w, fd);
	w->real[0] = '\0';
	return GO_ON;
}

static int
go_up(struct walk *w)
{
	int fd = openat(w->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *slash = strrchr(w->real, '/');

	if (fd < 0)
		return -1;
	move_to(w, fd);
	if (slash != NULL)
		*slash = '\0';
	return GO_ON;
}

/* Puts a symbolic link's target before what is still to be walked. */
static int
follow(struct walk *w, int link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n;

	if (++w->links > TRUST_MAX_LINKS)
		return fail(ELOOP);
	n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n <= 0)
		return n < 0 ? -1 : fail(ENOENT);
	target[n] = '\0';
	if (snprintf(rest, sizeof(rest), "%s%s", target, w->rest) >=
		(int)sizeof(rest))
		return fail(ENAMETOOLONG);
	memcpy(w->rest, rest, sizeof(w->rest));
	return target[0] == '/' ? go_root(w) : GO_ON;
}

/* A directory becomes the one at hand, whose descriptor fd then is. */
static int
go_down(struct walk *w, const char *name, int fd)
{
	size_t used = strlen(w->real);

	if (snprintf(w->real + used, sizeof(w->real) - used, "/%s", name) >=
		(int)(sizeof(w->real) - used)) {
		(void)close(fd);
		return fail(ENAMETOOLONG);
	}
	move_to(w, fd);
	return GO_ON;
}

/* The last component; no one else can put another file there meanwhile. */
static int
arrive(struct walk *w, const char *name, const struct stat *st)
{
	if (w->rest[0] != '\0')
		return fail(ENOTDIR);
	if (!S_ISREG(st->st_mode))
		return fail(EINVAL);
	if (!w->any && st->st_size > TRUST_MAX_FILE)
		return fail(EFBIG);
	return openat(w->dir, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* One component that is there, as fd, which is used up. */
static int
step_into(struct walk *w, const char *name, int fd, const struct stat *st)
{
	int r;

	if (S_ISDIR(st->st_mode))
		return go_down(w, name, fd);
	if (!is_ours(st) || is_shared(st))
		r = foreign(w, name, st);
	else if (S_ISLNK(st->st_mode))
		r = follow(w, fd);
	else
		r = arrive(w, name, st);
	(void)close(fd);
	return r;
}

/*
 * Looks a name up in the directory at hand. In a sticky one others can neither
 * remove what is root's nor move a directory of root's there; but any other
 * file of root's that they can get hold of, or nothing.
 */
static int
look_up(struct walk *w, const char *name, const struct stat *here)
{
	int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return is_shared(here) ? foreign(w, "", here) : -1;
	r = fstat(fd, &st);
	if (r == 0 && is_shared(here) && !S_ISDIR(st.st_mode))
		r = foreign(w, "", here);
	if (r == 0)
		return step_into(w, name, fd, &st);
	(void)close(fd);
	return r;
}

static int
step(struct walk *w)
{
	char name[NAME_MAX + 1];
	struct stat here;
	int r;

	if (fstat(w->dir, &here) < 0)
		return -1;
	if (!is_ours(&here) ||
		(is_shared(&here) && (here.st_mode & S_ISVTX) == 0))
		return foreign(w, "", &here);
	r = next_name(w, name);
	if (r != GO_ON || strcmp(name, ".") == 0)
		return r;
	if (name[0] == '\0' && w->any)
		return openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (name[0] == '\0')
		return fail(EISDIR);
	return strcmp(name, "..") == 0 ? go_up(w) : look_up(w, name, &here);
}

static int
start(struct walk *w, int folder, const char *folder_path, const char *path)
{
	const char *from = path[0] == '/' ? "/" : ".";

	w->dir = openat(folder, from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0)
		return -1;
	if (snprintf(w->rest, sizeof(w->rest), "%s", path) >=
			(int)sizeof(w->rest) ||
		snprintf(w->real, sizeof(w->real), "%s",
			path[0] == '/' ? "" : folder_path) >=
			(int)sizeof(w->real))
		return fail(ENAMETOOLONG);
	return GO_ON;
}

static int
walk(struct walk *w, int folder, const char *folder_path, const char *path)
{
	int r = start(w, folder, folder_path, path), saved;

	while (r == GO_ON)
		r = step(w);
	saved = errno;
	if (w->dir >= 0)
		(void)close(w->dir);
	errno = saved;
	return r;
}

int
trust_open(int folder, const char *folder_path, const char *path,
	struct trust_foreign *why)
{
	struct walk w = { .dir = -1, .why = why };

	return walk(&w, folder, folder_path, path);
}

int
trust_open_any(const char *path, struct trust_foreign *why)
{
	struct walk w = { .dir = -1, .why = why, .any = true };

	return path[0] == '/' ? walk(&w, AT_FDCWD, "", path) : fail(EINVAL);
}

bool
trust_has_owner(const struct trust_foreign *f)
{
	return f->uid != PEER_OVERFLOW_ID &&
	       (f->mode & (S_IWGRP | S_IWOTH)) == 0;
}
