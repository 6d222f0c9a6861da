/* ECDH, X25519 and X448: provider-keyexch(7). */
#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/operation.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static OSSL_FUNC_keyexch_newctx_fn newctx;
static OSSL_FUNC_keyexch_freectx_fn freectx;
static OSSL_FUNC_keyexch_dupctx_fn dupctx;
static OSSL_FUNC_keyexch_init_fn init;
static OSSL_FUNC_keyexch_set_peer_fn set_peer;
static OSSL_FUNC_keyexch_derive_fn derive;
static OSSL_FUNC_keyexch_set_ctx_params_fn set_params;
static OSSL_FUNC_keyexch_get_ctx_params_fn get_params;
static OSSL_FUNC_keyexch_settable_ctx_params_fn settable;
static OSSL_FUNC_keyexch_gettable_ctx_params_fn gettable;

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST_PROPS, NULL, 0),
	OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
	OSSL_PARAM_octet_string(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_CEK_ALG, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM readable[] = {
	OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
	OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
	OSSL_PARAM_octet_ptr(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
	OSSL_PARAM_END,
};

#define COMMON                                                                 \
	DISPATCH(OSSL_FUNC_KEYEXCH_NEWCTX, newctx),                            \
		DISPATCH(OSSL_FUNC_KEYEXCH_FREECTX, freectx),                  \
		DISPATCH(OSSL_FUNC_KEYEXCH_DUPCTX, dupctx),                    \
		DISPATCH(OSSL_FUNC_KEYEXCH_INIT, init),                        \
		DISPATCH(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),                \
		DISPATCH(OSSL_FUNC_KEYEXCH_DERIVE, derive)

const OSSL_DISPATCH keyexch_ecdh_functions[] = {
	COMMON,
	DISPATCH(OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS, set_params),
	DISPATCH(OSSL_FUNC_KEYEXCH_GET_CTX_PARAMS, get_params),
	DISPATCH(OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(OSSL_FUNC_KEYEXCH_GETTABLE_CTX_PARAMS, gettable),
	DISPATCH_END,
};

/* X25519 and X448: nothing to choose. */
const OSSL_DISPATCH keyexch_ecx_functions[] = {
	COMMON,
	DISPATCH_END,
};

static void *
newctx(void *provctx)
{
	return operation_newctx(provctx);
}

static void
freectx(void *vctx)
{
	operation_freectx(vctx);
}

static void *
dupctx(void *vctx)
{
	return operation_dupctx(vctx);
}

static int
init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct operation *op = vctx;
	const struct key *key = provkey;

	if (key->is_shell) {
		errors_raise(op->ctx, ERROR_NOT_FOR_SHELLS,
			"key %s: keyd does not do key agreement in this "
			"version",
			key->name);
		return 0;
	}
	return operation_begin(op, key, EVP_PKEY_derive_init, params);
}

static int
set_peer(void *vctx, void *provkey)
{
	struct operation *op = vctx;
	const struct key *peer = provkey;

	/* libcrypto has validated the peer's key through keymgmt. */
	return op->pctx != NULL && peer->inner != NULL &&
	       EVP_PKEY_derive_set_peer_ex(op->pctx, peer->inner, 0) == 1;
}

static int
derive(void *vctx, unsigned char *secret, size_t *len, size_t size)
{
	struct operation *op = vctx;

	*len = size;
	return op->pctx != NULL && EVP_PKEY_derive(op->pctx, secret, len) == 1;
}

static int
set_params(void *vctx, const OSSL_PARAM params[])
{
	return operation_set_params(vctx, params);
}

static int
get_params(void *vctx, OSSL_PARAM params[])
{
	return operation_get_params(vctx, params);
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return writable;
}

static const OSSL_PARAM *
gettable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return readable;
}
