/* What the provider offers, by operation: provider-base(7). */
#ifndef KEYD_PROVIDER_ALGORITHMS_H
#define KEYD_PROVIDER_ALGORITHMS_H

#include <openssl/core.h>

#include <stdbool.h>

/* The same algorithms, which also say that they are `fips=yes`. */
struct algorithms;

/*
 * Makes them, for algorithms_of(). libcrypto keeps pointers to them: they must
 * live as long as the provider. has_composites: with those that libcrypto has
 * from 3.4 on. NULL without memory.
 */
struct algorithms *algorithms_fips(bool has_composites);

/* NULL is allowed. */
void algorithms_free(struct algorithms *a);

/*
 * The table of an operation (OSSL_OP_SIGNATURE), NULL if there is none. fips
 * NULL: the algorithms are `provider=keyd` and nothing else.
 */
const OSSL_ALGORITHM *algorithms_of(
	const struct algorithms *fips, bool has_composites, int operation);

#endif
