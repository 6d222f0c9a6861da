/* Verifying needs no private key: `default` does it. */
#include "provider/signature.h"

#include <openssl/core_names.h>

int
signature_verify_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	return signature_begin(s, provkey) && signature_begin_local(s) &&
	       EVP_PKEY_verify_init(s->pctx) == 1 &&
	       signature_set_ctx_params(s, params);
}

int
signature_verify(void *vctx, const unsigned char *sig, size_t siglen,
	const unsigned char *tbs, size_t tbslen)
{
	struct signature *s = vctx;

	return s->pctx != NULL &&
	       EVP_PKEY_verify(s->pctx, sig, siglen, tbs, tbslen) == 1;
}

int
signature_recover_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	return signature_begin(s, provkey) && signature_begin_local(s) &&
	       EVP_PKEY_verify_recover_init(s->pctx) == 1 &&
	       signature_set_ctx_params(s, params);
}

int
signature_recover(void *vctx, unsigned char *out, size_t *outlen,
	size_t outsize, const unsigned char *sig, size_t siglen)
{
	struct signature *s = vctx;

	*outlen = outsize;
	return s->pctx != NULL &&
	       EVP_PKEY_verify_recover(s->pctx, out, outlen, sig, siglen) == 1;
}

int
signature_digest_verify_init(void *vctx, const char *mdname, void *provkey,
	const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	if (!signature_begin(s, provkey))
		return 0;
	s->md = EVP_MD_CTX_new();
	return s->md != NULL &&
	       EVP_DigestVerifyInit_ex(s->md, NULL, mdname, s->ctx->libctx,
		       NULL, s->key->inner, NULL) == 1 &&
	       signature_set_ctx_params(s, params);
}

int
signature_digest_verify_update(
	void *vctx, const unsigned char *data, size_t datalen)
{
	struct signature *s = vctx;

	return s->md != NULL &&
	       EVP_DigestVerifyUpdate(s->md, data, datalen) == 1;
}

int
signature_digest_verify_final(
	void *vctx, const unsigned char *sig, size_t siglen)
{
	struct signature *s = vctx;

	return s->md != NULL && EVP_DigestVerifyFinal(s->md, sig, siglen) == 1;
}

int
signature_digest_verify(void *vctx, const unsigned char *sig, size_t siglen,
	const unsigned char *tbs, size_t tbslen)
{
	struct signature *s = vctx;

	return s->md != NULL &&
	       EVP_DigestVerify(s->md, sig, siglen, tbs, tbslen) == 1;
}
