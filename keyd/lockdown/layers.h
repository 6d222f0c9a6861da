/*
 * What the modules of this folder offer each other. The layer functions share
 * one form: 0, the layer is in force; a positive errno, it cannot be had here
 * and is off; -1 with errno, it could be had and failed.
 */
#ifndef KEYD_LOCKDOWN_LAYERS_H
#define KEYD_LOCKDOWN_LAYERS_H

#include <stdbool.h>

#include "lockdown/lockdown.h"

#define MUST_USE __attribute__((warn_unused_result))

/* creds.c */

/* Is the capability (CAP_*) effective now? */
bool creds_has(int cap);

/* chroot to the plan's folder: root's, empty, writable by nobody else. */
MUST_USE int creds_chroot(const struct lockdown_plan *p);

/* The plan's uid and gid, no supplementary groups. */
MUST_USE int creds_user(const struct lockdown_plan *p);

/* Is the process the plan's own uid? */
MUST_USE int creds_session_uid(const struct lockdown_plan *p);

/* The bounding set emptied, which needs CAP_SETPCAP: before creds_user(). */
MUST_USE int creds_limit(const struct lockdown_plan *p);

/* Every other capability set emptied. */
MUST_USE int creds_drop(const struct lockdown_plan *p);

/* Empties all capability sets, the bounding one too, but for the bits of keep
 * that are permitted now. 0, or -1 with errno. */
MUST_USE int creds_keep(uint64_t keep);

/* Tries to get back what the layers in on took. 0, or -1 with errno (EPERM:
 * something could be regained). */
MUST_USE int creds_verify(const struct lockdown_plan *p, uint32_t on);

/* limits.c */

/* No core, no process; locked memory for rings as far as that is allowed. */
MUST_USE int limits_enter(const struct lockdown_plan *p);

/* Locked memory for rings, as much as the process may have. */
void limits_raise_memlock(void);

/* Limits on files and descriptors, by role. 0, or -1 with errno. */
MUST_USE int limits_role(enum lockdown_role role);

/* landlock.c */

/* No file system access, no TCP, no abstract socket or signal outside. */
MUST_USE int landlock_enter(const struct lockdown_plan *p);

/* Landlock's ABI version, 0 where the kernel has none; *why the errno then. */
int landlock_abi(int *why);

/* mounts.c */

/* A mount namespace of our own, also in a chroot whose root is no mount point.
 * The working directory stays the same folder. 0, or errno. */
MUST_USE int mounts_enter(void);

/* kernel.c: numbers that libc's headers may lack. They are the same on every
 * architecture that this project builds on. */
enum {
	KERNEL_OPEN_TREE = 428,
	KERNEL_MOVE_MOUNT = 429,
	KERNEL_MEMFD_SECRET = 447,
	KERNEL_MSEAL = 462,
};

/* No privileges by exec, no code by mprotect. */
MUST_USE int kernel_no_new_privs(const struct lockdown_plan *p);

/* No core dump, no ptrace and no /proc/PID/mem by the same user. */
MUST_USE int kernel_undumpable(const struct lockdown_plan *p);

/* Dies with the process that started it, without a terminal. 0, or -1. */
MUST_USE int kernel_follow_parent(pid_t parent);

#endif
