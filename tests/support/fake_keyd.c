#include "tests/support/fake_keyd.h"

#include "wire/proto.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static struct fake_shared *shared; /* in the server's process */

/* The mode for this request or connection; counts down. */
static int
next_mode(void)
{
	int mode = atomic_load(&shared->mode);
	int left = atomic_load(&shared->times);

	if (left > 0 &&
		atomic_compare_exchange_strong(
			&shared->times, &left, left - 1) &&
		left == 1)
		atomic_store(&shared->mode, FAKE_SERVE);
	return mode;
}

static void
say(int fd, const void *data, size_t len)
{
	(void)send(fd, data, len, MSG_NOSIGNAL);
}

static void
say_error(int fd, uint8_t type, uint32_t id, int status, int detail)
{
	uint8_t buf[PROTO_REFUSAL_LEN];
	struct writer w = writer_init(buf, sizeof(buf));

	proto_put_error(&w, type, id, (uint16_t)status, (uint16_t)detail);
	say(fd, buf, writer_len(&w));
}

static void
say_with_fd(int fd, void *data, size_t len)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
}

struct connection {
	int fd;
	int number;
	struct ucred peer;
};

/* 0: the connection goes on. */
static int
answer(struct connection *c, const struct proto_request *q, uint8_t *request,
	size_t request_len)
{
	static uint8_t big[PROTO_MAX_REPLY + 1];
	struct timespec late = { .tv_nsec = 600000000 };
	struct proto_status_reply m = { .keys = (uint32_t)c->number };
	uint8_t buf[64];
	struct writer w = writer_init(buf, sizeof(buf));
	int mode = next_mode();
	uint32_t id = mode == FAKE_WRONG_ID ? q->id + 1 : q->id;
	uint8_t type = mode == FAKE_WRONG_TYPE ? PROTO_FIND : q->type;

	m.generation = (uint64_t)c->peer.pid;
	proto_put_ok(&w, type, id);
	if (q->type == PROTO_STATUS)
		proto_put_status(&w, &m);
	switch (mode) {
	case FAKE_STATUS:
		say_error(c->fd, q->type, q->id, atomic_load(&shared->status),
			atomic_load(&shared->detail));
		return 0;
	case FAKE_SILENT:
		return 0;
	case FAKE_LATE:
		(void)nanosleep(&late, NULL);
		break;
	case FAKE_EOF:
		return -1;
	case FAKE_REQUEST:
		say(c->fd, request, request_len);
		return 0;
	case FAKE_VERSION:
		buf[0] = PROTO_VERSION + 1;
		break;
	case FAKE_TRUNCATED:
		say(c->fd, buf, 4);
		return 0;
	case FAKE_OVERSIZED:
		memcpy(big, buf, PROTO_REPLY_HEADER);
		say(c->fd, big, sizeof(big));
		return 0;
	case FAKE_TWICE:
		say(c->fd, buf, writer_len(&w));
		break;
	case FAKE_FD:
		say_with_fd(c->fd, buf, writer_len(&w));
		return 0;
	case FAKE_STRAY_REFUSAL:
		say_error(c->fd, PROTO_REFUSAL, 0, PROTO_OK, 0);
		return 0;
	default:
		break;
	}
	say(c->fd, buf, writer_len(&w));
	return 0;
}

static bool
is_same_peer(const struct msghdr *msg, const struct ucred *peer)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct ucred who;

	if (c == NULL || c->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&who, CMSG_DATA(c), sizeof(who));
	return memcmp(&who, peer, sizeof(who)) == 0;
}

static int
serve_one(struct connection *c, uint8_t *buf, size_t size)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct proto_request q;
	ssize_t n = recvmsg(c->fd, &msg, 0);

	if (n <= 0)
		return -1;
	(void)atomic_fetch_add(&shared->requests, 1);
	if (proto_decode_request(buf, (size_t)n, &q) < 0)
		return -1;
	if (!is_same_peer(&msg, &c->peer)) {
		(void)atomic_fetch_add(&shared->identity_errors, 1);
		say_error(c->fd, q.type, q.id, PROTO_IDENTITY, 0);
		return -1;
	}
	return answer(c, &q, buf, (size_t)n);
}

static void *
serve(void *arg)
{
	struct connection *c = arg;
	uint8_t *buf = malloc(PROTO_MAX_REQUEST);

	must(buf != NULL, "malloc");
	while (serve_one(c, buf, PROTO_MAX_REQUEST) == 0)
		;
	(void)close(c->fd);
	(void)atomic_fetch_add(&shared->closed, 1);
	free(buf);
	free(c);
	return NULL;
}

