/*
 * Opening what others have named. To open a device or a FIFO can do things (a
 * watchdog starts, a tape rewinds, a reader waits), and so can reading what is the
 * kernel itself (/proc/kmsg), so it is looked at first.
 */
#ifndef KEYD_CTL_REGULAR_H
#define KEYD_CTL_REGULAR_H

/* The regular file, or folder, that an O_PATH descriptor stands for, opened for
 * reading; looked is closed, or -1. A descriptor, or -1 with errno: EINVAL for
 * anything else, and for all that is in /proc, /sys and their like; or what errno was. */
__attribute__((warn_unused_result)) int regular_reopen(int looked);

/* The same by a path from folder. */
__attribute__((warn_unused_result)) int
regular_open(int folder, const char *path);

#endif
