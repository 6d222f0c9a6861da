#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	NOBODY = 65534,
};

struct walk {
	struct path_place *place;
	const char *path; /* as given, for words */
	int dir;          /* O_PATH */
	char real[PATH_MAX];
	char rest[PATH_MAX]; /* still to be walked */
	unsigned links;
	uid_t me; /* whose identity is in force */
};

static const char *
user_name(uid_t uid, char out[64])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		(void)snprintf(out, 64, "%s", pw->pw_name);
	else
		(void)snprintf(out, 64, "uid %u", (unsigned)uid);
	return out;
}

/* Groups of the user, as at a login; none for a uid without an entry. */
static int
load_identity(uid_t uid, struct path_place *p)
{
	const struct passwd *pw = getpwuid(uid);

	p->uid = uid;
	p->gid = NOBODY;
	p->ngroups = 0;
	if (pw == NULL)
		return 0;
	p->gid = pw->pw_gid;
	p->ngroups = PATH_MAX_GROUPS;
	return getgrouplist(pw->pw_name, pw->pw_gid, p->groups, &p->ngroups) < 0
		       ? -1
		       : 0;
}

int
path_enter(const struct path_place *p, struct fault *f)
{
	if (!p->switched)
		return 0;
	/* A change of user makes a process dumpable where fs.suid_dumpable
	 * says so. */
	if (setgroups((size_t)p->ngroups, p->groups) == 0 &&
		setegid(p->gid) == 0 && seteuid(p->uid) == 0 &&
		prctl(PR_SET_DUMPABLE, 0) == 0)
		return 0;
	return fault_set(f, FAULT_FAILED, "cannot act as uid %u: %s",
		(unsigned)p->uid, strerror(errno));
}

/*
 * Root is the saved user, so this cannot fail; if it did, going on
 * with half an identity would be worse than stopping.
 */
