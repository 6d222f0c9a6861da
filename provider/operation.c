#include "provider/operation.h"

#include <openssl/crypto.h>

#include "provider/delegate.h"

void *
operation_newctx(void *provctx)
{
	struct operation *op = OPENSSL_zalloc(sizeof(*op));

	if (op == NULL)
		return NULL;
	op->ctx = provctx;
	return op;
}

void
operation_freectx(void *vctx)
{
	struct operation *op = vctx;

	if (op == NULL)
		return;
	EVP_PKEY_CTX_free(op->pctx);
	key_free(op->key);
	key_free(op->peer);
	OPENSSL_free(op);
}

void *
operation_dupctx(void *vctx)
{
	const struct operation *from = vctx;
	struct operation *to = operation_newctx(from->ctx);

	if (to == NULL || from->pctx == NULL)
		return to;
	to->is_remote = from->is_remote;
	to->key = key_up_ref(from->key);
	if (from->peer != NULL)
		to->peer = key_up_ref(from->peer);
	to->pctx = EVP_PKEY_CTX_dup(from->pctx);
	if (to->pctx == NULL) {
		operation_freectx(to);
		return NULL;
	}
	return to;
}

int
operation_begin(struct operation *op, struct key *key,
	int (*start)(EVP_PKEY_CTX *pctx), const OSSL_PARAM params[])
{
	if (key == NULL || key->inner == NULL)
		return 0;
	key_up_ref(key);
	key_free(op->key);
	key_free(op->peer);
	op->key = key;
	op->peer = NULL;
	op->is_remote = false;
	EVP_PKEY_CTX_free(op->pctx);
	op->pctx =
		EVP_PKEY_CTX_new_from_pkey(op->ctx->libctx, key->inner, NULL);
	return op->pctx != NULL && start(op->pctx) == 1 &&
	       delegate_set_params(op->pctx, params);
}

int
operation_set_params(void *vctx, const OSSL_PARAM params[])
{
	struct operation *op = vctx;

	return delegate_set_params(op->pctx, params);
}

int
operation_get_params(void *vctx, OSSL_PARAM params[])
{
	struct operation *op = vctx;

	return op->pctx != NULL &&
	       EVP_PKEY_CTX_get_params(op->pctx, params) == 1;
}
