#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <string.h>
#include <sys/auxv.h>

#include "provider/algorithms.h"
#include "provider/context.h"
#include "provider/dispatch.h"
#include "provider/errors.h"

static const OSSL_PARAM gettable[] = {
	OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
	OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
	OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
	OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
	OSSL_PARAM_END,
};

static OSSL_FUNC_provider_teardown_fn teardown;
static OSSL_FUNC_provider_gettable_params_fn gettable_params;
static OSSL_FUNC_provider_get_params_fn get_params;
static OSSL_FUNC_provider_query_operation_fn query_operation;
static OSSL_FUNC_provider_get_reason_strings_fn get_reason_strings;
static OSSL_FUNC_provider_get_capabilities_fn get_capabilities;

static const OSSL_DISPATCH functions[] = {
	DISPATCH(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
	DISPATCH(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, gettable_params),
	DISPATCH(OSSL_FUNC_PROVIDER_GET_PARAMS, get_params),
	DISPATCH(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query_operation),
	DISPATCH(OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, get_reason_strings),
	DISPATCH(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, get_capabilities),
	DISPATCH_END,
};

static const OSSL_PARAM *
gettable_params(void *provctx)
{
	(void)provctx;
	return gettable;
}

static int
get_params(void *provctx, OSSL_PARAM params[])
{
	static const struct {
		const char *name, *value;
	} texts[] = {
		{ OSSL_PROV_PARAM_NAME, "openssl-keyd" },
		{ OSSL_PROV_PARAM_VERSION, KEYD_VERSION },
		{ OSSL_PROV_PARAM_BUILDINFO, "openssl-keyd " KEYD_VERSION },
	};
	OSSL_PARAM *p;
	size_t i;

	(void)provctx;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		p = OSSL_PARAM_locate(params, texts[i].name);
		if (p != NULL && !OSSL_PARAM_set_utf8_ptr(p, texts[i].value))
			return 0;
	}
	p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
	return p == NULL || OSSL_PARAM_set_int(p, 1);
}

static const OSSL_ALGORITHM *
query_operation(void *provctx, int operation, int *no_cache)
{
	const struct context *ctx = provctx;

	*no_cache = 0;
	return algorithms_of(ctx->fips, ctx->has_composites, operation);
}

static const OSSL_ITEM *
get_reason_strings(void *provctx)
{
	(void)provctx;
	return errors_reasons();
}

struct capability_sink {
	OSSL_CALLBACK *callback;
	void *arg;
};

static bool
is_tls_group(const char *algorithm)
{
	int k;

	for (k = 0; k < KEY_KINDS; k++)
		if (kind_of((enum key_kind)k)->is_tls_group &&
			strcmp(kind_of((enum key_kind)k)->name, algorithm) == 0)
			return true;
	return false;
}

/* Passes on the groups whose keys we manage. */
static int
pass_group(const OSSL_PARAM params[], void *arg)
{
	const struct capability_sink *to = arg;
	const OSSL_PARAM *p =
		OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_ALG);
	const char *name = NULL;

	if (p == NULL || !OSSL_PARAM_get_utf8_string_ptr(p, &name) ||
		name == NULL || !is_tls_group(name))
		return 1;
	return to->callback(params, to->arg);
}

/*
 * libssl takes a group only from the provider from which it gets the group's
 * keys: where that is this one, groups that only default has would be gone.
 */
static int
get_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *callback,
	void *arg)
{
	const struct context *ctx = provctx;
	struct capability_sink sink = { callback, arg };

	if (OPENSSL_strcasecmp(capability, "TLS-GROUP") != 0)
		return 0;
	return OSSL_PROVIDER_get_capabilities(
		ctx->fallback, capability, pass_group, &sink);
}

static void
teardown(void *provctx)
{
	struct context *ctx = provctx;
	int k;

	for (k = 0; k < KEY_KINDS; k++)
		EVP_KEYMGMT_free(ctx->keymgmt[k]);
	if (ctx->fallback != NULL)
		(void)OSSL_PROVIDER_unload(ctx->fallback);
	OSSL_LIB_CTX_free(ctx->libctx);
	algorithms_free(ctx->fips);
	if (ctx->client != NULL)
		client_free(ctx->client);
	OPENSSL_free(ctx);
}

