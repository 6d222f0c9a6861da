/* Signing and verifying: whole messages, pieces of them, digests. */
#include "setup.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

enum {
	MAX_MESSAGE = 4096,
	MAX_PIECES = 6,
};

/* How it is asked for. */
enum way {
	WAY_WHOLE,  /* EVP_DigestSign() */
	WAY_PIECES, /* EVP_DigestSignUpdate(), …Final() */
	WAY_DIGEST, /* EVP_PKEY_sign() */
	WAYS,
};

struct operation {
	enum way way;
	const char *digest;
	struct setup setup;
	uint8_t message[MAX_MESSAGE];
	size_t len;
	size_t pieces[MAX_PIECES];
	size_t cut;  /* bytes by which the buffer is too small */
	bool copied; /* the context is copied between two pieces */
};

static void
make_operation(struct operation *op, struct dice *d, const EVP_PKEY *key)
{
	static const size_t lengths[] = { 20, 28, 32, 36, 48, 64 };
	size_t i;

	memset(op, 0, sizeof(*op));
	op->way = (enum way)dice_roll(d, WAYS);
	op->digest = setup_digest(d);
	setup_signature(&op->setup, d, key);
	op->len = dice_roll(d, 4) == 0 ? dice_roll(d, MAX_MESSAGE)
				       : dice_roll(d, 200);
	if (op->way == WAY_DIGEST && op->digest != NULL &&
		dice_roll(d, 8) > 0) {
		EVP_MD *md = EVP_MD_fetch(NULL, op->digest, NULL);
		if (md != NULL)
			op->len = (size_t)EVP_MD_get_size(md);
		EVP_MD_free(md);
	} else if (op->way == WAY_DIGEST) {
		op->len = lengths[dice_roll(d, 6)];
	}
	dice_fill(d, op->message, op->len);
	for (i = 0; i < MAX_PIECES; i++)
		op->pieces[i] = dice_roll(d, (uint32_t)op->len + 1);
	op->cut = dice_roll(d, 12) == 0 ? 1 + dice_roll(d, 64) : 0;
	op->copied = dice_roll(d, 4) == 0;
}

static int
sign_pieces(const struct operation *op, EVP_MD_CTX *md, struct outcome *o)
{
	EVP_MD_CTX *copy = NULL, *use = md;
	size_t at = 0, i, n;
	int step = STEP_UPDATE;

	for (i = 0; i < MAX_PIECES; i++) {
		n = i == MAX_PIECES - 1 ? op->len - at : op->pieces[i] / 3;
		if (n > op->len - at)
			n = op->len - at;
		if (EVP_DigestSignUpdate(use, op->message + at, n) != 1)
			goto out;
		at += n;
		if (i == 2 && op->copied) {
			copy = EVP_MD_CTX_new();
			if (copy == NULL || EVP_MD_CTX_copy_ex(copy, md) != 1)
				goto out;
			use = copy;
		}
	}
	step = STEP_SIZE;
	if (EVP_DigestSignFinal(use, NULL, &o->size) != 1)
		goto out;
	step = STEP_RESULT;
	o->len = o->size > op->cut ? o->size - op->cut : 0;
	if (EVP_DigestSignFinal(use, o->out, &o->len) == 1)
		step = STEP_DONE;
out:
	EVP_MD_CTX_free(copy);
	return step;
}

static int
sign_message(
	const struct operation *op, const struct side *side, struct outcome *o)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	int step = STEP_INIT;

	if (EVP_DigestSignInit_ex(md, &ctx, op->digest, side->libctx, NULL,
		    side->key, NULL) != 1)
		goto out;
	step = setup_apply(&op->setup, ctx);
	if (step != STEP_DONE)
		goto out;
	if (op->way == WAY_PIECES) {
		step = sign_pieces(op, md, o);
		goto out;
	}
	step = STEP_SIZE;
	if (EVP_DigestSign(md, NULL, &o->size, op->message, op->len) != 1)
		goto out;
	step = STEP_RESULT;
	o->len = o->size > op->cut ? o->size - op->cut : 0;
	if (EVP_DigestSign(md, o->out, &o->len, op->message, op->len) == 1)
		step = STEP_DONE;
out:
	EVP_MD_CTX_free(md);
	return step;
}

static int
set_digest(EVP_PKEY_CTX *ctx, const char *digest)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

	if (digest == NULL)
		return 1;
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_SIGNATURE_PARAM_DIGEST, (char *)(uintptr_t)digest, 0);
	return EVP_PKEY_CTX_set_params(ctx, params);
}

static int
sign_digest(
	const struct operation *op, const struct side *side, struct outcome *o)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(side->libctx, side->key, NULL);
	int step = STEP_INIT;

	if (EVP_PKEY_sign_init(ctx) != 1)
		goto out;
	step = STEP_PARAM - 1;
	if (set_digest(ctx, op->digest) != 1)
		goto out;
	step = setup_apply(&op->setup, ctx);
	if (step != STEP_DONE)
		goto out;
	step = STEP_SIZE;
	if (EVP_PKEY_sign(ctx, NULL, &o->size, op->message, op->len) != 1)
		goto out;
	step = STEP_RESULT;
	o->len = o->size > op->cut ? o->size - op->cut : 0;
	if (EVP_PKEY_sign(ctx, o->out, &o->len, op->message, op->len) == 1)
		step = STEP_DONE;
out:
	EVP_PKEY_CTX_free(ctx);
	return step;
}

