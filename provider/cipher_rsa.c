/* RSA encryption: provider-asym_cipher(7). */
#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/operation.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static OSSL_FUNC_asym_cipher_newctx_fn newctx;
static OSSL_FUNC_asym_cipher_freectx_fn freectx;
static OSSL_FUNC_asym_cipher_dupctx_fn dupctx;
static OSSL_FUNC_asym_cipher_encrypt_init_fn encrypt_init;
static OSSL_FUNC_asym_cipher_encrypt_fn encrypt_data;
static OSSL_FUNC_asym_cipher_decrypt_init_fn decrypt_init;
static OSSL_FUNC_asym_cipher_decrypt_fn decrypt_data;
static OSSL_FUNC_asym_cipher_set_ctx_params_fn set_params;
static OSSL_FUNC_asym_cipher_get_ctx_params_fn get_params;
static OSSL_FUNC_asym_cipher_settable_ctx_params_fn settable;
static OSSL_FUNC_asym_cipher_gettable_ctx_params_fn gettable;

#define TEXT(name) OSSL_PARAM_utf8_string(name, NULL, 0)

static const OSSL_PARAM writable[] = {
	TEXT(OSSL_ASYM_CIPHER_PARAM_PAD_MODE),
	TEXT(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST),
	TEXT(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST_PROPS),
	TEXT(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST),
	TEXT(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST_PROPS),
	OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION, NULL),
	OSSL_PARAM_uint("implicit-rejection", NULL), /* 3.2 */
	OSSL_PARAM_END,
};

static const OSSL_PARAM readable[] = {
	TEXT(OSSL_ASYM_CIPHER_PARAM_PAD_MODE),
	TEXT(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST),
	TEXT(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST),
	OSSL_PARAM_octet_ptr(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION, NULL),
	OSSL_PARAM_END,
};

const OSSL_DISPATCH cipher_rsa_functions[] = {
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_NEWCTX, newctx),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_FREECTX, freectx),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_DUPCTX, dupctx),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT, encrypt_init),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_ENCRYPT, encrypt_data),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, decrypt_init),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt_data),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_params),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, get_params),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, gettable),
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
encrypt_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	return operation_begin(vctx, provkey, EVP_PKEY_encrypt_init, params);
}

static int
encrypt_data(void *vctx, unsigned char *out, size_t *outlen, size_t outsize,
	const unsigned char *in, size_t inlen)
{
	struct operation *op = vctx;

	*outlen = outsize;
	return op->pctx != NULL &&
	       EVP_PKEY_encrypt(op->pctx, out, outlen, in, inlen) == 1;
}

static int
decrypt_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct operation *op = vctx;
	const struct key *key = provkey;

	if (key->is_shell) {
		errors_raise(op->ctx, ERROR_NOT_FOR_SHELLS,
			"key %s: keyd does not decrypt in this version (in "
			"TLS 1.2, take RSA key exchange from the ciphers)",
			key->name);
		return 0;
	}
	return operation_begin(op, key, EVP_PKEY_decrypt_init, params);
}

static int
decrypt_data(void *vctx, unsigned char *out, size_t *outlen, size_t outsize,
	const unsigned char *in, size_t inlen)
{
	struct operation *op = vctx;

	*outlen = outsize;
	return op->pctx != NULL &&
	       EVP_PKEY_decrypt(op->pctx, out, outlen, in, inlen) == 1;
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
