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
 * An operation that the key's use allows, as the user, verified with the public
 * key: a made-up CertificateVerify for tls-server, else a message of our own,
 * else a request. 0 and what keyd said in *out (ok only if the signature
 * verified), or -1 with *f when it could not be tried.
 */
__attribute__((warn_unused_result)) int
prove_use(const struct config *c, uid_t uid, const struct prove_key *k,
	struct user_answer *out, struct fault *f);

/* Does the signature verify? */
bool prove_verify(struct view spki, const struct proto_scheme *s,
	struct view message, struct view signature);

#endif
