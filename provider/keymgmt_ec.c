#include "provider/dispatch.h"
#include "provider/keymgmt.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static OSSL_FUNC_keymgmt_new_fn ec_new;
static OSSL_FUNC_keymgmt_gettable_params_fn ec_gettable;
static OSSL_FUNC_keymgmt_settable_params_fn ec_settable;
static OSSL_FUNC_keymgmt_query_operation_name_fn ec_query;
static OSSL_FUNC_keymgmt_export_types_fn ec_types;
static OSSL_FUNC_keymgmt_gen_init_fn ec_gen_init;
static OSSL_FUNC_keymgmt_gen_settable_params_fn ec_gen_settable;

#define NUMBER(name) OSSL_PARAM_BN(name, NULL, 0)
#define TEXT(name)   OSSL_PARAM_utf8_string(name, NULL, 0)
#define OCTETS(name) OSSL_PARAM_octet_string(name, NULL, 0)

#define DOMAIN_TYPES                                                           \
	TEXT(OSSL_PKEY_PARAM_GROUP_NAME), TEXT(OSSL_PKEY_PARAM_EC_ENCODING),   \
		TEXT(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT),              \
		TEXT(OSSL_PKEY_PARAM_EC_FIELD_TYPE),                           \
		NUMBER(OSSL_PKEY_PARAM_EC_P), NUMBER(OSSL_PKEY_PARAM_EC_A),    \
		NUMBER(OSSL_PKEY_PARAM_EC_B),                                  \
		OCTETS(OSSL_PKEY_PARAM_EC_GENERATOR),                          \
		NUMBER(OSSL_PKEY_PARAM_EC_ORDER),                              \
		NUMBER(OSSL_PKEY_PARAM_EC_COFACTOR),                           \
		OCTETS(OSSL_PKEY_PARAM_EC_SEED),                               \
		OSSL_PARAM_int(OSSL_PKEY_PARAM_USE_COFACTOR_ECDH, NULL),       \
		TEXT(OSSL_PKEY_PARAM_EC_GROUP_CHECK_TYPE),                     \
		OSSL_PARAM_int(OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, NULL)

static const OSSL_PARAM domain_types[] = { DOMAIN_TYPES, OSSL_PARAM_END };

static const OSSL_PARAM public_types[] = { DOMAIN_TYPES,
	OCTETS(OSSL_PKEY_PARAM_PUB_KEY), OSSL_PARAM_END };

static const OSSL_PARAM pair_types[] = { DOMAIN_TYPES,
	OCTETS(OSSL_PKEY_PARAM_PUB_KEY), NUMBER(OSSL_PKEY_PARAM_PRIV_KEY),
	OSSL_PARAM_END };

const OSSL_DISPATCH keymgmt_ec_functions[] = {
	DISPATCH(OSSL_FUNC_KEYMGMT_NEW, ec_new),
	DISPATCH(OSSL_FUNC_KEYMGMT_FREE, keymgmt_free),
	DISPATCH(OSSL_FUNC_KEYMGMT_LOAD, keymgmt_load),
	DISPATCH(OSSL_FUNC_KEYMGMT_HAS, keymgmt_has),
	DISPATCH(OSSL_FUNC_KEYMGMT_GET_PARAMS, keymgmt_get_params),
	DISPATCH(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, ec_gettable),
	DISPATCH(OSSL_FUNC_KEYMGMT_SET_PARAMS, keymgmt_set_params),
	DISPATCH(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, ec_settable),
	DISPATCH(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_query),
	DISPATCH(OSSL_FUNC_KEYMGMT_MATCH, keymgmt_match),
	DISPATCH(OSSL_FUNC_KEYMGMT_VALIDATE, keymgmt_validate),
	DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT, keymgmt_export),
	DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, ec_types),
	DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT, keymgmt_import),
	DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, ec_types),
	DISPATCH(OSSL_FUNC_KEYMGMT_DUP, keymgmt_dup),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_INIT, ec_gen_init),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE, keygen_set_template),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, keygen_set_params),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, ec_gen_settable),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN, keygen_run),
	DISPATCH(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, keygen_cleanup),
	DISPATCH_END,
};

static void *
ec_new(void *provctx)
{
	return key_new(provctx, KEY_EC);
}

static const OSSL_PARAM *
ec_gettable(void *provctx)
{
	const struct context *ctx = provctx;

	return EVP_KEYMGMT_gettable_params(ctx->ec);
}

static const OSSL_PARAM *
ec_settable(void *provctx)
{
	const struct context *ctx = provctx;

	return EVP_KEYMGMT_settable_params(ctx->ec);
}

static const char *
ec_query(int operation)
{
	if (operation == OSSL_OP_SIGNATURE)
		return "ECDSA";
	return operation == OSSL_OP_KEYEXCH ? "ECDH" : NULL;
}

static const OSSL_PARAM *
ec_types(int selection)
{
	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return pair_types;
	if (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY)
		return public_types;
	if (selection & OSSL_KEYMGMT_SELECT_ALL_PARAMETERS)
		return domain_types;
	return NULL;
}

static void *
ec_gen_init(void *provctx, int selection, const OSSL_PARAM params[])
{
	return keygen_init(provctx, KEY_EC, selection, params);
}

static const OSSL_PARAM *
ec_gen_settable(void *genctx, void *provctx)
{
	const struct context *ctx = provctx;

	(void)genctx;
	return EVP_KEYMGMT_gen_settable_params(ctx->ec);
}
