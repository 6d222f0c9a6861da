/* What `keydctl check` says of the keyd that runs: is it what lies on the disk? */
#ifndef KEYD_CTL_RUNNING_H
#define KEYD_CTL_RUNNING_H

#include <sys/types.h>

#include "finding.h"

/* Looks at its state file: what it leaves out, and a load that it refused. */
void running_examine(struct findings *v);

#endif
