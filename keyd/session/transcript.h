/*
 * What a TLS 1.2 or DTLS 1.2 client signs: its handshake so far (RFC 5246
 * §7.4.8, RFC 6347 §4.2.6). libc only.
 */
#ifndef KEYD_SESSION_TRANSCRIPT_H
#define KEYD_SESSION_TRANSCRIPT_H

#include "wire/cursor.h"

/*
 * Does message start as every such transcript does? With the header of a
 * ClientHello, behind which there is more, and the version:
 *
 *   TLS   01 00 LLLL 0303
 *   DTLS  01 00 LLLL ssss 000000 00 LLLL FEFD
 *
 * 32 bits or more that honest randoms meet once in 2^32.
 */
bool transcript_starts(struct view message);

/*
 * Is message, from its first byte to its last, the sequence of handshake
 * messages
 *
 *   ClientHello, ServerHello, Certificate, [CertificateStatus],
 *   [ServerKeyExchange], CertificateRequest, ServerHelloDone,
 *   Certificate, ClientKeyExchange
 *
 * each body of its form (lengths nest and end where they must, versions are
 * 1.2, neither certificate is missing, the key exchanges fit each other)? In
 * DTLS also: each message whole, and each side's numbered one after the other.
 * Implies transcript_starts().
 */
bool transcript_is_client(struct view message);

#endif
