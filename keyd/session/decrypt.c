#include "decrypt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ring/ring.h"
#include "session/library.h"
#include "session/premaster.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { SHA384_LEN = 48 };

/* What a ClientHello may offer where there is RSA key exchange. */
static const uint16_t versions[] = {
	0x0301, 0x0302, 0x0303, /* TLS 1.0 to 1.2 */
	0xFEFF, 0xFEFD,         /* DTLS 1.0 and 1.2 */
};

static bool
is_version(uint16_t version)
{
	size_t i;

	for (i = 0; i < ROWS(versions); i++)
		if (versions[i] == version)
			return true;
	return false;
}

static enum proto_status
refuse(enum proto_status status, uint16_t reason, uint16_t *detail)
{
	*detail = reason;
	return status;
}

enum proto_status
decrypt_check(const struct proto_key *key, const struct proto_decrypt *m,
	uint16_t *detail)
{
	if (key->type != PROTO_KEY_RSA)
		return refuse(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE, detail);
	switch (m->padding) {
	case PROTO_OAEP:
		if (library_md(m->digest) != NULL &&
			library_md(m->mgf1) != NULL)
			return PROTO_OK;
		return refuse(PROTO_UNSUPPORTED, DETAIL_DIGEST, detail);
	case PROTO_PKCS1:
		if (library_rejects_implicitly())
			return PROTO_OK;
		return refuse(
			PROTO_UNSUPPORTED, DETAIL_PKCS1_DECRYPTION, detail);
	case PROTO_PREMASTER:
		if (is_version(m->version))
			return PROTO_OK;
		return refuse(PROTO_BAD_PARAMETER, DETAIL_TLS_VERSION, detail);
	default:
		return refuse(PROTO_UNSUPPORTED, DETAIL_NONE, detail);
	}
}

/* As long as the modulus, and less than it. Both are public. */
static bool
is_ciphertext(EVP_PKEY *pkey, struct view data)
{
	uint8_t modulus[PROTO_MAX_CIPHERTEXT];
	int len = EVP_PKEY_get_size(pkey);
	BIGNUM *n = NULL;
	bool ok;

	if (len <= 0 || (size_t)len > sizeof(modulus) ||
		(size_t)len != data.len)
		return false;
	ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	     BN_bn2binpad(n, modulus, len) == len &&
	     memcmp(data.data, modulus, data.len) < 0;
	BN_free(n);
	return ok;
}

/* With another digest than MGF1's, or a label, both must be told. */
static int
set_oaep(EVP_PKEY_CTX *ctx, const struct proto_decrypt *m)
{
	OSSL_PARAM label[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
			(void *)(uintptr_t)m->label.data, m->label.len),
		OSSL_PARAM_END,
	};

	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
		EVP_PKEY_CTX_set_rsa_oaep_md(ctx, library_md(m->digest)) <= 0 ||
		EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, library_md(m->mgf1)) <= 0)
		return -1;
	if (m->label.len == 0)
		return 0;
	return EVP_PKEY_CTX_set_params(ctx, label) > 0 ? 0 : -1;
}

/*
 * decrypt_check() has asked whether there is such a parameter. It is set even
 * though it is the default: without it there would be an oracle.
 */
static int
set_pkcs1(EVP_PKEY_CTX *ctx, const struct proto_decrypt *m)
{
	unsigned on = 1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint("implicit-rejection", &on),
		OSSL_PARAM_END,
	};

	(void)m;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
			       EVP_PKEY_CTX_set_params(ctx, params) > 0
		       ? 0
		       : -1;
}

static int
set_none(EVP_PKEY_CTX *ctx, const struct proto_decrypt *m)
{
	(void)m;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 ? 0 : -1;
}

/* PROTO_INTERNAL before libcrypto has seen the ciphertext, failed after. */
static enum proto_status
run(EVP_PKEY *pkey, int (*set)(EVP_PKEY_CTX *, const struct proto_decrypt *),
	const struct proto_decrypt *m, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	enum proto_status status = PROTO_INTERNAL;

	*len = PROTO_MAX_OUTPUT;
	if (ctx != NULL && EVP_PKEY_decrypt_init(ctx) > 0 && set(ctx, m) == 0)
		status = EVP_PKEY_decrypt(
				 ctx, out, len, m->data.data, m->data.len) > 0
				 ? PROTO_OK
				 : PROTO_NOT_DECRYPTED;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return status;
}

