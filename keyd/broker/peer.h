/*
 * Who a client is, from the kernel alone: SO_PEERCRED, SO_PEERGROUPS and, for
 * units, SO_PEERPIDFD with the process's cgroup; and where it came in.
 */
#ifndef KEYD_BROKER_PEER_H
#define KEYD_BROKER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/account.h"

enum {
	PEER_OVERFLOW_ID = 65534, /* any id that is not mapped: nobody's */
	PEER_MAX_UNIT = 255,
};

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; peer_free() */
	size_t ngroups;
	char unit[PEER_MAX_UNIT + 1]; /* "" unless peer_find_unit() found it */
	uint8_t listener;  /* of keyd.conf, from 1; 0: another socket */
	account_t account; /* from sets_find(), once it may have a session */
};

enum peer_result {
	PEER_OK = 0,
	PEER_NOBODY = -1, /* pid 0, or an overflow id: cannot be known */
	PEER_FAILED = -2, /* errno */
};

/* The peer of a connected UNIX socket. */
__attribute__((warn_unused_result)) enum peer_result
peer_get(int fd, struct peer *out);

/* After PEER_OK. */
void peer_free(struct peer *p);

/*
 * Fills in p->unit: the system unit whose control group the peer is in. Leaves
 * it empty when there is none, when the kernel has no SO_PEERPIDFD, or when
 * the process has ended since, for then its pid may be another's.
 */
void peer_find_unit(struct peer *p, int fd);

/* Is gid one of the peer's groups? Never for the overflow id. */
bool peer_has_group(const struct peer *p, gid_t gid);

/*
 * From the text of /proc/PID/cgroup, the unit: the first component of systemd's
 * hierarchy that is not a slice. What is further below belongs to whoever the
 * unit is delegated to (a user's own manager can name a group at will), and
 * does not count. 0, or -1 if there is none.
 */
__attribute__((warn_unused_result)) int
peer_cgroup_unit(const char *text, char *out, size_t size);

#endif
