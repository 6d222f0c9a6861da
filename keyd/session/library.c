#include "library.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "wire/keykind.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const char *const digests[] = {
	[PROTO_MD5] = "MD5",
	[PROTO_SHA1] = "SHA1",
	[PROTO_SHA224] = "SHA2-224",
	[PROTO_SHA256] = "SHA2-256",
	[PROTO_SHA384] = "SHA2-384",
	[PROTO_SHA512] = "SHA2-512",
	[PROTO_SHA512_224] = "SHA2-512/224",
	[PROTO_SHA512_256] = "SHA2-512/256",
	[PROTO_SHA3_224] = "SHA3-224",
	[PROTO_SHA3_256] = "SHA3-256",
	[PROTO_SHA3_384] = "SHA3-384",
	[PROTO_SHA3_512] = "SHA3-512",
	[PROTO_MD5_SHA1] = "MD5-SHA1",
	[PROTO_RIPEMD160] = "RIPEMD-160",
	[PROTO_BLAKE2S256] = "BLAKE2S-256",
	[PROTO_BLAKE2B512] = "BLAKE2B-512",
	[PROTO_SM3] = "SM3",
};

/*
 * Parameters as strings: the headers of OpenSSL 3.0 do not name them, but a
 * later library may run with what was built with those.
 */
static const struct {
	const char *name;
	const char *parameter; /* without which it has not the algorithm */
} signatures[] = {
	[PROTO_RSA_PKCS1] = { "RSA", NULL },
	[PROTO_RSA_PSS] = { "RSA", NULL },
	[PROTO_ECDSA] = { "ECDSA", NULL },
	[PROTO_ED25519] = { "ED25519", NULL },
	[PROTO_ED448] = { "ED448", NULL },
	[PROTO_ECDSA_DETERMINISTIC] = { "ECDSA", "nonce-type" },
	[PROTO_ED25519CTX] = { "ED25519", "instance" },
	[PROTO_ED25519PH] = { "ED25519", "instance" },
	[PROTO_ED448CTX] = { "ED448", "context-string" },
	[PROTO_ED448PH] = { "ED448", "instance" },
};

static const char *const exchanges[] = { "ECDH", "X25519", "X448" };

enum { MAX_KINDS = 32 };

/* Fetched once, never changed or freed: a later fetch of libcrypto's own
 * finds them in its store. */
static EVP_MD *md[ROWS(digests)];
static EVP_SIGNATURE *signature[ROWS(signatures)];
static EVP_KEYEXCH *exchange[ROWS(exchanges)];
static EVP_KEYMGMT *keymgmt[MAX_KINDS];
static EVP_ASYM_CIPHER *rsa;
static EVP_MAC *hmac;
static EVP_KDF *nonces; /* of ecdsa-deterministic */
static EVP_SIGNATURE *rsa_sm3;
static bool implicit_rejection;

static bool
has_parameter(const OSSL_PARAM *settable, const char *name)
{
	return name == NULL || OSSL_PARAM_locate_const(settable, name) != NULL;
}

static void
fetch_signatures(void)
{
	EVP_SIGNATURE *s;
	size_t i;

	for (i = 0; i < ROWS(signatures); i++) {
		if (signatures[i].name == NULL)
			continue;
		s = EVP_SIGNATURE_fetch(NULL, signatures[i].name, NULL);
		if (s != NULL &&
			has_parameter(EVP_SIGNATURE_settable_ctx_params(s),
				signatures[i].parameter))
			signature[i] = s;
		else
			EVP_SIGNATURE_free(s);
	}
}

static void
fetch_rest(void)
{
	const struct keykind *k;
	size_t i;

	for (i = 0; i < ROWS(digests); i++)
		if (digests[i] != NULL)
			md[i] = EVP_MD_fetch(NULL, digests[i], NULL);
	for (i = 0; i < MAX_KINDS && (k = keykind_at(i)) != NULL; i++)
		keymgmt[i] = EVP_KEYMGMT_fetch(NULL, k->algorithm, NULL);
	for (i = 0; i < ROWS(exchanges); i++)
		exchange[i] = EVP_KEYEXCH_fetch(NULL, exchanges[i], NULL);
	rsa_sm3 = EVP_SIGNATURE_fetch(NULL, "RSA-SM3", NULL);
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	nonces = EVP_KDF_fetch(NULL, "HMAC-DRBG-KDF", NULL);
	rsa = EVP_ASYM_CIPHER_fetch(NULL, "RSA", NULL);
	implicit_rejection =
		rsa != NULL &&
		has_parameter(EVP_ASYM_CIPHER_settable_ctx_params(rsa),
			"implicit-rejection");
}

int
library_init(void)
{
	if (hmac == NULL) {
		fetch_signatures();
		fetch_rest();
		ERR_clear_error();
	}
	return signature[PROTO_RSA_PKCS1] == NULL ||
			       signature[PROTO_ECDSA] == NULL || rsa == NULL ||
			       exchange[0] == NULL || hmac == NULL ||
			       md[PROTO_SHA256] == NULL ||
			       md[PROTO_SHA384] == NULL ||
			       md[PROTO_SHA512] == NULL
		       ? -1
		       : 0;
}

const EVP_MD *
library_md(uint8_t digest)
{
	return digest < ROWS(md) ? md[digest] : NULL;
}

bool
library_signs(uint8_t algorithm)
{
	return algorithm < ROWS(signature) && signature[algorithm] != NULL;
}

bool
library_signs_rsa_sm3(void)
{
	return rsa_sm3 != NULL;
}

bool
library_rejects_implicitly(void)
{
	return implicit_rejection;
}

EVP_MAC *
library_hmac(void)
{
	return hmac;
}
