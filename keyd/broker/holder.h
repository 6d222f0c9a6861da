/* Who listens under a socket's name. */
#ifndef KEYD_BROKER_HOLDER_H
#define KEYD_BROKER_HOLDER_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	HOLDER_TEXT = 64,
};

/*
 * Words on the process that listens there ("pid 12, uid 1000"), by connecting
 * to it for a moment; "unknown" if it does not listen as SOCK_SEQPACKET.
 */
void holder_find(
	const struct sockaddr_un *addr, socklen_t len, char out[HOLDER_TEXT]);

#endif
