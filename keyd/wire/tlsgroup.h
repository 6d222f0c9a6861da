/*
 * Groups of an ECDHE key exchange in TLS 1.2 that keyd can sign for, as a
 * table: docs/PROTOCOL.md §13. A set of them is a number with a bit for each
 * row. libc only.
 */
#ifndef KEYD_WIRE_TLSGROUP_H
#define KEYD_WIRE_TLSGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The registry "TLS Supported Groups" of IANA. */
enum {
	TLSGROUP_P256 = 23,
	TLSGROUP_P384 = 24,
	TLSGROUP_P521 = 25,
	TLSGROUP_BP256R1 = 26, /* RFC 7027 */
	TLSGROUP_BP384R1 = 27,
	TLSGROUP_BP512R1 = 28,
	TLSGROUP_X25519 = 29,
	TLSGROUP_X448 = 30,
};

struct tlsgroup {
	const char *name;  /* as policies have it: "P-256" */
	const char *curve; /* libcrypto's, NULL of those of RFC 7748 */
	uint16_t number;
	uint8_t point; /* bytes, uncompressed */
	uint16_t bit;
};

enum {
	TLSGROUP_DEFAULT = 0x07, /* x25519, P-256, P-384 */
	TLSGROUP_ALL = 0xFF,
	TLSGROUP_NAMES = 128, /* bytes for all names */
};

/* The rows in order, NULL behind the last. */
const struct tlsgroup *tlsgroup_at(size_t n);

/* The row with this number, NULL if there is none. */
const struct tlsgroup *tlsgroup_by_number(uint16_t number);

/* The bit of a group, named in any case of letters; 0 if there is none. */
uint16_t tlsgroup_bit(const char *name);

/* All names, with blanks between; at least TLSGROUP_NAMES bytes. Returns out. */
const char *tlsgroup_names(char out[TLSGROUP_NAMES]);

#endif
