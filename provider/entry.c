#include <openssl/core.h>

OSSL_provider_init_fn OSSL_provider_init;

__attribute__((visibility("default"))) int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **provctx)
{
	(void)handle;
	(void)in;
	(void)out;
	(void)provctx;
	return 0;
}