void
path_leave(const struct path_place *p)
{
	static const gid_t none;

	if (!p->switched)
		return;
	if (seteuid(0) < 0 || setegid(getgid()) < 0 ||
		setgroups(0, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		abort();
}

static int
become(struct walk *w, uid_t uid, struct fault *f)
{
	struct path_place *p = w->place;
	char name[64];

	if (uid == w->me)
		return 0;
	if (w->me != 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: %s belongs to %s, who could aim it at another "
			"file: %s",
			w->path, w->real, user_name(uid, name),
			p->switched ? "give the file's real path, if a link "
				      "leads there, or run keydctl as that "
				      "user"
				    : "run keydctl as that user, or as root "
				      "with the file's real path");
	if (load_identity(uid, p) < 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: %s belongs to %s, who is in too many groups",
			w->path, w->real, user_name(uid, name));
	p->switched = true;
	w->me = uid;
	return path_enter(p, f);
}

/* The group that a user alone is in, by the convention of adduser(8). */
static bool
is_private_group(gid_t gid, uid_t uid)
{
	const struct group *gr = getgrgid(gid);
	const struct passwd *pw;

	if (gr == NULL || gr->gr_mem[0] != NULL)
		return false;
	pw = getpwuid(uid);
	return pw != NULL && pw->pw_gid == gid &&
	       strcmp(pw->pw_name, gr->gr_name) == 0;
}

/* An ACL's mask stands in the group's bits, so it cannot be told who may. */
static bool
has_acl(int fd)
{
	char link[64];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return getxattr(link, "system.posix_acl_access", NULL, 0) > 0;
}

/* May others than the owner (or root) write here? */
static bool
is_shared(int fd, const struct stat *st)
{
	if ((st->st_mode & S_IWOTH) != 0)
		return true;
	if ((st->st_mode & S_IWGRP) == 0)
		return false;
	if (has_acl(fd))
		return true;
	return st->st_gid != 0 && !is_private_group(st->st_gid, st->st_uid);
}

/*
 * Before a name is looked up in w->dir: who could have put it there? entry is
 * what is there, or NULL if nothing is.
 */
static int
judge(struct walk *w, const struct stat *entry, struct fault *f)
{
	struct stat st;
	bool shared;

	if (fstat(w->dir, &st) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", w->path, strerror(errno));
	shared = is_shared(w->dir, &st);
	if (shared && (st.st_mode & S_ISVTX) == 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: users other than its owner may write the "
			"directory %s: take the right from them "
			"(chmod go-w, setfacl -b)",
			w->path, w->real[0] == '\0' ? "/" : w->real);
	if (st.st_uid != 0 && become(w, st.st_uid, f) < 0)
		return -1;
	if (shared && entry != NULL && entry->st_uid != 0)
		return become(w, entry->st_uid, f);
	return 0;
}

static int
append(char *path, size_t size, const char *name, struct walk *w,
	struct fault *f)
{
	size_t used = strlen(path);
	int n = snprintf(path + used, size - used, "/%s", name);

	if (n < 0 || (size_t)n >= size - used)
		return fault_set(
			f, FAULT_FAILED, "%s: the path is too long", w->path);
	return 0;
}

static void
move_to(struct walk *w, int dir)
{
	(void)close(w->dir);
	w->dir = dir;
}

static int
go_root(struct walk *w, struct fault *f)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fault_set(f, FAULT_FAILED, "/: %s", strerror(errno));
	move_to(w, fd);
	w->real[0] = '\0';
	return 0;
}

static int
go_up(struct walk *w, struct fault *f)
{
	char *slash = strrchr(w->real, '/');
	int fd = openat(w->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fault_set(f, FAULT_FAILED, "%s: %s/..: %s", w->path,
			w->real, strerror(errno));
	move_to(w, fd);
	if (slash != NULL)
		*slash = '\0';
	return 0;
}

/* Puts the link's target before what is still to be walked. */
static int
follow(struct walk *w, int link, const struct stat *st, struct fault *f)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n;

	/* Linked into a shared directory, another's link is not his words. */
	if (st->st_nlink > 1)
		return fault_set(f, FAULT_REFUSED,
			"%s: a symbolic link on the way has other hard "
			"links: give the file's real path",
			w->path);
	if (++w->links > PATH_MAX_LINKS)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", w->path, strerror(ELOOP));
	n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n <= 0)
		return fault_set(f, FAULT_FAILED, "%s: %s", w->path,
			strerror(n < 0 ? errno : ENOENT));
	target[n] = '\0';
	(void)snprintf(rest, sizeof(rest), "%s", w->rest);
	(void)snprintf(w->rest, sizeof(w->rest), "%s", target);
	if (rest[0] != '\0' && append(w->rest, sizeof(w->rest), rest, w, f) < 0)
		return -1;
	return target[0] == '/' ? go_root(w, f) : 0;
}

/* The last component: stays a name in w->dir. */
static int
arrive(struct walk *w, const char *name, bool exists, struct fault *f)
{
	struct path_place *p = w->place;

	if (append(w->real, sizeof(w->real), name, w, f) < 0)
		return -1;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	(void)snprintf(p->real, sizeof(p->real), "%s", w->real);
	p->exists = exists;
	return 0;
}

/* Takes the next component off w->rest. */
static int
next_name(struct walk *w, char name[NAME_MAX + 1], struct fault *f)
{
	char *start = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(start, "/");

	if (n > NAME_MAX)
		return fault_set(f, FAULT_FAILED, "%s: %s", w->path,
			strerror(ENAMETOOLONG));
	memcpy(name, start, n);
	name[n] = '\0';
	start += n;
	start += strspn(start, "/");
	memmove(w->rest, start, strlen(start) + 1);
	return 0;
}

/* One component that is there. 1: arrived, 0: go on. */
static int
step_into(struct walk *w, const char *name, int fd, const struct stat *st,
	struct fault *f)
{
	if (S_ISLNK(st->st_mode))
		return follow(w, fd, st, f);
	if (!S_ISDIR(st->st_mode)) {
		if (w->rest[0] != '\0')
			return fault_set(f, FAULT_FAILED, "%s: %s", w->path,
				strerror(ENOTDIR));
		return arrive(w, name, true, f) < 0 ? -1 : 1;
	}
	if (append(w->real, sizeof(w->real), name, w, f) < 0)
		return -1;
	return 0;
}

/* 1: arrived, 0: go on, -1: *f. */
static int
step(struct walk *w, struct fault *f)
{
	char name[NAME_MAX + 1] = "";
	struct stat st;
	int fd, r;

	if (next_name(w, name, f) < 0)
		return -1;
	if (name[0] == '\0')
		return fault_set(
			f, FAULT_REFUSED, "%s: it is a directory", w->path);
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return go_up(w, f);
	/* The directory's owner first: the look-up itself is done as him. */
	if (judge(w, NULL, f) < 0)
		return -1;
	fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && w->rest[0] == '\0')
		return arrive(w, name, false, f) < 0 ? -1 : 1;
	if (fd < 0)
		return fault_set(f, FAULT_FAILED, "%s: %s/%s: %s", w->path,
			w->real, name, strerror(errno));
	if (fstat(fd, &st) < 0) {
		(void)close(fd);
		return fault_set(
			f, FAULT_FAILED, "%s: %s", w->path, strerror(errno));
	}
	r = judge(w, &st, f);
	if (r == 0)
		r = step_into(w, name, fd, &st, f);
	if (r == 0 && S_ISDIR(st.st_mode))
		move_to(w, fd);
	else
		(void)close(fd);
	return r;
}

static int
start(struct walk *w, struct fault *f)
{
	char cwd[PATH_MAX] = "";
	int n;

	if (w->path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", w->path, strerror(errno));
	n = snprintf(w->rest, sizeof(w->rest), "%s/%s", cwd, w->path);
	if (n < 0 || (size_t)n >= sizeof(w->rest))
		return fault_set(
			f, FAULT_FAILED, "%s: the path is too long", w->path);
	return go_root(w, f);
}

int
path_find(const char *path, struct path_place *out, struct fault *f)
{
	struct path_place place = { .dir = -1 };
	struct walk w = {
		.place = &place, .path = path, .dir = -1, .me = geteuid()
	};
	int r;

	r = start(&w, f);
	while (r == 0)
		r = step(&w, f);
	if (r > 0) {
		/* A descriptor that can be synced; opened as who we are. */
		place.dir =
			openat(w.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (place.dir < 0)
			r = fault_set(f, FAULT_FAILED, "%s: its directory: %s",
				path, strerror(errno));
	}
	path_leave(&place);
	place.uid = w.me;
	if (w.dir >= 0)
		(void)close(w.dir);
	if (r < 0)
		return -1;
	*out = place;
	return 0;
}

void
path_close(struct path_place *p)
{
	if (p->dir >= 0)
		(void)close(p->dir);
	p->dir = -1;
}
