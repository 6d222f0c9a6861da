/*
 * A variable of a process's environment. What the process may have made of it
 * since its start is all that there is to see.
 */
#ifndef KEYD_CTL_PROCENV_H
#define KEYD_CTL_PROCENV_H

#include <stddef.h>

enum procenv {
	PROCENV_UNKNOWN, /* overwritten (by its title) */
	PROCENV_UNSET,
	PROCENV_SET,
};

/*
 * Looks for name in the environment of the process with this /proc folder. If a
 * title is written over the strings that the kernel shows, where the array of
 * them points to now counts: nginx and others move them first. stat is its text.
 * The answer, with *out where it is set; -1 with errno.
 */
__attribute__((warn_unused_result)) int procenv_find(
	int dir, const char *stat, const char *name, char *out, size_t size);

#endif
