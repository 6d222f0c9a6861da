#include "broker/logger.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/due.h"
#include "broker/log.h"
#include "broker/program.h"

enum {
	QUEUE_BYTES = 4 * 1024 * 1024,
};

static int
start(struct logger *l, uint64_t now)
{
	if (program_start(l->program, l->plan, NULL, &l->receive_fd, 1,
		    &l->pid) < 0) {
		l->pid = -1;
		l->restart_at = now + LOGGER_PAUSE;
		log_line(LOG_ERR, "cannot start %s: %s", l->program,
			strerror(errno));
		return -1;
	}
	l->started = now;
	l->restart_at = DUE_NEVER;
	return 0;
}

/* As long a queue as we may have, and credentials with each record. */
static int
prepare(const int pair[2])
{
	const struct timeval second = { .tv_sec = 1 };
	const int on = 1, bytes = QUEUE_BYTES;

	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
		    sizeof(bytes)) < 0 &&
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes,
			sizeof(bytes)) < 0)
		return -1;
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &second,
		    sizeof(second)) < 0)
		return -1;
	return setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

int
logger_open(struct logger *l, const char *program, const char *plan)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_line(LOG_ERR, "audit socket: %s", strerror(errno));
		return -1;
	}
	*l = (struct logger){ .send_fd = pair[0],
		.receive_fd = pair[1],
		.program = program,
		.plan = plan,
		.pid = -1 };
	if (prepare(pair) < 0) {
		log_line(LOG_ERR, "audit socket: %s", strerror(errno));
		goto err;
	}
	if (start(l, due_now()) < 0)
		goto err;
	return 0;
err:
	(void)close(pair[0]);
	(void)close(pair[1]);
	return -1;
}

void
logger_record(struct logger *l, const struct audit *a)
{
	uint8_t data[AUDIT_LEN];
	struct audit record = *a;

	record.lost = l->lost;
	audit_encode(&record, data);
	if (send(l->send_fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL) <
		0)
		l->lost++;
	else
		l->lost = 0;
}

bool
logger_reaped(struct logger *l, pid_t pid, int status)
{
	uint64_t now = due_now();

	if (l->pid != pid)
		return false;
	l->pid = -1;
	if (l->send_fd < 0)
		return true; /* as told */
	l->restart_at =
		now < l->started + LOGGER_PAUSE ? now + LOGGER_PAUSE : now;
	log_line(LOG_ERR,
		"the logger ended (%s %d); a new one is started, "
		"no record is lost",
		WIFSIGNALED(status) ? "signal" : "exit code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return true;
}

uint64_t
logger_due(const struct logger *l)
{
	return l->pid < 0 && l->send_fd >= 0 ? l->restart_at : DUE_NEVER;
}

void
logger_tick(struct logger *l, uint64_t now)
{
	if (logger_due(l) <= now)
		(void)start(l, now);
}

void
logger_finish(struct logger *l)
{
	if (l->send_fd < 0)
		return;
	(void)close(l->send_fd);
	l->send_fd = -1;
}
