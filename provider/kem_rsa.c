/*
 * RSASVE: provider-kem(7). Encapsulation needs the public key alone. The other
 * way is RSA without padding, which keyd does not do.
 */
#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/operation.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static OSSL_FUNC_kem_newctx_fn newctx;
static OSSL_FUNC_kem_freectx_fn freectx;
static OSSL_FUNC_kem_dupctx_fn dupctx;
static OSSL_FUNC_kem_encapsulate_init_fn encapsulate_init;
static OSSL_FUNC_kem_encapsulate_fn encapsulate;
static OSSL_FUNC_kem_decapsulate_init_fn decapsulate_init;
static OSSL_FUNC_kem_decapsulate_fn decapsulate;
static OSSL_FUNC_kem_set_ctx_params_fn set_params;
static OSSL_FUNC_kem_settable_ctx_params_fn settable;

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_utf8_string(OSSL_KEM_PARAM_OPERATION, NULL, 0),
	OSSL_PARAM_END,
};

const OSSL_DISPATCH kem_rsa_functions[] = {
	DISPATCH(OSSL_FUNC_KEM_NEWCTX, newctx),
	DISPATCH(OSSL_FUNC_KEM_FREECTX, freectx),
	DISPATCH(OSSL_FUNC_KEM_DUPCTX, dupctx),
	DISPATCH(OSSL_FUNC_KEM_ENCAPSULATE_INIT, encapsulate_init),
	DISPATCH(OSSL_FUNC_KEM_ENCAPSULATE, encapsulate),
	DISPATCH(OSSL_FUNC_KEM_DECAPSULATE_INIT, decapsulate_init),
	DISPATCH(OSSL_FUNC_KEM_DECAPSULATE, decapsulate),
	DISPATCH(OSSL_FUNC_KEM_SET_CTX_PARAMS, set_params),
	DISPATCH(OSSL_FUNC_KEM_SETTABLE_CTX_PARAMS, settable),
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
start_encapsulating(EVP_PKEY_CTX *pctx)
{
	return EVP_PKEY_encapsulate_init(pctx, NULL);
}

static int
start_decapsulating(EVP_PKEY_CTX *pctx)
{
	return EVP_PKEY_decapsulate_init(pctx, NULL);
}

static int
encapsulate_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	return operation_begin(vctx, provkey, start_encapsulating, params);
}

static int
encapsulate(void *vctx, unsigned char *out, size_t *outlen,
	unsigned char *secret, size_t *secretlen)
{
	struct operation *op = vctx;

	return op->pctx != NULL && EVP_PKEY_encapsulate(op->pctx, out, outlen,
					   secret, secretlen) == 1;
}

static int
decapsulate_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct operation *op = vctx;
	const struct key *key = provkey;

	if (key->is_shell) {
		errors_raise(op->ctx, ERROR_NOT_FOR_SHELLS,
			"key %s: keyd does not decapsulate (RSASVE), which "
			"would be RSA without padding",
			key->name);
		return 0;
	}
	return operation_begin(op, provkey, start_decapsulating, params);
}

static int
decapsulate(void *vctx, unsigned char *out, size_t *outlen,
	const unsigned char *in, size_t inlen)
{
	struct operation *op = vctx;

	return op->pctx != NULL &&
	       EVP_PKEY_decapsulate(op->pctx, out, outlen, in, inlen) == 1;
}

static int
set_params(void *vctx, const OSSL_PARAM params[])
{
	return operation_set_params(vctx, params);
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return writable;
}