static void
greet(int fd)
{
	int mode = atomic_load(&shared->mode);
	socklen_t len = sizeof(struct ucred);
	struct connection *c;
	pthread_attr_t attr;
	pthread_t thread;

	if (mode == FAKE_REFUSE_LATE)
		must(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1,
			     10000) == 1,
			"no request");
	if (mode == FAKE_REFUSE || mode == FAKE_REFUSE_LATE ||
		mode == FAKE_RESET) {
		(void)next_mode();
		(void)atomic_fetch_add(&shared->accepted, 1);
		if (mode != FAKE_RESET)
			say_error(fd, PROTO_REFUSAL, 0,
				atomic_load(&shared->status),
				atomic_load(&shared->detail));
		(void)close(fd);
		(void)atomic_fetch_add(&shared->closed, 1);
		return;
	}
	c = calloc(1, sizeof(*c));
	must(c != NULL, "calloc");
	c->fd = fd;
	must(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->peer, &len) == 0,
		"SO_PEERCRED");
	c->number = atomic_fetch_add(&shared->accepted, 1) + 1;
	must(pthread_attr_init(&attr) == 0, "pthread");
	must(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0,
		"pthread");
	must(pthread_create(&thread, &attr, serve, c) == 0, "pthread");
	(void)pthread_attr_destroy(&attr);
}

static int
listen_at(const char *path, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	size_t n = strlen(path);
	int one = 1;

	must(fd >= 0 && n < sizeof(a.sun_path), "socket");
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	else
		(void)unlink(path);
	must(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0,
		"SO_PASSCRED");
	must(bind(fd, (struct sockaddr *)&a,
		     (socklen_t)(sizeof(sa_family_t) + n)) == 0,
		"bind");
	if (path[0] != '@')
		must(chmod(path, 0666) == 0, "chmod");
	must(listen(fd, backlog < 0 ? -backlog - 1 : backlog) == 0, "listen");
	return fd;
}

_Noreturn static void
run_server(const char *path, uid_t uid, int backlog, int ready)
{
	int fd, one;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (uid != (uid_t)-1)
		must(setresuid(uid, uid, uid) == 0, "setresuid");
	fd = listen_at(path, backlog);
	must(write(ready, "1", 1) == 1, "write");
	(void)close(ready);
	while (backlog < 0)
		(void)pause();
	for (;;) {
		one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (one >= 0)
			greet(one);
	}
}

void
fake_restart(struct fake *f, uid_t uid, int backlog)
{
	int ready[2];
	char c;

	must(pipe(ready) == 0, "pipe");
	f->pid = fork();
	must(f->pid >= 0, "fork");
	if (f->pid == 0) {
		(void)close(ready[0]);
		shared = f->shared;
		run_server(f->path, uid, backlog, ready[1]);
	}
	(void)close(ready[1]);
	must(read(ready[0], &c, 1) == 1, "the server did not start");
	(void)close(ready[0]);
}

void
fake_start(struct fake *f, const char *name, uid_t uid, int backlog)
{
	*f = (struct fake){ .folder = "/tmp/fake-keyd-XXXXXX" };
	must(mkdtemp(f->folder) != NULL, "mkdtemp");
	must(chmod(f->folder, 0777) == 0, "chmod");
	if (name != NULL)
		(void)snprintf(f->path, sizeof(f->path), "@%s", name);
	else
		(void)snprintf(
			f->path, sizeof(f->path), "%s/keyd.sock", f->folder);
	f->shared = mmap(NULL, sizeof(*f->shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(f->shared != MAP_FAILED, "mmap");
	fake_restart(f, uid, backlog);
}

void
fake_stop(struct fake *f)
{
	pid_t done;

	if (f->pid <= 0)
		return;
	(void)kill(f->pid, SIGKILL);
	/* A test's timer may still be running. */
	do
		done = waitpid(f->pid, NULL, 0);
	while (done < 0 && errno == EINTR);
	must(done == f->pid, "waitpid");
	f->pid = 0;
}

void
fake_end(struct fake *f)
{
	fake_stop(f);
	if (f->path[0] != '@')
		(void)unlink(f->path);
	must(rmdir(f->folder) == 0, "rmdir");
	(void)munmap(f->shared, sizeof(*f->shared));
}

void
fake_set(struct fake *f, enum fake_mode mode, int times)
{
	atomic_store(&f->shared->times, times);
	atomic_store(&f->shared->mode, (int)mode);
}
