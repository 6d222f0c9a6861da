/* Parameters on their way to `default`. */
#ifndef KEYD_PROVIDER_DELEGATE_H
#define KEYD_PROVIDER_DELEGATE_H

#include <openssl/core.h>
#include <openssl/evp.h>

/*
 * Sets them, without property queries: those are the application's, for its own
 * library context, and could name providers that the private one does not have.
 * 1 or 0.
 */
int delegate_set_params(EVP_PKEY_CTX *pctx, const OSSL_PARAM params[]);

#endif
