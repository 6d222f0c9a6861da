#include "record.h"

#include <errno.h>
#include <sys/socket.h>

void
record_send(struct record *r, struct audit *a)
{
	uint8_t buf[AUDIT_LEN];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	a->generation = r->generation;
	a->lost = r->lost;
	audit_encode(a, buf);
	do
		n = sendmsg(r->fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(buf))
		r->lost = 0;
	else if (r->lost < UINT32_MAX)
		r->lost++;
}
