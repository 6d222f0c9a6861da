/* Certificates are opened like what others may have had a hand in: never a
 * device, a FIFO, or what lies in /proc. */
#ifndef KEYD_CTL_CERTIFICATE_H
#define KEYD_CTL_CERTIFICATE_H

#include "fault.h"

enum {
	CERTIFICATE_FOREIGN = -2,
};

/*
 * One that the operator names now, wherever it lies: walked to as path.h does,
 * with the rights of the folder's owner, and read by a child, since he may have
 * put it on a file system that never answers. A descriptor of a copy in memory,
 * or -1 with *f.
 */
__attribute__((warn_unused_result)) int
certificate_named(const char *path, struct fault *f);

/*
 * One that a policy names, opened by whoever runs keydctl, again and again: by
 * keyd's own rule (broker/trust.h) only where it is root's alone. A descriptor;
 * -1 with *f; or CERTIFICATE_FOREIGN: keyd does not look at it either.
 */
__attribute__((warn_unused_result)) int
certificate_of_policy(const char *path, struct fault *f);

#endif
