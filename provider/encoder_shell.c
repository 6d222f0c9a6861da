#include "provider/encoder_shell.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "provider/errors.h"

int
encoder_shell_text(const struct encoder *e, const struct key *key, BIO *out)
{
	char hash[KEY_HASH_TEXT];

	(void)e;
	return BIO_printf(out, "Private-Key: kept by keyd as %s, sha256=%s\n",
		       key->name, key_hash_text(key->hash, hash)) > 0 &&
	       EVP_PKEY_print_public(out, key->inner, 0, NULL) == 1;
}

int
encoder_shell_refuse_cipher(
	const struct encoder *e, const struct key *key, BIO *out)
{
	(void)out;
	errors_raise(e->ctx, ERROR_NOT_FOR_SHELLS,
		"key %s is kept by keyd, and its shell holds no secret that a "
		"cipher could protect: write it without one",
		key->name);
	return 0;
}

int
encoder_shell_refuse_form(
	const struct encoder *e, const struct key *key, BIO *out)
{
	(void)out;
	errors_raise(e->ctx, ERROR_NOT_FOR_SHELLS,
		"key %s is kept by keyd, and its shell cannot be written as "
		"%s: write PEM or DER",
		key->name, e->form->output);
	return 0;
}

/* The shell's DER, SHELL_MAX bytes at der. */
static int
make_shell(const struct encoder *e, const struct key *key, uint8_t *der,
	size_t *len)
{
	struct view spki = { .data = key->spki, .len = key->spki_len };

	return (!e->is_encrypted ||
		       encoder_shell_refuse_cipher(e, key, NULL)) &&
	       shell_encode(key->name, spki, der, SHELL_MAX, len) == 0;
}

int
encoder_shell_der(const struct encoder *e, const struct key *key, BIO *out)
{
	uint8_t der[SHELL_MAX];
	size_t len;

	return make_shell(e, key, der, &len) &&
	       BIO_write(out, der, (int)len) == (int)len;
}

/* PKCS#8 also where another label was asked for: nothing else can hold it. */
int
encoder_shell_pem(const struct encoder *e, const struct key *key, BIO *out)
{
	uint8_t der[SHELL_MAX];
	size_t len;

	return make_shell(e, key, der, &len) &&
	       PEM_write_bio(out, PEM_STRING_PKCS8INF, "", der, (long)len) > 0;
}
