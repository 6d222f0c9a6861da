/* Weak digests: what `weak-digests = yes` is for. libc only. */
#ifndef KEYD_SESSION_WEAK_H
#define KEYD_SESSION_WEAK_H

#include "wire/proto.h"

/*
 * Does m sign a weak digest, or what may be one? Named: MD5, SHA-1, MD5-SHA1.
 * Without a name (digest 0, docs/PROTOCOL.md §3): fewer than 28 bytes; for
 * rsa-pkcs1 also 36 bytes, and an encoding that names MD2, MD4, MD5, MDC2,
 * SHA-1 or RIPEMD-160, in whatever form of BER a verifier might accept.
 */
bool weak_digest(const struct proto_sign *m);

#endif
