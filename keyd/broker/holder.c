#include "broker/holder.h"

#include <stdio.h>
#include <unistd.h>

void
holder_find(
	const struct sockaddr_un *addr, socklen_t len, char out[HOLDER_TEXT])
{
	struct ucred who = { 0 };
	socklen_t size = sizeof(who);
	int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(out, HOLDER_TEXT, "unknown");
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)addr, len) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
		(void)snprintf(out, HOLDER_TEXT, "pid %d, uid %u", (int)who.pid,
			(unsigned)who.uid);
	(void)close(fd);
}
