/*
 * RSA decryption: docs/PROTOCOL.md §3. All padding is checked in here, and
 * what is wrong with it is told to nobody.
 */
#ifndef KEYD_SESSION_DECRYPT_H
#define KEYD_SESSION_DECRYPT_H

#include <openssl/types.h>

#include "wire/proto.h"

/*
 * Do padding, digests and version fit the key and the library? After
 * library_init(). PROTO_OK, PROTO_UNSUPPORTED (DETAIL_DIGEST,
 * DETAIL_PKCS1_DECRYPTION) or PROTO_BAD_PARAMETER, with *detail.
 */
MUST_USE enum proto_status decrypt_check(const struct proto_key *key,
	const struct proto_decrypt *m, uint16_t *detail);

/*
 * Decrypts. m passed decrypt_check() for pkey's entry; secret is K of §8, used
 * for PROTO_PREMASTER only. PROTO_OK with *len bytes in out, which the caller
 * wipes; PROTO_BAD_PARAMETER with DETAIL_CIPHERTEXT; PROTO_NOT_DECRYPTED, of
 * PROTO_OAEP only and without detail; or PROTO_INTERNAL: libcrypto failed.
 */
MUST_USE enum proto_status
decrypt_make(EVP_PKEY *pkey, struct view secret, const struct proto_decrypt *m,
	uint8_t out[PROTO_MAX_OUTPUT], size_t *len, uint16_t *detail);

#endif
