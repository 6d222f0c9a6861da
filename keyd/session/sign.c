#include "sign.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "session/eddsa.h"
#include "session/library.h"
#include "wire/keykind.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum {
	PKCS1_OVERHEAD = 11,    /* RFC 8017 §9.2: 00 01 FF×8 00 */
	DIGEST_INFO = 19,       /* of DigestInfo beside the digest, at most */
	MAX_NAMELESS = 64,      /* a digest of no named kind, for ECDSA */
	RFC4055_SALT = 20,      /* §3.1, the default */
	NONCE_DETERMINISTIC = 1 /* of libcrypto's "nonce-type" */
};

/* Algorithms, as bits of a row. */
enum {
	PKCS1 = 1 << PROTO_RSA_PKCS1,
	PSS = 1 << PROTO_RSA_PSS,
	ECDSA = 1 << PROTO_ECDSA | 1 << PROTO_ECDSA_DETERMINISTIC,
	ALL = PKCS1 | PSS | ECDSA,
};

/* The algorithms with which a digest is defined. */
static const unsigned digests[] = {
	[PROTO_MD5] = ALL,
	[PROTO_SHA1] = ALL,
	[PROTO_SHA224] = ALL,
	[PROTO_SHA256] = ALL,
	[PROTO_SHA384] = ALL,
	[PROTO_SHA512] = ALL,
	[PROTO_SHA512_224] = ALL,
	[PROTO_SHA512_256] = ALL,
	[PROTO_SHA3_224] = ALL,
	[PROTO_SHA3_256] = ALL,
	[PROTO_SHA3_384] = ALL,
	[PROTO_SHA3_512] = ALL,
	[PROTO_MD5_SHA1] = ALL,
	[PROTO_RIPEMD160] = ALL,
	[PROTO_BLAKE2S256] = ECDSA,
	[PROTO_BLAKE2B512] = ECDSA,
	[PROTO_SM3] = ALL,
};

static bool
is_usable(uint8_t digest, uint8_t algorithm)
{
	if (digest >= ROWS(digests) || library_md(digest) == NULL ||
		(digests[digest] & 1U << algorithm) == 0)
		return false;
	return digest != PROTO_SM3 || (ECDSA & 1U << algorithm) != 0 ||
	       library_signs_rsa_sm3();
}

/* Data of no named digest takes its place: RFC 6979 has none such. */
static bool
is_nameless(const struct proto_sign *m)
{
	return m->scheme.digest == PROTO_NO_DIGEST &&
	       m->input == PROTO_INPUT_DIGEST &&
	       (m->scheme.algorithm == PROTO_RSA_PKCS1 ||
		       m->scheme.algorithm == PROTO_ECDSA);
}

static bool
has_digests(const struct proto_sign *m)
{
	const struct proto_scheme *s = &m->scheme;

	if (is_nameless(m))
		return true;
	return is_usable(s->digest, s->algorithm) &&
	       (s->algorithm != PROTO_RSA_PSS ||
		       is_usable(s->mgf1, s->algorithm));
}

/* RFC 8017 §9.2: a weak key may be too small for a long digest. */
static bool
is_room(const struct proto_key *key, const struct proto_scheme *s)
{
	size_t need = proto_digest_len(s->digest) + PKCS1_OVERHEAD;

	if (s->algorithm != PROTO_RSA_PKCS1)
		return true;
	if (s->digest != PROTO_MD5_SHA1 && s->digest != PROTO_NO_DIGEST)
		need += DIGEST_INFO;
	return need <= (key->bits + 7U) / 8U;
}

static bool
is_input(const struct proto_key *key, const struct proto_sign *m)
{
	size_t len = m->data.len;

	if (m->input == PROTO_INPUT_MESSAGE)
		return true;
	if (m->scheme.digest != PROTO_NO_DIGEST)
		return len == proto_digest_len(m->scheme.digest);
	/* is_room(): the modulus is longer than the overhead. */
	if (m->scheme.algorithm == PROTO_RSA_PKCS1)
		return len <= (key->bits + 7U) / 8U - PKCS1_OVERHEAD;
	return len > 0 && len <= MAX_NAMELESS;
}

