/*
 * Signature algorithms that are named as a whole (RSA-SHA2-256, Ed25519ph) and
 * sign messages that libcrypto hands over as such: provider-signature(7) of
 * OpenSSL 3.4 and later. What their numbers are is fixed by the ABI, so that
 * what is built with older headers serves a later libcrypto, too.
 */
#ifndef KEYD_PROVIDER_COMPOSITE_H
#define KEYD_PROVIDER_COMPOSITE_H

#include "provider/signature.h"

enum composite_function {
	COMPOSITE_QUERY_KEY_TYPES = 26,
	COMPOSITE_SIGN_MESSAGE_INIT = 27,
	COMPOSITE_SIGN_MESSAGE_UPDATE = 28,
	COMPOSITE_SIGN_MESSAGE_FINAL = 29,
	COMPOSITE_VERIFY_MESSAGE_INIT = 30,
	COMPOSITE_VERIFY_MESSAGE_UPDATE = 31,
	COMPOSITE_VERIFY_MESSAGE_FINAL = 32,
};

#ifdef OSSL_FUNC_SIGNATURE_VERIFY_MESSAGE_FINAL
_Static_assert(COMPOSITE_QUERY_KEY_TYPES == OSSL_FUNC_SIGNATURE_QUERY_KEY_TYPES,
	"as libcrypto's headers");
_Static_assert(
	COMPOSITE_SIGN_MESSAGE_INIT == OSSL_FUNC_SIGNATURE_SIGN_MESSAGE_INIT,
	"as libcrypto's headers");
_Static_assert(COMPOSITE_VERIFY_MESSAGE_FINAL ==
		       OSSL_FUNC_SIGNATURE_VERIFY_MESSAGE_FINAL,
	"as libcrypto's headers");
#endif

/* Their types, which older headers do not have. */
typedef const char **composite_query_fn(void);
typedef int
composite_init_fn(void *vctx, void *provkey, const OSSL_PARAM params[]);
typedef int composite_final_fn(void *vctx);

/*
 * RSA and ECDSA: the symbol's end, its digest, the names, which are those that
 * `default` has for it.
 */
#define COMPOSITES_RSA(X)                                                      \
	X(rsa, ripemd160, "RIPEMD160",                                         \
		"RSA-RIPEMD160:ripemd160WithRSA:1.3.36.3.3.1.2")               \
	X(rsa, sha1, "SHA1",                                                   \
		"RSA-SHA1:RSA-SHA-1:sha1WithRSAEncryption:"                    \
		"1.2.840.113549.1.1.5")                                        \
	X(rsa, sha224, "SHA2-224",                                             \
		"RSA-SHA2-224:RSA-SHA224:sha224WithRSAEncryption:"             \
		"1.2.840.113549.1.1.14")                                       \
	X(rsa, sha256, "SHA2-256",                                             \
		"RSA-SHA2-256:RSA-SHA256:sha256WithRSAEncryption:"             \
		"1.2.840.113549.1.1.11")                                       \
	X(rsa, sha384, "SHA2-384",                                             \
		"RSA-SHA2-384:RSA-SHA384:sha384WithRSAEncryption:"             \
		"1.2.840.113549.1.1.12")                                       \
	X(rsa, sha512, "SHA2-512",                                             \
		"RSA-SHA2-512:RSA-SHA512:sha512WithRSAEncryption:"             \
		"1.2.840.113549.1.1.13")                                       \
	X(rsa, sha512_224, "SHA2-512/224",                                     \
		"RSA-SHA2-512/224:RSA-SHA512-224:"                             \
		"sha512-224WithRSAEncryption:1.2.840.113549.1.1.15")           \
	X(rsa, sha512_256, "SHA2-512/256",                                     \
		"RSA-SHA2-512/256:RSA-SHA512-256:"                             \
		"sha512-256WithRSAEncryption:1.2.840.113549.1.1.16")           \
	X(rsa, sha3_224, "SHA3-224",                                           \
		"RSA-SHA3-224:id-rsassa-pkcs1-v1_5-with-sha3-224:"             \
		"2.16.840.1.101.3.4.3.13")                                     \
	X(rsa, sha3_256, "SHA3-256",                                           \
		"RSA-SHA3-256:id-rsassa-pkcs1-v1_5-with-sha3-256:"             \
		"2.16.840.1.101.3.4.3.14")                                     \
	X(rsa, sha3_384, "SHA3-384",                                           \
		"RSA-SHA3-384:id-rsassa-pkcs1-v1_5-with-sha3-384:"             \
		"2.16.840.1.101.3.4.3.15")                                     \
	X(rsa, sha3_512, "SHA3-512",                                           \
		"RSA-SHA3-512:id-rsassa-pkcs1-v1_5-with-sha3-512:"             \
		"2.16.840.1.101.3.4.3.16")                                     \
	X(rsa, sm3, "SM3", "RSA-SM3:sm3WithRSAEncryption:1.2.156.10197.1.504")

