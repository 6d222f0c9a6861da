/* Ephemeral keys, made by `default`: provider-keymgmt(7). */
#include "provider/keymgmt.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "provider/errors.h"

struct keygen {
	struct context *ctx;
	enum key_kind kind;
	int selection;
	EVP_PKEY_CTX *pctx;
	/* of the caller, while keygen_run() lasts */
	OSSL_CALLBACK *callback;
	void *arg;
};

static int
start(EVP_PKEY_CTX *pctx, int selection)
{
	if (selection & OSSL_KEYMGMT_SELECT_KEYPAIR)
		return EVP_PKEY_keygen_init(pctx) == 1;
	return EVP_PKEY_paramgen_init(pctx) == 1;
}

void *
keygen_init(struct context *ctx, enum key_kind kind, int selection,
	const OSSL_PARAM params[])
{
	struct keygen *gen = OPENSSL_zalloc(sizeof(*gen));

	if (gen == NULL)
		return NULL;
	gen->ctx = ctx;
	gen->kind = kind;
	gen->selection = selection;
	gen->pctx = EVP_PKEY_CTX_new_from_name(
		ctx->libctx, kind_of(kind)->name, NULL);
	if (gen->pctx == NULL || !start(gen->pctx, selection) ||
		!keygen_set_params(gen, params)) {
		keygen_cleanup(gen);
		return NULL;
	}
	return gen;
}

int
keygen_set_template(void *genctx, void *template)
{
	struct keygen *gen = genctx;
	const struct key *key = template;
	EVP_PKEY_CTX *pctx;

	/* Without parameters, there is nothing to take over. */
	if (!kind_of(gen->kind)->has_domain)
		return 1;
	if (key->inner == NULL)
		return 0;
	pctx = EVP_PKEY_CTX_new_from_pkey(gen->ctx->libctx, key->inner, NULL);
	if (pctx == NULL || !start(pctx, gen->selection)) {
		EVP_PKEY_CTX_free(pctx);
		return 0;
	}
	EVP_PKEY_CTX_free(gen->pctx);
	gen->pctx = pctx;
	return 1;
}

int
keygen_set_params(void *genctx, const OSSL_PARAM params[])
{
	struct keygen *gen = genctx;

	if (params == NULL || params[0].key == NULL)
		return 1;
	return EVP_PKEY_CTX_set_params(gen->pctx, params) == 1;
}

/* Tells the caller of progress; its answer 0 stops the generation. */
static int
progress(EVP_PKEY_CTX *pctx)
{
	struct keygen *gen = EVP_PKEY_CTX_get_app_data(pctx);
	int potential = EVP_PKEY_CTX_get_keygen_info(pctx, 0);
	int iteration = EVP_PKEY_CTX_get_keygen_info(pctx, 1);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_GEN_PARAM_POTENTIAL, &potential),
		OSSL_PARAM_construct_int(OSSL_GEN_PARAM_ITERATION, &iteration),
		OSSL_PARAM_construct_end(),
	};

	return gen->callback(params, gen->arg);
}

void *
keygen_run(void *genctx, OSSL_CALLBACK *callback, void *arg)
{
	struct keygen *gen = genctx;
	EVP_PKEY *inner = NULL;
	int has = OSSL_KEYMGMT_SELECT_ALL;

	gen->callback = callback;
	gen->arg = arg;
	if (callback != NULL) {
		EVP_PKEY_CTX_set_app_data(gen->pctx, gen);
		EVP_PKEY_CTX_set_cb(gen->pctx, progress);
	}
	if (EVP_PKEY_generate(gen->pctx, &inner) != 1)
		return NULL;
	if (!(gen->selection & OSSL_KEYMGMT_SELECT_KEYPAIR))
		has = OSSL_KEYMGMT_SELECT_ALL_PARAMETERS;
	return key_new_inner(gen->ctx, gen->kind, inner, has);
}

void
keygen_cleanup(void *genctx)
{
	struct keygen *gen = genctx;

	if (gen == NULL)
		return;
	EVP_PKEY_CTX_free(gen->pctx);
	OPENSSL_free(gen);
}
