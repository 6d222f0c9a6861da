#include "loop.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Room for one sender's credentials and nothing else: the kernel drops
 * descriptors that do not fit.
 */
union credentials {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct ucred))];
};

struct datagram {
	size_t len;
	bool truncated;
	bool has_sender;
	struct ucred sender;
};

enum received {
	RECEIVED,
	RECEIVED_END, /* peer gone, or nothing for too long */
	RECEIVED_ERROR,
};

/* One byte more than allowed, so that what is too long is seen to be. */
static uint8_t request[PROTO_MAX_REQUEST + 1];
static uint8_t reply[PROTO_MAX_REPLY];

static void
take_sender(struct msghdr *msg, struct datagram *d)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
		c->cmsg_type != SCM_CREDENTIALS ||
		c->cmsg_len != CMSG_LEN(sizeof(d->sender)))
		return;
	memcpy(&d->sender, CMSG_DATA(c), sizeof(d->sender));
	d->has_sender = true;
}

static enum received
receive(int fd, struct datagram *out)
{
	union credentials control = { 0 };
	struct iovec iov = { .iov_base = request, .iov_len = sizeof(request) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct datagram d = { 0 };
	ssize_t n;

	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == ECONNRESET ? RECEIVED_END
							      : RECEIVED_ERROR;
	take_sender(&msg, &d);
	/* An empty datagram has a sender, the end of a connection has not. */
	if (n == 0 && !d.has_sender)
		return RECEIVED_END;
	d.len = (size_t)n;
	d.truncated = (msg.msg_flags & MSG_TRUNC) != 0;
	*out = d;
	return RECEIVED;
}

/* 0, or -1: the peer is gone, or has not read for too long. */
static int
transmit(int fd, size_t len)
{
	struct iovec iov = { .iov_base = reply, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : -1;
}

static bool
is_peer(const struct loop *l, const struct datagram *d)
{
	return d->has_sender && d->sender.pid > 0 &&
	       (uint32_t)d->sender.pid == l->pid && d->sender.uid == l->uid &&
	       d->sender.gid == l->gid;
}

static bool
is_current(const struct loop *l)
{
	return atomic_load(l->current) == l->session.generation;
}

static enum answer_next
respond(struct loop *l, const struct datagram *d, size_t *len)
{
	struct session *s = &l->session;

	if (!is_peer(l, d)) {
		answer_error(s, PROTO_IDENTITY, d->len, (uint32_t)d->sender.pid,
			d->sender.uid, reply, len);
		return ANSWER_CLOSE;
	}
	if (d->truncated || d->len > PROTO_MAX_REQUEST) {
		answer_error(s, PROTO_MALFORMED, d->len, 0, 0, reply, len);
		return ANSWER_CLOSE;
	}
	return answer(s, request, d->len, reply, len);
}

int
loop_run(struct loop *l)
{
	struct datagram d;
	enum answer_next next;
	size_t len;
	int sent;

	for (;;) {
		switch (receive(l->client, &d)) {
		case RECEIVED:
			break;
		case RECEIVED_END:
			return LOOP_ENDED;
		case RECEIVED_ERROR:
		default:
			return LOOP_INTERNAL;
		}
		/* The peer asks again, and gets the new keys. */
		if (!is_current(l))
			return LOOP_ENDED;
		next = respond(l, &d, &len);
		sent = transmit(l->client, len);
		/* It may have been a plaintext or a shared secret. */
		explicit_bzero(reply, len);
		if (sent < 0)
			return next == ANSWER_CLOSE ? LOOP_BROKEN : LOOP_ENDED;
		if (next == ANSWER_CLOSE)
			return LOOP_BROKEN;
		if (!is_current(l))
			return LOOP_ENDED;
	}
}
