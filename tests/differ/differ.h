/*
 * The same random operation through keyd and in this process: what is accepted
 * by one is accepted by the other, at the same step, with the same result or
 * one that verifies. See differ.c.
 */
#ifndef KEYD_TESTS_DIFFER_H
#define KEYD_TESTS_DIFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

enum {
	DIFFER_MAX = 2048, /* bytes of an output */
	DIFFER_WHY = 400,
};

/* One key, twice. */
struct pair {
	const char *name; /* of its file */
	EVP_PKEY *plain;  /* the key itself, in the context without keyd */
	EVP_PKEY *shell;  /* its shell, in the context with keyd */
};

/* Where it is done: with the key itself, or through keyd. */
struct side {
	OSSL_LIB_CTX *libctx;
	EVP_PKEY *key;
};

/* Steps, in order: the one that failed tells where. */
enum step {
	STEP_INIT,
	STEP_PARAM, /* + the number of the parameter */
	STEP_SIZE = 20,
	STEP_UPDATE,
	STEP_RESULT,
	STEP_DONE,
};

struct outcome {
	int step;    /* STEP_DONE: all went well */
	size_t size; /* as it was announced */
	uint8_t out[DIFFER_MAX];
	size_t len;
	char why[DIFFER_WHY]; /* the first error in the queue, or "" */
	bool leftover;        /* errors in the queue after success */
};

/* A generator of test cases, not of secrets. */
struct dice {
	uint64_t state;
};

uint32_t dice_roll(struct dice *d, uint32_t sides);
void dice_fill(struct dice *d, void *out, size_t len);

/* Takes the error queue into the outcome. */
void outcome_end(struct outcome *o, int step);

/*
 * One case: 1 if both sides agree, 0 with the words in why (DIFFER_WHY bytes), -1 if the
 * case does not apply to this kind of key.
 */
typedef int differ_case(const struct side sides[2], struct dice *d, char *why);

differ_case differ_sign, differ_verify, differ_decrypt, differ_derive;

/* Compares steps, sizes and error queues; 1 or 0 with words. */
int differ_compare(
	const struct outcome *plain, const struct outcome *ours, char *why);

#endif
