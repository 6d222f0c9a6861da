/* Weak digests: what `weak-digests = yes` is for. libc only. */
#ifndef KEYD_SESSION_WEAK_H
#define KEYD_SESSION_WEAK_H

#include "wire/proto.h"

/*
 * Does m sign a weak digest, or what may be one? DETAIL_NONE if not.
 * DETAIL_WEAK_DIGEST if it is named: MD5, SHA-1, MD5-SHA1, RIPEMD-160; without
 * a name (digest 0, docs/PROTOCOL.md §3), for rsa-pkcs1, of 36 bytes, or an
 * encoding that names MD2, MD4, MD5, MDC2, SHA-1 or RIPEMD-160, in whatever form
 * of BER a verifier might accept. DETAIL_SHORT_DATA if it has no name and fewer
 * than 28 bytes.
 */
uint16_t weak_digest(const struct proto_sign *m);

#endif
