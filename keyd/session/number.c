#include "number.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum {
	WEAK_BITS = 160, /* SHA-1's, the longest of the weak ones */
};

/* SEC 1 §4.1.3, step 5: the leftmost bits, as many as the order has. */
static BIGNUM *
read_number(struct view data, const BIGNUM *order)
{
	int bits = BN_num_bits(order), len = (bits + 7) / 8;
	BIGNUM *e;

	if (data.len < (size_t)len)
		len = (int)data.len;
	e = BN_bin2bn(data.data, len, NULL);
	if (e != NULL && 8 * len > bits && !BN_rshift(e, e, 8 * len - bits)) {
		BN_free(e);
		return NULL;
	}
	return e;
}

static bool
is_strong(struct view data, const BIGNUM *order)
{
	BIGNUM *e = read_number(data, order);
	BN_CTX *ctx = BN_CTX_new();
	bool strong = e != NULL && ctx != NULL && BN_nnmod(e, e, order, ctx) &&
		      BN_num_bits(e) > WEAK_BITS;

	BN_CTX_free(ctx);
	BN_free(e);
	return strong;
}

uint16_t
number_check(const struct ring_entry *key, EVP_PKEY *pkey,
	const struct proto_sign *m)
{
	BIGNUM *order = NULL;
	bool strong;

	if (m->input != PROTO_INPUT_DIGEST ||
		(key->key.flags & PROTO_KEY_WEAK_DIGESTS) != 0 ||
		(m->scheme.algorithm != PROTO_ECDSA &&
			m->scheme.algorithm != PROTO_ECDSA_DETERMINISTIC))
		return DETAIL_NONE;
	strong = EVP_PKEY_get_bn_param(
			 pkey, OSSL_PKEY_PARAM_EC_ORDER, &order) == 1 &&
		 is_strong(m->data, order);
	BN_free(order);
	ERR_clear_error();
	return strong ? DETAIL_NONE : DETAIL_WEAK_DIGEST;
}
