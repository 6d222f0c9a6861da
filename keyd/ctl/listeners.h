/* The [listener]s of keyd.conf beside the keys and their policies. */
#ifndef KEYD_CTL_LISTENERS_H
#define KEYD_CTL_LISTENERS_H

#include "finding.h"
#include "policy.h"

enum {
	LISTENERS_WORDS = LISTENER_MAX * (LISTENER_MAX_NAME + 1) + 1,
};

/* Names of those that have the key, with blanks between; "" for none. */
const char *listeners_words(
	const struct config *c, const char *key, char out[LISTENERS_WORDS]);

/* Does the listener let this user in? */
bool listeners_let_in(const struct listener_config *l, uid_t uid);

/* Says of a key which listeners have it, but let in none of the users whom its
 * policy names: there it is of no use. Groups and units can have any. */
void listeners_examine_key(
	struct findings *v, const char *name, const struct policy *p);

/* Says of listeners that they have none of the keys. */
void listeners_examine(struct findings *v, char *const *keys);

#endif
