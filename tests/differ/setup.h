/*
 * The random parameters of an operation, applied to either side in the same way.
 */
#ifndef KEYD_TESTS_DIFFER_SETUP_H
#define KEYD_TESTS_DIFFER_SETUP_H

#include "differ.h"

enum { SETUP_PARAMS = 5 };

struct setup {
	struct {
		const char *name;
		const char *text; /* NULL: the number */
		int number;
	} params[SETUP_PARAMS];
	size_t n;
};

void setup_text(struct setup *s, const char *name, const char *text);
void setup_number(struct setup *s, const char *name, int number);

/*
 * Digests, most of them sound, some not: one in eight is NULL. Without SHAKE, which libcrypto
 * 3.0 takes for a digest and later ones refuse.
 */
const char *setup_digest(struct dice *d);

/* Parameters for signing with this key, in random order. */
void setup_signature(struct setup *s, struct dice *d, const EVP_PKEY *key);

/* Sets them one by one: STEP_DONE, or the step that failed. */
int setup_apply(const struct setup *s, EVP_PKEY_CTX *ctx);

#endif
