/* Key types as keydctl's user writes them: from the table in wire/keykind.h. */
#ifndef KEYD_CTL_KEYTYPE_H
#define KEYD_CTL_KEYTYPE_H

#include "fault.h"
#include "wire/keykind.h"

struct keytype {
	const struct keykind *kind;
	uint16_t bits;
};

/*
 * "rsa:3072", "ec:P-256" or "ec:prime256v1", "ed25519", in any case of letters. 0,
 * or -1 with *f.
 */
__attribute__((warn_unused_result)) int
keytype_parse(const char *text, struct keytype *out, struct fault *f);

/* All that it takes, for help; returns out. */
const char *keytype_options(char *out, size_t size);

/* Are all of the uses possible with such a key? 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
keytype_allows(const struct keykind *k, uint32_t use, struct fault *f);

#endif
