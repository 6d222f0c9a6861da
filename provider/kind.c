#include "provider/kind.h"

#include <string.h>

static const uint8_t oid_rsa[] = { 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	1, 1, 1 };
static const uint8_t oid_rsa_pss[] = { 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7,
	0x0d, 1, 1, 10 };
static const uint8_t oid_ec[] = { 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1 };
static const uint8_t oid_x25519[] = { 0x06, 3, 0x2b, 0x65, 110 };
static const uint8_t oid_x448[] = { 0x06, 3, 0x2b, 0x65, 111 };
static const uint8_t oid_ed25519[] = { 0x06, 3, 0x2b, 0x65, 112 };
static const uint8_t oid_ed448[] = { 0x06, 3, 0x2b, 0x65, 113 };

#define OID(bytes) .oid = (bytes), .oid_len = sizeof(bytes)

static const struct kind kinds[KEY_KINDS] = {
	[KEY_RSA] = { .name = "RSA", .signature = "RSA", OID(oid_rsa) },
	[KEY_RSA_PSS] = { .name = "RSA-PSS",
		.signature = "RSA",
		OID(oid_rsa_pss) },
	[KEY_EC] = { .name = "EC",
		.signature = "ECDSA",
		.exchange = "ECDH",
		OID(oid_ec),
		.has_domain = true,
		.is_tls_group = true },
	[KEY_ED25519] = { .name = "ED25519",
		.signature = "ED25519",
		OID(oid_ed25519) },
	[KEY_ED448] = { .name = "ED448", .signature = "ED448", OID(oid_ed448) },
	[KEY_X25519] = { .name = "X25519",
		.exchange = "X25519",
		OID(oid_x25519),
		.is_tls_group = true },
	[KEY_X448] = { .name = "X448",
		.exchange = "X448",
		OID(oid_x448),
		.is_tls_group = true },
};

const struct kind *
kind_of(enum key_kind kind)
{
	return &kinds[kind];
}

enum key_kind
kind_of_der(const uint8_t *der, size_t len)
{
	size_t start = len < 32 ? len : 32; /* within the outer headers */
	size_t i;

	for (i = 0; i < KEY_KINDS; i++)
		if (memmem(der, start, kinds[i].oid, kinds[i].oid_len) != NULL)
			return (enum key_kind)i;
	return KEY_RSA;
}