static void
sign(const struct operation *op, const struct side *side, struct outcome *o)
{
	int step;

	memset(o, 0, sizeof(*o));
	ERR_clear_error();
	step = op->way == WAY_DIGEST ? sign_digest(op, side, o)
				     : sign_message(op, side, o);
	outcome_end(o, step);
}

static int
verify_message(const struct operation *op, const struct side *side,
	const uint8_t *sig, size_t len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	int step = STEP_INIT;

	if (EVP_DigestVerifyInit_ex(md, &ctx, op->digest, side->libctx, NULL,
		    side->key, NULL) != 1)
		goto out;
	step = setup_apply(&op->setup, ctx);
	if (step != STEP_DONE)
		goto out;
	step = STEP_RESULT;
	if (EVP_DigestVerify(md, sig, len, op->message, op->len) == 1)
		step = STEP_DONE;
out:
	EVP_MD_CTX_free(md);
	return step;
}

static int
verify_digest(const struct operation *op, const struct side *side,
	const uint8_t *sig, size_t len)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(side->libctx, side->key, NULL);
	int step = STEP_INIT;

	if (EVP_PKEY_verify_init(ctx) != 1)
		goto out;
	step = STEP_PARAM - 1;
	if (set_digest(ctx, op->digest) != 1)
		goto out;
	step = setup_apply(&op->setup, ctx);
	if (step != STEP_DONE)
		goto out;
	step = STEP_RESULT;
	if (EVP_PKEY_verify(ctx, sig, len, op->message, op->len) == 1)
		step = STEP_DONE;
out:
	EVP_PKEY_CTX_free(ctx);
	return step;
}

static int
verify(const struct operation *op, const struct side *side, const uint8_t *sig,
	size_t len)
{
	return op->way == WAY_DIGEST ? verify_digest(op, side, sig, len)
				     : verify_message(op, side, sig, len);
}

/* Is there but one signature of a message? */
static bool
is_deterministic(const struct operation *op, const EVP_PKEY *key)
{
	size_t i;

	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return true;
	if (!EVP_PKEY_is_a(key, "RSA"))
		return false;
	for (i = 0; i < op->setup.n; i++)
		if (op->setup.params[i].number == RSA_PKCS1_PSS_PADDING)
			return false;
	return true;
}

/* Adds what was asked to the words. */
static void
describe(const struct operation *op, char *why)
{
	size_t n = strlen(why), i;

	n += (size_t)snprintf(why + n, DIFFER_WHY - n,
		"; way %d digest %s len %zu", (int)op->way,
		op->digest == NULL ? "-" : op->digest, op->len);
	for (i = 0; i < op->setup.n && n < DIFFER_WHY; i++)
		n += (size_t)snprintf(why + n, DIFFER_WHY - n, " %s=%s%d",
			op->setup.params[i].name,
			op->setup.params[i].text == NULL
				? ""
				: op->setup.params[i].text,
			op->setup.params[i].number);
}

int
differ_sign(const struct side sides[2], struct dice *d, char *why)
{
	static struct operation op;
	static struct outcome plain, ours;
	int own, a, b;

	make_operation(&op, d, sides[0].key);
	sign(&op, &sides[0], &plain);
	sign(&op, &sides[1], &ours);
	if (!differ_compare(&plain, &ours, why)) {
		describe(&op, why);
		return 0;
	}
	if (plain.step != STEP_DONE)
		return 1;
	/* Some parameters are for signing alone, such as a salt "max". */
	own = verify(&op, &sides[0], plain.out, plain.len);
	a = verify(&op, &sides[0], ours.out, ours.len);
	b = verify(&op, &sides[1], plain.out, plain.len);
	if (a != own || b != own) {
		(void)snprintf(why, DIFFER_WHY,
			"keyd's signature verifies up to step %d, the other up "
			"to step %d with a shell",
			a, b);
		describe(&op, why);
		return 0;
	}
	if (is_deterministic(&op, sides[0].key) &&
		(plain.len != ours.len ||
			memcmp(plain.out, ours.out, plain.len) != 0)) {
		(void)snprintf(why, DIFFER_WHY, "another signature");
		return 0;
	}
	return 1;
}

/* A signature of the key's, sound or changed: both sides judge it alike. */
int
differ_verify(const struct side sides[2], struct dice *d, char *why)
{
	static struct operation op;
	static struct outcome plain;
	int a, b;

	make_operation(&op, d, sides[0].key);
	op.cut = 0;
	sign(&op, &sides[0], &plain);
	if (plain.step != STEP_DONE)
		plain.len = dice_roll(d, 300);
	if (dice_roll(d, 2) == 0 && plain.len > 0)
		plain.out[dice_roll(d, (uint32_t)plain.len)] ^=
			(uint8_t)(1U << dice_roll(d, 8));
	if (dice_roll(d, 8) == 0)
		plain.len -= plain.len > 0;
	if (dice_roll(d, 8) == 0)
		setup_signature(&op.setup, d, sides[0].key);
	a = verify(&op, &sides[0], plain.out, plain.len);
	b = verify(&op, &sides[1], plain.out, plain.len);
	if (a == b)
		return 1;
	(void)snprintf(why, DIFFER_WHY,
		"verifying ends at step %d, with a shell at step %d; way %d "
		"digest %s",
		a, b, (int)op.way, op.digest == NULL ? "-" : op.digest);
	return 0;
}
