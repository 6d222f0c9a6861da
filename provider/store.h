/* Keys of keyd by URI, without a file: provider-storemgmt(7). */
#ifndef KEYD_PROVIDER_STORE_H
#define KEYD_PROVIDER_STORE_H

#include <openssl/core.h>

/* Its table, as OSSL_FUNC_provider_query_operation returns it. */
extern const OSSL_ALGORITHM store_algorithms[];

#endif
