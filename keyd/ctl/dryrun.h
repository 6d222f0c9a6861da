/*
 * What keyd itself says of its settings, keys and policies: `keyd -t`, whose
 * words become findings, so that check and keyd cannot disagree.
 */
#ifndef KEYD_CTL_DRYRUN_H
#define KEYD_CTL_DRYRUN_H

#include "finding.h"

enum {
	DRYRUN_MAX = 64 * 1024, /* bytes of its words */
};

struct dryrun {
	char text[DRYRUN_MAX]; /* lines, each ended by NUL; then an empty one */
};

/* Runs it and says its errors and warnings. */
void dryrun(struct findings *v, struct dryrun *out);

/* Did one of the errors begin with the key's file or policy? */
bool dryrun_refused(const struct dryrun *d, const char *name);

#endif
