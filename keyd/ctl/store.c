#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/proto.h"

enum {
	WAIT = 5000, /* ms for another keydctl */
	PAUSE = 50,  /* ms between tries */
};

static const struct kind {
	const char *suffix;
	mode_t mode;
	bool policy; /* in the policies folder */
} kinds[] = {
	[STORE_KEY] = { ".pem", 0600, false },
	[STORE_ORIGIN] = { ".origin", 0600, false },
	[STORE_POLICY] = { ".conf", 0644, true },
	[STORE_ORIGINAL] = { ".original", 0600, false },
};

static const char tmp_suffix[] = ".keydctl-tmp";

static int
folder(const struct store *s, enum store_kind k)
{
	return kinds[k].policy ? s->policies : s->keys;
}

static void
file_name(enum store_kind k, const char *name, char out[NAME_MAX + 1])
{
	(void)snprintf(out, NAME_MAX + 1, "%.63s%s", name, kinds[k].suffix);
}

const char *
store_path(const struct store *s, enum store_kind k, const char *name,
	char out[PATH_MAX])
{
	const char *dir =
		kinds[k].policy ? s->config->policies : s->config->keys;

	(void)snprintf(
		out, PATH_MAX, "%.4000s/%.63s%s", dir, name, kinds[k].suffix);
	return out;
}

/* Who may write to it could destroy keys, or put others in their place. */
static int
check_folder(int fd, const char *path, struct fault *f)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fault_set(f, FAULT_REFUSED,
			"%s: it belongs to uid %u: chown root", path,
			(unsigned)st.st_uid);
	if ((st.st_mode & 022) != 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: mode %04o lets others write: chmod go-w", path,
			(unsigned)st.st_mode & 07777);
	return 0;
}

