/* keydctl check --pid: what a running application still lacks. */
#ifndef KEYD_CTL_PID_H
#define KEYD_CTL_PID_H

#include "ctl.h"

/* The process, its descendants and the rest of its unit. The exit code. */
int pid_check(struct ctl *c, pid_t pid);

#endif
