/* The shell as keydctl writes it: a line of comment, then PEM. */
#ifndef KEYD_CTL_SHELLFILE_H
#define KEYD_CTL_SHELLFILE_H

#include <stdbool.h>

#include "bytes.h"
#include "fault.h"
#include "wire/cursor.h"

enum {
	SHELLFILE_MAX = 16384,
};

/* The text, not terminated. Its length, or -1 with *f. */
long shellfile_print(const char *name, struct view spki,
	char out[SHELLFILE_MAX], struct fault *f);

/* Is this what keydctl writes for the key of this name? */
bool shellfile_is(const struct bytes *b, const char *name);

#endif
