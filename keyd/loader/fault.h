/* Why something was refused, in words for the operator. */
#ifndef KEYD_LOADER_FAULT_H
#define KEYD_LOADER_FAULT_H

#include <stddef.h>

struct fault {
	unsigned line;  /* from 1; 0: the file as a whole */
	char text[512]; /* a clause, without file and line */
};

/* Writes the words (cut off if too long); the line becomes 0. */
__attribute__((format(printf, 2, 3))) void
fault_write(struct fault *f, const char *format, ...);

/* The same, and the value -1: a macro, so that analyzers see the value. */
#define fault_set(f, ...) (fault_write((f), __VA_ARGS__), -1)

#endif
