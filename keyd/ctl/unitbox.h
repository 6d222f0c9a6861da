/*
 * Which settings of a service's sandbox stand between it and keyd. Told from
 * its files alone: no program is run over a name that comes from a process.
 */
#ifndef KEYD_CTL_UNITBOX_H
#define KEYD_CTL_UNITBOX_H

#include "finding.h"

/* Says what does, and what only seems to. 1, or 0 if there is no such unit. */
int unitbox_judge(struct findings *v, int root, const char *unit);

/* keydctl check --service: the exit code. */
int unitbox_check(struct ctl *c, const char *unit);

#endif
