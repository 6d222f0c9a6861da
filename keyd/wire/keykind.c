#include "keykind.h"

#include <string.h>
#include <strings.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define BIT(n)      (1U << (n))

enum {
	/* what any key that signs may be for */
	SIGNS = PROTO_USE_TLS_SERVER | PROTO_USE_CSR | PROTO_USE_SIGN |
		PROTO_USE_TLS_CLIENT,
	RSA_USES = SIGNS | PROTO_USE_TLS_DHE | PROTO_USE_TLS_RSA_KX |
		   PROTO_USE_DECRYPT,
	PSS_USES = SIGNS | PROTO_USE_TLS_DHE,
	EC_USES = SIGNS | PROTO_USE_DECRYPT,
};

#define ED25519                                                                \
	(BIT(PROTO_ED25519) | BIT(PROTO_ED25519CTX) | BIT(PROTO_ED25519PH))
#define ED448 (BIT(PROTO_ED448) | BIT(PROTO_ED448CTX) | BIT(PROTO_ED448PH))

/* Curves have one size, in bits of libcrypto's count. */
#define EC(type, name, group, bits)                                            \
	{                                                                      \
		name, "ec:" name, "EC", group, bits, bits, EC_USES,            \
			BIT(PROTO_ECDSA) | BIT(PROTO_ECDSA_DETERMINISTIC),     \
			type                                                   \
	}
#define BRAINPOOL(type, name, bits) EC(type, name, name, bits)

static const struct keykind kinds[] = {
	{ "RSA", "rsa", "RSA", NULL, 2048, 8192, RSA_USES,
		BIT(PROTO_RSA_PKCS1) | BIT(PROTO_RSA_PSS), PROTO_KEY_RSA },
	{ "RSA-PSS", "rsa-pss", "RSA-PSS", NULL, 2048, 8192, PSS_USES,
		BIT(PROTO_RSA_PSS), PROTO_KEY_RSA_PSS },
	EC(PROTO_KEY_P256, "P-256", "prime256v1", 256),
	EC(PROTO_KEY_P384, "P-384", "secp384r1", 384),
	EC(PROTO_KEY_P521, "P-521", "secp521r1", 521),
	EC(PROTO_KEY_P224, "P-224", "secp224r1", 224),
	EC(PROTO_KEY_SECP256K1, "secp256k1", "secp256k1", 256),
	BRAINPOOL(PROTO_KEY_BP224R1, "brainpoolP224r1", 224),
	BRAINPOOL(PROTO_KEY_BP224T1, "brainpoolP224t1", 224),
	BRAINPOOL(PROTO_KEY_BP256R1, "brainpoolP256r1", 256),
	BRAINPOOL(PROTO_KEY_BP256T1, "brainpoolP256t1", 256),
	BRAINPOOL(PROTO_KEY_BP320R1, "brainpoolP320r1", 320),
	BRAINPOOL(PROTO_KEY_BP320T1, "brainpoolP320t1", 320),
	BRAINPOOL(PROTO_KEY_BP384R1, "brainpoolP384r1", 384),
	BRAINPOOL(PROTO_KEY_BP384T1, "brainpoolP384t1", 384),
	BRAINPOOL(PROTO_KEY_BP512R1, "brainpoolP512r1", 512),
	BRAINPOOL(PROTO_KEY_BP512T1, "brainpoolP512t1", 512),
	BRAINPOOL(PROTO_KEY_BP160R1, "brainpoolP160r1", 160),
	BRAINPOOL(PROTO_KEY_BP160T1, "brainpoolP160t1", 160),
	BRAINPOOL(PROTO_KEY_BP192R1, "brainpoolP192r1", 192),
	BRAINPOOL(PROTO_KEY_BP192T1, "brainpoolP192t1", 192),
	{ "Ed25519", "ed25519", "ED25519", NULL, 256, 256, SIGNS, ED25519,
		PROTO_KEY_ED25519 },
	{ "Ed448", "ed448", "ED448", NULL, 456, 456, SIGNS, ED448,
		PROTO_KEY_ED448 },
	{ "X25519", "x25519", "X25519", NULL, 253, 253, PROTO_USE_DECRYPT, 0,
		PROTO_KEY_X25519 },
	{ "X448", "x448", "X448", NULL, 448, 448, PROTO_USE_DECRYPT, 0,
		PROTO_KEY_X448 },
};

const struct keykind *
keykind_at(size_t n)
{
	return n < ROWS(kinds) ? &kinds[n] : NULL;
}

const struct keykind *
keykind_by_type(uint8_t type)
{
	size_t i;

	for (i = 0; i < ROWS(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static bool
is_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcasecmp(a, b) == 0;
}

const struct keykind *
keykind_by_algorithm(const char *algorithm, const char *group)
{
	size_t i;

	for (i = 0; i < ROWS(kinds); i++)
		if (is_same(kinds[i].algorithm, algorithm) &&
			is_same(kinds[i].group, group))
			return &kinds[i];
	return NULL;
}

bool
keykind_is_rsa(const struct keykind *k)
{
	return k->type == PROTO_KEY_RSA || k->type == PROTO_KEY_RSA_PSS;
}

unsigned
keykind_strong(const struct keykind *k)
{
	if (keykind_is_rsa(k))
		return k->min_bits;
	return keykind_is_ec(k) ? KEYKIND_STRONG_EC : 0;
}

bool
keykind_is_weak(const struct keykind *k, unsigned bits)
{
	return bits < keykind_strong(k);
}

bool
keykind_is_ec(const struct keykind *k)
{
	return k->group != NULL;
}
