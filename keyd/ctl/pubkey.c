#include "pubkey.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum {
	MAX_NAME = 32,
	DEFAULT_SALT = 20, /* RFC 4055 §3.1 */
	RESTRICTED = 2,    /* EVP_PKEY_get_default_digest_name(3) */
};

EVP_PKEY *
pubkey_read(struct view spki, struct fault *f)
{
	const unsigned char *p = spki.data;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);

	if (pkey == NULL)
		(void)fault_set(f, FAULT_FAILED,
			"its public key cannot be read by this libcrypto");
	return pkey;
}

/* What the key's parameters leave to choose. */
static void
pss_scheme(EVP_PKEY *pkey, struct proto_scheme *s)
{
	char name[MAX_NAME] = "", mgf1[MAX_NAME] = "";
	int least = DEFAULT_SALT;
	size_t len;

	s->mgf1 = s->digest;
	s->salt = (uint16_t)proto_digest_len(s->digest);
	if (EVP_PKEY_get_default_digest_name(pkey, name, sizeof(name)) !=
		RESTRICTED)
		return;
	s->digest = proto_digest_number(name);
	s->salt = (uint16_t)proto_digest_len(s->digest);
	s->mgf1 = PROTO_SHA1;
	if (EVP_PKEY_get_utf8_string_param(pkey,
		    OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, mgf1, sizeof(mgf1),
		    &len) == 1)
		s->mgf1 = proto_digest_number(mgf1);
	(void)EVP_PKEY_get_int_param(
		pkey, OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &least);
	if (least > s->salt)
		s->salt = (uint16_t)least;
}

/* The digest that TLS 1.3 binds to curves of this size (RFC 8446, RFC 8734). */
static uint8_t
ec_digest(unsigned bits)
{
	if (bits <= 256)
		return PROTO_SHA256;
	return bits <= 384 ? PROTO_SHA384 : PROTO_SHA512;
}

int
pubkey_scheme(EVP_PKEY *pkey, const struct keykind *k, struct proto_scheme *out,
	struct fault *f)
{
	struct proto_scheme s = { .digest = PROTO_SHA256 };

	if (k->algorithms == 0)
		return fault_set(f, FAULT_REFUSED,
			"a key of type %s cannot sign", k->name);
	/* The first of the type: it is the usual one. */
	while ((k->algorithms & 1U << s.algorithm) == 0)
		s.algorithm++;
	if (keykind_is_ec(k))
		s.digest = ec_digest(k->max_bits);
	else if (s.algorithm == PROTO_RSA_PSS)
		pss_scheme(pkey, &s);
	else if (s.algorithm != PROTO_RSA_PKCS1)
		s.digest = PROTO_NO_DIGEST;
	*out = s;
	return 0;
}

/* What of the scheme the digest does not tell. */
static bool
set_padding(EVP_PKEY_CTX *ctx, const struct proto_scheme *s)
{
	if (s->algorithm != PROTO_RSA_PSS)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md_name(
		       ctx, proto_digest_name(s->mgf1), NULL) > 0;
}

bool
pubkey_verify(EVP_PKEY *pkey, const struct proto_scheme *s, struct view message,
	struct view signature)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	bool ok;

	ok = md != NULL &&
	     EVP_DigestVerifyInit_ex(md, &ctx, proto_digest_name(s->digest),
		     NULL, NULL, pkey, NULL) == 1 &&
	     set_padding(ctx, s) &&
	     EVP_DigestVerify(md, signature.data, signature.len, message.data,
		     message.len) == 1;
	EVP_MD_CTX_free(md);
	return ok;
}

size_t
pubkey_algorithm(
	EVP_PKEY *pkey, const struct proto_scheme *s, void *out, size_t size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(
					OSSL_SIGNATURE_PARAM_ALGORITHM_ID, out,
					size),
		OSSL_PARAM_END };
	bool ok;

	/* libcrypto knows it before it would ask for the private key. */
	ok = md != NULL &&
	     EVP_DigestSignInit_ex(md, &ctx, proto_digest_name(s->digest), NULL,
		     NULL, pkey, NULL) == 1 &&
	     set_padding(ctx, s) && EVP_PKEY_CTX_get_params(ctx, params) == 1 &&
	     OSSL_PARAM_modified(&params[0]);
	EVP_MD_CTX_free(md);
	return ok ? params[0].return_size : 0;
}

int
pubkey_encrypt(EVP_PKEY *pkey, enum proto_padding padding, struct view plain,
	uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	int pad = padding == PROTO_OAEP ? RSA_PKCS1_OAEP_PADDING
					: RSA_PKCS1_PADDING;
	bool ok;

	ok = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, pad) > 0;
	/* MGF1's digest follows. */
	if (ok && padding == PROTO_OAEP)
		ok = EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "sha256", NULL) > 0;
	ok = ok && EVP_PKEY_encrypt(ctx, out, len, plain.data, plain.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : -1;
}

static EVP_PKEY *
make_ephemeral(EVP_PKEY *like)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, like, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1)
		(void)EVP_PKEY_generate(ctx, &pkey);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* Its public key as a point or as octets. */
static int
put_peer(EVP_PKEY *pkey, uint8_t *out, size_t *len)
{
	unsigned char *encoded = NULL;
	size_t n = EVP_PKEY_get1_encoded_public_key(pkey, &encoded);
	int r = -1;

	if (n > 0 && n <= *len) {
		memcpy(out, encoded, n);
		*len = n;
		r = 0;
	}
	OPENSSL_free(encoded);
	return r;
}

int
pubkey_agree(EVP_PKEY *pkey, uint8_t *peer, size_t *peer_len, uint8_t *secret,
	size_t *secret_len)
{
	EVP_PKEY *own = make_ephemeral(pkey);
	EVP_PKEY_CTX *ctx = NULL;
	bool ok = false;

	if (own != NULL && put_peer(own, peer, peer_len) == 0)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	if (ctx != NULL)
		ok = EVP_PKEY_derive_init(ctx) == 1 &&
		     EVP_PKEY_derive_set_peer(ctx, pkey) == 1 &&
		     EVP_PKEY_derive(ctx, secret, secret_len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	return ok ? 0 : -1;
}

const char *
pubkey_judge_decrypt(const struct keykind *k, uint32_t use)
{
	EVP_ASYM_CIPHER *rsa;
	bool has = true;

	if ((use & PROTO_USE_DECRYPT) == 0 || k == NULL || !keykind_is_rsa(k))
		return "";
	rsa = EVP_ASYM_CIPHER_fetch(NULL, "RSA", NULL);
	if (rsa != NULL)
		has = OSSL_PARAM_locate_const(
			      EVP_ASYM_CIPHER_settable_ctx_params(rsa),
			      "implicit-rejection") != NULL;
	EVP_ASYM_CIPHER_free(rsa);
	return has ? ""
		   : "decrypts OAEP only, with this OpenSSL: openssl cms "
		     "-encrypt needs -keyopt rsa_padding_mode:oaep (PKCS#1 "
		     "v1.5 takes OpenSSL 3.2 or later)";
}
