/*
 * The shell file's DER: docs/PROTOCOL.md §7. libc only; shared by the provider's
 * decoder, keydctl and the loader.
 */
#ifndef KEYD_WIRE_SHELL_H
#define KEYD_WIRE_SHELL_H

#include "cursor.h"

enum {
	SHELL_MAX = 8192,
	SHELL_VERSION = 1,
};

enum shell_error {
	SHELL_OK = 0,
	SHELL_FOREIGN = -1,   /* not a shell: other decoders' turn */
	SHELL_TRUNCATED = -2, /* a shell that ends early */
	SHELL_TRAILING = -3,  /* bytes after the end of some element */
	SHELL_TOO_NEW = -4,   /* a version this program does not know */
	SHELL_BAD_NAME = -5,
	SHELL_BAD_SPKI = -6, /* not a SubjectPublicKeyInfo's outer form */
	SHELL_MISMATCH = -7, /* algorithm differs from the SPKI's */
	SHELL_BAD_DER = -8,  /* not DER */
};

struct shell {
	char name[64];    /* terminated */
	struct view spki; /* DER, points into the input */
};

/*
 * Decodes a shell. out is written on SHELL_OK only. Anything in which the magic is
 * not found where it must be is SHELL_FOREIGN.
 */
MUST_USE enum shell_error
shell_decode(const void *der, size_t len, struct shell *out);

/*
 * Encodes a shell for the given name and SPKI (DER), which must itself have the form that
 * shell_decode() accepts. Returns 0 and the length in *len, or -1 (bad name or SPKI, or
 * size too small; SHELL_MAX is always enough).
 */
MUST_USE int shell_encode(const char *name, struct view spki, uint8_t *out,
	size_t size, size_t *len);

/* The error in words, such as "the shell is truncated". */
const char *shell_error_text(enum shell_error e);

#endif
