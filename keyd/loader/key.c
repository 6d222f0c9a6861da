#include "key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "loader/consistency.h"
#include "loader/decode.h"
#include "loader/unlock.h"
#include "wire/keykind.h"
#include "wire/shell.h"

enum {
	MAX_GROUP = 64,
	MAX_KINDS = 384, /* characters of all names */
};

/* Is the group named, not spelled out by parameters? */
static bool
is_named_group(EVP_PKEY *pkey)
{
	int explicit_params = 0;

	return EVP_PKEY_get_int_param(pkey,
		       OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
		       &explicit_params) != 1 ||
	       explicit_params == 0;
}

static void
say_unknown(EVP_PKEY *pkey, const char *group, struct fault *why)
{
	const char *algorithm = EVP_PKEY_get0_type_name(pkey);
	char kinds[MAX_KINDS];

	(void)decode_kinds(kinds, sizeof(kinds));
	if (group[0] != '\0')
		(void)fault_set(why,
			"an EC key on the curve %s; keyd keeps keys of the "
			"types %s",
			group, kinds);
	else
		(void)fault_set(why,
			"a key of type %s; keyd keeps keys of the types %s",
			algorithm == NULL ? "unknown" : algorithm, kinds);
}

/* The key's type, NULL with *why if keyd does not keep such keys. */
static const struct keykind *
find_kind(EVP_PKEY *pkey, struct fault *why)
{
	const char *algorithm = EVP_PKEY_get0_type_name(pkey);
	bool is_ec = EVP_PKEY_is_a(pkey, "EC");
	int bits = EVP_PKEY_get_bits(pkey);
	char group[MAX_GROUP] = "";
	const struct keykind *k;

	if (is_ec &&
		(!is_named_group(pkey) || EVP_PKEY_get_group_name(pkey, group,
						  sizeof(group), NULL) != 1)) {
		(void)fault_set(why,
			"an EC key with explicit parameters instead of a named "
			"curve, which keyd does not keep");
		return NULL;
	}
	k = keykind_by_algorithm(algorithm, is_ec ? group : NULL);
	if (k == NULL) {
		say_unknown(pkey, group, why);
		return NULL;
	}
	if (!keykind_is_rsa(k) ||
		(bits >= KEYKIND_WEAK_RSA && bits <= k->max_bits))
		return k;
	(void)fault_set(why,
		"an %s key of %d bits; keyd keeps those of %d to %d bits",
		k->name, bits, KEYKIND_WEAK_RSA, k->max_bits);
	return NULL;
}

/* Type, size, SPKI and hash. */
static int
describe(struct key *k, const struct keykind **kind, struct fault *why)
{
	unsigned char *der = NULL;
	int len;

	*kind = find_kind(k->pkey, why);
	if (*kind == NULL)
		return -1;
	/* One key, one SPKI: a compressed point is spelled out. */
	if (keykind_is_ec(*kind) &&
		EVP_PKEY_set_utf8_string_param(k->pkey,
			OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
		return fault_set(why, "the EC point cannot be encoded");
	len = i2d_PUBKEY(k->pkey, &der);
	if (len <= 0 || (size_t)len > sizeof(k->spki) ||
		EVP_Digest(der, (size_t)len, k->hash, NULL, EVP_sha256(),
			NULL) != 1) {
		OPENSSL_free(der);
		return fault_set(why, "the public key cannot be encoded");
	}
	memcpy(k->spki, der, (size_t)len);
	k->spki_len = (size_t)len;
	k->type = (*kind)->type;
	k->bits = (uint16_t)EVP_PKEY_get_bits(k->pkey);
	OPENSSL_free(der);
	return 0;
}

int
key_from_public(
	EVP_PKEY *pkey, uint8_t form, struct key *out, struct fault *why)
{
	struct key k = { .pkey = pkey, .form = form };
	const struct keykind *kind = NULL;
	char kinds[MAX_KINDS];
	int r = -1;

	if (pkey == NULL)
		(void)fault_set(why,
			"its public key cannot be read; keyd keeps keys of the "
			"types %s",
			decode_kinds(kinds, sizeof(kinds)));
	else
		r = describe(&k, &kind, why);
	ERR_clear_error();
	if (r < 0)
		EVP_PKEY_free(pkey);
	else
		*out = k;
	return r;
}

static int
read_shell(const struct shell *shell, struct key *out, struct fault *why)
{
	const unsigned char *p = shell->spki.data;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)shell->spki.len);

	if (key_from_public(pkey, BOOT_FORM_SHELL, out, why) < 0)
		return -1;
	(void)snprintf(out->name, sizeof(out->name), "%s", shell->name);
	return 0;
}

