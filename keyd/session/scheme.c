#include "scheme.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define KEY(type)   (1U << PROTO_KEY_##type)

enum {
	TLS12 = SCHEME_TLS12,
	TLS13 = SCHEME_TLS13,
	BOTH = TLS12 | TLS13,
	KEY_TYPES = 32, /* bits of a row */
};

#define ANY_RSA (KEY(RSA) | KEY(RSA_PSS))

/* Curves of the registry "TLS Supported Groups". */
#define ANY_EC                                                                 \
	(KEY(P224) | KEY(P256) | KEY(P384) | KEY(P521) | KEY(SECP256K1) |      \
		KEY(BP256R1) | KEY(BP384R1) | KEY(BP512R1))

/*
 * In TLS 1.3 the curve binds the digest. Salt and MGF1 of rsa-pss must be
 * those of the digest.
 */
static const struct {
	uint32_t keys;
	uint8_t versions;
	uint8_t algorithm;
	uint8_t digest;
} schemes[] = {
	{ ANY_RSA, BOTH, PROTO_RSA_PSS, PROTO_SHA256 },
	{ ANY_RSA, BOTH, PROTO_RSA_PSS, PROTO_SHA384 },
	{ ANY_RSA, BOTH, PROTO_RSA_PSS, PROTO_SHA512 },
	{ KEY(P256) | KEY(BP256R1), TLS13, PROTO_ECDSA, PROTO_SHA256 },
	{ KEY(P384) | KEY(BP384R1), TLS13, PROTO_ECDSA, PROTO_SHA384 },
	{ KEY(P521) | KEY(BP512R1), TLS13, PROTO_ECDSA, PROTO_SHA512 },
	{ KEY(ED25519), TLS13, PROTO_ED25519, PROTO_NO_DIGEST },
	{ KEY(ED448), TLS13, PROTO_ED448, PROTO_NO_DIGEST },
	{ KEY(RSA), TLS12, PROTO_RSA_PKCS1, PROTO_SHA1 },
	{ KEY(RSA), TLS12, PROTO_RSA_PKCS1, PROTO_SHA224 },
	{ KEY(RSA), TLS12, PROTO_RSA_PKCS1, PROTO_SHA256 },
	{ KEY(RSA), TLS12, PROTO_RSA_PKCS1, PROTO_SHA384 },
	{ KEY(RSA), TLS12, PROTO_RSA_PKCS1, PROTO_SHA512 },
	{ ANY_EC, TLS12, PROTO_ECDSA, PROTO_SHA1 },
	{ ANY_EC, TLS12, PROTO_ECDSA, PROTO_SHA224 },
	{ ANY_EC, TLS12, PROTO_ECDSA, PROTO_SHA256 },
	{ ANY_EC, TLS12, PROTO_ECDSA, PROTO_SHA384 },
	{ ANY_EC, TLS12, PROTO_ECDSA, PROTO_SHA512 },
};

bool
scheme_is_tls(enum scheme_version version, uint8_t key_type,
	const struct proto_scheme *s)
{
	uint8_t algorithm = s->algorithm;
	size_t i;

	if (algorithm == PROTO_ECDSA_DETERMINISTIC)
		algorithm = PROTO_ECDSA;
	if (key_type >= KEY_TYPES)
		return false;
	if (algorithm == PROTO_RSA_PSS &&
		(s->mgf1 != s->digest ||
			s->salt != proto_digest_len(s->digest)))
		return false;
	for (i = 0; i < ROWS(schemes); i++)
		if ((schemes[i].versions & version) != 0 &&
			(schemes[i].keys & 1U << key_type) != 0 &&
			schemes[i].algorithm == algorithm &&
			schemes[i].digest == s->digest)
			return true;
	return false;
}
