/*
 * PEM blocks (RFC 7468) in a file with other text around them: finding, decoding,
 * writing. Strict base64. libc only; nothing is allocated or kept.
 */
#ifndef KEYD_LOADER_PEM_H
#define KEYD_LOADER_PEM_H

#include "wire/cursor.h"

struct pem_cursor {
	struct view rest;
	unsigned line; /* of the first byte of rest, from 1 */
};

/* Views point into the text. */
struct pem_block {
	struct view label; /* 1 to 64 of A-Z 0-9 and blanks */
	struct view body;  /* the lines between, with their line ends */
	struct view whole; /* BEGIN line to END line, with its line end */
	unsigned line;     /* of the BEGIN line */
};

struct pem_cursor pem_start(struct view text);

/*
 * Next block: 1, 0 if there is none, -1 if a line starts with "-----BEGIN " and no
 * block follows; *error is what is wrong and out->line where.
 */
MUST_USE int
pem_next(struct pem_cursor *c, struct pem_block *out, const char **error);

bool pem_is_label(const struct pem_block *b, const char *label);

/* Has it header lines as old encrypted PEM files (RFC 1421) have them? */
bool pem_has_headers(const struct pem_block *b);

/* The header lines, and the block without them; -1 if no empty line ends them. */
MUST_USE int pem_split(
	const struct pem_block *b, struct view *headers, struct pem_block *out);

/*
 * Decodes the body to the size bytes at out and the length to *len. 0, or -1: another character than base64's
 * (blanks and line ends do no harm), a wrong count, padding or unused bits
 * that are not zero, nothing, or over size. After -1 out holds part of it.
 */
MUST_USE int
pem_decode(const struct pem_block *b, uint8_t *out, size_t size, size_t *len);

/* Writes a block with lines of 64, terminated by a zero that *len does not count. 0, or
 * -1 if it does not fit. */
MUST_USE int pem_encode(const char *label, struct view der, char *out,
	size_t size, size_t *len);

#endif