/* Decoders, by enum boot_form. */
static EVP_PKEY *(*const decoders[])(struct view der, struct fault *why) = {
	[BOOT_FORM_PKCS8] = decode_pkcs8,
	[BOOT_FORM_PKCS1] = decode_pkcs1,
	[BOOT_FORM_SEC1] = decode_sec1,
};

static int
decode_der(uint8_t form, struct view der, struct key *out, struct fault *why)
{
	struct key k = { .form = form };
	const struct keykind *kind = NULL;
	enum shell_error e;
	struct shell shell;

	if (form == BOOT_FORM_PKCS8) {
		e = shell_decode(der.data, der.len, &shell);
		if (e == SHELL_OK)
			return read_shell(&shell, out, why);
		if (e != SHELL_FOREIGN)
			return fault_set(why, "a shell of keyd, but %s",
				shell_error_text(e));
	}
	k.pkey = decoders[form](der, why);
	if (k.pkey == NULL)
		return -1;
	if (describe(&k, &kind, why) < 0 ||
		consistency_check(kind, k.pkey, why) < 0) {
		key_release(&k);
		return -1;
	}
	*out = k;
	return 0;
}

int
key_open(const struct keyfile *file, struct view passphrase, struct key *out,
	struct fault *why)
{
	struct view der;
	int r;

	if (file->cipher == KEYFILE_PLAIN)
		r = keyfile_der(file, NULL, &der, why);
	else if (passphrase.data == NULL)
		return KEY_LOCKED;
	else
		r = unlock(file, passphrase, &der, why);
	if (r == UNLOCK_WRONG)
		return KEY_LOCKED;
	if (r == 0) {
		r = decode_der(file->form, der, out, why);
		keyfile_release(&der);
	}
	if (r < 0)
		why->line = file->block.line;
	ERR_clear_error();
	return r;
}

int
key_read(struct view text, struct key *out, struct fault *why)
{
	static const struct view none;
	struct keyfile file;
	int r;

	if (keyfile_find(text, KEYFILE_ONLY, &file, why) < 0)
		return -1;
	r = key_open(&file, none, out, why);
	if (r != KEY_LOCKED)
		return r;
	(void)fault_set(why,
		"the key is encrypted, and keyd asks no one for a passphrase: "
		"move it there with keydctl import, which does");
	why->line = file.block.line;
	return -1;
}

/* One parameter says it all: the bits, or the curve. */
static EVP_PKEY *
generate(const struct keykind *kind, unsigned bits)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_name(NULL, kind->algorithm, NULL);
	char *group = (char *)(uintptr_t)kind->group; /* only read */
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

	if (keykind_is_rsa(kind))
		params[0] = OSSL_PARAM_construct_uint(
			OSSL_PKEY_PARAM_RSA_BITS, &bits);
	else if (group != NULL)
		params[0] = OSSL_PARAM_construct_utf8_string(
			OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	if (ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
		EVP_PKEY_CTX_set_params(ctx, params) == 1)
		(void)EVP_PKEY_generate(ctx, &pkey);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

int
key_generate(uint8_t type, unsigned bits, struct key *out, struct fault *why)
{
	struct key k = { .form = BOOT_FORM_PKCS8 };
	const struct keykind *kind = keykind_by_type(type);
	const struct keykind *rsa = keykind_by_type(PROTO_KEY_RSA);
	int r;

	if (kind == NULL)
		return fault_set(why, "key type %u is unknown", type);
	if (keykind_is_rsa(kind)
			? bits < kind->min_bits || bits > kind->max_bits ||
				  bits % KEYKIND_RSA_STEP != 0
			: bits != 0 && bits != kind->min_bits)
		return fault_set(why,
			"%u bits do not fit the key type %s: RSA keys have %u "
			"to %u, in steps of %u, all others one size only",
			bits, kind->name, rsa->min_bits, rsa->max_bits,
			KEYKIND_RSA_STEP);
	k.pkey = generate(kind, bits);
	if (k.pkey == NULL)
		r = fault_set(why, "libcrypto could not make the key");
	else
		r = describe(&k, &kind, why);
	if (r == 0)
		*out = k;
	else
		key_release(&k);
	ERR_clear_error();
	return r;
}

int
key_private_der(const struct key *k, uint8_t **der, size_t *len)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
	unsigned char *buf = NULL;
	int n = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &buf);

	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	if (n <= 0)
		return -1;
	*der = buf;
	*len = (size_t)n;
	return 0;
}

void
key_release(struct key *k)
{
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
}
