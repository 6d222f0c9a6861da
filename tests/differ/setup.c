#include "setup.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#define PICK(d, table)                                                         \
	((table)[dice_roll(d, (uint32_t)(sizeof(table) / sizeof((table)[0])))])

void
setup_text(struct setup *s, const char *name, const char *text)
{
	if (s->n == SETUP_PARAMS || text == NULL)
		return;
	s->params[s->n].name = name;
	s->params[s->n++].text = text;
}

void
setup_number(struct setup *s, const char *name, int number)
{
	if (s->n == SETUP_PARAMS)
		return;
	s->params[s->n].name = name;
	s->params[s->n].text = NULL;
	s->params[s->n++].number = number;
}

const char *
setup_digest(struct dice *d)
{
	static const char *const digests[] = { "SHA256", "SHA384", "SHA512",
		"SHA1", "SHA224", "SHA512-256", "SHA512-224", "SHA3-224",
		"SHA3-256", "SHA3-384", "SHA3-512", "MD5", "SHA2-256",
		"RIPEMD160", "MD5-SHA1", "BLAKE2b512", "BLAKE2s256", "SM3",
		"no-such-digest" };

	if (dice_roll(d, 8) == 0)
		return NULL;
	/* Twice as often one that all use. */
	return dice_roll(d, 2) == 0 ? digests[dice_roll(d, 3)]
				    : PICK(d, digests);
}

static void
add_rsa(struct setup *s, struct dice *d)
{
	static const int pads[] = { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING,
		RSA_PKCS1_PSS_PADDING, RSA_PKCS1_PSS_PADDING, 0, 2 };
	static const int salts[] = { RSA_PSS_SALTLEN_DIGEST,
		RSA_PSS_SALTLEN_AUTO, RSA_PSS_SALTLEN_MAX, 0, 1, 20, 32, 64,
		100, 190, 191, 222, 223, 1000, -5 };
	static const char *const words[] = { "digest", "max", "auto", "32",
		"none" };

	if (dice_roll(d, 6) > 0)
		setup_number(s, OSSL_SIGNATURE_PARAM_PAD_MODE, PICK(d, pads));
	if (dice_roll(d, 3) == 0)
		setup_number(
			s, OSSL_SIGNATURE_PARAM_PSS_SALTLEN, PICK(d, salts));
	else if (dice_roll(d, 4) == 0)
		setup_text(s, OSSL_SIGNATURE_PARAM_PSS_SALTLEN, PICK(d, words));
	if (dice_roll(d, 3) == 0)
		setup_text(
			s, OSSL_SIGNATURE_PARAM_MGF1_DIGEST, setup_digest(d));
}

void
setup_signature(struct setup *s, struct dice *d, const EVP_PKEY *key)
{
	size_t i, j;

	s->n = 0;
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
		add_rsa(s, d);
	/* Now and then in another order. */
	if (s->n > 1 && dice_roll(d, 4) == 0) {
		i = dice_roll(d, (uint32_t)s->n);
		j = dice_roll(d, (uint32_t)s->n);
		s->params[SETUP_PARAMS - 1] = s->params[i];
		s->params[i] = s->params[j];
		s->params[j] = s->params[SETUP_PARAMS - 1];
	}
}

int
setup_apply(const struct setup *s, EVP_PKEY_CTX *ctx)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	int number;
	size_t i;

	for (i = 0; i < s->n; i++) {
		number = s->params[i].number;
		if (s->params[i].text != NULL)
			params[0] = OSSL_PARAM_construct_utf8_string(
				s->params[i].name,
				(char *)(uintptr_t)s->params[i].text, 0);
		else
			params[0] = OSSL_PARAM_construct_int(
				s->params[i].name, &number);
		if (EVP_PKEY_CTX_set_params(ctx, params) != 1)
			return STEP_PARAM + (int)i;
	}
	return STEP_DONE;
}
