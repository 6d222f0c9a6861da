/* Numbers that ECDSA would sign, of SHA-1 digests in other clothes. */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "session/number.h"

static const char *const curves[] = { "P-224", "P-256", "P-384", "P-521",
	"brainpoolP256r1", "brainpoolP512t1", "secp256k1" };

static struct ring_entry key;
static struct proto_sign m;
static uint8_t data[64];

static uint16_t
check(EVP_PKEY *pkey, size_t len)
{
	m.data = (struct view){ data, len };
	return number_check(&key, pkey, &m);
}

static void
set_up(void)
{
	m.scheme.algorithm = PROTO_ECDSA;
	m.scheme.digest = PROTO_SHA256;
	m.input = PROTO_INPUT_DIGEST;
}

TestSuite(number, .init = set_up, .timeout = 60);

static size_t
order_of(EVP_PKEY *pkey, BIGNUM **order)
{
	cr_assert_eq(
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_ORDER, order),
		1);
	return (size_t)(BN_num_bits(*order) + 7) / 8;
}

Test(number, a_short_digest_behind_zeros_is_weak)
{
	size_t i, len;

	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		EVP_PKEY *pkey = EVP_EC_gen(curves[i]);

		for (len = 20; len <= 28; len++) {
			memset(data, 0, sizeof(data));
			memset(data + len - 20, 0xA5, 20);
			cr_assert_eq(check(pkey, len), DETAIL_WEAK_DIGEST,
				"%s, %zu", curves[i], len);
		}
		/* A bit more, and it is too long for SHA-1. */
		memset(data, 0, sizeof(data));
		memset(data + 7, 0xA5, 21);
		cr_assert_eq(check(pkey, 28), DETAIL_NONE, "%s", curves[i]);
		EVP_PKEY_free(pkey);
	}
}

Test(number, so_is_one_with_the_order_added)
{
	size_t i, len;

	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		EVP_PKEY *pkey = EVP_EC_gen(curves[i]);
		BIGNUM *n = NULL, *sha1;

		len = order_of(pkey, &n);
		memset(data, 0xA5, 20);
		sha1 = BN_bin2bn(data, 20, NULL);
		cr_assert_eq(BN_add(n, n, sha1), 1);
		/* Not P-224, where it overflows, nor P-521, which is longer
		 * than any digest. */
		if (len <= sizeof(data) && BN_num_bytes(n) == (int)len) {
			cr_assert_eq(BN_bn2binpad(n, data, (int)len), (int)len);
			cr_assert_eq(check(pkey, len), DETAIL_WEAK_DIGEST, "%s",
				curves[i]);
			data[0] ^= 0x40;
			cr_assert_eq(check(pkey, len), DETAIL_NONE);
		}
		BN_free(sha1);
		BN_free(n);
		EVP_PKEY_free(pkey);
	}
}

/* libcrypto looks at the leftmost bits alone. */
Test(number, what_is_cut_off_does_not_count)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	memset(data, 0, 32);
	memset(data + 12, 0xA5, 20);
	memset(data + 32, 0xFF, 32);
	cr_assert_eq(check(pkey, 64), DETAIL_WEAK_DIGEST);
	EVP_PKEY_free(pkey);
}

Test(number, concerns_digests_of_ecdsa_without_leave_alone)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256"), *rsa;

	memset(data, 0, sizeof(data));
	cr_assert_eq(check(pkey, 32), DETAIL_WEAK_DIGEST);
	m.scheme.algorithm = PROTO_ECDSA_DETERMINISTIC;
	cr_assert_eq(check(pkey, 32), DETAIL_WEAK_DIGEST);
	m.input = PROTO_INPUT_MESSAGE;
	cr_assert_eq(check(pkey, 32), DETAIL_NONE);
	m.input = PROTO_INPUT_DIGEST;
	key.key.flags = PROTO_KEY_WEAK_DIGESTS;
	cr_assert_eq(check(pkey, 32), DETAIL_NONE);
	key.key.flags = 0;
	m.scheme.algorithm = PROTO_RSA_PSS;
	cr_assert_eq(check(pkey, 32), DETAIL_NONE);
	/* A key that has no order: fails closed. */
	rsa = EVP_RSA_gen(1024);
	m.scheme.algorithm = PROTO_ECDSA;
	cr_assert_eq(check(rsa, 32), DETAIL_WEAK_DIGEST);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(pkey);
}
