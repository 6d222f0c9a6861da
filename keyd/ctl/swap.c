#include "swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "text.h"

enum {
	MAX_EXCHANGES = 16,
};

/* What EPERM means where it is not a matter of users. */
static const char attribute[] =
	": it, or its directory, may have the attribute immutable (lsattr; "
	"chattr -i)";

static int
check(const struct path_place *p, const char *name, const struct stat *st,
	bool linked, struct fault *f)
{
	const char *what = NULL;

	if (!S_ISREG(st->st_mode))
		what = "it is not a regular file";
	else if (st->st_nlink != 1 && !linked)
		what = "it has other hard links, which would keep the key: "
		       "remove them (find -samefile)";
	else if (st->st_size > SWAP_MAX)
		what = "it is longer than 64 kB: not a key file";
	if (what == NULL)
		return 0;
	if (strcmp(name, p->name) == 0)
		name = "";
	/* Of these, links alone are a matter of what the operator wants. */
	return fault_set(f,
		st->st_nlink != 1 && S_ISREG(st->st_mode) && !linked
			? FAULT_REFUSED
			: FAULT_FAILED,
		"%s: %s%s%s", p->real, name, *name == '\0' ? "" : ": ", what);
}

static int
read_file(const struct path_place *p, const char *name, bool linked,
	struct swap_file *out, struct fault *f)
{
	int fd, saved, r = -1;

	memset(out, 0, sizeof(*out));
	if (path_enter(p, f) < 0) {
		path_leave(p);
		return -1;
	}
	/* Not to hang on a FIFO, not to follow what has become a link. */
	fd = openat(p->dir, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	saved = errno;
	path_leave(p);
	if (fd < 0)
		return fault_set(f,
			saved == ELOOP ? FAULT_REFUSED : FAULT_FAILED,
			"%s: %s%s", p->real,
			saved == ELOOP ? "it became a symbolic link"
				       : strerror(saved),
			saved == EACCES && p->switched
				? " (opened as the owner of its directory, "
				  "since he could aim root elsewhere): chown "
				  "it to him, or move it into a directory of "
				  "root's"
				: "");
	if (fstat(fd, &out->st) < 0) {
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", p->real, strerror(errno));
		goto done;
	}
	if (check(p, name, &out->st, linked, f) < 0)
		goto done;
	if (bytes_read(fd, SWAP_MAX, &out->bytes) < 0) {
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", p->real, strerror(errno));
		goto done;
	}
	r = meta_get(fd, p->real, &out->meta, f);
	if (r < 0)
		bytes_free(&out->bytes);
done:
	(void)close(fd);
	return r;
}

int
swap_read(const struct path_place *p, const char *name, struct swap_file *out,
	struct fault *f)
{
	return read_file(p, name, false, out, f);
}

int
swap_read_linked(const struct path_place *p, const char *name,
	struct swap_file *out, struct fault *f)
{
	return read_file(p, name, true, out, f);
}

void
swap_free(struct swap_file *file)
{
	bytes_free(&file->bytes);
}

int
swap_exists(const struct path_place *p, const char *name, struct fault *f)
{
	struct stat st;
	int r, saved;

	r = path_enter(p, f);
	if (r == 0)
		r = fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW);
	else
		r = -2;
	saved = errno;
	path_leave(p);
	if (r == -1 && saved != ENOENT)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", p->real, strerror(saved));
	return r == -2 ? -1 : r == 0;
}

int
swap_name(char out[SWAP_NAME], struct fault *f)
{
	uint8_t random[8];
	char hex[17];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fault_set(
			f, FAULT_FAILED, "getrandom: %s", strerror(errno));
	text_hex(random, sizeof(random), hex);
	(void)snprintf(out, SWAP_NAME, ".keydctl-%s", hex);
	return 0;
}

static int
unlink_as(const struct path_place *p, const char *name)
{
	struct fault ignored;
	int r = path_enter(p, &ignored), saved;

	if (r == 0)
		r = unlinkat(p->dir, name, 0);
	saved = errno;
	path_leave(p);
	errno = saved;
	return r;
}

