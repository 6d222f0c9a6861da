/*
 * The lines between which what enable adds to an openssl.cnf stands.
 */
#ifndef KEYD_CTL_MARK_H
#define KEYD_CTL_MARK_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

enum mark {
	MARK_NONE,
	MARK_BEGIN,
	MARK_END,
};

/* What is the line, with or without its end? */
enum mark mark_of(const char *line, size_t len);

/* As they are written, without line ends. joined: the line before had none, and
 * that which it was given goes with the block. */
const char *mark_begin(bool joined);
const char *mark_end(void);

/*
 * The text without what stands between marks, in out, which holds as many bytes.
 * Its length, or -1 with *f if the marks do not pair. file is for words.
 */
long mark_strip(const char *file, const void *text, size_t len, void *out,
	struct fault *f);

/* Does the text begin as what is added to a file does, as far as it goes? */
bool mark_begins(const void *text, size_t len);

/* The next line's end, behind its newline; *len is without a newline and
 * returns. */
const char *mark_next_line(const char *pos, const char *end, size_t *len);

#endif
