/* Memory that rings and the index are handed over in: docs/DESIGN.md. libc only. */
#ifndef KEYD_LOADER_MEMORY_H
#define KEYD_LOADER_MEMORY_H

#include "wire/cursor.h"

/* Fills the size bytes at out. 0 or -1. */
typedef int memory_fill_fn(void *arg, void *out, size_t size);

/*
 * A new memory file of size bytes, mapped, filled and unmapped. Returns a
 * close-on-exec descriptor, or -1 with errno (EINVAL if fill failed). Sealed: nobody can
 * write, grow or shrink it. Secret: out of reach of the kernel's own accesses,
 * swap and other processes; errno tells why not.
 */
MUST_USE int memory_sealed(size_t size, memory_fill_fn *fill, void *arg);
MUST_USE int memory_secret(size_t size, memory_fill_fn *fill, void *arg);

#endif