static int
create_as(const struct path_place *p, const char *name, struct fault *f)
{
	int fd = -1, saved;

	if (path_enter(p, f) < 0) {
		path_leave(p);
		return -1;
	}
	fd = openat(p->dir, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	saved = errno;
	path_leave(p);
	if (fd < 0)
		return fault_set(f, FAULT_FAILED,
			"%s: cannot write a new file beside it: %s%s", p->real,
			strerror(saved), saved == EPERM ? attribute : "");
	return fd;
}

/* Bytes into the new file, which is removed if they do not get there. */
static int
fill(const struct path_place *p, const char *name, int fd, const void *data,
	size_t len, const struct meta *m, struct fault *f)
{
	int r = bytes_write(fd, data, len);

	if (r < 0)
		(void)fault_set(f, FAULT_FAILED, "%s: writing beside it: %s",
			p->real, strerror(errno));
	if (r == 0 && m != NULL)
		r = meta_set(fd, p->real, m, f);
	/* Public; who may see it is the directory's affair, not our umask's. */
	else if (r == 0 && fchmod(fd, 0644) < 0)
		r = fault_set(f, FAULT_FAILED, "%s: its mode: %s", p->real,
			strerror(errno));
	if (r == 0 && fsync(fd) < 0)
		r = fault_set(f, FAULT_FAILED, "%s: writing beside it: %s",
			p->real, strerror(errno));
	(void)close(fd);
	if (r < 0 && unlink_as(p, name) < 0)
		fault_add(f, "; %s is left in its directory: remove it", name);
	return r;
}

int
swap_prepare(const struct path_place *p, const char *tmp, const void *data,
	size_t len, const struct meta *m, struct fault *f)
{
	int fd = create_as(p, tmp, f);

	return fd < 0 ? -1 : fill(p, tmp, fd, data, len, m, f);
}

int
swap_create(const struct path_place *p, const void *data, size_t len,
	struct fault *f)
{
	int fd = create_as(p, p->name, f);

	if (fd < 0 || fill(p, p->name, fd, data, len, NULL, f) < 0)
		return -1;
	if (fsync(p->dir) == 0)
		return 0;
	(void)fault_set(f, FAULT_FAILED, "%s: %s", p->real, strerror(errno));
	if (unlink_as(p, p->name) < 0)
		fault_add(f, "; it is left there: remove it");
	return -1;
}

static int
exchange(const struct path_place *p, const char *tmp, struct fault *f)
{
	int r, saved;

	if (path_enter(p, f) < 0) {
		path_leave(p);
		return -1;
	}
	r = renameat2(p->dir, tmp, p->dir, p->name, RENAME_EXCHANGE);
	saved = errno;
	path_leave(p);
	if (r == 0)
		return 0;
	if (saved == EINVAL || saved == ENOSYS || saved == EOPNOTSUPP)
		return fault_set(f, FAULT_REFUSED,
			"%s: this file system cannot exchange two files in "
			"one step: move it to a local one (and leave a "
			"symbolic link)",
			p->real);
	if (saved == EBUSY)
		return fault_set(f, FAULT_REFUSED,
			"%s: it is a mount point: name the file that is "
			"mounted there",
			p->real);
	return fault_set(f, FAULT_FAILED, "%s: exchanging it: %s%s", p->real,
		strerror(saved), saved == EPERM ? attribute : "");
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int
swap_stat(const struct path_place *p, const char *name, struct stat *st,
	struct fault *f)
{
	int r, saved;

	if (path_enter(p, f) < 0) {
		path_leave(p);
		return -1;
	}
	r = fstatat(p->dir, name, st, AT_SYMLINK_NOFOLLOW);
	saved = errno;
	path_leave(p);
	return r == 0 ? 0
		      : fault_set(f, FAULT_FAILED, "%s: %s: %s", p->real, name,
				strerror(saved));
}

/* Is what stands under tmp now what was read, and under the name what was
 * prepared? */
static int
verify(const struct path_place *p, const char *tmp, const struct swap_file *old,
	const struct stat *prepared, struct fault *f)
{
	struct swap_file now;
	struct stat st;
	int r = -1;

	if (swap_read_linked(p, tmp, &now, f) < 0)
		return -1;
	if (swap_stat(p, p->name, &st, f) < 0)
		r = -1;
	else if (now.st.st_nlink != old->st.st_nlink)
		(void)fault_set(f, FAULT_REFUSED,
			"%s: the number of its hard links has changed in the "
			"meantime, and it is as it was found: try again",
			p->real);
	else if (!is_same(&now.st, &old->st) ||
		 !bytes_equal(&now.bytes, &old->bytes))
		(void)fault_set(f, FAULT_FAILED,
			"%s: it was replaced or written to in the meantime, "
			"and is as it was found: try again",
			p->real);
	else if (!is_same(&st, prepared))
		(void)fault_set(f, FAULT_FAILED,
			"%s: someone changed the new file in the meantime",
			p->real);
	else
		r = 0;
	swap_free(&now);
	return r;
}

int
swap_back(const struct path_place *p, const char *tmp, const struct stat *ours,
	struct fault *f)
{
	struct stat put = *ours, next, out;
	unsigned i;

	for (i = 0; i < MAX_EXCHANGES; i++) {
		if (swap_stat(p, tmp, &next, f) < 0 ||
			exchange(p, tmp, f) < 0 ||
			swap_stat(p, tmp, &out, f) < 0)
			return -1;
		if (is_same(&out, &put))
			return fsync(p->dir) == 0
				       ? 0
				       : fault_set(f, FAULT_FAILED, "%s: %s",
						 p->real, strerror(errno));
		/* Newer than what was put there: to be put back itself. */
		put = next;
	}
	return fault_set(f, FAULT_FAILED,
		"%s: it is replaced all the time: try again", p->real);
}

int
swap_exchange(const struct path_place *p, const char *tmp,
	const struct swap_file *old, struct fault *f)
{
	struct stat prepared;
	struct fault back;

	if (swap_stat(p, tmp, &prepared, f) < 0 || exchange(p, tmp, f) < 0)
		return -1;
	if (verify(p, tmp, old, &prepared, f) == 0) {
		if (fsync(p->dir) == 0)
			return 0;
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", p->real, strerror(errno));
	}
	if (swap_back(p, tmp, &prepared, &back) == 0)
		return -1;
	fault_add(f,
		"; and it could not be put back: it is under the name %s in "
		"its directory",
		tmp);
	return SWAP_STUCK;
}

int
swap_discard(const struct path_place *p, const char *tmp, struct fault *f)
{
	if (unlink_as(p, tmp) < 0 && errno != ENOENT)
		return fault_set(f, FAULT_FAILED,
			"%s: the file %s in its directory cannot be removed: "
			"%s",
			p->real, tmp, strerror(errno));
	if (fsync(p->dir) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", p->real, strerror(errno));
	return 0;
}
