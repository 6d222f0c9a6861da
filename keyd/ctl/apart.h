/*
 * What may never come back is done apart: a file system of a user's (FUSE) or of
 * another machine (NFS) can keep who reads from it, or walks through it, for
 * ever, and SIGKILL does not end that. So it is a child that waits, and it is
 * abandoned.
 */
#ifndef KEYD_CTL_APART_H
#define KEYD_CTL_APART_H

#include <stddef.h>

enum {
	APART_TIMEOUT = 5000,   /* ms */
	APART_LONG = 60 * 1000, /* ms: for a file of hundreds of MB */
	APART_MAX = 128 * 1024, /* bytes of an answer */
	APART_TRIES = 8,
};

/* In the child, which has no standard streams. */
typedef void apart_fn(void *arg, int out);

/* Its answer, once, with a descriptor or -1. */
void apart_answer(int out, const void *answer, size_t size, int passed);

/*
 * Calls fn in a child; no more after APART_TRIES that did not come back. 0 with size bytes of answer, and *passed, unless that is
 * NULL: the descriptor that came with it, or -1. Otherwise an errno: ETIMEDOUT,
 * when the child is killed, and left if not even that ends it; EIO: it gave no
 * such answer.
 */
__attribute__((warn_unused_result)) int apart_run(apart_fn *fn, void *arg,
	int timeout, void *answer, size_t size, int *passed);

#endif
