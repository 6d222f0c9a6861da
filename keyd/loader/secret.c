#include "secret.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

/* HMAC-SHA-256, keyed with len bytes. */
static int
derive(const uint8_t *key, size_t len, uint8_t out[RING_SECRET])
{
	static const uint8_t label[] = "openssl-keyd tls-rsa-kx";
	uint8_t mac[RING_SECRET];
	size_t n = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, len, label,
		    sizeof(label) - 1, mac, sizeof(mac), &n) == NULL ||
		n != sizeof(mac))
		return -1;
	memcpy(out, mac, sizeof(mac));
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}

int
secret_premaster(EVP_PKEY *pkey, uint8_t out[RING_SECRET])
{
	BIGNUM *p = NULL, *q = NULL;
	uint8_t bytes[PROTO_MAX_CIPHERTEXT]; /* of the longest modulus */
	int len = EVP_PKEY_get_size(pkey), r = -1;

	if (len <= 0 || (size_t)len > sizeof(bytes))
		return -1;
	/*
	 * Not the private exponent, of which one key has many: with another
	 * of them made-up premasters would be others, and tell themselves
	 * from real ones. Primes may change places, but not their values.
	 */
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &p) == 1 &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, &q) ==
			1 &&
		BN_bn2binpad(BN_ucmp(p, q) > 0 ? p : q, bytes, len) == len)
		r = derive(bytes, (size_t)len, out);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	BN_clear_free(p);
	BN_clear_free(q);
	return r;
}
