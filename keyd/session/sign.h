/* Signatures. What a client sends is checked first; all padding is made here. */
#ifndef KEYD_SESSION_SIGN_H
#define KEYD_SESSION_SIGN_H

#include <openssl/types.h>

#include "wire/proto.h"

/*
 * Does the scheme fit the key, the library and the input? After library_init().
 * PROTO_OK, PROTO_UNSUPPORTED (DETAIL_DIGEST, DETAIL_LIBRARY) or
 * PROTO_BAD_PARAMETER, with *detail.
 */
MUST_USE enum proto_status sign_check(const struct proto_key *key,
	const struct proto_sign *m, uint16_t *detail);

/*
 * Do the restrictions in an RSA-PSS key allow the scheme (RFC 4055 §1.2)?
 * PROTO_OK, also for every other key; PROTO_BAD_PARAMETER with *detail
 * DETAIL_RESTRICTED; PROTO_INTERNAL if libcrypto failed.
 */
MUST_USE enum proto_status sign_check_restrictions(
	EVP_PKEY *pkey, const struct proto_scheme *s, uint16_t *detail);

/*
 * Signs. m passed both checks for pkey and its entry. out has
 * PROTO_MAX_SIGNATURE bytes. 0 and *len, or -1 if libcrypto failed.
 */
MUST_USE int sign_make(EVP_PKEY *pkey, const struct proto_sign *m,
	uint8_t out[PROTO_MAX_SIGNATURE], size_t *len);

#endif
