/* What one loaded provider has: provider-base(7). One per library context. */
#ifndef KEYD_PROVIDER_CONTEXT_H
#define KEYD_PROVIDER_CONTEXT_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "provider/algorithms.h"
#include "provider/client.h"
#include "provider/kind.h"
#include "provider/settings.h"

/* Functions of libcrypto that may be called back: provider-base(7). */
struct core {
	const OSSL_CORE_HANDLE *handle;
	OSSL_FUNC_core_get_params_fn *get_params;
	OSSL_FUNC_core_new_error_fn *new_error;
	OSSL_FUNC_core_set_error_debug_fn *set_error_debug;
	OSSL_FUNC_core_vset_error_fn *vset_error;
	OSSL_FUNC_BIO_read_ex_fn *bio_read;
	OSSL_FUNC_BIO_write_ex_fn *bio_write;
	OSSL_FUNC_provider_up_ref_fn *provider_up_ref;
};

struct context {
	struct core core;
	struct settings settings;
	struct algorithms *fips; /* NULL: without assume-fips */
	struct client *client;
	/*
	 * A library context of our own with `default` alone: it never reads
	 * openssl.cnf, so nothing done in it can come back to this provider.
	 */
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *fallback;
	/* default's, to ask which parameters there are */
	EVP_KEYMGMT *keymgmt[KEY_KINDS];
	/* parameters that default's signatures have from 3.2 on */
	bool has_nonce_type; /* ECDSA */
	bool has_instance;   /* EdDSA */
	/* signature algorithms that default has from 3.4 on: composite.h */
	bool has_composites;
};

#endif
