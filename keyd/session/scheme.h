/* Which schemes TLS knows for which keys. libc only. */
#ifndef KEYD_SESSION_SCHEME_H
#define KEYD_SESSION_SCHEME_H

#include "wire/proto.h"

enum scheme_version {
	SCHEME_TLS12 = 1 << 0,
	SCHEME_TLS13 = 1 << 1,
};

/*
 * May a key of this type (enum proto_key_type) sign with s in this version of
 * TLS, as server or client? ecdsa-deterministic counts as ecdsa.
 *
 * RFC 8446 §4.2.3, RFC 5246 §7.4.1.4.1, RFC 8422 §5.1.1, RFC 7027, RFC 8734.
 * SHA-1 is allowed in TLS 1.2; `weak-digests` is not asked here. MD5 and
 * MD5-SHA1 (TLS 1.0 and 1.1) never are. Keys on a curve that has no TLS NamedCurve
 * have no scheme.
 *
 * Ed25519 and Ed448 have TLS 1.3 only, although RFC 8422 has them in 1.2: they
 * sign the message itself, not its hash, and with a 1.2 message, most of
 * which is the signer's choice, that has been shown to be another format as well.
 */
bool scheme_is_tls(enum scheme_version version, uint8_t key_type,
	const struct proto_scheme *s);

#endif