/* Which functions libcrypto has; the rest of the table does not concern us. */
static void
read_core(struct core *core, const OSSL_DISPATCH *in)
{
	for (; in->function_id != 0; in++) {
		if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS)
			core->get_params = OSSL_FUNC_core_get_params(in);
		else if (in->function_id == OSSL_FUNC_CORE_NEW_ERROR)
			core->new_error = OSSL_FUNC_core_new_error(in);
		else if (in->function_id == OSSL_FUNC_CORE_SET_ERROR_DEBUG)
			core->set_error_debug =
				OSSL_FUNC_core_set_error_debug(in);
		else if (in->function_id == OSSL_FUNC_CORE_VSET_ERROR)
			core->vset_error = OSSL_FUNC_core_vset_error(in);
		else if (in->function_id == OSSL_FUNC_BIO_READ_EX)
			core->bio_read = OSSL_FUNC_BIO_read_ex(in);
		else if (in->function_id == OSSL_FUNC_BIO_WRITE_EX)
			core->bio_write = OSSL_FUNC_BIO_write_ex(in);
		else if (in->function_id == OSSL_FUNC_PROVIDER_UP_REF)
			core->provider_up_ref = OSSL_FUNC_provider_up_ref(in);
	}
}

/* Does default's signature algorithm take this parameter? */
static bool
may_set(OSSL_LIB_CTX *libctx, const char *algorithm, const char *param)
{
	EVP_SIGNATURE *sig = EVP_SIGNATURE_fetch(libctx, algorithm, NULL);
	const OSSL_PARAM *known;
	bool found;

	if (sig == NULL)
		return false;
	known = EVP_SIGNATURE_settable_ctx_params(sig);
	found = known != NULL && OSSL_PARAM_locate_const(known, param) != NULL;
	EVP_SIGNATURE_free(sig);
	return found;
}

static bool
has_signature(OSSL_LIB_CTX *libctx, const char *algorithm)
{
	EVP_SIGNATURE *sig;

	ERR_set_mark();
	sig = EVP_SIGNATURE_fetch(libctx, algorithm, NULL);
	ERR_pop_to_mark();
	EVP_SIGNATURE_free(sig);
	return sig != NULL;
}

static int
start(struct context *ctx)
{
	struct client_settings s = {
		.socket = ctx->settings.socket,
		.abstract_socket = ctx->settings.abstract_socket,
		.timeout = ctx->settings.timeout,
		.server_user = ctx->settings.server_user,
	};
	int k;

	ctx->client = client_new(&s);
	ctx->libctx = OSSL_LIB_CTX_new();
	if (ctx->client == NULL || ctx->libctx == NULL)
		return -1;
	ctx->fallback = OSSL_PROVIDER_load(ctx->libctx, "default");
	if (ctx->fallback == NULL)
		return -1;
	for (k = 0; k < KEY_KINDS; k++) {
		ctx->keymgmt[k] = EVP_KEYMGMT_fetch(
			ctx->libctx, kind_of((enum key_kind)k)->name, NULL);
		if (ctx->keymgmt[k] == NULL)
			return -1;
	}
	ctx->has_composites = has_signature(ctx->libctx, "RSA-SHA2-256");
	if (ctx->settings.assume_fips) {
		ctx->fips = algorithms_fips(ctx->has_composites);
		if (ctx->fips == NULL)
			return -1;
	}
	ctx->has_nonce_type = may_set(ctx->libctx, "ECDSA", "nonce-type");
	ctx->has_instance = may_set(ctx->libctx, "ED25519", "instance");
	return 0;
}

/*
 * A program that contains both OpenSSL and libc gets a second libc with this
 * module. Both count pthread keys from 0 and keep the values in the same slots
 * of a thread, so that our libcrypto reads there what the program's has
 * written, and crashes. The kernel gives such a program no interpreter; nor
 * does it where ld.so is called by hand, but there libcrypto is shared.
 */
static bool
is_static(const OSSL_DISPATCH *in)
{
	for (; in->function_id != 0; in++)
		if (in->function_id == OSSL_FUNC_CRYPTO_MALLOC)
			return OSSL_FUNC_CRYPTO_malloc(in) != CRYPTO_malloc &&
			       getauxval(AT_BASE) == 0;
	return false;
}

OSSL_provider_init_fn OSSL_provider_init;

/*
 * All is made here rather than when first needed: what is lazy needs a lock,
 * and a lock can be held by another thread when the process forks.
 */
__attribute__((visibility("default"))) int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **provctx)
{
	struct context *ctx;

	if (is_static(in))
		return 0;
	ctx = OPENSSL_zalloc(sizeof(*ctx));
	if (ctx == NULL)
		return 0;
	ctx->core.handle = handle;
	read_core(&ctx->core, in);
	if (ctx->core.bio_read == NULL || ctx->core.bio_write == NULL)
		goto err;
	settings_read(&ctx->settings, handle, ctx->core.get_params);
	if (start(ctx) < 0)
		goto err;
	*provctx = ctx;
	*out = functions;
	return 1;
err:
	teardown(ctx);
	return 0;
}
