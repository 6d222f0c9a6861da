/* RSA decryption: OAEP, PKCS#1 v1.5 and the premaster of TLS. */
#include "setup.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

enum { MAX_LABEL = 64 };

struct parameters {
	int padding;
	const char *digest, *mgf1;
	uint8_t label[MAX_LABEL];
	size_t label_len;
	int version; /* of the client, for the premaster */
};

static int
set(const struct parameters *p, EVP_PKEY_CTX *ctx)
{
	unsigned version = (unsigned)p->version;
	OSSL_PARAM params[6];
	int padding = p->padding;
	size_t n = 0;

	params[n++] = OSSL_PARAM_construct_int(
		OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &padding);
	if (p->digest != NULL)
		params[n++] = OSSL_PARAM_construct_utf8_string(
			OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST,
			(char *)(uintptr_t)p->digest, 0);
	if (p->mgf1 != NULL)
		params[n++] = OSSL_PARAM_construct_utf8_string(
			OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST,
			(char *)(uintptr_t)p->mgf1, 0);
	if (p->label_len > 0)
		params[n++] = OSSL_PARAM_construct_octet_string(
			OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
			(void *)(uintptr_t)p->label, p->label_len);
	if (p->version != 0)
		params[n++] = OSSL_PARAM_construct_uint(
			OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &version);
	params[n] = OSSL_PARAM_construct_end();
	return EVP_PKEY_CTX_set_params(ctx, params);
}

static void
make(struct parameters *p, struct dice *d)
{
	static const int versions[] = { 0x0301, 0x0302, 0x0303, 0xfeff,
		0xfefd };

	memset(p, 0, sizeof(*p));
	switch (dice_roll(d, 4)) {
	case 0:
		p->padding = RSA_PKCS1_WITH_TLS_PADDING;
		p->version = versions[dice_roll(d, 5)];
		break;
	default:
		p->padding = RSA_PKCS1_OAEP_PADDING;
		p->digest = setup_digest(d);
		if (dice_roll(d, 2) == 0)
			p->mgf1 = setup_digest(d);
		if (dice_roll(d, 3) == 0)
			p->label_len = dice_roll(d, MAX_LABEL);
		dice_fill(d, p->label, p->label_len);
		break;
	}
}

/* With the public key, by libcrypto. Bytes, 0 if that is refused. */
static size_t
encrypt(const struct parameters *p, const struct side *side, struct dice *d,
	uint8_t *out)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(side->libctx, side->key, NULL);
	struct parameters q = *p;
	size_t len = DIFFER_MAX, in_len = dice_roll(d, 60);
	uint8_t in[64];

	dice_fill(d, in, sizeof(in));
	if (p->version != 0) {
		q.padding = RSA_PKCS1_PADDING;
		q.version = 0;
		in_len = 48;
		in[0] = (uint8_t)(p->version >> 8);
		in[1] = (uint8_t)p->version;
	}
	if (EVP_PKEY_encrypt_init(ctx) != 1 || set(&q, ctx) != 1 ||
		EVP_PKEY_encrypt(ctx, out, &len, in, in_len) != 1)
		len = 0;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return len;
}

static void
decrypt(const struct parameters *p, const struct side *side, const uint8_t *in,
	size_t len, size_t cut, struct outcome *o)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(side->libctx, side->key, NULL);
	int step = STEP_INIT;

	memset(o, 0, sizeof(*o));
	ERR_clear_error();
	if (EVP_PKEY_decrypt_init(ctx) != 1)
		goto out;
	step = STEP_PARAM;
	if (set(p, ctx) != 1)
		goto out;
	step = STEP_SIZE;
	if (EVP_PKEY_decrypt(ctx, NULL, &o->size, in, len) != 1)
		goto out;
	step = STEP_RESULT;
	o->len = o->size > cut ? o->size - cut : 0;
	if (EVP_PKEY_decrypt(ctx, o->out, &o->len, in, len) == 1)
		step = STEP_DONE;
out:
	outcome_end(o, step);
	EVP_PKEY_CTX_free(ctx);
}

int
differ_decrypt(const struct side sides[2], struct dice *d, char *why)
{
	static struct outcome plain, ours;
	struct parameters p, q;
	uint8_t in[DIFFER_MAX];
	size_t len, cut = 0;
	bool damaged = false;

	if (!EVP_PKEY_is_a(sides[0].key, "RSA"))
		return -1;
	make(&p, d);
	len = encrypt(&p, &sides[0], d, in);
	if (len == 0) {
		len = (size_t)EVP_PKEY_get_size(sides[0].key);
		dice_fill(d, in, len);
		in[0] = 0;
		damaged = true;
	}
	q = p;
	switch (dice_roll(d, 8)) {
	case 0: /* damaged */
		in[len / 2 + dice_roll(d, 64)] ^= 1;
		damaged = true;
		break;
	case 1: /* other parameters than it was encrypted with */
		if (p.version == 0)
			q.digest = setup_digest(d);
		break;
	case 2:
		len -= 1;
		break;
	case 3:
		memset(in, 0xff, len);
		damaged = true;
		break;
	case 4:
		cut = p.version == 0 ? 0 : dice_roll(d, 2) * 300;
		break;
	default:
		break;
	}
	decrypt(&q, &sides[0], in, len, cut, &plain);
	decrypt(&q, &sides[1], in, len, cut, &ours);
	/* keyd refuses openly what anybody can see to be wrong. */
	if (q.version != 0 && (in[0] == 0xff || len < (size_t)EVP_PKEY_get_size(
							      sides[0].key))) {
		if (ours.step == STEP_RESULT)
			return 1;
		(void)snprintf(why, DIFFER_WHY,
			"a ciphertext that is none "
			"ends at step %d",
			ours.step);
		return 0;
	}
	if (!differ_compare(&plain, &ours, why)) {
		size_t n = strlen(why);

		(void)snprintf(why + n, DIFFER_WHY - n,
			"; padding %d digest %s mgf1 %s label %zu version %x "
			"len %zu",
			q.padding, q.digest == NULL ? "-" : q.digest,
			q.mgf1 == NULL ? "-" : q.mgf1, q.label_len,
			(unsigned)q.version, len);
		return 0;
	}
	/* libcrypto's answer to a bad premaster is random, keyd's is not. */
	if (plain.step != STEP_DONE || (damaged && p.version != 0))
		return 1;
	if (plain.len == ours.len &&
		memcmp(plain.out, ours.out, plain.len) == 0)
		return 1;
	(void)snprintf(
		why, DIFFER_WHY, "another plaintext: padding %d", q.padding);
	return 0;
}
