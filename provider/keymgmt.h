/*
 * Key management, provider-keymgmt(7): what all kinds have in common.
 * Parameters, public export, comparing and checking are default's work on the
 * inner key.
 */
#ifndef KEYD_PROVIDER_KEYMGMT_H
#define KEYD_PROVIDER_KEYMGMT_H

#include "provider/key.h"

OSSL_FUNC_keymgmt_free_fn keymgmt_free;
OSSL_FUNC_keymgmt_load_fn keymgmt_load;
OSSL_FUNC_keymgmt_has_fn keymgmt_has;
OSSL_FUNC_keymgmt_get_params_fn keymgmt_get_params;
OSSL_FUNC_keymgmt_set_params_fn keymgmt_set_params;
OSSL_FUNC_keymgmt_match_fn keymgmt_match;
OSSL_FUNC_keymgmt_validate_fn keymgmt_validate;
OSSL_FUNC_keymgmt_export_fn keymgmt_export;
OSSL_FUNC_keymgmt_import_fn keymgmt_import;
OSSL_FUNC_keymgmt_dup_fn keymgmt_dup;

/* Generation: keygen.c. */
void *keygen_init(struct context *ctx, enum key_kind kind, int selection,
	const OSSL_PARAM params[]);
OSSL_FUNC_keymgmt_gen_set_template_fn keygen_set_template;
OSSL_FUNC_keymgmt_gen_set_params_fn keygen_set_params;
OSSL_FUNC_keymgmt_gen_fn keygen_run;
OSSL_FUNC_keymgmt_gen_cleanup_fn keygen_cleanup;

#endif
