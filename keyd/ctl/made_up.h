/*
 * Handshake messages that no one will ever see: what a TLS server or client signs, with random
 * numbers for what a peer would have sent, so that the signature is of no use.
 */
#ifndef KEYD_CTL_MADE_UP_H
#define KEYD_CTL_MADE_UP_H

#include <stdbool.h>

#include "wire/cursor.h"

enum {
	MADE_UP_MAX = 1024,
};

/* Each writes to out and returns the length, or 0 if there is no randomness. */

/* CertificateVerify of TLS 1.3, RFC 8446 §4.4.3. */
MUST_USE size_t made_up_verify(bool client, uint8_t out[MADE_UP_MAX]);

/*
 * ServerKeyExchange of TLS 1.2 with X25519 (RFC 8422 §5.4) or, if dhe, a
 * finite field (RFC 5246 §7.4.3). With the downgrade sentinel, no client of TLS
 * 1.3 would accept it.
 */
MUST_USE size_t made_up_exchange(bool dhe, uint8_t out[MADE_UP_MAX]);

/* All that a client of TLS 1.2 signs, with RSA key exchange: RFC 5246 §7.4.8. */
MUST_USE size_t made_up_transcript(uint8_t out[MADE_UP_MAX]);

#endif
