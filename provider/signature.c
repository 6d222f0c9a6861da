#include "provider/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/algid.h"
#include "provider/delegate.h"
#include "provider/digest.h"
#include "provider/errors.h"
#include "provider/remote.h"

struct signature *
signature_new(struct context *ctx, const struct signature_type *type)
{
	struct signature *s = OPENSSL_zalloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ctx = ctx;
	s->type = type;
	return s;
}

/* Forgets an operation, but not the key. */
static void
reset(struct signature *s)
{
	stream_clear(&s->stream);
	EVP_MD_CTX_free(s->md);
	EVP_PKEY_CTX_free(s->pctx);
	OPENSSL_free(s->sig);
	s->md = NULL;
	s->pctx = NULL;
	s->sig = NULL;
	s->sig_len = 0;
	s->is_fixed = false;
	s->verifies_message = false;
	s->is_remote = false;
	s->has_message = false;
	s->is_finished = false;
	s->digest = 0;
	s->digest_size = 0;
	s->nonce_type = 0;
	s->algorithm = 0;
	s->context_len = 0;
}

void
signature_freectx(void *vctx)
{
	struct signature *s = vctx;

	if (s == NULL)
		return;
	reset(s);
	key_free(s->key);
	OPENSSL_free(s);
}

void *
signature_dupctx(void *vctx)
{
	const struct signature *from = vctx;
	struct signature *to = OPENSSL_memdup(from, sizeof(*from));

	if (to == NULL)
		return NULL;
	to->key = from->key == NULL ? NULL : key_up_ref(from->key);
	memset(&to->stream, 0, sizeof(to->stream));
	to->md = NULL;
	to->pctx = NULL;
	to->sig = NULL;
	if (from->sig != NULL) {
		to->sig = OPENSSL_memdup(from->sig, from->sig_len);
		if (to->sig == NULL)
			goto err;
	}
	if (stream_copy(&to->stream, &from->stream) < 0)
		goto err;
	if (from->md != NULL) {
		to->md = EVP_MD_CTX_new();
		if (to->md == NULL || EVP_MD_CTX_copy_ex(to->md, from->md) != 1)
			goto err;
	}
	if (from->pctx != NULL) {
		to->pctx = EVP_PKEY_CTX_dup(from->pctx);
		if (to->pctx == NULL)
			goto err;
	}
	return to;
err:
	signature_freectx(to);
	return NULL;
}

int
signature_begin(struct signature *s, void *provkey)
{
	struct key *key = provkey;

	if (key == NULL && s->key == NULL) {
		errors_raise(s->ctx, ERROR_NO_KEY, "signature");
		return 0;
	}
	reset(s);
	if (key != NULL && key != s->key) {
		key_free(s->key);
		s->key = key_up_ref(key);
	}
	return s->key->inner != NULL;
}

int
signature_begin_local(struct signature *s)
{
	s->pctx =
		EVP_PKEY_CTX_new_from_pkey(s->ctx->libctx, s->key->inner, NULL);
	return s->pctx != NULL;
}

uint8_t
signature_digest(const struct signature *s, const char *name)
{
	uint8_t digest = digest_number(s->ctx, name);

	if (digest == 0)
		errors_raise(s->ctx, ERROR_BAD_DIGEST,
			"key %s: digest %.40s is not one that keyd signs",
			s->key->name, name);
	return digest;
}

int
signature_check_digest(
	const struct signature *s, const OSSL_PARAM *param, uint8_t *out)
{
	/* A copy: the parameter's text need not end where its size does. */
	char buf[SIGNATURE_MAX_NAME], *name = buf;
	uint8_t digest;

	if (!OSSL_PARAM_get_utf8_string(param, &name, sizeof(buf)))
		return 0;
	digest = signature_digest(s, name);
	if (digest == 0)
		return 0;
	if (s->has_message && digest != s->digest) {
		errors_raise(s->ctx, ERROR_BAD_DIGEST,
			"key %s: the digest is %s since the start and cannot "
			"become another",
			s->key->name, proto_digest_name(s->digest));
		return 0;
	}
	*out = digest;
	return 1;
}

int
signature_get_algid(const struct signature *s,
	const struct proto_scheme *scheme, OSSL_PARAM *p)
{
	uint8_t *der = NULL;
	int len = algid_encode(scheme, &der), ok;

	if (len < 0) {
		errors_raise(s->ctx, ERROR_BAD_DIGEST,
			"key %s: there is no signature algorithm with %s",
			s->key->name,
			scheme->digest == 0
				? "no digest"
				: proto_digest_name(scheme->digest));
		return 0;
	}
	ok = OSSL_PARAM_set_octet_string(p, der, (size_t)len);
	OPENSSL_free(der);
	return ok;
}

int
signature_set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
	struct signature *s = vctx;
	EVP_PKEY_CTX *pctx = s->pctx;

	if (params == NULL || params[0].key == NULL)
		return 1;
	if (s->is_remote)
		return s->type->set(s, params);
	if (s->md != NULL)
		pctx = EVP_MD_CTX_get_pkey_ctx(s->md);
	return delegate_set_params(pctx, params);
}

