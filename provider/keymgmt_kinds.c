/*
 * The tables of key management, one for each kind. Functions that libcrypto
 * calls without a key, and which so cannot know the kind, are made here; what
 * they answer is what `default` answers for the kind, but for imported parts.
 */
#include "provider/dispatch.h"
#include "provider/keymgmt.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#define NUMBER(name) OSSL_PARAM_BN(name, NULL, 0)
#define TEXT(name)   OSSL_PARAM_utf8_string(name, NULL, 0)
#define OCTETS(name) OSSL_PARAM_octet_string(name, NULL, 0)

#define RSA_PUBLIC NUMBER(OSSL_PKEY_PARAM_RSA_N), NUMBER(OSSL_PKEY_PARAM_RSA_E)

/* Primes and their exponents, the first two and those of a multi-prime key. */
#define RSA_PRIVATE                                                            \
	NUMBER(OSSL_PKEY_PARAM_RSA_D), NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR1),    \
		NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR2),                           \
		NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR3),                           \
		NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR4),                           \
		NUMBER(OSSL_PKEY_PARAM_RSA_FACTOR5),                           \
		NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT1),                         \
		NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT2),                         \
		NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT3),                         \
		NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT4),                         \
		NUMBER(OSSL_PKEY_PARAM_RSA_EXPONENT5),                         \
		NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT1),                      \
		NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT2),                      \
		NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT3),                      \
		NUMBER(OSSL_PKEY_PARAM_RSA_COEFFICIENT4)

#define EC_DOMAIN                                                              \
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

/* What is exported and imported, by the parts that are selected. */
struct types {
	const OSSL_PARAM *pair, *public, *domain;
};

static const OSSL_PARAM rsa_public[] = { RSA_PUBLIC, OSSL_PARAM_END };
static const OSSL_PARAM rsa_pair[] = { RSA_PUBLIC, RSA_PRIVATE,
	OSSL_PARAM_END };
static const OSSL_PARAM ec_domain[] = { EC_DOMAIN, OSSL_PARAM_END };
static const OSSL_PARAM ec_public[] = { EC_DOMAIN,
	OCTETS(OSSL_PKEY_PARAM_PUB_KEY), OSSL_PARAM_END };
static const OSSL_PARAM ec_pair[] = { EC_DOMAIN,
	OCTETS(OSSL_PKEY_PARAM_PUB_KEY), NUMBER(OSSL_PKEY_PARAM_PRIV_KEY),
	OSSL_PARAM_END };
static const OSSL_PARAM ecx_public[] = { OCTETS(OSSL_PKEY_PARAM_PUB_KEY),
	OSSL_PARAM_END };
static const OSSL_PARAM ecx_pair[] = { OCTETS(OSSL_PKEY_PARAM_PUB_KEY),
	OCTETS(OSSL_PKEY_PARAM_PRIV_KEY), OSSL_PARAM_END };

static const struct types rsa_parts = { rsa_pair, rsa_public, NULL };
static const struct types ec_parts = { ec_pair, ec_public, ec_domain };
static const struct types ecx_parts = { ecx_pair, ecx_public, NULL };

static const OSSL_PARAM *
types(const struct types *t, int selection)
{
	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return t->pair;
	if (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY)
		return t->public;
	if (selection & OSSL_KEYMGMT_SELECT_ALL_PARAMETERS)
		return t->domain;
	return NULL;
}

/* NULL: libcrypto takes the name of the key's type. */
static const char *
query(enum key_kind kind, int operation)
{
	if (operation == OSSL_OP_SIGNATURE)
		return kind_of(kind)->signature;
	if (operation == OSSL_OP_KEYEXCH)
		return kind_of(kind)->exchange;
	/* RSA-PSS too has the operations of RSA, as in `default`. */
	return kind == KEY_RSA_PSS ? "RSA" : NULL;
}

static const OSSL_PARAM *
gettable(void *provctx, enum key_kind kind)
{
	const struct context *ctx = provctx;

	return EVP_KEYMGMT_gettable_params(ctx->keymgmt[kind]);
}

static const OSSL_PARAM *
settable(void *provctx, enum key_kind kind)
{
	const struct context *ctx = provctx;

	return EVP_KEYMGMT_settable_params(ctx->keymgmt[kind]);
}

static const OSSL_PARAM *
gen_settable(void *provctx, enum key_kind kind)
{
	const struct context *ctx = provctx;

	return EVP_KEYMGMT_gen_settable_params(ctx->keymgmt[kind]);
}

