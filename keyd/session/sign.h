/* Signatures: scheme and key in, signature out. All padding is made here. */
#ifndef KEYD_SESSION_SIGN_H
#define KEYD_SESSION_SIGN_H

#include <openssl/types.h>

#include "wire/proto.h"

/*
 * Fetches all that a signature needs, so that nothing is looked up later.
 * Before the system-call filter. 0, or -1: libcrypto lacks RSA or ECDSA.
 */
MUST_USE int sign_init(void);

/*
 * Does the scheme fit the key and the input? PROTO_OK, PROTO_UNSUPPORTED
 * (DETAIL_DIGEST) or PROTO_BAD_PARAMETER, with *detail.
 */
MUST_USE enum proto_status sign_check(const struct proto_key *key,
	const struct proto_sign *m, uint16_t *detail);

/*
 * Signs. m passed sign_check() for pkey's entry. out has
 * PROTO_MAX_SIGNATURE bytes. 0 and *len, or -1 if libcrypto failed.
 */
MUST_USE int sign_make(EVP_PKEY *pkey, const struct proto_sign *m,
	uint8_t out[PROTO_MAX_SIGNATURE], size_t *len);

#endif
