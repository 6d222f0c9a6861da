#include "provider/dispatch.h"
#include "provider/keymgmt.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static OSSL_FUNC_keymgmt_new_fn rsa_new;
static OSSL_FUNC_keymgmt_gettable_params_fn rsa_gettable;
static OSSL_FUNC_keymgmt_query_operation_name_fn rsa_query;
static OSSL_FUNC_keymgmt_export_types_fn rsa_types;
static OSSL_FUNC_keymgmt_gen_init_fn rsa_gen_init;
static OSSL_FUNC_keymgmt_gen_settable_params_fn rsa_gen_settable;

#define NUMBER(name) OSSL_PARAM_BN(name, NULL, 0)

/* Primes and their exponents, the first two and those of a multi-prime key. */
static const OSSL_PARAM public_types[] = {
	NUMBER(OSSL_PKEY_PARAM_RSA_N),
	NUMBER(OSSL_PKEY_PARAM_RSA_E),
	OSSL_PARAM_END,
};

static const OSSL_PARAM pair_types[] = {
	NUMBER(OSSL_PKEY_PARAM_RSA_N),
	NUMBER(OSSL_PKEY_PARAM_RSA_E),
	NUMBER(OSSL_PKEY_PARAM_RSA_D),
	NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR1),
	NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR2),
	NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR3),
	NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR4),
	NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR5),
	NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT1),
	NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT2),
	NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT3),
	NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT4),
	NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT5),
	NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT1),
	NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT2),
	NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT3),
	NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT4),
	OSSL_PARAM_END,
};

const OSSL_DISPATCH keymgmt_rsa_functions[] = {
	DISPATCH(OSSL_FUNC_KEYMGMT_NEW, rsa_new),
	DISPATCH(OSSL_FUNC_KEYMGMT_FREE, keymgmt_free),
	DISPATCH(OSSL_FUNC_KEYMGMT_LOAD, keymgmt_load),
	DISPATCH(OSSL_FUNC_KEYMGMT_HAS, keymgmt_has),
	DISPATCH(OSSL_FUNC_KEYMGMT_GET_PARAMS, keymgmt_get_params),
	DISPATCH(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, rsa_gettable),
	DISPATCH(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, rsa_query),
	DISPATCH(OSSL_FUNC_KEYMGMT_MATCH, keymgmt_match),
	DISPATCH(OSSL_FUNC_KEYMGMT_VALIDATE, keymgmt_validate),
	DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT, keymgmt_export),
	DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, rsa_types),
	DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT, keymgmt_import),
	DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, rsa_types),
	DISPATCH(OSSL_FUNC_KEYMGMT_DUP, keymgmt_dup),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_INIT, rsa_gen_init),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, keygen_set_params),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, rsa_gen_settable),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN, keygen_run),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, keygen_cleanup),
	DISPATCH_END,
};

static void *
rsa_new(void *provctx)
{
	return key_new(provctx, KEY_RSA);
}

static const OSSL_PARAM *
rsa_gettable(void *provctx)
{
	const struct context *ctx = provctx;

	return EVP_KEYMGMT_gettable_params(ctx->rsa);
}

static const char *
rsa_query(int operation)
{
	(void)operation;
	return "RSA";
}

static const OSSL_PARAM *
rsa_types(int selection)
{
	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return pair_types;
	if (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY)
		return public_types;
	return NULL;
}

static void *
rsa_gen_init(void *provctx, int selection, const OSSL_PARAM params[])
{
	return keygen_init(provctx, KEY_RSA, selection, params);
}

static const OSSL_PARAM *
rsa_gen_settable(void *genctx, void *provctx)
{
	const struct context *ctx = provctx;

	(void)genctx;
	return EVP_KEYMGMT_gen_settable_params(ctx->rsa);
}
