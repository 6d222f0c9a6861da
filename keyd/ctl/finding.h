/* What `keydctl check` finds, as lines or JSON. */
#ifndef KEYD_CTL_FINDING_H
#define KEYD_CTL_FINDING_H

#include "ctl.h"

enum finding_level {
	FINDING_OK,
	FINDING_WARNING,
	FINDING_ERROR,
};

struct findings {
	struct ctl *ctl;
	unsigned count[3]; /* by level */
	bool brief;        /* what is right is counted, not said */
};

/* Says one: about whom or what, and what it is. */
__attribute__((format(printf, 4, 5))) void finding_say(struct findings *v,
	enum finding_level level, const char *about, const char *fmt, ...);

#endif
