/*
 * What each target has in common. A target compiled with PLANTED_BUG has one
 * mistake built in, behind conditions that the fuzzer has to find: a run that
 * does not find it proves nothing about the rest.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant of the target's. */
static inline void
must(int holds)
{
	if (!holds)
		abort();
}

#ifdef PLANTED_BUG
#define PLANTED 1
#else
#define PLANTED 0
#endif

#endif
