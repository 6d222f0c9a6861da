#include "sign.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Algorithms, as bits of a row. */
enum {
	PKCS1 = 1 << PROTO_RSA_PKCS1,
	PSS = 1 << PROTO_RSA_PSS,
	ECDSA = 1 << PROTO_ECDSA,
};

static const struct {
	const char *name;    /* libcrypto's */
	unsigned algorithms; /* with which it is defined */
} digests[] = {
	[PROTO_MD5] = { "MD5", PKCS1 | PSS },
	[PROTO_SHA1] = { "SHA1", PKCS1 | PSS | ECDSA },
	[PROTO_SHA224] = { "SHA2-224", PKCS1 | PSS | ECDSA },
	[PROTO_SHA256] = { "SHA2-256", PKCS1 | PSS | ECDSA },
	[PROTO_SHA384] = { "SHA2-384", PKCS1 | PSS | ECDSA },
	[PROTO_SHA512] = { "SHA2-512", PKCS1 | PSS | ECDSA },
	[PROTO_SHA512_224] = { "SHA2-512/224", PKCS1 | PSS | ECDSA },
	[PROTO_SHA512_256] = { "SHA2-512/256", PKCS1 | PSS | ECDSA },
	[PROTO_SHA3_224] = { "SHA3-224", PKCS1 | PSS | ECDSA },
	[PROTO_SHA3_256] = { "SHA3-256", PKCS1 | PSS | ECDSA },
	[PROTO_SHA3_384] = { "SHA3-384", PKCS1 | PSS | ECDSA },
	[PROTO_SHA3_512] = { "SHA3-512", PKCS1 | PSS | ECDSA },
	[PROTO_MD5_SHA1] = { "MD5-SHA1", PKCS1 },
};

static const struct {
	uint8_t algorithm;
	unsigned keys; /* bits of key types */
} algorithms[] = {
	{ PROTO_RSA_PKCS1, 1 << PROTO_KEY_RSA },
	{ PROTO_RSA_PSS, 1 << PROTO_KEY_RSA },
	{ PROTO_ECDSA, 1 << PROTO_KEY_P256 | 1 << PROTO_KEY_P384 },
};

/* Fetched once, before the first client byte; never changed. */
static EVP_MD *md[ROWS(digests)];

/* What is kept so that later fetches find it without loading anything. */
static EVP_SIGNATURE *signatures[2];
static EVP_KEYMGMT *keymgmts[2];

int
sign_init(void)
{
	static const char *const names[] = { "RSA", "ECDSA" };
	static const char *const types[] = { "RSA", "EC" };
	size_t i;

	for (i = 0; i < ROWS(digests); i++)
		if (digests[i].name != NULL && md[i] == NULL)
			md[i] = EVP_MD_fetch(NULL, digests[i].name, NULL);
	for (i = 0; i < ROWS(names); i++) {
		if (signatures[i] == NULL)
			signatures[i] =
				EVP_SIGNATURE_fetch(NULL, names[i], NULL);
		if (keymgmts[i] == NULL)
			keymgmts[i] = EVP_KEYMGMT_fetch(NULL, types[i], NULL);
		if (signatures[i] == NULL || keymgmts[i] == NULL)
			return -1;
	}
	/* A libcrypto without some old digest is none to refuse. */
	ERR_clear_error();
	return md[PROTO_SHA256] == NULL || md[PROTO_SHA384] == NULL ||
			       md[PROTO_SHA512] == NULL
		       ? -1
		       : 0;
}

static bool
is_usable(uint8_t digest, uint8_t algorithm)
{
	return digest < ROWS(digests) && md[digest] != NULL &&
	       (digests[digest].algorithms & 1U << algorithm) != 0;
}

/* RFC 8017 §9.1.1: emLen ≥ hLen + sLen + 2, emLen of bits - 1 bits. */
static bool
is_salt(const struct proto_key *key, const struct proto_scheme *s)
{
	size_t room = (key->bits - 1U + 7U) / 8U;

	return room >= proto_digest_len(s->digest) + 2U + s->salt;
}

enum proto_status
sign_check(const struct proto_key *key, const struct proto_sign *m,
	uint16_t *detail)
{
	const struct proto_scheme *s = &m->scheme;
	size_t i;

	for (i = 0;
		i < ROWS(algorithms) && algorithms[i].algorithm != s->algorithm;
		i++)
		;
	if (i == ROWS(algorithms) || key->type > PROTO_KEY_P384 ||
		(algorithms[i].keys & 1U << key->type) == 0) {
		*detail = DETAIL_KEY_TYPE;
		return PROTO_BAD_PARAMETER;
	}
	if (!is_usable(s->digest, s->algorithm) ||
		(s->algorithm == PROTO_RSA_PSS &&
			!is_usable(s->mgf1, s->algorithm))) {
		*detail = DETAIL_DIGEST;
		return PROTO_UNSUPPORTED;
	}
	if (m->input == PROTO_INPUT_DIGEST &&
		m->data.len != proto_digest_len(s->digest)) {
		*detail = DETAIL_DIGEST_LENGTH;
		return PROTO_BAD_PARAMETER;
	}
	if (s->algorithm == PROTO_RSA_PSS && !is_salt(key, s)) {
		*detail = DETAIL_SALT_LENGTH;
		return PROTO_BAD_PARAMETER;
	}
	return PROTO_OK;
}

static int
set_padding(EVP_PKEY_CTX *ctx, const struct proto_scheme *s)
{
	if (s->algorithm == PROTO_ECDSA)
		return 0;
	if (s->algorithm == PROTO_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0
			       ? 0
			       : -1;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
		EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md[s->mgf1]) <= 0 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt) <= 0)
		return -1;
	return 0;
}

/*
 * libcrypto blinds RSA with numbers of its own, and checks each CRT result
 * with the public exponent before it lets it out (crypto/rsa/rsa_ossl.c,
 * rsa_ossl_mod_exp: a miscalculated one is computed again without CRT), so
 * that a fault does not give away a factor. Both hold because a ring's
 * RSA keys always carry e; tests/unit/sign.c shows the second.
 */
int
sign_make(EVP_PKEY *pkey, const struct proto_sign *m,
	uint8_t out[PROTO_MAX_SIGNATURE], size_t *len)
{
	const struct proto_scheme *s = &m->scheme;
	uint8_t hash[EVP_MAX_MD_SIZE];
	struct view digest = m->data;
	EVP_PKEY_CTX *ctx;
	unsigned hash_len = 0;
	size_t n = PROTO_MAX_SIGNATURE;
	int result = -1;

	if (m->input == PROTO_INPUT_MESSAGE) {
		if (EVP_Digest(m->data.data, m->data.len, hash, &hash_len,
			    md[s->digest], NULL) != 1)
			return -1;
		digest = (struct view){ .data = hash, .len = hash_len };
	}
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (ctx == NULL)
		goto out;
	if (EVP_PKEY_sign_init(ctx) <= 0 || set_padding(ctx, s) < 0 ||
		EVP_PKEY_CTX_set_signature_md(ctx, md[s->digest]) <= 0 ||
		EVP_PKEY_sign(ctx, out, &n, digest.data, digest.len) <= 0)
		goto err_sign;
	*len = n;
	result = 0;
err_sign:
	EVP_PKEY_CTX_free(ctx);
out:
	ERR_clear_error();
	OPENSSL_cleanse(hash, sizeof(hash));
	return result;
}
