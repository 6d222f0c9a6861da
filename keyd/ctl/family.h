/* The processes that belong to one: its descendants, and the rest of its unit. */
#ifndef KEYD_CTL_FAMILY_H
#define KEYD_CTL_FAMILY_H

#include <stdbool.h>

#include "process.h"

enum {
	FAMILY_MAX = 4096,
};

/* Who it was when it was found: another that has got its number since began
 * later. */
struct family_member {
	pid_t pid;
	unsigned long long ticks;
};

struct family {
	struct family_member *list; /* by pid */
	size_t n;
	bool cut; /* there are more than FAMILY_MAX */
};

/* Finds them, without p itself and keydctl. 0, and it must be freed; or -1 with
 * *f. */
__attribute__((warn_unused_result)) int
family_find(const struct process *p, struct family *out, struct fault *f);
void family_free(struct family *v);

#endif