int
signature_get_ctx_params(void *vctx, OSSL_PARAM params[])
{
	struct signature *s = vctx;
	EVP_PKEY_CTX *pctx = s->pctx;

	if (s->is_remote)
		return s->type->get(s, params);
	if (s->md != NULL)
		pctx = EVP_MD_CTX_get_pkey_ctx(s->md);
	return pctx != NULL && EVP_PKEY_CTX_get_params(pctx, params) == 1;
}

int
signature_sign_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	if (!signature_begin(s, provkey))
		return 0;
	s->is_remote = s->key->is_shell;
	if (s->is_remote)
		return s->type->begin(s, NULL, params);
	return signature_begin_local(s) && EVP_PKEY_sign_init(s->pctx) == 1 &&
	       signature_set_ctx_params(s, params);
}

/* Signs with a shell, or tells the size. */
static int
sign_remote(struct signature *s, uint8_t *sig, size_t *siglen, size_t sigsize,
	enum proto_input input, struct view data)
{
	size_t need = key_signature_size(s->key);
	struct proto_scheme scheme;

	if (sig == NULL) {
		*siglen = need;
		return 1;
	}
	if (sigsize < need) {
		errors_raise(s->ctx, ERROR_BAD_LENGTH,
			"key %s: a signature needs %zu bytes, there are %zu",
			s->key->name, need, sigsize);
		return 0;
	}
	if (s->type->scheme(s, input, &data, &scheme) < 0)
		return 0;
	if (input == PROTO_INPUT_DIGEST && scheme.digest != 0 &&
		data.len != proto_digest_len(scheme.digest)) {
		errors_raise(s->ctx, ERROR_BAD_LENGTH,
			"key %s: %zu bytes to sign are not a digest of %s",
			s->key->name, data.len,
			proto_digest_name(scheme.digest));
		return 0;
	}
	return remote_sign(s->key, &scheme, input, data, sig, siglen) == 0;
}

int
signature_sign(void *vctx, unsigned char *sig, size_t *siglen, size_t sigsize,
	const unsigned char *tbs, size_t tbslen)
{
	struct signature *s = vctx;
	struct view data = { .data = tbs, .len = tbslen };

	if (s->is_remote)
		return sign_remote(
			s, sig, siglen, sigsize, PROTO_INPUT_DIGEST, data);
	if (s->pctx == NULL)
		return 0;
	*siglen = sigsize;
	return EVP_PKEY_sign(s->pctx, sig, siglen, tbs, tbslen) == 1;
}

/* libssl does this twice a handshake, also for keys it does not use: no I/O. */
int
signature_digest_sign_init(void *vctx, const char *mdname, void *provkey,
	const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	if (!signature_begin(s, provkey))
		return 0;
	if (!s->key->is_shell) {
		s->md = EVP_MD_CTX_new();
		if (s->md == NULL ||
			EVP_DigestSignInit_ex(s->md, NULL, mdname,
				s->ctx->libctx, NULL, s->key->inner, NULL) != 1)
			return 0;
		return signature_set_ctx_params(s, params);
	}
	s->is_remote = true;
	if (!s->type->begin(s, mdname == NULL ? "" : mdname, params))
		return 0;
	s->has_message = true;
	return 1;
}

static int
is_over(const struct signature *s)
{
	if (s->is_finished)
		errors_raise(s->ctx, ERROR_FINISHED, "key %s", s->key->name);
	return s->is_finished;
}

int
signature_digest_sign_update(
	void *vctx, const unsigned char *data, size_t datalen)
{
	struct signature *s = vctx;

	if (is_over(s))
		return 0;
	if (!s->is_remote)
		return s->md != NULL &&
		       EVP_DigestSignUpdate(s->md, data, datalen) == 1;
	return stream_add(&s->stream, s->ctx->libctx,
		       proto_digest_name(s->digest), data, datalen) == 0;
}

int
signature_digest_sign_final(
	void *vctx, unsigned char *sig, size_t *siglen, size_t sigsize)
{
	struct signature *s = vctx;
	uint8_t digest[EVP_MAX_MD_SIZE];
	enum proto_input input;
	struct view data;

	if (is_over(s))
		return 0;
	s->is_finished = sig != NULL;
	if (!s->is_remote) {
		*siglen = sigsize;
		return s->md != NULL &&
		       EVP_DigestSignFinal(s->md, sig, siglen) == 1;
	}
	if (stream_end(&s->stream, digest, &data, &input) < 0)
		return 0;
	return sign_remote(s, sig, siglen, sigsize, input, data);
}

int
signature_digest_sign(void *vctx, unsigned char *sig, size_t *siglen,
	size_t sigsize, const unsigned char *tbs, size_t tbslen)
{
	struct signature *s = vctx;
	struct view data = { .data = tbs, .len = tbslen };

	if (!s->is_remote) {
		*siglen = sigsize;
		return s->md != NULL &&
		       EVP_DigestSign(s->md, sig, siglen, tbs, tbslen) == 1;
	}
	if (sig == NULL || s->type->is_pure ||
		(tbslen <= PROTO_MAX_DATA && stream_is_empty(&s->stream)))
		return sign_remote(
			s, sig, siglen, sigsize, PROTO_INPUT_MESSAGE, data);
	return signature_digest_sign_update(s, tbs, tbslen) &&
	       signature_digest_sign_final(s, sig, siglen, sigsize);
}
