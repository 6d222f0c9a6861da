/*
 * EdDSA from libcrypto 3.4 on: messages without EVP_DigestSign(), and an
 * algorithm for each instance.
 */
#include "provider/composite.h"
#include "provider/dispatch.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "provider/errors.h"

/* Of libcrypto 3.2, and so not in each <openssl/core_names.h>. */
#define INSTANCE "instance"
#define CONTEXT  "context-string"

static OSSL_FUNC_signature_newctx_fn newctx_ed25519ctx, newctx_ed25519ph,
	newctx_ed448ph;
static OSSL_FUNC_signature_set_ctx_params_fn set;
static OSSL_FUNC_signature_settable_ctx_params_fn settable;
static composite_init_fn sign_hash_init, verify_hash_init, sign_message_init,
	verify_message_init;
static composite_query_fn query_ed25519, query_ed448;

/* No functions to sign in parts: as in `default`, which has none either. */
#define COMMON                                                                 \
	DISPATCH(OSSL_FUNC_SIGNATURE_FREECTX, signature_freectx),              \
		DISPATCH(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dupctx),        \
		DISPATCH(COMPOSITE_SIGN_MESSAGE_INIT, sign_message_init),      \
		DISPATCH(OSSL_FUNC_SIGNATURE_SIGN, composite_sign),            \
		DISPATCH(COMPOSITE_VERIFY_MESSAGE_INIT, verify_message_init),  \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY, composite_verify),        \
		DISPATCH(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,                   \
			signature_get_ctx_params),                             \
		DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,              \
			signature_ed_gettable),                                \
		DISPATCH(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set)

/* Of what the caller has hashed, for Ed25519ph and Ed448ph. */
#define HASHES                                                                 \
	DISPATCH(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_hash_init),               \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_INIT, verify_hash_init)

/* The algorithm that has been there before, whose instance can be set. */
#define USUAL                                                                  \
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, signature_ed_newctx),             \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,                 \
			signature_digest_sign_init),                           \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN,                      \
			signature_digest_sign),                                \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,               \
			signature_digest_verify_init),                         \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY,                    \
			signature_digest_verify),                              \
		DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS,              \
			signature_ed_settable)

const OSSL_DISPATCH composite_ed25519[] = {
	USUAL,
	COMMON,
	HASHES,
	DISPATCH(COMPOSITE_QUERY_KEY_TYPES, query_ed25519),
	DISPATCH_END,
};

const OSSL_DISPATCH composite_ed448[] = {
	USUAL,
	COMMON,
	HASHES,
	DISPATCH(COMPOSITE_QUERY_KEY_TYPES, query_ed448),
	DISPATCH_END,
};

const OSSL_DISPATCH composite_ed25519ph[] = {
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx_ed25519ph),
	COMMON,
	HASHES,
	DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(COMPOSITE_QUERY_KEY_TYPES, query_ed25519),
	DISPATCH_END,
};

const OSSL_DISPATCH composite_ed448ph[] = {
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx_ed448ph),
	COMMON,
	HASHES,
	DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(COMPOSITE_QUERY_KEY_TYPES, query_ed448),
	DISPATCH_END,
};

/* It has no hash: EVP_PKEY_sign_init_ex2() too is for messages. */
const OSSL_DISPATCH composite_ed25519ctx[] = {
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx_ed25519ctx),
	COMMON,
	DISPATCH(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_message_init),
	DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_INIT, verify_message_init),
	DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(COMPOSITE_QUERY_KEY_TYPES, query_ed25519),
	DISPATCH_END,
};

static void *
new_instance(void *provctx, const char *instance)
{
	struct signature *s = signature_new(provctx, &signature_ed);

	if (s != NULL)
		s->fixed = instance;
	return s;
}

static void *
newctx_ed25519ctx(void *provctx, const char *propq)
{
	(void)propq;
	return new_instance(provctx, "Ed25519ctx");
}

static void *
newctx_ed25519ph(void *provctx, const char *propq)
{
	(void)propq;
	return new_instance(provctx, "Ed25519ph");
}

static void *
newctx_ed448ph(void *provctx, const char *propq)
{
	(void)propq;
	return new_instance(provctx, "Ed448ph");
}

static const char **
query_ed25519(void)
{
	static const char *types[] = { "ED25519", NULL };

	return types;
}

static const char **
query_ed448(void)
{
	static const char *types[] = { "ED448", NULL };

	return types;
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(CONTEXT, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)vctx;
	(void)provctx;
	return params;
}

static int
set(void *vctx, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	if (params == NULL)
		return 1;
	if (s->is_fixed && OSSL_PARAM_locate_const(params, INSTANCE) != NULL) {
		errors_raise(s->ctx, ERROR_BAD_PARAMETER,
			"key %s: the instance of EdDSA is the algorithm's, and "
			"cannot be set",
			s->key->name);
		return 0;
	}
	return signature_set_ctx_params(s, params);
}

/* The instance of the algorithm's name, or that which is meant without one. */
static int
fix_instance(struct signature *s, const OSSL_PARAM params[])
{
	const char *name = s->fixed;

	if (name == NULL)
		name = s->key->kind == KEY_ED448 ? "Ed448" : "Ed25519";
	return composite_fix(s, INSTANCE, name) && set(s, params);
}

static int
sign_message_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	return signature_digest_sign_init(vctx, NULL, provkey, NULL) &&
	       fix_instance(vctx, params);
}

static int
verify_message_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	return signature_digest_verify_init(vctx, NULL, provkey, NULL) &&
	       fix_instance(vctx, params);
}

/*
 * Of a hash that the caller has made, of which Ed25519ph and Ed448ph are: the
 * usual algorithm has its instance set.
 */
static int
sign_hash_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	if (!signature_sign_init(s, provkey, NULL))
		return 0;
	return s->fixed == NULL ? set(s, params) : fix_instance(s, params);
}

static int
verify_hash_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct signature *s = vctx;

	if (!signature_verify_init(s, provkey, NULL))
		return 0;
	return s->fixed == NULL ? set(s, params) : fix_instance(s, params);
}
