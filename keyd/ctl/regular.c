#include "regular.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* File systems in which a file is the kernel talking: to read it can drain a
 * log, wait for an event, or tell what belongs to another process. */
static const long talking[] = {
	PROC_SUPER_MAGIC,
	SYSFS_MAGIC,
	DEBUGFS_MAGIC,
	TRACEFS_MAGIC,
	SECURITYFS_MAGIC,
	SELINUX_MAGIC,
	CGROUP_SUPER_MAGIC,
	CGROUP2_SUPER_MAGIC,
	BPF_FS_MAGIC,
	PSTOREFS_MAGIC,
	EFIVARFS_MAGIC,
	BINFMTFS_MAGIC,
	NSFS_MAGIC,
};

static bool
is_ordinary(int fd, mode_t mode)
{
	struct statfs fs;
	size_t i;

	if ((!S_ISREG(mode) && !S_ISDIR(mode)) || fstatfs(fd, &fs) < 0)
		return false;
	for (i = 0; i < sizeof(talking) / sizeof(talking[0]); i++)
		if ((long)fs.f_type == talking[i])
			return false;
	return true;
}

int
regular_reopen(int looked)
{
	char link[64];
	struct stat st;
	int fd = -1, saved;

	if (looked < 0)
		return -1;
	if (fstat(looked, &st) == 0) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", looked);
		if (is_ordinary(looked, st.st_mode))
			fd = open(link,
				O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		else
			errno = EINVAL;
	}
	saved = errno;
	(void)close(looked);
	errno = saved;
	return fd;
}

int
regular_open(int folder, const char *path)
{
	return regular_reopen(openat(folder, path, O_PATH | O_CLOEXEC));
}
