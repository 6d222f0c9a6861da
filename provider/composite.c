#include "provider/composite.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/dispatch.h"
#include "provider/errors.h"

/* Of libcrypto 3.4, and so not in each <openssl/core_names.h>. */
#define SIGNATURE "signature"
/* Of 3.2. */
#define NONCE_TYPE "nonce-type"

static OSSL_FUNC_signature_set_ctx_params_fn set;
static OSSL_FUNC_signature_settable_ctx_params_fn settable;
static composite_init_fn sign_init, sign_message_init, verify_init,
	verify_message_init, recover_init;
static composite_final_fn verify_message_final;
static composite_query_fn query_rsa, query_ecdsa;

int
composite_fix(struct signature *s, const char *param, const char *value)
{
	OSSL_PARAM params[] = {
		/* only ever read */
		OSSL_PARAM_construct_utf8_string(
			param, (char *)(uintptr_t)value, 0),
		OSSL_PARAM_construct_end(),
	};

	if (!signature_set_ctx_params(s, params))
		return 0;
	s->is_fixed = true;
	return 1;
}

int
composite_sign(void *vctx, unsigned char *sig, size_t *siglen, size_t sigsize,
	const unsigned char *tbs, size_t tbslen)
{
	const struct signature *s = vctx;

	if (s->has_message || s->md != NULL)
		return signature_digest_sign(
			vctx, sig, siglen, sigsize, tbs, tbslen);
	return signature_sign(vctx, sig, siglen, sigsize, tbs, tbslen);
}

int
composite_verify(void *vctx, const unsigned char *sig, size_t siglen,
	const unsigned char *tbs, size_t tbslen)
{
	const struct signature *s = vctx;

	if (s->md != NULL)
		return signature_digest_verify(vctx, sig, siglen, tbs, tbslen);
	return signature_verify(vctx, sig, siglen, tbs, tbslen);
}

/* --- RSA and ECDSA ------------------------------------------------------- */

static int
set_signature(struct signature *s, const OSSL_PARAM *p)
{
	void *sig = NULL;
	size_t len;

	if (!OSSL_PARAM_get_octet_string(p, &sig, 0, &len))
		return 0;
	OPENSSL_free(s->sig);
	s->sig = sig;
	s->sig_len = len;
	return 1;
}

/* What the name fixes stays; `default` too passes over all but these. */
static int
set(void *vctx, const OSSL_PARAM params[])
{
	struct signature *s = vctx;
	const OSSL_PARAM *p;
	OSSL_PARAM nonce[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, SIGNATURE);
	if (p != NULL && s->verifies_message && !set_signature(s, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, NONCE_TYPE);
	if (p == NULL || s->type != &signature_ecdsa)
		return 1;
	nonce[0] = *p;
	return signature_set_ctx_params(s, nonce);
}

static int
sign_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	return signature_sign_init(s, provkey, NULL) &&
	       composite_fix(s, OSSL_SIGNATURE_PARAM_DIGEST, s->fixed) &&
	       set(s, params);
}

static int
sign_message_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	return signature_digest_sign_init(s, s->fixed, provkey, NULL) &&
	       set(s, params);
}

static int
verify_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	return signature_verify_init(s, provkey, NULL) &&
	       composite_fix(s, OSSL_SIGNATURE_PARAM_DIGEST, s->fixed) &&
	       set(s, params);
}

static int
recover_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	return signature_recover_init(s, provkey, NULL) &&
	       composite_fix(s, OSSL_SIGNATURE_PARAM_DIGEST, s->fixed) &&
	       set(s, params);
}

static int
verify_message_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	if (!signature_digest_verify_init(s, s->fixed, provkey, NULL))
		return 0;
	s->verifies_message = true;
	return set(s, params);
}

static int
verify_message_final(void *vctx)
{
	struct signature *s = vctx;

	if (s->sig == NULL) {
		errors_raise(s->ctx, ERROR_BAD_PARAMETER,
			"no signature was set that the message should have: "
			"EVP_PKEY_CTX_set_signature()");
		return 0;
	}
	return signature_digest_verify_final(s, s->sig, s->sig_len);
}

static const char **
query_rsa(void)
{
	static const char *types[] = { "RSA", NULL };

	return types;
}

static const char **
query_ecdsa(void)
{
	static const char *types[] = { "EC", NULL };

	return types;
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(SIGNATURE, NULL, 0),
		OSSL_PARAM_END,
	};
	const struct signature *s = vctx;

	(void)provctx;
	return s != NULL && s->verifies_message ? params : NULL;
}

#define COMMON                                                                 \
	DISPATCH(OSSL_FUNC_SIGNATURE_FREECTX, signature_freectx),              \
		DISPATCH(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dupctx),        \
		DISPATCH(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_init),            \
		DISPATCH(OSSL_FUNC_SIGNATURE_SIGN, composite_sign),            \
		DISPATCH(COMPOSITE_SIGN_MESSAGE_INIT, sign_message_init),      \
		DISPATCH(COMPOSITE_SIGN_MESSAGE_UPDATE,                        \
			signature_digest_sign_update),                         \
		DISPATCH(COMPOSITE_SIGN_MESSAGE_FINAL,                         \
			signature_digest_sign_final),                          \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_INIT, verify_init),        \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY, composite_verify),        \
		DISPATCH(COMPOSITE_VERIFY_MESSAGE_INIT, verify_message_init),  \
		DISPATCH(COMPOSITE_VERIFY_MESSAGE_UPDATE,                      \
			signature_digest_verify_update),                       \
		DISPATCH(                                                      \
			COMPOSITE_VERIFY_MESSAGE_FINAL, verify_message_final), \
		DISPATCH(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,                   \
			signature_get_ctx_params),                             \
		DISPATCH(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set),             \
		DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable)

/* What only some of a family have. */
#define ONLY_rsa                                                               \
	DISPATCH(COMPOSITE_QUERY_KEY_TYPES, query_rsa),                        \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT,              \
			recover_init),                                         \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER,                   \
			signature_recover),                                    \
		DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,              \
			signature_rsa_gettable)
#define ONLY_ecdsa                                                             \
	DISPATCH(COMPOSITE_QUERY_KEY_TYPES, query_ecdsa),                      \
		DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,              \
			signature_ecdsa_gettable)

static void *
new_fixed(void *provctx, const struct signature_type *type, const char *digest)
{
	struct signature *s = signature_new(provctx, type);

	if (s != NULL)
		s->fixed = digest;
	return s;
}

/* libcrypto does not say which algorithm it wants: each has its own newctx. */
#define COMPOSITE(family, end, digest, names)                                  \
	static OSSL_FUNC_signature_newctx_fn new_##family##_##end;             \
	static void *new_##family##_##end(void *provctx, const char *propq)    \
	{                                                                      \
		(void)propq;                                                   \
		return new_fixed(provctx, &signature_##family, digest);        \
	}                                                                      \
	const OSSL_DISPATCH composite_##family##_##end[] = {                   \
		DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, new_##family##_##end),    \
		COMMON,                                                        \
		ONLY_##family,                                                 \
		DISPATCH_END,                                                  \
	};

COMPOSITES_RSA(COMPOSITE)
COMPOSITES_ECDSA(COMPOSITE)