static int
open_folder(const char *path, mode_t mode, bool write, struct fault *f)
{
	int fd;

	if (write && mkdir(path, mode) < 0 && errno != EEXIST)
		return fault_set(f, FAULT_FAILED, "%s: making it: %s", path,
			strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fault_set(f, FAULT_FAILED, "%s: %s%s", path,
			strerror(errno),
			errno == EACCES ? ": run keydctl as root" : "");
	if (write && check_folder(fd, path, f) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Files that an interrupted keydctl did not get to rename. */
static int
sweep(int dir, const char *path, struct fault *f)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t n, t = sizeof(tmp_suffix) - 1;
	int r = 0;

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (e->d_name[0] != '.' || n < t ||
			strcmp(e->d_name + n - t, tmp_suffix) != 0)
			continue;
		if (unlinkat(dir, e->d_name, 0) < 0)
			r = fault_set(f, FAULT_FAILED, "%s/%s: removing it: %s",
				path, e->d_name, strerror(errno));
	}
	(void)closedir(d);
	return r;
}

/* As cnflock.h does it for openssl.cnf. */
static int
lock(const struct store *s, struct fault *f)
{
	const struct timespec pause = { 0, PAUSE * 1000000L };
	unsigned i;

	for (i = 0; flock(s->keys, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fault_set(f, FAULT_FAILED, "%s: locking it: %s",
				s->config->keys, strerror(errno));
		if (i == WAIT / PAUSE)
			return fault_set(f, FAULT_FAILED,
				"%s: another keydctl is still at work on it "
				"after %d s: try again when it is done",
				s->config->keys, WAIT / 1000);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* The folder's time tells what came and went; unknown is as if something had. */
static void
last_change(const struct store *s, struct timespec *out)
{
	struct stat st;

	*out = (struct timespec){ 0 };
	if (fstat(s->keys, &st) == 0)
		*out = st.st_mtim;
}

void
store_release(const struct store *s, struct timespec *when)
{
	last_change(s, when);
	(void)flock(s->keys, LOCK_UN);
}

int
store_resume(
	const struct store *s, const struct timespec *when, struct fault *f)
{
	struct timespec now;

	if (lock(s, f) < 0)
		return -1;
	last_change(s, &now);
	return now.tv_sec == 0 || now.tv_sec != when->tv_sec ||
	       now.tv_nsec != when->tv_nsec;
}

static int
open_write(struct store *s, struct fault *f)
{
	if (lock(s, f) < 0)
		return -1;
	s->policies = open_folder(s->config->policies, 0755, true, f);
	if (s->policies < 0 || sweep(s->keys, s->config->keys, f) < 0)
		return -1;
	return sweep(s->policies, s->config->policies, f);
}

int
store_open(
	const struct config *c, bool write, struct store *out, struct fault *f)
{
	struct store s = { .config = c, .policies = -1 };
	struct fault ignored;

	s.keys = open_folder(c->keys, 0700, write, f);
	if (s.keys < 0)
		return -1;
	if (write) {
		if (open_write(&s, f) < 0) {
			store_close(&s);
			return -1;
		}
	} else {
		s.policies = open_folder(c->policies, 0, false, &ignored);
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s->keys >= 0)
		(void)close(s->keys);
	if (s->policies >= 0)
		(void)close(s->policies);
	s->keys = s->policies = -1;
}

int
store_has(const struct store *s, enum store_kind k, const char *name,
	struct fault *f)
{
	char file[NAME_MAX + 1], path[PATH_MAX];
	struct stat st;

	file_name(k, name, file);
	if (folder(s, k) < 0)
		return 0;
	if (fstatat(folder(s, k), file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return fault_set(f, FAULT_FAILED, "%s: %s",
		store_path(s, k, name, path), strerror(errno));
}

/* The bytes under the temporary name, on the disk. */
static int
write_tmp(int dir, const char *tmp, mode_t mode, const void *data, size_t len)
{
	int fd = openat(dir, tmp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r, saved;

	if (fd < 0)
		return -1;
	r = bytes_write(fd, data, len);
	if (r == 0)
		r = fchmod(fd, mode);
	if (r == 0)
		r = fsync(fd);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return r;
}

int
store_put(const struct store *s, enum store_kind k, const char *name,
	const void *data, size_t len, struct fault *f)
{
	char file[NAME_MAX + 1], tmp[NAME_MAX + 1], path[PATH_MAX];
	int dir = folder(s, k), saved;

	file_name(k, name, file);
	(void)snprintf(tmp, sizeof(tmp), ".%.80s%s", file, tmp_suffix);
	if (write_tmp(dir, tmp, kinds[k].mode, data, len) == 0 &&
		renameat(dir, tmp, dir, file) == 0 && fsync(dir) == 0)
		return 0;
	saved = errno;
	(void)unlinkat(dir, tmp, 0);
	return fault_set(f, FAULT_FAILED, "%s: writing it: %s",
		store_path(s, k, name, path), strerror(saved));
}

int
store_fd(const struct store *s, enum store_kind k, const char *name,
	struct fault *f)
{
	char file[NAME_MAX + 1], path[PATH_MAX];
	int fd;

	file_name(k, name, file);
	fd = openat(folder(s, k), file,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fault_set(f, FAULT_FAILED, "%s: %s",
			store_path(s, k, name, path), strerror(errno));
	return fd;
}

int
store_get(const struct store *s, enum store_kind k, const char *name,
	struct bytes *out, struct fault *f)
{
	char path[PATH_MAX];
	int has = store_has(s, k, name, f), fd;

	if (has <= 0)
		return has;
	fd = store_fd(s, k, name, f);
	if (fd < 0)
		return -1;
	if (bytes_read(fd, STORE_MAX_FILE, out) < 0) {
		(void)fault_set(f, FAULT_FAILED, "%s: %s",
			store_path(s, k, name, path), strerror(errno));
		has = -1;
	}
	(void)close(fd);
	return has;
}

int
store_can_drop(const struct store *s, struct fault *f)
{
	if (faccessat(s->keys, ".", W_OK, AT_EACCESS) < 0)
		return fault_set(f, FAULT_FAILED,
			"%s: removing files there: %s; nothing has changed",
			s->config->keys, strerror(errno));
	if (s->policies >= 0 &&
		faccessat(s->policies, ".", W_OK, AT_EACCESS) < 0)
		return fault_set(f, FAULT_FAILED,
			"%s: removing files there: %s; nothing has changed",
			s->config->policies, strerror(errno));
	return 0;
}

int
store_drop(const struct store *s, enum store_kind k, const char *name,
	struct fault *f)
{
	char file[NAME_MAX + 1], path[PATH_MAX];
	int dir = folder(s, k);

	file_name(k, name, file);
	if (dir < 0 || (unlinkat(dir, file, 0) < 0 && errno == ENOENT))
		return 0;
	if (fstatat(dir, file, &(struct stat){ 0 }, AT_SYMLINK_NOFOLLOW) < 0 &&
		errno == ENOENT && fsync(dir) == 0)
		return 0;
	return fault_set(f, FAULT_FAILED, "%s: removing it: %s",
		store_path(s, k, name, path), strerror(errno));
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The name that a file's name stands for, or 0 if it is none of ours. */
static size_t
stem(enum store_kind k, const char *file)
{
	size_t n = strlen(file), t = strlen(kinds[k].suffix);

	if (n <= t || strcmp(file + n - t, kinds[k].suffix) != 0)
		return 0;
	return proto_is_name(file, n - t) ? n - t : 0;
}

struct names {
	char (*name)[PROTO_MAX_NAME + 1];
	size_t n, size;
};

static int
collect(struct names *v, const char *file, size_t len)
{
	if (v->n == v->size) {
		size_t size = v->size == 0 ? 64 : 2 * v->size;
		void *more = reallocarray(v->name, size, sizeof(*v->name));

		if (more == NULL)
			return -1;
		v->name = more;
		v->size = size;
	}
	memcpy(v->name[v->n], file, len);
	v->name[v->n++][len] = '\0';
	return 0;
}

/* One block: the pointers, then what they point to. */
static char **
pack(const struct names *v)
{
	size_t i, head = (v->n + 1) * sizeof(char *);
	char **out = malloc(head + v->n * sizeof(*v->name));
	char *text;

	if (out == NULL)
		return NULL;
	text = (char *)out + head;
	for (i = 0; i < v->n; i++, text += sizeof(*v->name)) {
		memcpy(text, v->name[i], sizeof(*v->name));
		out[i] = text;
	}
	out[v->n] = NULL;
	qsort(out, v->n, sizeof(*out), by_name);
	return out;
}

char **
store_names(const struct store *s, enum store_kind k, struct fault *f)
{
	struct names v = { 0 };
	struct dirent *e;
	char **out = NULL;
	int fd = openat(folder(s, k), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n;

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		(void)fault_set(f, FAULT_FAILED, "%s: %s",
			kinds[k].policy ? s->config->policies : s->config->keys,
			strerror(errno));
		return NULL;
	}
	while ((e = readdir(d)) != NULL) {
		n = stem(k, e->d_name);
		if (n > 0 && collect(&v, e->d_name, n) < 0)
			goto done;
	}
	out = pack(&v);
done:
	if (out == NULL)
		(void)fault_set(f, FAULT_FAILED, "out of memory");
	(void)closedir(d);
	free(v.name);
	return out;
}
