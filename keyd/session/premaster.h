/*
 * The end of a TLS RSA key exchange, in constant time: docs/PROTOCOL.md §3,
 * tls-premaster. libc only.
 */
#ifndef KEYD_SESSION_PREMASTER_H
#define KEYD_SESSION_PREMASTER_H

#include "wire/proto.h"

enum {
	PREMASTER_RANDOM = 46,     /* of a premaster behind the version */
	PREMASTER_LEAST = 11 + 48, /* bytes of a modulus that has room for it */
};

/*
 * em: the len bytes (PREMASTER_LEAST or more) that RSA gave, secret all of
 * them. out becomes the version and 46 bytes: those of the premaster in em if em
 * is 00 02, as many bytes other than 0 as there is room for, 00, and 48 bytes
 * that begin with the version; else those of fallback. No branch, no index and
 * no time depends on em or fallback.
 */
void premaster_unpad(const uint8_t *em, size_t len, uint16_t version,
	const uint8_t fallback[PREMASTER_RANDOM],
	uint8_t out[PROTO_PREMASTER_LEN]);

#endif
