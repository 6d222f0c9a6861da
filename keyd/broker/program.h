/* Starts keyd's own programs, with a clean environment and few descriptors. */
#ifndef KEYD_BROKER_PROGRAM_H
#define KEYD_BROKER_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

enum {
	PROGRAM_FIRST_FD = 3, /* the first descriptor that a program is given */
	PROGRAM_MAX_FDS = 3,
};

/*
 * Occupies the descriptors up to 9, so that no other of the broker's is among
 * those that programs are given, and opens those of 0 to 2 that are closed.
 * Once, before anything else is opened. 0, or -1 with errno.
 */
__attribute__((warn_unused_result)) int program_init(void);

/*
 * Executes path with its lock-in plan and, unless NULL, a mode as arguments and an
 * empty environment; fds[0] on
 * become descriptors 3, 4, …; 0 and 1 are /dev/null, 2 is the log, every other
 * is closed. 0 and *pid, or -1 with errno, also when path cannot be executed.
 */
__attribute__((warn_unused_result)) int
program_start(const char *path, const char *plan, const char *mode,
	const int *fds, size_t nfds, pid_t *pid);

#endif
