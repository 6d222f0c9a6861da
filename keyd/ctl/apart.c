#include "apart.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/boot.h"

enum {
	PATIENCE = 1000, /* ms for one that was killed */
};

static int
wait_for(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, timeout);
	while (r < 0 && errno == EINTR);
	return r;
}

/* One that is abandoned must not keep who reads our output waiting. */
static void
child(apart_fn *fn, void *arg, int out, pid_t parent)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (fd != out)
			(void)close(fd);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
		fn(arg, out);
	_exit(0);
}

static void
end(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	(void)kill(pid, SIGKILL);
	if (fd >= 0) {
		(void)wait_for(fd, PATIENCE);
		(void)close(fd);
	}
	(void)waitpid(pid, NULL, WNOHANG);
}

static int
collect(int in, int timeout, void *answer, size_t size, int *passed)
{
	size_t nfds = 0;
	int fd = -1, r;
	long n;

	r = wait_for(in, timeout);
	if (r <= 0)
		return r == 0 ? ETIMEDOUT : errno;
	n = boot_recv(in, answer, size, &fd, 1, &nfds);
	if (nfds == 1 && (n != (long)size || passed == NULL)) {
		(void)close(fd);
		nfds = 0;
	}
	if (n != (long)size)
		return EIO;
	if (passed != NULL)
		*passed = nfds == 1 ? fd : -1;
	return 0;
}

void
apart_answer(int out, const void *answer, size_t size, int passed)
{
	/* If it cannot be sent there is none, which is an answer too. */
	if (boot_send(out, answer, size, &passed, passed >= 0) < 0)
		_exit(1);
}

/* How many did not come back: a service may have thousands of processes. */
static unsigned lost;

int
apart_run(apart_fn *fn, void *arg, int timeout, void *answer, size_t size,
	int *passed)
{
	pid_t parent = getpid(), pid;
	int p[2], r;

	if (lost >= APART_TRIES)
		return ETIMEDOUT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) < 0)
		return errno;
	pid = fork();
	if (pid == 0)
		child(fn, arg, p[1], parent);
	r = pid < 0 ? errno : 0;
	(void)close(p[1]);
	if (r == 0) {
		r = collect(p[0], timeout, answer, size, passed);
		end(pid);
	}
	lost += r == ETIMEDOUT;
	(void)close(p[0]);
	return r;
}
