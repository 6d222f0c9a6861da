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
	PROBE_INACTIVE = -2,
	PROBE_DIES = -3,
};

/* The bytes of an openssl.cnf. */
struct probe_conf {
	const void *data;
	size_t len;
};

struct probe {
	char text[PROBE_MAX]; /* keyd-probe's lines */
};

/* What a program gets from the text, which the file of that name has or may get.
 * 0, or -1 with *f: it could not be tried, or, as root, must not be
 * (loadable.h); or PROBE_DIES with *f: it crashes or hangs. */
__attribute__((warn_unused_result)) int probe_text(const char *file,
	const void *text, size_t len, struct probe *out, struct fault *f);

/* The same of the file at path. */
__attribute__((warn_unused_result)) int
probe_file(const char *path, struct probe *out, struct fault *f);

/* Is the provider active? */
bool probe_has(const struct probe *p, const char *provider);

/*
 * After is what before was, and keyd is active too: 0; or -1 with *f, which
 * names what would be lost; or PROBE_INACTIVE with *f: keyd is not active.
 */
__attribute__((warn_unused_result)) int probe_compare(
	const struct probe *before, const struct probe *after, struct fault *f);

/*
 * Adds to *f why keyd is not active with the text after: by the module (a file;
 * NULL: the usual one), or by what was wrong with the text before already. Both
 * were tried before.
 */
void probe_why(const struct probe_conf *before, const struct probe_conf *after,
	const char *module, struct fault *f);

#endif
