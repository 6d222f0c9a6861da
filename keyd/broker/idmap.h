/* Are users here who they say they are? user_namespaces(7). */
#ifndef KEYD_BROKER_IDMAP_H
#define KEYD_BROKER_IDMAP_H

#include <stdbool.h>

/* Is this text of /proc/PID/uid_map or gid_map that of a map in which every id
 * stands for itself, as in the initial user namespace? */
bool idmap_is_whole(const char *text);

/* Are both maps of this process such? So too where the kernel has none. 1, 0,
 * or -1 with errno: they cannot be read. */
int idmap_is_initial(void);

#endif
