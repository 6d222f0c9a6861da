/* The session's loop: one request, one reply, until the peer goes. */
#ifndef KEYD_SESSION_LOOP_H
#define KEYD_SESSION_LOOP_H

#include <stdatomic.h>
#include <sys/types.h>

#include "session/answer.h"

struct loop {
	struct session session;
	int client; /* SOCK_SEQPACKET; SO_PASSCRED and SO_RCVTIMEO are set */
	uint32_t pid, uid, gid;          /* who connected */
	const _Atomic uint64_t *current; /* the generation page */
};

/* Exit codes of a session. */
enum {
	LOOP_ENDED = 0,    /* peer gone, idle, or generation replaced */
	LOOP_BROKEN = 1,   /* the peer broke the protocol, or is another */
	LOOP_INTERNAL = 2, /* keyd's own fault */
	LOOP_LOST = 3,     /* ended, but its last audit records were lost */
};

/* Runs to the end and returns an exit code. Uses static buffers: once. */
MUST_USE int loop_run(struct loop *l);

#endif
