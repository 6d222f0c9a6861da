/*
 * Can a process reach keyd? Tried by a child that becomes it: network, root
 * folder, user, groups; and it is asked who listens there, as the provider asks.
 */
#ifndef KEYD_CTL_REACH_H
#define KEYD_CTL_REACH_H

#include <sys/types.h>

#include "process.h"

/* What is behind a socket's name. */
struct reach {
	uid_t uid; /* of who listens, as keydctl sees it */
	pid_t pid;
	/* of a path: which file that is; socket to connect to it, by
	 * /proc/self/fd, or -1 */
	dev_t dev;
	ino_t ino;
	int socket;
};

/* Connects to name, a path or "@name". 0, and out->socket must be closed; or
 * errno, for reach_words(). */
__attribute__((warn_unused_result)) int
reach_try(const struct process *p, const char *name, struct reach *out);

/* Why it did not connect. */
const char *reach_words(int error);

#endif