/* RFC 8017 §9.1.1: emLen ≥ hLen + sLen + 2, emLen of bits - 1 bits. */
static bool
is_salt(const struct proto_key *key, const struct proto_scheme *s)
{
	size_t room = (key->bits - 1U + 7U) / 8U;

	return s->algorithm != PROTO_RSA_PSS ||
	       room >= proto_digest_len(s->digest) + 2U + s->salt;
}

static enum proto_status
refuse(enum proto_status status, uint16_t reason, uint16_t *detail)
{
	*detail = reason;
	return status;
}

enum proto_status
sign_check(const struct proto_key *key, const struct proto_sign *m,
	uint16_t *detail)
{
	const struct keykind *kind = keykind_by_type(key->type);
	const struct proto_scheme *s = &m->scheme;

	if (kind == NULL || s->algorithm >= 32 ||
		(kind->algorithms & 1U << s->algorithm) == 0)
		return refuse(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE, detail);
	if (!library_signs(s->algorithm))
		return refuse(PROTO_UNSUPPORTED, DETAIL_LIBRARY, detail);
	if (eddsa_is(s->algorithm))
		return eddsa_check(m, detail);
	if (!has_digests(m) || !is_room(key, s))
		return refuse(PROTO_UNSUPPORTED, DETAIL_DIGEST, detail);
	if (!is_input(key, m))
		return refuse(
			PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH, detail);
	if (!is_salt(key, s))
		return refuse(PROTO_BAD_PARAMETER, DETAIL_SALT_LENGTH, detail);
	return PROTO_OK;
}

enum proto_status
sign_check_restrictions(
	EVP_PKEY *pkey, const struct proto_scheme *s, uint16_t *detail)
{
	/* What libcrypto does not tell has the default of RFC 4055 §3.1. */
	char digest[32] = "", mgf1[32] = "SHA1";
	int salt = RFC4055_SALT;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_PKEY_PARAM_MANDATORY_DIGEST, digest,
			sizeof(digest)),
		OSSL_PARAM_construct_utf8_string(
			OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, mgf1, sizeof(mgf1)),
		OSSL_PARAM_construct_int(
			OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &salt),
		OSSL_PARAM_END,
	};

	if (!EVP_PKEY_is_a(pkey, "RSA-PSS"))
		return PROTO_OK;
	if (EVP_PKEY_get_params(pkey, params) != 1) {
		ERR_clear_error();
		return PROTO_INTERNAL;
	}
	/* Told of restricted keys only. */
	if (digest[0] == '\0')
		return PROTO_OK;
	if (proto_digest_number(digest) != s->digest ||
		proto_digest_number(mgf1) != s->mgf1 || (int)s->salt < salt)
		return refuse(PROTO_BAD_PARAMETER, DETAIL_RESTRICTED, detail);
	return PROTO_OK;
}

static int
set_nonces(EVP_PKEY_CTX *ctx)
{
	unsigned type = NONCE_DETERMINISTIC;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint("nonce-type", &type),
		OSSL_PARAM_END,
	};

	return EVP_PKEY_CTX_set_params(ctx, params) > 0 ? 0 : -1;
}

static int
set_padding(EVP_PKEY_CTX *ctx, const struct proto_scheme *s)
{
	if (s->algorithm == PROTO_ECDSA)
		return 0;
	if (s->algorithm == PROTO_ECDSA_DETERMINISTIC)
		return set_nonces(ctx);
	if (s->algorithm == PROTO_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0
			       ? 0
			       : -1;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
		EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, library_md(s->mgf1)) <= 0 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt) <= 0)
		return -1;
	return 0;
}

static int
set_digest(EVP_PKEY_CTX *ctx, uint8_t digest)
{
	if (digest == PROTO_NO_DIGEST)
		return 0;
	return EVP_PKEY_CTX_set_signature_md(ctx, library_md(digest)) > 0 ? 0
									  : -1;
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

	if (eddsa_is(s->algorithm))
		return eddsa_make(pkey, m, out, len);
	if (m->input == PROTO_INPUT_MESSAGE) {
		if (EVP_Digest(m->data.data, m->data.len, hash, &hash_len,
			    library_md(s->digest), NULL) != 1)
			return -1;
		digest = (struct view){ .data = hash, .len = hash_len };
	}
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (ctx == NULL)
		goto out;
	if (EVP_PKEY_sign_init(ctx) <= 0 || set_padding(ctx, s) < 0 ||
		set_digest(ctx, s->digest) < 0 ||
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