#define COMPOSITES_ECDSA(X)                                                    \
	X(ecdsa, sha1, "SHA1",                                                 \
		"ECDSA-SHA1:ECDSA-SHA-1:ecdsa-with-SHA1:1.2.840.10045.4.1")    \
	X(ecdsa, sha224, "SHA2-224",                                           \
		"ECDSA-SHA2-224:ECDSA-SHA224:ecdsa-with-SHA224:"               \
		"1.2.840.10045.4.3.1")                                         \
	X(ecdsa, sha256, "SHA2-256",                                           \
		"ECDSA-SHA2-256:ECDSA-SHA256:ecdsa-with-SHA256:"               \
		"1.2.840.10045.4.3.2")                                         \
	X(ecdsa, sha384, "SHA2-384",                                           \
		"ECDSA-SHA2-384:ECDSA-SHA384:ecdsa-with-SHA384:"               \
		"1.2.840.10045.4.3.3")                                         \
	X(ecdsa, sha512, "SHA2-512",                                           \
		"ECDSA-SHA2-512:ECDSA-SHA512:ecdsa-with-SHA512:"               \
		"1.2.840.10045.4.3.4")                                         \
	X(ecdsa, sha3_224, "SHA3-224",                                         \
		"ECDSA-SHA3-224:ecdsa_with_SHA3-224:id-ecdsa-with-sha3-224:"   \
		"2.16.840.1.101.3.4.3.9")                                      \
	X(ecdsa, sha3_256, "SHA3-256",                                         \
		"ECDSA-SHA3-256:ecdsa_with_SHA3-256:id-ecdsa-with-sha3-256:"   \
		"2.16.840.1.101.3.4.3.10")                                     \
	X(ecdsa, sha3_384, "SHA3-384",                                         \
		"ECDSA-SHA3-384:ecdsa_with_SHA3-384:id-ecdsa-with-sha3-384:"   \
		"2.16.840.1.101.3.4.3.11")                                     \
	X(ecdsa, sha3_512, "SHA3-512",                                         \
		"ECDSA-SHA3-512:ecdsa_with_SHA3-512:id-ecdsa-with-sha3-512:"   \
		"2.16.840.1.101.3.4.3.12")

#define COMPOSITE_TABLE(family, end, digest, names)                            \
	extern const OSSL_DISPATCH composite_##family##_##end[];
COMPOSITES_RSA(COMPOSITE_TABLE)
COMPOSITES_ECDSA(COMPOSITE_TABLE)
#undef COMPOSITE_TABLE

/* For all: of a message if it was begun with one, else of a digest. */
OSSL_FUNC_signature_sign_fn composite_sign;
OSSL_FUNC_signature_verify_fn composite_verify;

/*
 * Sets what the algorithm's name fixes, as this parameter, after a beginning. 1
 * or 0.
 */
int composite_fix(struct signature *s, const char *param, const char *value);

/* EdDSA: an instance each, RFC 8032; the first two are the usual ones. */
extern const OSSL_DISPATCH composite_ed25519[];
extern const OSSL_DISPATCH composite_ed448[];
extern const OSSL_DISPATCH composite_ed25519ctx[];
extern const OSSL_DISPATCH composite_ed25519ph[];
extern const OSSL_DISPATCH composite_ed448ph[];

#endif
