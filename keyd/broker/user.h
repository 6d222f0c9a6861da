/* As whom keyd runs, and as whom what it starts shall run. */
#ifndef KEYD_BROKER_USER_H
#define KEYD_BROKER_USER_H

#include <stdbool.h>

#include "config/config.h"
#include "lockdown/lockdown.h"

struct user {
	bool privileged; /* the broker is uid 0 */
	uid_t uid;       /* of the programs it starts; (uid_t)-1: its own */
	gid_t gid;
};

/*
 * Resolves c->user: a name, "UID" (gid the same) or "UID:GID". As an ordinary user all
 * programs stay that user. 0, or -1 with a line in the log: unknown, root,
 * the overflow id; or keyd runs in a user namespace that maps ids, which c does
 * not allow; or keyd itself runs as the overflow id (a user
 * namespace in which its user is not mapped).
 */
__attribute__((warn_unused_result)) int
user_find(const struct config *c, struct user *out);

/* The plan of all programs but sessions, and with session_uid of those. */
void user_plan(const struct user *u, const struct config *c, bool session_uid,
	struct lockdown_plan *out);

#endif
