/* Can a process reach a socket? */
#ifndef KEYD_CTL_REACH_H
#define KEYD_CTL_REACH_H

#include "process.h"

/* Is there a listening socket of this abstract name in its network? 1, 0, or
 * -1: cannot be seen. */
int reach_abstract(const struct process *p, const char *name);

/* Can it connect to the socket at path? In a child that becomes it: root folder,
 * user, groups; that user may stop the child, which is not waited for for long. 0, or errno. Root only. */
int reach_path(const struct process *p, const char *path);

#endif
