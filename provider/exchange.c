#include "provider/exchange.h"

#include "provider/deadline.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* How much later than its deadline a call may return: 1/16 of what was left
 * when the connection was made, so that pooled ones need not be set again. */
enum {
	SLACK_SHIFT = 4,
};

int
exchange_set_wait(struct pool_conn *c, uint64_t deadline)
{
	uint64_t left = deadline_left(deadline);
	struct timeval t = {
		.tv_sec = (time_t)(left / 1000),
		.tv_usec = (suseconds_t)(left % 1000 * 1000),
	};

	if (left == 0)
		return -ETIMEDOUT;
	/* Not 0, which would be for ever; nor so short that we poll. */
	if (c->wait >= left / 2 && c->wait <= left + (left >> SLACK_SHIFT))
		return 0;
	if (setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0 ||
		setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0)
		return -errno;
	c->wait = (unsigned)left;
	return 0;
}

union credentials {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct ucred))];
};

static void
attach_credentials(
	struct msghdr *msg, union credentials *control, const struct ucred *who)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control;
	msg->msg_controllen = sizeof(control->buf);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(*who));
	memcpy(CMSG_DATA(c), who, sizeof(*who));
}

int
exchange_send(
	struct pool_conn *c, const void *data, size_t len, uint64_t deadline)
{
	struct ucred who = { .pid = getpid(), .uid = c->uid, .gid = c->gid };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
		.iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union credentials control;
	int rc;

	attach_credentials(&msg, &control, &who);
	do {
		rc = exchange_set_wait(c, deadline);
		if (rc < 0)
			return rc;
		if (sendmsg(c->fd, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
	} while (errno == EINTR || errno == EAGAIN);
	return -errno;
}

int
exchange_receive(struct pool_conn *c, void *data, size_t size,
	uint64_t deadline, size_t *len)
{
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	bool was_reset = false;
	ssize_t n;
	int rc;

	for (;;) {
		rc = exchange_set_wait(c, deadline);
		if (rc < 0 && rc != -ETIMEDOUT)
			return rc;
		n = recvmsg(c->fd, &msg, rc < 0 ? MSG_DONTWAIT : 0);
		if (n >= 0)
			break;
		/* A refusal may still wait behind the reset. */
		if (errno == ECONNRESET && !was_reset)
			was_reset = true;
		else if (errno == EAGAIN && rc < 0)
			return -ETIMEDOUT;
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	if (n == 0)
		return -ECONNRESET;
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return -EBADMSG;
	*len = (size_t)n;
	return 0;
}
