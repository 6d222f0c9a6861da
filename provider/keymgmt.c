#include "provider/keymgmt.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/errors.h"

/* Parameters by whose presence an imported part is known. */
static const struct {
	const char *name;
	int part;
} parts[] = {
	{ OSSL_PKEY_PARAM_RSA_N, OSSL_KEYMGMT_SELECT_PUBLIC_KEY },
	{ OSSL_PKEY_PARAM_RSA_D, OSSL_KEYMGMT_SELECT_PRIVATE_KEY },
	{ OSSL_PKEY_PARAM_PUB_KEY, OSSL_KEYMGMT_SELECT_PUBLIC_KEY },
	{ OSSL_PKEY_PARAM_PRIV_KEY, OSSL_KEYMGMT_SELECT_PRIVATE_KEY },
	{ OSSL_PKEY_PARAM_GROUP_NAME, OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS },
	{ OSSL_PKEY_PARAM_EC_P, OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS },
};

/*
 * Programs in C++ free keys from destructors of static objects, when libcrypto
 * has cleaned up and only its keys still hold the provider. With the last one
 * libcrypto would end the provider, for which it uses locks that are gone. With
 * one reference too many the provider stays, as the process ends anyway.
 */
static void
outlive(const struct core *core)
{
	if (core->provider_up_ref != NULL && OPENSSL_init_crypto(0, NULL) == 0)
		(void)core->provider_up_ref(core->handle, 0);
}

void
keymgmt_free(void *keydata)
{
	struct key *key = keydata;

	if (key != NULL)
		outlive(&key->ctx->core);
	key_free(key);
}

void *
keymgmt_load(const void *reference, size_t size)
{
	struct key *key;

	if (size != sizeof(key))
		return NULL;
	/* The decoder's reference becomes ours: it must not free it too. */
	key = *(struct key *const *)reference;
	*(struct key **)(uintptr_t)reference = NULL;
	return key;
}

int
keymgmt_has(const void *keydata, int selection)
{
	return keydata != NULL && key_has(keydata, selection);
}

int
keymgmt_get_params(void *keydata, OSSL_PARAM params[])
{
	const struct key *key = keydata;

	return key->inner != NULL && EVP_PKEY_get_params(key->inner, params);
}

/* How a key is written; the key stays the same. */
static const char *const forms[] = {
	OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
	OSSL_PKEY_PARAM_EC_ENCODING,
	/* for private keys alone: `openssl ec` sets it whatever it writes */
	OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC,
};

static bool
is_form(const OSSL_PARAM params[])
{
	size_t i;

	for (; params->key != NULL; params++) {
		for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
			if (strcmp(params->key, forms[i]) == 0)
				break;
		if (i == sizeof(forms) / sizeof(forms[0]))
			return false;
	}
	return true;
}

int
keymgmt_set_params(void *keydata, const OSSL_PARAM params[])
{
	struct key *key = keydata;
	const OSSL_PARAM *known =
		EVP_KEYMGMT_settable_params(key->ctx->keymgmt[key->kind]);

	/* Where there is nothing to set, all is done: as in default. */
	if (params == NULL || params[0].key == NULL || known == NULL ||
		known->key == NULL)
		return 1;
	if (key->inner == NULL)
		return 0;
	if (key->is_shell && !is_form(params)) {
		errors_raise(key->ctx, ERROR_NOT_FOR_SHELLS,
			"key %s cannot be changed", key->name);
		return 0;
	}
	/* EVP_PKEY_set_params() does not promise to leave params alone. */
	if (!EVP_PKEY_set_params(key->inner, (OSSL_PARAM *)(uintptr_t)params))
		return 0;
	if (OSSL_PARAM_locate_const(
		    params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY) == NULL)
		return 1;
	key->has |= OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
	/* X25519 and X448 forget the private key that it does not fit. */
	if (!kind_of(key->kind)->has_domain)
		key->has &= ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
	return 1;
}

int
keymgmt_match(const void *keydata1, const void *keydata2, int selection)
{
	const struct key *a = keydata1, *b = keydata2;
	int same;

	if (a->inner == NULL || b->inner == NULL)
		return 0;
	ERR_set_mark();
	if (selection & OSSL_KEYMGMT_SELECT_KEYPAIR)
		same = EVP_PKEY_eq(a->inner, b->inner);
	else
		same = EVP_PKEY_parameters_eq(a->inner, b->inner);
	ERR_pop_to_mark();
	return same == 1;
}

