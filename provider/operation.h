/*
 * Key exchange, RSA encryption and encapsulation: what they have in common.
 * `default` does them as a whole on the inner key, in pctx. What keyd does with
 * a shell's key is another matter: there pctx only reads and keeps the
 * parameters, so that the same are accepted as by `default`.
 */
#ifndef KEYD_PROVIDER_OPERATION_H
#define KEYD_PROVIDER_OPERATION_H

#include "provider/key.h"

struct operation {
	struct context *ctx;
	EVP_PKEY_CTX *pctx;
	struct key *key; /* begun with; NULL before */
	bool is_remote;  /* with a shell's private key: by keyd */
	/* key exchange by keyd: its public key, NULL: not set yet */
	struct key *peer;
};

void *operation_newctx(void *provctx);
void operation_freectx(void *vctx);
void *operation_dupctx(void *vctx);

/*
 * Begins with this key, not remotely; start is such as EVP_PKEY_derive_init().
 * 1 or 0.
 */
int operation_begin(struct operation *op, struct key *key,
	int (*start)(EVP_PKEY_CTX *pctx), const OSSL_PARAM params[]);

int operation_set_params(void *vctx, const OSSL_PARAM params[]);
int operation_get_params(void *vctx, OSSL_PARAM params[]);

#endif
