/* Sockets towards keyd: made, connected, and whoever listens checked. */
#ifndef KEYD_PROVIDER_CONNECT_H
#define KEYD_PROVIDER_CONNECT_H

#include "provider/pool.h"

enum {
	CONNECT_NAME = 160,
};

/* Where keyd may listen. */
struct connect_target {
	char name[CONNECT_NAME]; /* a path, or "@name" in the abstract space */
};

/*
 * A SOCK_SEQPACKET socket, close-on-exec, with a number above 2: a host that
 * has closed its standard descriptors must not write its messages to keyd.
 * Returns it, or a negative errno.
 */
MUST_USE int connect_socket(void);

/*
 * Connects, and waits until the deadline if the listener's queue is full. After
 * a failure the socket can be tried with another target.
 * 0 or a negative errno; -ETIMEDOUT: the deadline.
 */
MUST_USE int connect_to(
	struct pool_conn *c, const struct connect_target *t, uint64_t deadline);

/*
 * Is whoever listens on the target root, server_user ((uid_t)-1: none) or the
 * user "keyd"? The overflow uid is nobody's, unless server_user says that keyd
 * is outside of this user namespace, and then at a path alone: an abstract name
 * any user has, who looks the same from here.
 * *uid is who it is, (uid_t)-1 if the kernel did not tell.
 */
MUST_USE bool connect_is_trusted(const struct pool_conn *c,
	const struct connect_target *t, uid_t server_user, uid_t *uid);

#endif
