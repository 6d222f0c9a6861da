#include "provider/dispatch.h"
#include "provider/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/errors.h"

static OSSL_FUNC_signature_newctx_fn newctx;
static OSSL_FUNC_signature_gettable_ctx_params_fn gettable;
static OSSL_FUNC_signature_settable_ctx_params_fn settable;

static const OSSL_PARAM readable[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
	OSSL_PARAM_END,
};

const OSSL_DISPATCH signature_ecdsa_functions[] = {
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),
	SIGNATURE_COMMON,
	DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable),
	DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH_END,
};

/* Which digest, if all that is known is its length: it changes nothing else. */
static uint8_t
digest_by_length(size_t len)
{
	static const uint8_t usual[] = { PROTO_SHA1, PROTO_SHA224, PROTO_SHA256,
		PROTO_SHA384, PROTO_SHA512 };
	size_t i;

	for (i = 0; i < sizeof(usual); i++)
		if (proto_digest_len(usual[i]) == len)
			return usual[i];
	return 0;
}

static int
scheme(const struct signature *s, size_t digest_len, struct proto_scheme *out)
{
	uint8_t digest = s->digest;

	if (digest == 0)
		digest = digest_by_length(digest_len);
	if (digest == 0) {
		errors_raise(s->ctx, ERROR_NO_DIGEST,
			"key %s: %zu bytes are not a digest; keyd signs "
			"digests and messages",
			s->key->name, digest_len);
		return -1;
	}
	memset(out, 0, sizeof(*out));
	out->algorithm = PROTO_ECDSA;
	out->digest = digest;
	return 0;
}

static int
set(struct signature *s, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p =
		OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);

	return p == NULL || signature_set_digest(s, p);
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

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return writable;
}
