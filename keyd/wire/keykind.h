/*
 * The types of keys, as a table: docs/PROTOCOL.md §3. What loader, session,
 * provider and keydctl know of a type is a row here.
 */
#ifndef KEYD_WIRE_KEYKIND_H
#define KEYD_WIRE_KEYKIND_H

#include "proto.h"

struct keykind {
	const char *name;      /* as users see it: "P-256" */
	const char *option;    /* as keydctl generate takes it: "ec:P-256";
				  of RSA the part before the bits: "rsa" */
	const char *algorithm; /* libcrypto's key type: "EC" */
	const char *group; /* libcrypto's curve, NULL if there is no choice */
	/* As libcrypto counts them; a smaller RSA key is weak, not foreign. */
	uint16_t min_bits, max_bits;
	uint32_t uses;       /* enum proto_use bits that fit it */
	uint32_t algorithms; /* bits 1 << enum proto_algorithm */
	uint8_t type;        /* enum proto_key_type */
};

enum {
	/* Bits: the fewest of an RSA key, a weak one, which its policy must
	 * allow; and the fewest of a curve that is not weak. */
	KEYKIND_WEAK_RSA = 512,
	KEYKIND_STRONG_EC = 224,
	/* Sizes of new RSA keys are multiples of it. */
	KEYKIND_RSA_STEP = 256,
};

/* The row of a type, NULL if there is none. */
const struct keykind *keykind_by_type(uint8_t type);

/*
 * The row of what libcrypto calls this algorithm and group (NULL: none), in
 * any case of letters. NULL if there is none.
 */
const struct keykind *
keykind_by_algorithm(const char *algorithm, const char *group);

/* The rows in order, NULL behind the last. */
const struct keykind *keykind_at(size_t n);

/* RSA and RSA-PSS: of many sizes, and without a group. */
bool keykind_is_rsa(const struct keykind *k);

/* From how many bits on a key is not weak; 0: whatever it has. */
unsigned keykind_strong(const struct keykind *k);

/* Is a key of so many bits weak? A key's policy must say so then. */
bool keykind_is_weak(const struct keykind *k, unsigned bits);

/* Does it have a curve of short Weierstrass form (ECDSA, ECDH)? */
bool keykind_is_ec(const struct keykind *k);

#endif
