/* The number that ECDSA makes of what a client calls a digest. */
#ifndef KEYD_SESSION_NUMBER_H
#define KEYD_SESSION_NUMBER_H

#include <openssl/types.h>

#include "ring/ring.h"

/*
 * Is it one that SHA-1 or MD5 may have? ECDSA knows only a number modulo the
 * group's order: a SHA-1 digest behind zeros, or with the order added, gives
 * the signature of SHA-1 under the name of another digest. pkey is the
 * entry's. DETAIL_NONE, also for messages, other algorithms, and keys that may
 * sign weak digests; or DETAIL_WEAK_DIGEST, also if libcrypto fails.
 */
uint16_t number_check(const struct ring_entry *key, EVP_PKEY *pkey,
	const struct proto_sign *m);

#endif
