/* Times at which something is due: milliseconds of CLOCK_MONOTONIC. */
#ifndef KEYD_BROKER_DUE_H
#define KEYD_BROKER_DUE_H

#include <stdint.h>
#include <time.h>

#define DUE_NEVER UINT64_MAX

static inline uint64_t
due_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline uint64_t
due_first(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* For poll(2): ms from now until due, -1 for never. */
static inline int
due_wait(uint64_t due, uint64_t now)
{
	if (due == DUE_NEVER)
		return -1;
	if (due <= now)
		return 0;
	return due - now > 60000 ? 60000 : (int)(due - now);
}

#endif