/* The functions that only know their kind, and the table. */
#define KEYMGMT(prefix, kind, parts)                                           \
	static OSSL_FUNC_keymgmt_new_fn prefix##_new;                          \
	static OSSL_FUNC_keymgmt_gettable_params_fn prefix##_gettable;         \
	static OSSL_FUNC_keymgmt_settable_params_fn prefix##_settable;         \
	static OSSL_FUNC_keymgmt_query_operation_name_fn prefix##_query;       \
	static OSSL_FUNC_keymgmt_export_types_fn prefix##_types;               \
	static OSSL_FUNC_keymgmt_gen_init_fn prefix##_gen_init;                \
	static OSSL_FUNC_keymgmt_gen_settable_params_fn prefix##_gen_settable; \
                                                                               \
	static void *prefix##_new(void *provctx)                               \
	{                                                                      \
		return key_new(provctx, kind);                                 \
	}                                                                      \
	static const OSSL_PARAM *prefix##_gettable(void *provctx)              \
	{                                                                      \
		return gettable(provctx, kind);                                \
	}                                                                      \
	static const OSSL_PARAM *prefix##_settable(void *provctx)              \
	{                                                                      \
		return settable(provctx, kind);                                \
	}                                                                      \
	static const char *prefix##_query(int operation)                       \
	{                                                                      \
		return query(kind, operation);                                 \
	}                                                                      \
	static const OSSL_PARAM *prefix##_types(int selection)                 \
	{                                                                      \
		return types(parts, selection);                                \
	}                                                                      \
	static void *prefix##_gen_init(                                        \
		void *provctx, int selection, const OSSL_PARAM params[])       \
	{                                                                      \
		return keygen_init(provctx, kind, selection, params);          \
	}                                                                      \
	static const OSSL_PARAM *prefix##_gen_settable(                        \
		void *genctx, void *provctx)                                   \
	{                                                                      \
		(void)genctx;                                                  \
		return gen_settable(provctx, kind);                            \
	}                                                                      \
                                                                               \
	const OSSL_DISPATCH keymgmt_##prefix##_functions[] = {                 \
		DISPATCH(OSSL_FUNC_KEYMGMT_NEW, prefix##_new),                 \
		DISPATCH(OSSL_FUNC_KEYMGMT_FREE, keymgmt_free),                \
		DISPATCH(OSSL_FUNC_KEYMGMT_LOAD, keymgmt_load),                \
		DISPATCH(OSSL_FUNC_KEYMGMT_HAS, keymgmt_has),                  \
		DISPATCH(OSSL_FUNC_KEYMGMT_GET_PARAMS, keymgmt_get_params),    \
		DISPATCH(                                                      \
			OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, prefix##_gettable), \
		DISPATCH(OSSL_FUNC_KEYMGMT_SET_PARAMS, keymgmt_set_params),    \
		DISPATCH(                                                      \
			OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, prefix##_settable), \
		DISPATCH(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME,               \
			prefix##_query),                                       \
		DISPATCH(OSSL_FUNC_KEYMGMT_MATCH, keymgmt_match),              \
		DISPATCH(OSSL_FUNC_KEYMGMT_VALIDATE, keymgmt_validate),        \
		DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT, keymgmt_export),            \
		DISPATCH(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, prefix##_types),      \
		DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT, keymgmt_import),            \
		DISPATCH(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, prefix##_types),      \
		DISPATCH(OSSL_FUNC_KEYMGMT_DUP, keymgmt_dup),                  \
		DISPATCH(OSSL_FUNC_KEYMGMT_GEN_INIT, prefix##_gen_init),       \
		DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE,                   \
			keygen_set_template),                                  \
		DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, keygen_set_params), \
		DISPATCH(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS,                \
			prefix##_gen_settable),                                \
		DISPATCH(OSSL_FUNC_KEYMGMT_GEN, keygen_run),                   \
		DISPATCH(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, keygen_cleanup),       \
		DISPATCH_END,                                                  \
	}

KEYMGMT(rsa, KEY_RSA, &rsa_parts);
KEYMGMT(rsa_pss, KEY_RSA_PSS, &rsa_parts);
KEYMGMT(ec, KEY_EC, &ec_parts);
KEYMGMT(ed25519, KEY_ED25519, &ecx_parts);
KEYMGMT(ed448, KEY_ED448, &ecx_parts);
KEYMGMT(x25519, KEY_X25519, &ecx_parts);
KEYMGMT(x448, KEY_X448, &ecx_parts);
