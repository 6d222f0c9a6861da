/*
 * keyd-logger: reads audit records and writes them to the log. Started by the
 * broker with its lock-in plan as argument and the records' socket as
 * descriptor 3; ends when no one is left who could send one. It alone sees what sessions
 * say, adds who they are from the kernel, and escapes.
 *
 * Exit codes: 0 all senders have gone, 1 it could not lock itself in, or the
 * socket failed.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lockdown/lockdown.h"
#include "logger/limit.h"
#include "logger/report.h"

enum {
	AUDIT_FD = 3,
};

struct logger {
	pid_t broker;
	int prefix; /* "<4>" in front of lines: not on a terminal */
	struct limit limit;
};

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One write a line, unless the log takes it in pieces. */
static void
put(struct line *l)
{
	const char *p = l->text;
	size_t left;
	ssize_t n;

	if (l->len == sizeof(l->text) - 1)
		l->len--;
	l->text[l->len++] = '\n';
	for (left = l->len; left > 0; left -= (size_t)n, p += n) {
		n = write(STDERR_FILENO, p, left);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return; /* nowhere to complain */
	}
}

static void
tell_held_back(void *arg, const struct limit_id *what, uint32_t count)
{
	const struct logger *me = arg;
	struct line l;

	report_held_back(what, count, me->prefix, &l);
	put(&l);
}

static bool
may_say(struct logger *me, const struct limit_id *what, uint32_t count)
{
	return limit_allows(
		&me->limit, what, count, now_ms(), tell_held_back, me);
}

/* A record from someone it cannot be of, or that is none. */
static void
reject(struct logger *me, const struct ucred *from)
{
	const struct limit_id what = { .who.uid = from->uid,
		.kind = LIMIT_NO_RECORD };
	struct line l;

	if (!may_say(me, &what, 1))
		return;
	line_start(&l, LOG_ERR, me->prefix);
	line_add(&l, "not an audit record, from pid=%d uid=%u", (int)from->pid,
		from->uid);
	put(&l);
}

/* who: whose client's session lost them. */
static void
tell_lost(struct logger *me, uint32_t lost, const struct limit_who *who,
	const struct ucred *from)
{
	const struct limit_id what = { .who = *who, .kind = LIMIT_LOST };
	struct line l;

	if (!may_say(me, &what, lost))
		return;
	line_start(&l, LOG_ERR, me->prefix);
	line_add(&l, "%u audit records of pid=%d could not be delivered", lost,
		(int)from->pid);
	put(&l);
}

static void
take(struct logger *me, const struct audit *a, const struct ucred *from)
{
	const bool broker = from->pid == me->broker;
	struct track_peer told = { a->peer_pid, a->peer_uid, a->peer_gid, "" };
	const struct track_peer *peer;
	const uint32_t session = broker ? a->pid : (uint32_t)from->pid;
	struct limit_who who;
	struct limit_id what;
	struct line l;

	if (broker != (a->kind >= AUDIT_SESSION_START)) {
		reject(me, from);
		return;
	}
	if (broker)
		(void)snprintf(told.listener, sizeof(told.listener), "%.*s",
			(int)sizeof(told.listener) - 1, a->name);
	peer = broker ? &told : track_find(session);
	who = limit_who_of(peer, from->uid);
	what = limit_id_of(a, &who);
	if (a->lost > 0)
		tell_lost(me, a->lost, &who, from);
	if (report_line(a, session, peer, me->prefix, &l) == 1 &&
		may_say(me, &what, 1))
		put(&l);
	if (a->kind == AUDIT_SESSION_START)
		track_add(session, &told);
	if (a->kind == AUDIT_SESSION_END) {
		track_remove(session);
		limit_tell_user(&me->limit, &who, now_ms(), tell_held_back, me);
	}
}

/* The sender as the kernel attached it. 0 or -1. */
static int
get_sender(struct msghdr *msg, struct ucred *out)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_SOCKET &&
			c->cmsg_type == SCM_CREDENTIALS &&
			c->cmsg_len == CMSG_LEN(sizeof(*out))) {
			memcpy(out, CMSG_DATA(c), sizeof(*out));
			return 0;
		}
	return -1;
}

/* Reads and reports one record. 1, 0 at the end, -1 with errno. */
static int
step(struct logger *me)
{
	uint8_t data[AUDIT_LEN + 1];
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct ucred from = { 0, (uid_t)-1, (gid_t)-1 };
	struct audit a;
	ssize_t n;

	n = recvmsg(AUDIT_FD, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? 1 : -1;
	if (get_sender(&msg, &from) < 0)
		return n == 0 ? 0 : 1;
	if (audit_decode(data, (size_t)n, &a) < 0)
		reject(me, &from);
	else
		take(me, &a, &from);
	limit_tell(&me->limit, now_ms(), tell_held_back, me);
	return 1;
}

static int
fail(const struct logger *me, const char *what, const char *which)
{
	struct line l;
	const char *why = strerror(errno);

	line_start(&l, LOG_ERR, me->prefix);
	line_add(&l, "keyd-logger: %s%s: %s", what, which, why);
	put(&l);
	return 1;
}

int
main(int argc, char **argv)
{
	static struct logger me;
	const struct lockdown_fds fds = { .client = -1,
		.audit = AUDIT_FD,
		.control = -1,
		.log = STDERR_FILENO };
	struct lockdown_result result = { 0 };
	struct lockdown_plan plan;
	const char *failed = "";
	int r;

	me.broker = getppid();
	me.prefix = isatty(STDERR_FILENO) != 1;
	/* Whoever reads the log may go, and come again. */
	(void)signal(SIGPIPE, SIG_IGN);
	errno = EINVAL;
	if (argc != 2 || lockdown_plan_parse(argv[1], &plan) < 0)
		return fail(&me, "it is started by keyd only", "");
	if (lockdown_enter(&plan, &result, &failed) < 0)
		return fail(&me, "lock-in: ", failed);
	if (lockdown_filter(LOCKDOWN_LOGGER, &plan, &fds, &result) < 0)
		return fail(&me, "lock-in: ", "seccomp");
	do
		r = step(&me);
	while (r > 0);
	if (r < 0)
		_exit(fail(&me, "audit socket", ""));
	limit_tell(&me.limit, UINT64_MAX, tell_held_back, &me);
	_exit(0);
}
