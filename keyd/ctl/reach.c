#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "apart.h"

enum {
	PATIENCE = 3, /* s for a queue that is full */
};

struct attempt {
	const struct process *p;
	const char *name;
};

struct answer {
	int error;
	struct reach reach;
};

/* 0 or errno. */
static int
enter_network(const struct process *p)
{
	int fd = openat(p->dir, "ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? errno : 0;
}

static int
become(const struct process *p, bool by_path)
{
	int error = 0;

	if (geteuid() != 0)
		return p->own_root || (!by_path && p->own_net) ? EPERM : 0;
	if (!by_path && p->own_net)
		error = enter_network(p);
	if (error == 0 && (fchdir(p->root) < 0 || chroot(".") < 0 ||
				  user_become(&p->id) < 0))
		error = errno;
	return error;
}

static int
look(const char *path, struct reach *out)
{
	struct stat st;

	out->socket = open(path, O_PATH | O_CLOEXEC);
	if (out->socket < 0 || fstat(out->socket, &st) < 0)
		return errno;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}

static int
knock(const char *name, struct reach *out)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	size_t n = strlen(name);
	struct ucred who;
	socklen_t len = sizeof(who);

	if (n >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	memcpy(sun.sun_path, name, n);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	n += offsetof(struct sockaddr_un, sun_path) + (name[0] != '@');
	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			sizeof(patience)) < 0 ||
		connect(fd, (const struct sockaddr *)&sun, (socklen_t)n) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return errno;
	out->uid = who.uid;
	out->pid = who.pid;
	return 0;
}

static void
try_it(void *arg, int out)
{
	const struct attempt *t = arg;
	struct answer a = { .reach.socket = -1 };
	bool by_path = t->name[0] == '/';

	a.error = become(t->p, by_path);
	if (a.error == 0 && by_path)
		a.error = look(t->name, &a.reach);
	if (a.error == 0)
		a.error = knock(t->name, &a.reach);
	apart_answer(out, &a, sizeof(a), a.error == 0 ? a.reach.socket : -1);
}

int
reach_try(const struct process *p, const char *name, struct reach *out)
{
	struct attempt t = { .p = p, .name = name };
	struct answer a;
	int fd = -1, error;

	error = apart_run(try_it, &t, APART_TIMEOUT, &a, sizeof(a), &fd);
	if (error != 0 || a.error != 0)
		return error != 0 ? error : a.error;
	*out = a.reach;
	out->socket = fd;
	return 0;
}

const char *
reach_words(int error)
{
	switch (error) {
	case EPROTOTYPE:
		return "a socket of another kind: who listens there is not "
		       "keyd";
	case EAGAIN:
		return "its queue is full, and nobody takes from it";
	default:
		return strerror(error);
	}
}
