/* Shared secrets of ECDH, X25519 and X448: docs/PROTOCOL.md §3. */
#ifndef KEYD_SESSION_DERIVE_H
#define KEYD_SESSION_DERIVE_H

#include <openssl/types.h>

#include "wire/proto.h"

/*
 * Has the key a peer, and is this one as long and of the form that it must be?
 * PROTO_OK, or PROTO_BAD_PARAMETER with *detail.
 */
MUST_USE enum proto_status derive_check(const struct proto_key *key,
	const struct proto_derive *m, uint16_t *detail);

/*
 * Derives. m passed derive_check() for pkey's entry, key. PROTO_OK with *len
 * bytes in out, which the caller wipes; PROTO_BAD_PARAMETER with
 * DETAIL_PEER_KEY: a point that is not on the curve, or a secret of zeros;
 * PROTO_INTERNAL: libcrypto failed.
 */
MUST_USE enum proto_status derive_make(EVP_PKEY *pkey,
	const struct proto_key *key, const struct proto_derive *m,
	uint8_t out[PROTO_MAX_OUTPUT], size_t *len, uint16_t *detail);

#endif
