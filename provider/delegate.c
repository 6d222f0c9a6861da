#include "provider/delegate.h"

#include <openssl/core_names.h>

#include <string.h>

enum {
	MAX_PARAMS = 24,
};

static const char *const queries[] = {
	OSSL_ALG_PARAM_PROPERTIES, /* OSSL_SIGNATURE_PARAM_PROPERTIES too */
	OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES,
	OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST_PROPS,
	OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST_PROPS,
	OSSL_EXCHANGE_PARAM_KDF_DIGEST_PROPS,
};

static int
is_query(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (strcmp(name, queries[i]) == 0)
			return 1;
	return 0;
}

int
delegate_set_params(EVP_PKEY_CTX *pctx, const OSSL_PARAM params[])
{
	OSSL_PARAM kept[MAX_PARAMS];
	size_t n = 0;

	if (params == NULL)
		return 1;
	for (; params->key != NULL; params++) {
		if (is_query(params->key))
			continue;
		if (n == MAX_PARAMS - 1)
			return 0;
		kept[n++] = *params;
	}
	if (n == 0)
		return 1;
	kept[n] = (OSSL_PARAM)OSSL_PARAM_END;
	return pctx != NULL && EVP_PKEY_CTX_set_params(pctx, kept) == 1;
}
