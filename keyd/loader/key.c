#include "key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "loader/consistency.h"
#include "loader/decode.h"
#include "loader/pem.h"
#include "wire/keykind.h"
#include "wire/shell.h"

enum {
	RSA_STEP = 256, /* bits */
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

/* Labels of private keys, and what is done with them. */
static const struct label {
	const char *text;
	uint8_t form;
	EVP_PKEY *(*decode)(struct view der, struct fault *why);
	const char *refusal; /* if there is no decoder */
} labels[] = {
	{ "PRIVATE KEY", BOOT_FORM_PKCS8, decode_pkcs8, NULL },
	{ "RSA PRIVATE KEY", BOOT_FORM_PKCS1, decode_pkcs1, NULL },
	{ "EC PRIVATE KEY", BOOT_FORM_SEC1, decode_sec1, NULL },
	{ "ENCRYPTED PRIVATE KEY", 0, NULL,
		"the key is encrypted; decrypt a copy first: openssl pkey -in "
		"FILE -out COPY" },
	{ "OPENSSH PRIVATE KEY", 0, NULL,
		"an OpenSSH key; convert a copy first: ssh-keygen -p -m PKCS8 "
		"-f COPY" },
	{ "DSA PRIVATE KEY", 0, NULL, "a DSA key, which keyd does not keep" },
};

static const struct label *
find_label(const struct pem_block *b)
{
	enum { LABELS = sizeof(labels) / sizeof(labels[0]) };
	size_t i;

	for (i = 0; i < LABELS; i++)
		if (pem_is_label(b, labels[i].text))
			return &labels[i];
	return NULL;
}

static bool
is_private(const struct pem_block *b)
{
	static const char tail[] = "PRIVATE KEY";
	size_t len = sizeof(tail) - 1;

	return b->label.len >= len &&
	       memcmp(b->label.data + b->label.len - len, tail, len) == 0;
}

/* What a file without a PEM private key is, in words. */
static int
refuse_other(
	struct view text, bool public_key, bool certificate, struct fault *why)
{
	static const uint8_t pkcs12[] = { 2, 1, 3 }; /* its version, 3 */
	const uint8_t *p = text.data;
	size_t head;

	if (certificate)
		return fault_set(why, "holds a certificate but no private key");
	if (public_key)
		return fault_set(why, "holds a public key but no private key");
	if (text.len < 16 || p[0] != 0x30)
		return fault_set(why, "holds no PEM private key");
	head = (p[1] & 0x80) == 0 ? 2 : 2 + (size_t)(p[1] & 7);
	if (memcmp(p + head, pkcs12, sizeof(pkcs12)) == 0)
		return fault_set(why,
			"a PKCS#12 file; extract the key first: openssl pkcs12 "
			"-in FILE -nocerts -noenc -out COPY");
	return fault_set(why,
		"a DER file; convert a copy to PEM first: openssl pkey -inform "
		"DER -in FILE -out COPY");
}

/* The one block with a private key. */
static int
find_block(struct view text, struct pem_block *out, struct fault *why)
{
	struct pem_cursor c = pem_start(text);
	bool public_key = false, certificate = false;
	unsigned found = 0;
	struct pem_block b;
	const char *error;
	int r;

	while ((r = pem_next(&c, &b, &error)) == 1) {
		if (is_private(&b) && found++ == 0)
			*out = b;
		public_key |= pem_is_label(&b, "PUBLIC KEY") ||
			      pem_is_label(&b, "RSA PUBLIC KEY");
		certificate |= pem_is_label(&b, "CERTIFICATE");
	}
	if (r < 0) {
		(void)fault_set(why, "%s", error);
		why->line = b.line;
		return -1;
	}
	if (found == 1)
		return 0;
	if (found > 1) {
		(void)fault_set(why,
			"holds %u private keys; put each in a file of its own",
			found);
		return -1;
	}
	return refuse_other(text, public_key, certificate, why);
}

static int
decode_block(const struct label *label, struct view der, struct key *out,
	struct fault *why)
{
	struct key k = { .form = label->form };
	const struct keykind *kind = NULL;
	enum shell_error e;
	struct shell shell;

	if (label->form == BOOT_FORM_PKCS8) {
		e = shell_decode(der.data, der.len, &shell);
		if (e == SHELL_OK)
			return read_shell(&shell, out, why);
		if (e != SHELL_FOREIGN)
			return fault_set(why, "a shell of keyd, but %s",
				shell_error_text(e));
	}
	k.pkey = label->decode(der, why);
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

static int
read_block(const struct pem_block *b, struct key *out, struct fault *why)
{
	const struct label *label = find_label(b);
	size_t len = 0;
	uint8_t *buf;
	int r = -1;

	if (label == NULL)
		return fault_set(why, "an unknown kind of private key, %.*s",
			(int)b->label.len, (const char *)b->label.data);
	if (label->decode == NULL)
		return fault_set(why, "%s", label->refusal);
	if (pem_has_headers(b))
		return fault_set(why,
			"the key is encrypted; decrypt a copy first: openssl "
			"pkey -in FILE -out COPY");
	buf = OPENSSL_malloc(b->body.len + 1);
	if (buf == NULL)
		return fault_set(why, "no memory to read the key");
	if (pem_decode(b, buf, b->body.len + 1, &len) < 0)
		(void)fault_set(
			why, "the PEM block is damaged: it is not base64");
	else
		r = decode_block(label, (struct view){ buf, len }, out, why);
	OPENSSL_clear_free(buf, b->body.len + 1);
	return r;
}

int
key_read(struct view text, struct key *out, struct fault *why)
{
	struct pem_block b = { 0 };
	int r;

	if (find_block(text, &b, why) < 0)
		return -1;
	r = read_block(&b, out, why);
	if (r < 0)
		why->line = b.line;
	ERR_clear_error();
	return r;
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
				  bits % RSA_STEP != 0
			: bits != 0 && bits != kind->min_bits)
		return fault_set(why,
			"%u bits do not fit the key type %s: RSA keys have %u "
			"to %u, in steps of %u, all others one size only",
			bits, kind->name, rsa->min_bits, rsa->max_bits,
			RSA_STEP);
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
