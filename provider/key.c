#include "provider/key.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include <string.h>

#include "provider/errors.h"

struct key *
key_new(struct context *ctx, enum key_kind kind)
{
	struct key *key = OPENSSL_zalloc(sizeof(*key));

	if (key == NULL)
		return NULL;
	key->ctx = ctx;
	key->kind = kind;
	atomic_init(&key->references, 1);
	return key;
}

struct key *
key_new_inner(struct context *ctx, enum key_kind kind, EVP_PKEY *inner, int has)
{
	struct key *key = key_new(ctx, kind);

	if (key == NULL) {
		EVP_PKEY_free(inner);
		return NULL;
	}
	key->inner = inner;
	key->has = has;
	return key;
}

/* What keyd keeps of this kind and group, NULL if it does not. */
static const struct keykind *
type_of(EVP_PKEY *inner, enum key_kind kind)
{
	const char *name = kind_of(kind)->name;
	char group[32];
	size_t len;

	if (!EVP_PKEY_is_a(inner, name))
		return NULL;
	if (!kind_of(kind)->has_domain)
		return keykind_by_algorithm(name, NULL);
	if (EVP_PKEY_get_group_name(inner, group, sizeof(group), &len) != 1)
		return NULL;
	return keykind_by_algorithm(name, group);
}

/* The public key, read by default's decoders. */
static EVP_PKEY *
read_spki(const struct context *ctx, struct view spki)
{
	const unsigned char *pos = spki.data;
	EVP_PKEY *pkey;

	/* default's own words on it would only confuse beside ours. */
	ERR_set_mark();
	pkey = d2i_PUBKEY_ex(NULL, &pos, (long)spki.len, ctx->libctx, NULL);
	ERR_pop_to_mark();
	if (pkey != NULL && pos != spki.data + spki.len) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

struct key *
key_new_shell(
	struct context *ctx, enum key_kind kind, const struct shell *shell)
{
	EVP_PKEY *inner = read_spki(ctx, shell->spki);
	const struct keykind *type;
	struct key *key;
	size_t len;

	if (inner == NULL) {
		errors_raise(ctx, ERROR_BAD_SHELL,
			"key %s: its public key cannot be read; if it is in a "
			"shell file, write that again with: keydctl shell %s",
			shell->name, shell->name);
		return NULL;
	}
	ERR_set_mark();
	type = type_of(inner, kind);
	ERR_pop_to_mark();
	if (type == NULL) {
		errors_raise(ctx, ERROR_BAD_SHELL,
			"key %s: keyd keeps no keys of this type or "
			"curve (keydctl generate lists those it does)",
			shell->name);
		EVP_PKEY_free(inner);
		return NULL;
	}
	key = key_new_inner(ctx, kind, inner, OSSL_KEYMGMT_SELECT_ALL);
	if (key == NULL)
		return NULL;
	key->is_shell = true;
	key->type = type;
	memcpy(key->name, shell->name, sizeof(key->name));
	key->spki = OPENSSL_memdup(shell->spki.data, shell->spki.len);
	key->spki_len = shell->spki.len;
	if (key->spki == NULL ||
		!EVP_Q_digest(ctx->libctx, "SHA256", NULL, shell->spki.data,
			shell->spki.len, key->hash, &len)) {
		key_free(key);
		return NULL;
	}
	return key;
}

struct key *
key_dup_shell(const struct key *from)
{
	struct key *to = key_new(from->ctx, from->kind);

	if (to == NULL)
		return NULL;
	to->has = from->has;
	to->is_shell = true;
	to->type = from->type;
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->hash, from->hash, sizeof(to->hash));
	to->spki = OPENSSL_memdup(from->spki, from->spki_len);
	to->spki_len = from->spki_len;
	/* Its own: what follows may set the form of its points. */
	to->inner = EVP_PKEY_dup(from->inner);
	if (to->spki == NULL || to->inner == NULL) {
		key_free(to);
		return NULL;
	}
	return to;
}

struct key *
key_take_public(struct key *key)
{
	struct key *taken = NULL;
	int has = OSSL_KEYMGMT_SELECT_PUBLIC_KEY |
		  OSSL_KEYMGMT_SELECT_ALL_PARAMETERS;

	if (EVP_PKEY_up_ref(key->inner))
		taken = key_new_inner(key->ctx, key->kind, key->inner, has);
	key_free(key);
	return taken;
}

const char *
key_hash_text(const uint8_t hash[PROTO_HASH_LEN], char out[KEY_HASH_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < PROTO_HASH_LEN; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[2 * i] = '\0';
	return out;
}

int
key_give(struct key *key, OSSL_CALLBACK *callback, void *arg)
{
	int type = OSSL_OBJECT_PKEY;
	char name[16];
	OSSL_PARAM params[4];
	int ok;

	(void)OPENSSL_strlcpy(name, kind_of(key->kind)->name, sizeof(name));
	params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
	params[1] = OSSL_PARAM_construct_utf8_string(
		OSSL_OBJECT_PARAM_DATA_TYPE, name, 0);
	params[2] = OSSL_PARAM_construct_octet_string(
		OSSL_OBJECT_PARAM_REFERENCE, &key, sizeof(key));
	params[3] = OSSL_PARAM_construct_end();
	ok = callback(params, arg);
	/* NULL if keymgmt_load() took it */
	key_free(key);
	return ok;
}

struct key *
key_up_ref(struct key *key)
{
	(void)atomic_fetch_add(&key->references, 1);
	return key;
}

void
key_free(struct key *key)
{
	if (key == NULL || atomic_fetch_sub(&key->references, 1) > 1)
		return;
	EVP_PKEY_free(key->inner);
	OPENSSL_free(key->spki);
	OPENSSL_free(key);
}

bool
key_has(const struct key *key, int selection)
{
	int parts = OSSL_KEYMGMT_SELECT_KEYPAIR;

	/* Other keys have no parameters, and that is all of them. */
	if (kind_of(key->kind)->has_domain)
		parts |= OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS;
	return (selection & parts & ~key->has) == 0;
}

size_t
key_signature_size(const struct key *key)
{
	int size = key->inner == NULL ? 0 : EVP_PKEY_get_size(key->inner);

	return size < 0 ? 0 : (size_t)size;
}
