#include "warmup.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "session/curve.h"
#include "session/keys.h"
#include "session/library.h"
#include "session/sign.h"

/* The public, the private and, through them, the primary generator. */
static int
seed(void)
{
	uint8_t buf[32];
	int ok = RAND_bytes(buf, sizeof(buf)) == 1 &&
		 RAND_priv_bytes(buf, sizeof(buf)) == 1;

	OPENSSL_cleanse(buf, sizeof(buf));
	return ok ? 0 : -1;
}

/* The whole way of a first request, with a key of nobody's. */
static int
rehearse(void)
{
	static const uint8_t data[32];
	const struct proto_sign m = { .scheme = { .algorithm = PROTO_ECDSA,
					      .digest = PROTO_SHA256 },
		.data = { .data = data, .len = sizeof(data) } };
	uint8_t sig[PROTO_MAX_SIGNATURE], *der = NULL;
	PKCS8_PRIV_KEY_INFO *info = NULL;
	EVP_PKEY *made, *read = NULL;
	int result = -1, len = 0;
	size_t n;

	made = EVP_EC_gen("P-256");
	if (made == NULL || (info = EVP_PKEY2PKCS8(made)) == NULL)
		goto out;
	len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	if (len <= 0)
		goto out;
	read = keys_decode(PROTO_KEY_P256,
		(struct view){ .data = der, .len = (size_t)len });
	if (read != NULL)
		result = sign_make(read, &m, sig, &n);
out:
	if (len > 0)
		OPENSSL_clear_free(der, (size_t)len);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(read);
	EVP_PKEY_free(made);
	return result;
}

int
warmup(void)
{
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
					OPENSSL_INIT_NO_ATEXIT |
					OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
		    NULL) != 1)
		return -1;
	if (OSSL_PROVIDER_load(NULL, "default") == NULL)
		return -1;
	if (seed() < 0 || library_init() < 0 || curve_init() < 0 ||
		rehearse() < 0)
		return -1;
	ERR_clear_error();
	return 0;
}
