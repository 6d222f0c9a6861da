/*
 * A well-behaved keyd for tests: answers hello, find, list and sign of
 * docs/PROTOCOL.md in a child process, with keys in its memory, no policy and
 * no sandbox.
 */
#ifndef KEYD_TESTS_SIGNING_KEYD_H
#define KEYD_TESTS_SIGNING_KEYD_H

#include <openssl/evp.h>
#include <sys/types.h>

enum {
	/* successes with what is no signature */
	SIGNING_KEYD_TOO_LONG = 0xffff,
	SIGNING_KEYD_TOO_SHORT = 0xfffe,
	/* plus an enum told_lie: successes that are lies about the keys */
	SIGNING_KEYD_LIES = 0xfe00,
};

/*
 * Listens on path; when this returns, clients can connect. The keys are the
 * caller's, and so are their names; refuse, if not 0, is the status that every
 * request about a key is answered with. Returns the child's pid, or -1.
 */
pid_t signing_keyd_start(const char *path, EVP_PKEY *const *keys,
	const char *const *names, size_t count, unsigned short refuse,
	unsigned short detail);

/* Ends it and reaps it. */
void signing_keyd_stop(pid_t pid);

#endif
