/* What is built into libcrypto, or into a program: told by words in the file. */
#ifndef KEYD_CTL_BUILTIN_H
#define KEYD_CTL_BUILTIN_H

#include "process.h"

/*
 * The folder that this libcrypto, a descriptor or -1, has built in behind
 * `OPENSSLDIR: "`, or behind another word. 0, or -1.
 */
__attribute__((warn_unused_result)) int
builtin_folder(int libcrypto, const char *word, char *out, size_t size);

/* A TLS library, or the lack of one, that is built into the program itself; ""
 * if none is known. *whole: all of the program could be looked through. */
const char *builtin_library(struct process *p, bool *whole);

#endif
