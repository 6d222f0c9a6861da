#include "reach.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "procdir.h"

enum {
	TIMEOUT = 5000, /* ms */
};

struct search {
	char end[128]; /* of the line that is looked for */
	bool found;
};

/* Number, count, protocol, flags, …; 10000 is a listener. */
static void
compare(void *arg, char *line)
{
	struct search *s = arg;
	size_t len = strlen(line), n = strlen(s->end);
	char flags[16];

	if (len > n && strcmp(line + len - n, s->end) == 0 &&
		sscanf(line, "%*s %*s %*s %15s", flags) == 1 &&
		strcmp(flags, "00010000") == 0)
		s->found = true;
}

int
reach_abstract(const struct process *p, const char *name)
{
	struct search s = { 0 };

	(void)snprintf(s.end, sizeof(s.end), " @%s", name);
	if (procdir_lines(p->dir, "net/unix", compare, &s) < 0)
		return -1;
	return s.found;
}

/* The wrong type of socket finds out without a connection. */
static int
try_it(const struct process *p, const char *path, pid_t parent)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%.107s", path);
	if (fd < 0 || fchdir(p->root) < 0 || chroot(".") < 0 ||
		setgroups((size_t)p->id.ngroups, p->id.groups) < 0 ||
		setresgid(p->id.gid, p->id.gid, p->id.gid) < 0 ||
		setresuid(p->id.uid, p->id.uid, p->id.uid) < 0 ||
		/* The change of user has cleared what was set before. */
		prctl(PR_SET_DUMPABLE, 0) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		return EPERM;
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return EADDRINUSE;
	return errno == EPROTOTYPE ? 0 : errno;
}

/* Within a bounded time? Its user, whom it has become, can stop it. */
static bool
ends(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool r = fd >= 0 && poll(&p, 1, TIMEOUT) > 0;

	if (fd >= 0)
		(void)close(fd);
	return r;
}

int
reach_path(const struct process *p, const char *path)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	/* All errno values of connect(2) fit into an exit status. */
	if (pid == 0)
		_exit(try_it(p, path, parent));
	if (pid < 0)
		return errno;
	if (!ends(pid))
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ETIMEDOUT;
}
