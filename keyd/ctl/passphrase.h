/*
 * The passphrase of an encrypted key, on its way from the operator to keyd-load. It
 * lies in memory that no child inherits, and is wiped.
 */
#ifndef KEYD_CTL_PASSPHRASE_H
#define KEYD_CTL_PASSPHRASE_H

#include <stdbool.h>

#include "fault.h"
#include "wire/cursor.h"

enum {
	PASSPHRASE_TRIES = 3,
};

struct passphrase; /* in secret memory */

/*
 * Takes it from where --passin says, in OpenSSL's forms (openssl-passphrase-options(1)):
 * pass:PASSPHRASE, env:VARIABLE, file:PATH, fd:NUMBER, stdin; of the last three the first line.
 * passin is wiped, and so is the variable. With NULL the terminal will be asked when it is
 * needed. 0, or -1 with *f.
 */
__attribute__((warn_unused_result)) int
passphrase_open(char *passin, struct passphrase **out, struct fault *f);

/*
 * The one to try for the file path, after so many that were wrong. *out is
 * valid until the next call. 0, or -1 with *f: no more tries, no terminal.
 */
__attribute__((warn_unused_result)) int passphrase_get(struct passphrase *p,
	const char *path, unsigned wrong, struct view *out, struct fault *f);

/* Wipes and frees; NULL is none. */
void passphrase_free(struct passphrase *p);

#endif
