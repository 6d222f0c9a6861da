#include "make_key.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/shell.h"

static EVP_PKEY *
make_pss(int bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *pkey = NULL;

	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits), 1);
	cr_assert_eq(EVP_PKEY_generate(ctx, &pkey), 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

EVP_PKEY *
make_key_of(const struct keykind *k)
{
	char kind[64];

	if (keykind_is_rsa(k))
		(void)snprintf(
			kind, sizeof(kind), "%s:%u", k->algorithm, k->min_bits);
	else if (keykind_is_ec(k))
		(void)snprintf(kind, sizeof(kind), "EC:%s", k->group);
	else
		(void)snprintf(kind, sizeof(kind), "%s", k->algorithm);
	return make_key(kind);
}

EVP_PKEY *
make_key(const char *kind)
{
	EVP_PKEY *pkey;

	if (strncmp(kind, "RSA-PSS:", 8) == 0)
		return make_pss(atoi(kind + 8));
	if (strncmp(kind, "RSA:", 4) == 0)
		pkey = EVP_PKEY_Q_keygen(
			NULL, NULL, "RSA", (size_t)atoi(kind + 4));
	else if (strncmp(kind, "EC:", 3) == 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind + 3);
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	cr_assert_not_null(pkey, "%s", kind);
	return pkey;
}

/* The content of a memory BIO as a string. */
static char *
take(BIO *bio)
{
	char *data, *out;
	long len = BIO_get_mem_data(bio, &data);

	cr_assert_gt(len, 0);
	out = strndup(data, (size_t)len);
	cr_assert_not_null(out);
	BIO_free(bio);
	return out;
}

char *
make_pem(EVP_PKEY *pkey, const char *structure)
{
	bool is_public = strcmp(structure, "SubjectPublicKeyInfo") == 0;
	OSSL_ENCODER_CTX *ctx = OSSL_ENCODER_CTX_new_for_pkey(pkey,
		is_public ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, "PEM",
		structure, NULL);
	BIO *bio = BIO_new(BIO_s_mem());

	cr_assert(ctx != NULL && bio != NULL);
	if (strcmp(structure, "EncryptedPrivateKeyInfo") == 0) {
		cr_assert_eq(
			OSSL_ENCODER_CTX_set_cipher(ctx, "AES-128-CBC", NULL),
			1);
		cr_assert_eq(OSSL_ENCODER_CTX_set_passphrase(
				     ctx, (const unsigned char *)"test", 4),
			1);
	}
	cr_assert_eq(OSSL_ENCODER_to_bio(ctx, bio), 1);
	OSSL_ENCODER_CTX_free(ctx);
	return take(bio);
}

char *
make_certificate(const struct make_certificate *m)
{
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	EVP_PKEY *signer = m->signer != NULL ? m->signer : m->pkey;
	size_t i;

	cr_assert_eq(X509_set_version(x, 2), 1);
	cr_assert_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const unsigned char *)"example", -1, -1, 0),
		1);
	cr_assert_eq(X509_set_issuer_name(x, name), 1);
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(x), m->from));
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(x), m->until));
	cr_assert_eq(X509_set_pubkey(x, m->pkey), 1);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (i = 0; i < 6 && m->extensions[i][0] != NULL; i++) {
		e = X509V3_EXT_nconf(
			NULL, &ctx, m->extensions[i][0], m->extensions[i][1]);
		cr_assert_not_null(e, "%s", m->extensions[i][0]);
		cr_assert_eq(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	cr_assert_gt(X509_sign(x, signer,
			     EVP_PKEY_is_a(signer, "ED25519") ||
					     EVP_PKEY_is_a(signer, "ED448")
				     ? NULL
				     : EVP_sha256()),
		0);
	cr_assert_eq(PEM_write_bio_X509(bio, x), 1);
	X509_free(x);
	return take(bio);
}

char *
make_shell(EVP_PKEY *pkey, const char *name)
{
	uint8_t der[SHELL_MAX];
	unsigned char *spki = NULL;
	int spki_len = i2d_PUBKEY(pkey, &spki);
	BIO *bio = BIO_new(BIO_s_mem());
	size_t len;

	cr_assert_gt(spki_len, 0);
	cr_assert_eq(shell_encode(name, (struct view){ spki, (size_t)spki_len },
			     der, sizeof(der), &len),
		0);
	cr_assert_gt(PEM_write_bio(bio, "PRIVATE KEY", "", der, (long)len), 0);
	OPENSSL_free(spki);
	return take(bio);
}
