/* Encoders of private keys: provider-encoder(7). */
#ifndef KEYD_PROVIDER_ENCODER_H
#define KEYD_PROVIDER_ENCODER_H

#include <openssl/core.h>

/* Their table, as OSSL_FUNC_provider_query_operation returns it. */
extern const OSSL_ALGORITHM encoder_algorithms[];

#endif
