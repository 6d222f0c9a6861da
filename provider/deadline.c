#include "provider/deadline.h"

#include <errno.h>
#include <time.h>

enum {
	FIRST_US = 2000,
	LONGEST_US = 100000,
	DOUBLINGS = 6,
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t
deadline_now(void)
{
	return now_ns() / 1000000 + 1;
}

uint64_t
deadline_left(uint64_t deadline)
{
	uint64_t now = deadline_now();

	return now < deadline ? deadline - now : 0;
}

/*
 * Differs between threads (address of a stack), processes (layout) and calls
 * (clock). Only spreads callers out: nothing secret hangs on it, and asking
 * the kernel could block or be forbidden in a sandboxed host.
 */
static uint64_t
jitter(uint64_t ns)
{
	uint64_t x = ns ^ (uint64_t)(uintptr_t)&ns;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

int
deadline_pause(uint64_t deadline, unsigned attempt)
{
	uint64_t start = now_ns();
	uint64_t us = FIRST_US;
	struct timespec until;

	us <<= attempt < DOUBLINGS ? attempt : DOUBLINGS;
	if (us > LONGEST_US)
		us = LONGEST_US;
	us = us / 2 + jitter(start) % (us / 2 + 1);
	if (us / 1000 + DEADLINE_ATTEMPT_MS >= deadline_left(deadline))
		return -1;
	start += us * 1000;
	until.tv_sec = (time_t)(start / 1000000000);
	until.tv_nsec = (long)(start % 1000000000);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
		EINTR)
		;
	return 0;
}
