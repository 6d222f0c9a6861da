#include "cnflock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char name[] = ".openssl-keyd.lock";

enum {
	PAUSE = 50, /* ms between tries */
	NONE = -2,
};

static long long
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* A descriptor; or -1 with *f, or NONE: nothing can be written there. */
static int
open_it(const struct path_place *p, struct fault *f)
{
	int fd, saved;

	if (path_enter(p, f) < 0) {
		path_leave(p);
		return -1;
	}
	fd = openat(p->dir, name,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			O_CLOEXEC,
		0600);
	saved = errno;
	path_leave(p);
	if (fd >= 0)
		return fd;
	if (saved == EACCES || saved == EPERM || saved == EROFS)
		return NONE;
	return fault_set(f, FAULT_FAILED, "%s: %s beside it: %s", p->real, name,
		saved == ELOOP ? "it is a symbolic link: remove it"
			       : strerror(saved));
}

/* Is it still the one of that name? Who held it before has removed it. */
static bool
is_current(const struct path_place *p, int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 &&
	       fstatat(p->dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static int
busy(const struct path_place *p, int fd, struct fault *f)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char who[32] = "";

	if (fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK && l.l_pid > 0)
		(void)snprintf(
			who, sizeof(who), " (process %ld)", (long)l.l_pid);
	return fault_set(f, FAULT_FAILED,
		"%s: another keydctl%s is still at work on it after %d s: try "
		"again when that has ended",
		p->real, who, CNFLOCK_WAIT / 1000);
}

/* Waits until then for the open file to be ours. */
static int
wait_for(const struct path_place *p, int fd, long long end, struct fault *f)
{
	const struct timespec pause = { 0, PAUSE * 1000000L };
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(fd, F_SETLK, &l) < 0) {
		if (errno != EACCES && errno != EAGAIN)
			return fault_set(f, FAULT_FAILED,
				"%s: %s beside it cannot be locked: %s",
				p->real, name, strerror(errno));
		if (now() >= end)
			return busy(p, fd, f);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

int
cnflock_take(const struct path_place *p, int *out, struct fault *f)
{
	long long end = now() + CNFLOCK_WAIT;
	int fd;

	for (;;) {
		fd = open_it(p, f);
		if (fd == NONE) {
			*out = -1;
			return 0;
		}
		if (fd < 0)
			return -1;
		if (wait_for(p, fd, end, f) < 0) {
			(void)close(fd);
			return -1;
		}
		if (is_current(p, fd)) {
			*out = fd;
			return 0;
		}
		(void)close(fd);
	}
}

void
cnflock_release(const struct path_place *p, int lock)
{
	struct fault ignored;

	if (lock < 0)
		return;
	/* Before it is let go: nobody else has it then, nor gets it after. */
	if (path_enter(p, &ignored) == 0)
		(void)unlinkat(p->dir, name, 0);
	path_leave(p);
	(void)close(lock);
}
