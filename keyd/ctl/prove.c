#include "prove.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "request.h"

enum {
	VERIFY_LEN = 130, /* RFC 8446 §4.4.3 with a 32-byte hash */
};

/* What a TLS 1.3 server signs; the transcript's hash is a random number. */
static int
certificate_verify(uint8_t out[VERIFY_LEN])
{
	static const char context[] = "TLS 1.3, server CertificateVerify";

	memset(out, ' ', 64);
	memcpy(out + 64, context, sizeof(context));
	return getrandom(out + 64 + sizeof(context), 32, 0) == 32 ? 0 : -1;
}

static struct proto_scheme
tls_scheme(uint8_t key_type)
{
	if (key_type == PROTO_KEY_RSA)
		return (struct proto_scheme){ .algorithm = PROTO_RSA_PSS,
			.digest = PROTO_SHA256,
			.mgf1 = PROTO_SHA256,
			.salt = 32 };
	return request_scheme(key_type);
}

bool
prove_verify(struct view spki, const struct proto_scheme *s,
	struct view message, struct view signature)
{
	const unsigned char *p = spki.data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	bool ok;

	ok = key != NULL && md != NULL &&
	     EVP_DigestVerifyInit_ex(md, &ctx, proto_digest_name(s->digest),
		     NULL, NULL, key, NULL) == 1;
	if (ok && s->algorithm == PROTO_RSA_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) >
			     0 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt) > 0;
	ok = ok && EVP_DigestVerify(md, signature.data, signature.len,
			   message.data, message.len) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return ok;
}

int
prove_use(const struct config *c, uid_t uid, const struct prove_key *k,
	struct user_answer *out, struct fault *f)
{
	static const char words[] = "keydctl: does this key work?";
	struct proto_sign what = { .scheme = request_scheme(k->type) };
	struct request *request = NULL;
	uint8_t message[VERIFY_LEN];
	int r = -1;

	memcpy(what.hash, k->hash, sizeof(what.hash));
	if ((k->use & PROTO_USE_TLS_SERVER) != 0) {
		if (certificate_verify(message) < 0)
			return fault_set(f, FAULT_FAILED, "getrandom failed");
		what.scheme = tls_scheme(k->type);
		what.data = (struct view){ message, sizeof(message) };
	} else if ((k->use & PROTO_USE_SIGN) != 0) {
		what.data = (struct view){ (const uint8_t *)words,
			sizeof(words) - 1 };
	} else {
		request = request_new(k->spki, "/CN=keydctl proof", NULL, f);
		if (request == NULL)
			return -1;
		what.data = request_tbs(request);
	}
	if (user_sign(c, uid, k->name, &what, out, f) < 0)
		goto done;
	if (out->ok && !prove_verify(k->spki, &what.scheme, what.data,
			       (struct view){ out->signature, out->len })) {
		out->ok = false;
		(void)snprintf(out->text, sizeof(out->text),
			"keyd's signature does not verify with the public "
			"key");
	}
	r = 0;
done:
	request_free(request);
	return r;
}
