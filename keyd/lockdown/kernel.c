#include "lockdown/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 6.3; absent from older headers. */
enum {
	SET_MDWE = 65,
	MDWE_REFUSE_EXEC_GAIN = 1,
};

int
lockdown_memfd_secret(void)
{
	/* memfd_secret(2) names FD_CLOEXEC; the kernel takes O_CLOEXEC. */
	return (int)syscall(KERNEL_MEMFD_SECRET, O_CLOEXEC);
}

int
lockdown_mseal(void *addr, size_t len)
{
	return (int)syscall(KERNEL_MSEAL, addr, len, 0UL);
}

static bool
has_memfd_secret(void)
{
	int fd = lockdown_memfd_secret();

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

static bool
has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

uint32_t
lockdown_kernel_layers(void)
{
	uint32_t layers = 0;
	int why;

	if (landlock_abi(&why) > 0)
		layers |= LAYER_LANDLOCK;
	if (has_seccomp())
		layers |= LAYER_SECCOMP;
	if (has_memfd_secret())
		layers |= LAYER_SECRET_MEMORY;
	/* An empty range: valid, and changes nothing. */
	if (lockdown_mseal(NULL, 0) == 0)
		layers |= LAYER_MSEAL;
	return layers;
}

int
kernel_no_new_privs(const struct lockdown_plan *p)
{
	(void)p;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	/* Older kernels do not know it (EINVAL): the filter, which forbids
	 * mprotect, does not rest on it. */
	if (prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 &&
		errno != EINVAL)
		return -1;
	return 0;
}

int
kernel_undumpable(const struct lockdown_plan *p)
{
	(void)p;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -1;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

int
kernel_follow_parent(pid_t parent)
{
	/* EPERM: it leads a group already, which is as good. */
	if (setsid() < 0 && errno != EPERM)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -1;
	/* A parent that died before the line above sends no signal. */
	if (getppid() != parent) {
		errno = ESRCH;
		return -1;
	}
	return 0;
}
