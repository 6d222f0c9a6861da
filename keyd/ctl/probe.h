/*
 * Tries an openssl.cnf out, by loading it in a program of its own (keyd-probe):
 * keydctl itself never loads one.
 */
#ifndef KEYD_CTL_PROBE_H
#define KEYD_CTL_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

enum {
	PROBE_MAX = 32 * 1024,
};

struct probe {
	char text[PROBE_MAX]; /* keyd-probe's lines */
};

/* What a program gets from the text, which the file of that name has or may get.
 * 0, or -1 with *f: it could not be tried, or, as root, must not be
 * (loadable.h). */
__attribute__((warn_unused_result)) int probe_text(const char *file,
	const void *text, size_t len, struct probe *out, struct fault *f);

/* The same of the file at path. */
__attribute__((warn_unused_result)) int
probe_file(const char *path, struct probe *out, struct fault *f);

/* Is the provider active? */
bool probe_has(const struct probe *p, const char *provider);

/*
 * After is what before was, and keyd is active too: 0; or -1 with *f, which
 * names what would be lost, or, after another try with the text, why keyd is
 * not active. module is its file, NULL for the usual one.
 */
__attribute__((warn_unused_result)) int
probe_compare(const struct probe *before, const struct probe *after,
	const void *text, size_t len, const char *module, struct fault *f);

#endif
