/* What `keydctl check` says of the keyd that runs: is it what lies on the disk? */
#ifndef KEYD_CTL_RUNNING_H
#define KEYD_CTL_RUNNING_H

#include <sys/types.h>

#include "finding.h"

/*
 * Looks at its state file and its program: what it leaves out, a load that it refused, files that
 * were changed after the load that counts, a program that was replaced.
 */
void running_examine(struct findings *v, pid_t pid);

/* Was the program of this process replaced on the disk? False if that may not be
 * known. */
bool running_is_old(pid_t pid);

#endif
