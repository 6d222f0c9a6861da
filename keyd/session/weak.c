#include "weak.h"

#include <string.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum {
	SHORTEST = 28, /* SHA-224 */
	MD5_SHA1_LEN = 36,
	BER_SEQUENCE = 0x30,
};

/*
 * Object identifiers, each from the last octet of its length on: this much is
 * the same in every form that BER has for it.
 */
static const struct {
	uint8_t len;
	uint8_t id[9];
} weak[] = {
	{ 9, { 8, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 2 } }, /* MD2 */
	{ 9, { 8, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 4 } }, /* MD4 */
	{ 9, { 8, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 5 } }, /* MD5 */
	{ 5, { 4, 0x55, 8, 3, 0x65 } },                         /* MDC2 */
	{ 6, { 5, 0x2B, 0x0E, 3, 2, 0x1A } },                   /* SHA-1 */
	{ 6, { 5, 0x2B, 0x24, 3, 2, 1 } },                      /* RIPEMD-160 */
};

/* By chance in the digest of a strong one: once in 2^35. */
static bool
names_weak(struct view data)
{
	size_t i, at;

	if (data.len == 0 || data.data[0] != BER_SEQUENCE)
		return false;
	for (at = 0; at < data.len; at++)
		for (i = 0; i < ROWS(weak); i++)
			if (weak[i].len <= data.len - at &&
				memcmp(data.data + at, weak[i].id,
					weak[i].len) == 0)
				return true;
	return false;
}

uint16_t
weak_digest(const struct proto_sign *m)
{
	switch (m->scheme.digest) {
	case PROTO_MD5:
	case PROTO_SHA1:
	case PROTO_MD5_SHA1:
	case PROTO_RIPEMD160:
		return DETAIL_WEAK_DIGEST;
	case PROTO_NO_DIGEST:
		break;
	default:
		return DETAIL_NONE;
	}
	/* EdDSA has no digest to name: data is the message. */
	if (m->input != PROTO_INPUT_DIGEST)
		return DETAIL_NONE;
	if (m->data.len < SHORTEST)
		return DETAIL_SHORT_DATA;
	if (m->scheme.algorithm == PROTO_RSA_PKCS1 &&
		(m->data.len == MD5_SHA1_LEN || names_weak(m->data)))
		return DETAIL_WEAK_DIGEST;
	return DETAIL_NONE;
}
