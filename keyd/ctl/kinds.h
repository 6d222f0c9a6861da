/*
 * A process and its relatives (family.h) that use OpenSSL or another TLS
 * library, one of each kind: of two alike, the same would be said.
 */
#ifndef KEYD_CTL_KINDS_H
#define KEYD_CTL_KINDS_H

#include "family.h"

enum {
	KINDS_MAX = 64, /* of processes, each of which is looked at */
};

/* What was looked at, one process of each kind. */
struct kinds {
	struct process *list[KINDS_MAX];
	unsigned alike[KINDS_MAX]; /* others like it */
	size_t n;
	/* of its relatives */
	unsigned strangers; /* use no OpenSSL */
	unsigned too_many;  /* of further kinds */
	unsigned unread;    /* may not be looked at */
	char why[400];      /* that is so, of the first */
	bool cut;           /* there are more, not even counted */
};

/* Looks at them; the process itself is the first. v is zeroed before. 0, or -1
 * with *f; kinds_free() in both cases. */
__attribute__((warn_unused_result)) int
kinds_find(struct kinds *v, pid_t pid, struct fault *f);
void kinds_free(struct kinds *v);

#endif
