#include "certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "apart.h"
#include "broker/trust.h"
#include "bytes.h"
#include "path.h"
#include "regular.h"

struct errand {
	const char *path;
};

/* What the owner of its folder can open. */
static int
open_as_owner(const struct path_place *p, struct fault *f)
{
	int fd, saved;

	if (path_enter(p, f) < 0)
		return -1;
	fd = regular_reopen(
		openat(p->dir, p->name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	saved = errno;
	path_leave(p);
	if (fd < 0)
		return fault_set(f, FAULT_FAILED, "%s: %s%s", p->real,
			saved == EINVAL ? "this is no regular file"
					: strerror(saved),
			saved == EACCES && p->switched
				? " (opened as the owner of its directory, "
				  "since he could aim root elsewhere)"
				: "");
	return fd;
}

/* A copy, which stays as it is. */
static int
copy(const char *path, int fd, struct fault *f)
{
	struct bytes b;
	int r;

	if (bytes_read(fd, TRUST_MAX_FILE, &b) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	r = bytes_file(&b);
	if (r < 0)
		(void)fault_set(
			f, FAULT_FAILED, "memfd_create: %s", strerror(errno));
	bytes_free(&b);
	return r;
}

static void
fetch(void *arg, int out)
{
	const struct errand *e = arg;
	struct path_place place;
	struct fault f = { 0 };
	int fd = -1, memory = -1;

	/* If it is abandoned, the lock of the store must not be. */
	if (out > 0 && close_range(0, (unsigned)out - 1, 0) < 0)
		return;
	if (close_range((unsigned)out + 1, UINT_MAX, 0) < 0)
		return;
	if (path_find(e->path, &place, &f) == 0) {
		fd = open_as_owner(&place, &f);
		path_close(&place);
	}
	if (fd >= 0)
		memory = copy(e->path, fd, &f);
	apart_answer(out, &f, sizeof(f), memory);
}

int
certificate_named(const char *path, struct fault *f)
{
	struct errand e = { .path = path };
	struct fault why = { 0 };
	int fd = -1, error;

	error = apart_run(fetch, &e, APART_TIMEOUT, &why, sizeof(why), &fd);
	if (error != 0)
		return fault_set(f, FAULT_FAILED, "%s: %s%s", path,
			strerror(error),
			error == ETIMEDOUT ? " (a file system that hangs?)"
					   : "");
	if (fd < 0)
		*f = why;
	return fd;
}

int
certificate_of_policy(const char *path, struct fault *f)
{
	struct trust_foreign why;
	int fd = trust_open(AT_FDCWD, "", path, &why);

	if (fd == TRUST_FOREIGN)
		return CERTIFICATE_FOREIGN;
	if (fd < 0)
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	return fd;
}
