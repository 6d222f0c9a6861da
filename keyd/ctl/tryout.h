/* What `keydctl check` says of a key and someone who may want to use it. */
#ifndef KEYD_CTL_TRYOUT_H
#define KEYD_CTL_TRYOUT_H

#include "finding.h"
#include "policy.h"
#include "user.h"
#include "wire/boot.h"

/* Through the sockets of c: may who (called words) use the key? By trying it, if keyd runs and keydctl can
 * become him, else by the policy's words. */
void tryout_key(struct findings *v, const struct config *c,
	const struct user_identity *who, const char *words, bool running,
	const char *name, const struct policy *p,
	const struct boot_description *d);

#endif