/* Of a shell, what can be checked is the public key. */
int
keymgmt_validate(const void *keydata, int selection, int type)
{
	const struct key *key = keydata;
	EVP_PKEY_CTX *pctx;
	int ok = 0;

	if (key->inner == NULL)
		return 0;
	pctx = EVP_PKEY_CTX_new_from_pkey(key->ctx->libctx, key->inner, NULL);
	if (pctx == NULL)
		return 0;
	if (key->is_shell)
		selection &= ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
	if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) ==
		OSSL_KEYMGMT_SELECT_KEYPAIR)
		ok = EVP_PKEY_pairwise_check(pctx);
	else if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		ok = EVP_PKEY_private_check(pctx);
	else if (!(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY))
		ok = !kind_of(key->kind)->has_domain ||
		     EVP_PKEY_param_check(pctx) == 1;
	else if (type == OSSL_KEYMGMT_VALIDATE_QUICK_CHECK)
		ok = EVP_PKEY_public_check_quick(pctx);
	else
		ok = EVP_PKEY_public_check(pctx);
	EVP_PKEY_CTX_free(pctx);
	return ok == 1;
}

int
keymgmt_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg)
{
	const struct key *key = keydata;

	/*
	 * Before each operation libcrypto tries to move the key to `default`:
	 * this must fail at once, without a lock and without an error left.
	 */
	if (key->is_shell && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY))
		return 0;
	return key->inner != NULL &&
	       EVP_PKEY_export(key->inner, selection, callback, arg);
}

static EVP_PKEY *
make_inner(const struct key *key, int selection, OSSL_PARAM params[])
{
	EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_name(
		key->ctx->libctx, kind_of(key->kind)->name, NULL);
	EVP_PKEY *inner = NULL;

	if (pctx == NULL || EVP_PKEY_fromdata_init(pctx) != 1 ||
		EVP_PKEY_fromdata(pctx, &inner, selection, params) != 1)
		inner = NULL;
	EVP_PKEY_CTX_free(pctx);
	return inner;
}

/* A key without public or private part, to be given a public one. */
static EVP_PKEY *
make_blank(const struct key *key)
{
	EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_name(
		key->ctx->libctx, kind_of(key->kind)->name, NULL);
	EVP_PKEY *inner = NULL;

	if (pctx == NULL || EVP_PKEY_paramgen_init(pctx) != 1 ||
		EVP_PKEY_paramgen(pctx, &inner) != 1)
		inner = NULL;
	EVP_PKEY_CTX_free(pctx);
	return inner;
}

static int
parts_of(enum key_kind kind, const OSSL_PARAM params[], int selection)
{
	/* the restrictions of RSA-PSS, and what EC keys may have beside */
	int has = selection & OSSL_KEYMGMT_SELECT_OTHER_PARAMETERS;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (OSSL_PARAM_locate_const(params, parts[i].name) != NULL)
			has |= parts[i].part & selection;
	/* default computes the public part, but of EC keys. */
	if ((has & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) &&
		!kind_of(kind)->has_domain)
		has |= OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
	return has;
}

int
keymgmt_import(void *keydata, int selection, const OSSL_PARAM params[])
{
	struct key *key = keydata;
	EVP_PKEY *inner;

	if (key->inner != NULL)
		return 0;
	/* EVP_PKEY_fromdata() wants them writable, and only reads them. */
	inner = make_inner(key, selection, (OSSL_PARAM *)(uintptr_t)params);
	if (inner == NULL)
		return 0;
	key->inner = inner;
	key->has = parts_of(key->kind, params, selection);
	return 1;
}

/* Of X25519 and X448, libssl copies the parameters, of which there are none. */
static bool
is_blank(enum key_kind kind, int selection)
{
	return kind_of(kind)->exchange != NULL && !kind_of(kind)->has_domain &&
	       !(selection & OSSL_KEYMGMT_SELECT_KEYPAIR);
}

void *
keymgmt_dup(const void *keydata, int selection)
{
	const struct key *from = keydata;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *inner;
	struct key *to;

	if (from->is_shell && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY))
		return key_dup_shell(from);
	to = key_new(from->ctx, from->kind);
	if (to == NULL || from->inner == NULL)
		return to;
	selection &= from->has;
	if (is_blank(from->kind, selection)) {
		inner = make_blank(to);
	} else {
		if (EVP_PKEY_todata(from->inner, selection, &params) != 1)
			goto err;
		inner = make_inner(to, selection, params);
		OSSL_PARAM_free(params);
	}
	if (inner == NULL)
		goto err;
	to->inner = inner;
	to->has = selection;
	return to;
err:
	key_free(to);
	return NULL;
}
