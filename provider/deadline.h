/*
 * Time for waits: milliseconds of CLOCK_MONOTONIC, and pauses between attempts.
 */
#ifndef KEYD_PROVIDER_DEADLINE_H
#define KEYD_PROVIDER_DEADLINE_H

#include <stdint.h>

enum {
	DEADLINE_ATTEMPT_MS = 50,
};

/* Now, never 0. */
uint64_t deadline_now(void);

/* Milliseconds until the deadline, 0 if it has passed. */
uint64_t deadline_left(uint64_t deadline);

/*
 * Sleeps before another attempt: about 2 ms after the first (attempt 0),
 * doubling, at most 100 ms, each between half and the whole of that at random,
 * so that many callers do not come back in step. Interrupted sleeps go on.
 * Returns 0, or -1 at once if afterwards there were less than
 * DEADLINE_ATTEMPT_MS left: too little for another attempt to say more than
 * that it was too little.
 */
__attribute__((warn_unused_result)) int
deadline_pause(uint64_t deadline, unsigned attempt);

#endif