static enum proto_status
oaep(EVP_PKEY *pkey, struct view secret, const struct proto_decrypt *m,
	uint8_t *out, size_t *len)
{
	(void)secret;
	return run(pkey, set_oaep, m, out, len);
}

/* Never PROTO_NOT_DECRYPTED: what fails here is not the padding. */
static enum proto_status
pkcs1(EVP_PKEY *pkey, struct view secret, const struct proto_decrypt *m,
	uint8_t *out, size_t *len)
{
	(void)secret;
	return run(pkey, set_pkcs1, m, out, len) == PROTO_OK ? PROTO_OK
							     : PROTO_INTERNAL;
}

/* HMAC-SHA-384 over label, version and ciphertext: 0, or -1. */
static int
make_up(struct view secret, const struct proto_decrypt *m,
	uint8_t out[SHA384_LEN])
{
	static const uint8_t label[] = "openssl-keyd premaster";
	const uint8_t version[] = { (uint8_t)(m->version >> 8),
		(uint8_t)m->version };
	char digest[] = "SHA2-384";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_END,
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(library_hmac());
	size_t n = 0;
	bool ok;

	ok = ctx != NULL &&
	     EVP_MAC_init(ctx, secret.data, secret.len, params) == 1 &&
	     EVP_MAC_update(ctx, label, sizeof(label) - 1) == 1 &&
	     EVP_MAC_update(ctx, version, sizeof(version)) == 1 &&
	     EVP_MAC_update(ctx, m->data.data, m->data.len) == 1 &&
	     EVP_MAC_final(ctx, out, &n, SHA384_LEN) == 1 && n == SHA384_LEN;
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -1;
}

/*
 * The made-up bytes are computed whether they are needed or not. RSA without
 * padding fails for no content (the ciphertext is less than the modulus), so
 * that PROTO_INTERNAL tells nothing of it either.
 */
static enum proto_status
premaster(EVP_PKEY *pkey, struct view secret, const struct proto_decrypt *m,
	uint8_t *out, size_t *len)
{
	uint8_t em[PROTO_MAX_OUTPUT], fallback[SHA384_LEN];
	enum proto_status status = PROTO_INTERNAL;
	size_t n;

	if (secret.len != RING_SECRET || m->data.len < PREMASTER_LEAST)
		return PROTO_INTERNAL;
	if (make_up(secret, m, fallback) == 0 &&
		run(pkey, set_none, m, em, &n) == PROTO_OK &&
		n == m->data.len) {
		premaster_unpad(em, n, m->version, fallback, out);
		*len = PROTO_PREMASTER_LEN;
		status = PROTO_OK;
	}
	OPENSSL_cleanse(em, sizeof(em));
	OPENSSL_cleanse(fallback, sizeof(fallback));
	return status;
}

static const struct {
	uint8_t padding;
	enum proto_status (*decrypt)(EVP_PKEY *pkey, struct view secret,
		const struct proto_decrypt *m, uint8_t *out, size_t *len);
} paddings[] = {
	{ PROTO_OAEP, oaep },
	{ PROTO_PKCS1, pkcs1 },
	{ PROTO_PREMASTER, premaster },
};

enum proto_status
decrypt_make(EVP_PKEY *pkey, struct view secret, const struct proto_decrypt *m,
	uint8_t out[PROTO_MAX_OUTPUT], size_t *len, uint16_t *detail)
{
	size_t i;

	if (!is_ciphertext(pkey, m->data))
		return refuse(PROTO_BAD_PARAMETER, DETAIL_CIPHERTEXT, detail);
	for (i = 0; i < ROWS(paddings); i++)
		if (paddings[i].padding == m->padding)
			return paddings[i].decrypt(pkey, secret, m, out, len);
	return PROTO_INTERNAL;
}
