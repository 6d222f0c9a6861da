/* The page that tells sessions the current generation: docs/PROTOCOL.md §11. */
#ifndef KEYD_BROKER_GENERATION_H
#define KEYD_BROKER_GENERATION_H

#include <stdint.h>

/*
 * Makes the page, with generation 0. 0 and a descriptor in *fd that sessions
 * can map for reading only, or -1 with errno.
 */
__attribute__((warn_unused_result)) int generation_open(int *fd);

uint64_t generation_get(void);

/* From now on sessions of another generation end. */
void generation_set(uint64_t generation);

#endif
