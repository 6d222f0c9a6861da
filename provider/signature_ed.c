/* Ed25519 and Ed448: RFC 8032. Of a message as a whole, never of a digest. */
#include "provider/dispatch.h"
#include "provider/signature.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/errors.h"

static OSSL_FUNC_signature_newctx_fn newctx;
static OSSL_FUNC_signature_gettable_ctx_params_fn gettable;

static const OSSL_PARAM readable[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_END,
};

/* No functions to sign in parts: as in `default`, which has none either. */
#define COMMON                                                                 \
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),                          \
		DISPATCH(OSSL_FUNC_SIGNATURE_FREECTX, signature_freectx),      \
		DISPATCH(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dupctx),        \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,                 \
			signature_digest_sign_init),                           \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN,                      \
			signature_digest_sign),                                \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,               \
			signature_digest_verify_init),                         \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY,                    \
			signature_digest_verify),                              \
		DISPATCH(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,                   \
			signature_get_ctx_params),                             \
		DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable)

const OSSL_DISPATCH signature_ed25519_functions[] = { COMMON, DISPATCH_END };
const OSSL_DISPATCH signature_ed448_functions[] = { COMMON, DISPATCH_END };

static int
scheme(const struct signature *s, size_t digest_len, struct proto_scheme *out)
{
	(void)digest_len;
	memset(out, 0, sizeof(*out));
	out->algorithm =
		s->key->kind == KEY_ED448 ? PROTO_ED448 : PROTO_ED25519;
	return 0;
}

static int
set(struct signature *s, const OSSL_PARAM params[])
{
	(void)s;
	(void)params;
	return 1;
}

static int
get(const struct signature *s, OSSL_PARAM params[])
{
	return signature_get_common(s, params);
}

static const struct signature_type type = {
	.set = set,
	.get = get,
	.scheme = scheme,
	.is_pure = true,
};

static void *
newctx(void *provctx, const char *propq)
{
	(void)propq;
	return signature_new(provctx, &type);
}

static const OSSL_PARAM *
gettable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return readable;
}
