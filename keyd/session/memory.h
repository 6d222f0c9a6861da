/* What a session maps from the descriptors that the broker hands over. */
#ifndef KEYD_SESSION_MEMORY_H
#define KEYD_SESSION_MEMORY_H

#include <stdatomic.h>

#include "session/keys.h"

/*
 * Keeps malloc to brk and plain anonymous mappings: the system-call filter
 * knows neither mremap nor mprotect. Before the first allocation that matters.
 */
void memory_init(void);

/*
 * Maps len bytes of fd: read-only, shared, faulted in, left out of core dumps;
 * where seal, so that the mapping can never be changed. *layers gains
 * LAYER_SECRET_MEMORY where fd is secret memory and LAYER_MSEAL where sealed.
 * A plain memory file that anyone could still write to or shrink is refused.
 * 0, or -1 with errno. The descriptor stays the caller's.
 */
MUST_USE int memory_map(
	int fd, size_t len, bool seal, struct keys_map *out, uint32_t *layers);

/* Maps the generation page. NULL with errno on failure. */
const _Atomic uint64_t *memory_generation(int fd);

#endif
