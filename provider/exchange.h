/* One datagram out, one in, each with a deadline. */
#ifndef KEYD_PROVIDER_EXCHANGE_H
#define KEYD_PROVIDER_EXCHANGE_H

#include "provider/pool.h"

/*
 * Sees to it that no call on the blocking socket waits much longer than until
 * the deadline: sets its timeouts, unless they are right already, which they
 * are when nothing went wrong (no system call then).
 * 0 or a negative errno; -ETIMEDOUT: the deadline has passed.
 */
MUST_USE int exchange_set_wait(struct pool_conn *c, uint64_t deadline);

/*
 * Sends with this process's id and the ids in c as credentials.
 * 0 or a negative errno; -ETIMEDOUT: the deadline.
 */
MUST_USE int exchange_send(
	struct pool_conn *c, const void *data, size_t len, uint64_t deadline);

/*
 * Receives; what is already there even if the deadline has passed.
 * 0 and *len, or a negative errno. -ETIMEDOUT: the deadline. -ECONNRESET: the
 * connection is over. -EBADMSG: the datagram is longer than size, or carries
 * descriptors.
 */
MUST_USE int exchange_receive(struct pool_conn *c, void *data, size_t size,
	uint64_t deadline, size_t *len);

#endif
