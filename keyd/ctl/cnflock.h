/*
 * One keydctl at a time changes an openssl.cnf: the lock is a file beside it,
 * .openssl-keyd.lock, for as long as it is held. It is its owner's alone
 * (0600), so that no other user can open it, let alone hold it: a folder, or
 * openssl.cnf itself, can be locked by everyone who may read it. It stands where
 * the change is made, so it needs no other place that can be written, and is
 * the same by whatever path, from whatever root folder, the file was named.
 */
#ifndef KEYD_CTL_CNFLOCK_H
#define KEYD_CTL_CNFLOCK_H

#include "path.h"

enum {
	CNFLOCK_WAIT = 5 * 1000, /* ms */
};

/*
 * Waits for it, up to CNFLOCK_WAIT. Who may write nothing there (a read-only
 * file system, another's folder) gets none and needs none. 0, with *out the
 * lock's descriptor or -1; or -1 with *f.
 */
__attribute__((warn_unused_result)) int
cnflock_take(const struct path_place *p, int *out, struct fault *f);

/* lock: a descriptor, or -1. */
void cnflock_release(const struct path_place *p, int lock);

#endif
