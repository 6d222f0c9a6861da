/*
 * Ed25519 and Ed448 (RFC 8032): the message is signed as it is, not a digest of
 * it. Part of sign.h.
 */
#ifndef KEYD_SESSION_EDDSA_H
#define KEYD_SESSION_EDDSA_H

#include <openssl/types.h>

#include "wire/proto.h"

/* Is this one of its algorithms (enum proto_algorithm)? */
bool eddsa_is(uint8_t algorithm);

/* Of such an algorithm, what sign_check() says of digest, input and context. */
MUST_USE enum proto_status
eddsa_check(const struct proto_sign *m, uint16_t *detail);

/* sign_make(), for such an algorithm. */
MUST_USE int eddsa_make(EVP_PKEY *pkey, const struct proto_sign *m,
	uint8_t out[PROTO_MAX_SIGNATURE], size_t *len);

#endif
