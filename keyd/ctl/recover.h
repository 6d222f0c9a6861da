/*
 * Ends what an interrupted keydctl left half done: forwards if the file had
 * been replaced, backwards if not. Told by the journals.
 */
#ifndef KEYD_CTL_RECOVER_H
#define KEYD_CTL_RECOVER_H

#include "store.h"

/*
 * All of them; the store is open to write. What was done is said on standard
 * error. Number ended, or -1 with *f if one cannot be ended without the
 * operator.
 */
__attribute__((warn_unused_result)) int
recover_all(const struct store *s, struct fault *f);

/* Removes all that the store has of a key, in the order that never leaves a key
 * without a policy. -1 with FAULT_PARTLY: the key has gone, but not all of the rest. */
__attribute__((warn_unused_result)) int
recover_drop(const struct store *s, const char *name, struct fault *f);

#endif
