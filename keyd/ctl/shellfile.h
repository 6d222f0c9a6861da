/* The shell as keydctl writes it: a line of comment, then PEM; or DER. */
#ifndef KEYD_CTL_SHELLFILE_H
#define KEYD_CTL_SHELLFILE_H

#include <stdbool.h>

#include "bytes.h"
#include "fault.h"
#include "wire/cursor.h"

enum {
	SHELLFILE_MAX = 16384,
};

/* What of an application's file is the key, and becomes the shell. */
enum shellfile_form {
	SHELLFILE_PEM,   /* all of it */
	SHELLFILE_DER,   /* all of it; without the comment */
	SHELLFILE_BLOCK, /* one PEM block among others */
};

/* The text, not terminated; or DER. Its length, or -1 with *f. */
long shellfile_print(enum shellfile_form form, const char *name,
	struct view spki, char out[SHELLFILE_MAX], struct fault *f);

/* Is the shell that keydctl writes for the key of this name in the file, and
 * where? *part points into b. */
bool shellfile_find(enum shellfile_form form, const struct bytes *b,
	const char *name, struct view *part);

#endif
