/*
 * What an openssl.cnf says may change after keyd was enabled in it, and then
 * what enable wrote may hide it: a list of providers that stands before the
 * block only since then has no effect.
 */
#ifndef KEYD_CTL_STALE_H
#define KEYD_CTL_STALE_H

#include "cnf.h"
#include "finding.h"

enum {
	STALE_MAX = 512,
};

/*
 * Of the file's text, with included files as for cnf_read(): 1, if its block
 * should be written anew, with words that follow the file's name; 0, if it need
 * not be, or there is none; or -1 with *f: it is not understood.
 */
__attribute__((warn_unused_result)) int stale_block(const char *file,
	const void *text, size_t len, cnf_open_fn *open_file, void *arg,
	char words[STALE_MAX], struct fault *f);

/* For check: the system's file, if keyd was enabled there, and those of services
 * for which it was enabled alone. */
void stale_examine(struct findings *v);

#endif
