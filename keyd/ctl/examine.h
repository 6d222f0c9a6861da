/* What may be wrong with one key: files, policy, certificate, its application's
 * file. */
#ifndef KEYD_CTL_EXAMINE_H
#define KEYD_CTL_EXAMINE_H

#include "enlist.h"
#include "finding.h"

enum {
	EXAMINE_SOON = 30 * 24 * 3600, /* s: a certificate that ends in less */
};

/* Says what it finds. *p and *a are filled in if the key can be used at all: 0,
 * else -1. */
__attribute__((warn_unused_result)) int
examine_key(struct findings *v, const struct store *s, const char *name,
	struct policy *p, struct helper_answer *a);

/* Of a key that keyd refuses, too: is its shell still where it was left? True if
 * another key's shell has taken its place. */
bool
examine_origin(struct findings *v, const struct store *s, const char *name);

/* A file or folder of ours that others must not write, or not even read. */
void examine_mode(struct findings *v, const char *path, bool secret);

#endif
