/*
 * Operations that `default` does as a whole on the inner key: key exchange and
 * RSA encryption. What they have in common.
 */
#ifndef KEYD_PROVIDER_OPERATION_H
#define KEYD_PROVIDER_OPERATION_H

#include "provider/key.h"

struct operation {
	struct context *ctx;
	EVP_PKEY_CTX *pctx;
};

void *operation_newctx(void *provctx);
void operation_freectx(void *vctx);
void *operation_dupctx(void *vctx);

/* Begins with this key; start is such as EVP_PKEY_derive_init(). 1 or 0. */
int operation_begin(struct operation *op, const struct key *key,
	int (*start)(EVP_PKEY_CTX *pctx), const OSSL_PARAM params[]);

int operation_set_params(void *vctx, const OSSL_PARAM params[]);
int operation_get_params(void *vctx, OSSL_PARAM params[]);

#endif
