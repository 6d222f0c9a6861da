/* malloc as libcrypto is to use it: whatever it frees is wiped first. */
#ifndef KEYD_LOADER_HEAP_H
#define KEYD_LOADER_HEAP_H

#include "wire/cursor.h"

/*
 * Before the first call of libcrypto. From then on every block that libcrypto
 * gives back is zeroed, whether it thought of wiping it or not, and malloc uses neither
 * mremap nor mprotect, which the filter forbids. 0 or -1.
 */
MUST_USE int heap_init(void);

#endif
