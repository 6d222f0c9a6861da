#include "lockdown/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 5.2; absent from older headers, or in the way of others. */
enum {
	CLONE_TREE = 1,           /* OPEN_TREE_CLONE */
	ALL_BELOW = 0x8000,       /* AT_RECURSIVE */
	FROM_DESCRIPTOR = 0x4,    /* MOVE_MOUNT_F_EMPTY_PATH */
	TREE_CLOEXEC = O_CLOEXEC, /* OPEN_TREE_CLOEXEC */
};

/* Any mount point that keyd has in a chroot; it is seen as before after all. */
static const char hook[] = "/proc";

static int
make_slave(const char *path)
{
	/* The host's later mounts still arrive here; none goes back. */
	return mount(NULL, path, NULL, MS_REC | MS_SLAVE, NULL);
}

/*
 * The mount with our root in it may be the host's, shared, and cannot be named
 * from in here: a mount on / would show outside. So the copy of all that we see
 * goes where nothing is passed on any more, and our root follows it there.
 */
static int
move_root(void)
{
	char folder[PATH_MAX];
	int tree, rc = -1;

	if (getcwd(folder, sizeof(folder)) == NULL)
		return -1;
	tree = (int)syscall(KERNEL_OPEN_TREE, AT_FDCWD, "/",
		CLONE_TREE | TREE_CLOEXEC | ALL_BELOW);
	if (tree < 0)
		return -1;
	if (make_slave(hook) < 0 ||
		syscall(KERNEL_MOVE_MOUNT, tree, "", AT_FDCWD, hook,
			FROM_DESCRIPTOR) < 0 ||
		fchdir(tree) < 0 || chroot(".") < 0 || chdir(folder) < 0)
		goto out;
	rc = 0;
out:
	(void)close(tree);
	return rc;
}

int
mounts_enter(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return errno;
	if (make_slave("/") == 0)
		return 0;
	/* EINVAL: / is no mount point, we are in a plain chroot. */
	if (errno != EINVAL || move_root() < 0 || make_slave("/") < 0)
		return errno;
	return 0;
}
