/*
 * A third party's provider, to stand beside ours: all that default has, under
 * the property `provider=standin`, and with `fips = yes` in its section of
 * openssl.cnf also under `fips=yes`, as the FIPS module would have it. Its
 * functions are default's, which a library context of its own has.
 */
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	MAX_OPERATION = 32,
	MAX_ROWS = 256,
	MAX_PROPERTIES = 128,
};

static const char DEFAULT[] = "provider=default";

/* One for the process, for all its library contexts; never freed. */
static struct {
	OSSL_PROVIDER *of_default;
	OSSL_ALGORITHM rows[MAX_OPERATION][MAX_ROWS + 1];
	char properties[MAX_OPERATION][MAX_ROWS][MAX_PROPERTIES];
} standin;

static OSSL_FUNC_provider_query_operation_fn query_operation;
static OSSL_FUNC_provider_get_capabilities_fn get_capabilities;
static OSSL_FUNC_provider_gettable_params_fn gettable_params;
static OSSL_FUNC_provider_get_params_fn get_params;

static const OSSL_DISPATCH functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation },
	{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES,
		(void (*)(void))get_capabilities },
	{ OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable_params },
	{ OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params },
	{ 0, NULL },
};

static const OSSL_ALGORITHM *
query_operation(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	return operation < MAX_OPERATION &&
			       standin.rows[operation][0].algorithm_names !=
				       NULL
		       ? standin.rows[operation]
		       : NULL;
}

static int
get_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *callback,
	void *arg)
{
	(void)provctx;
	return OSSL_PROVIDER_get_capabilities(
		standin.of_default, capability, callback, arg);
}

static const OSSL_PARAM *
gettable_params(void *provctx)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
		OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
		OSSL_PARAM_END,
	};

	(void)provctx;
	return params;
}

static int
get_params(void *provctx, OSSL_PARAM params[])
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);

	(void)provctx;
	if (p != NULL && !OSSL_PARAM_set_utf8_ptr(p, "a stand-in"))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
	return p == NULL || OSSL_PARAM_set_int(p, 1);
}

static int
copy_rows(int operation, bool fips)
{
	int no_cache, len;
	size_t n;
	const OSSL_ALGORITHM *from = OSSL_PROVIDER_query_operation(
		standin.of_default, operation, &no_cache);
	const char *rest;
	char *to;

	for (n = 0; from != NULL && from[n].algorithm_names != NULL; n++) {
		rest = from[n].property_definition;
		if (n == MAX_ROWS ||
			strncmp(rest, DEFAULT, strlen(DEFAULT)) != 0)
			return -1;
		rest += strlen(DEFAULT);
		to = standin.properties[operation][n];
		len = snprintf(to, MAX_PROPERTIES, "provider=standin%s%s",
			fips && strstr(rest, "fips=yes") == NULL ? ",fips=yes"
								 : "",
			rest);
		if (len < 0 || len >= MAX_PROPERTIES)
			return -1;
		standin.rows[operation][n] = from[n];
		standin.rows[operation][n].property_definition = to;
	}
	return 0;
}

static int
start(bool fips)
{
	OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
	int operation;

	if (libctx == NULL)
		return -1;
	standin.of_default = OSSL_PROVIDER_load(libctx, "default");
	if (standin.of_default == NULL)
		return -1;
	for (operation = 1; operation < MAX_OPERATION; operation++)
		if (copy_rows(operation, fips) < 0)
			return -1;
	return 0;
}

OSSL_provider_init_fn OSSL_provider_init;

__attribute__((visibility("default"))) int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **provctx)
{
	OSSL_FUNC_core_get_params_fn *get = NULL;
	char *fips = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_ptr("fips", &fips, 0),
		OSSL_PARAM_construct_end(),
	};

	for (; in->function_id != 0; in++)
		if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS)
			get = OSSL_FUNC_core_get_params(in);
	if (get == NULL || !get(handle, params))
		return 0;
	if (standin.of_default == NULL &&
		start(fips != NULL && strcmp(fips, "yes") == 0) < 0)
		return 0;
	*provctx = OSSL_PROVIDER_get0_provider_ctx(standin.of_default);
	*out = functions;
	return 1;
}
