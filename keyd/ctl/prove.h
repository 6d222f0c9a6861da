/* Does the path from an application to the key work? Asked by doing it. */
#ifndef KEYD_CTL_PROVE_H
#define KEYD_CTL_PROVE_H

#include "user.h"

struct prove_key {
	const char *name;
	uint8_t type;
	uint8_t hash[PROTO_HASH_LEN];
	struct view spki;
	uint32_t use;
};

/*
 * One operation for each use of the key, as the user, checked with the public
 * key: made-up handshakes, a message of our own, a request, what was encrypted
 * or agreed on here. Stops at the first that fails.
 *
 * 0 and *out (ok: each that could be tried was right; its text: which those
 * were, "" if none), or -1 with *f when it could not be tried.
 */
__attribute__((warn_unused_result)) int
prove_use(const struct config *c, const struct user_identity *who,
	const struct prove_key *k, struct user_answer *out, struct fault *f);

#endif
