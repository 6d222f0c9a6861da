#include <criterion/criterion.h>

#include "provider/breaker.h"
#include "provider/deadline.h"

enum {
	T = 100000, /* some time */
};

Test(breaker, lets_all_pass_while_in_order)
{
	struct breaker b = { 0 };

	cr_assert_eq(breaker_ask(&b, T), BREAKER_GO);
	breaker_answered(&b, T);
	cr_assert_eq(breaker_ask(&b, T + 1), BREAKER_GO);
}

Test(breaker, fails_fast_for_a_second_then_lets_one_try)
{
	struct breaker b = { 0 };

	breaker_missed(&b, T - 5000, T, 7);
	cr_assert_eq(b.cause, 7);
	cr_assert_eq(breaker_ask(&b, T), BREAKER_FAST);
	cr_assert_eq(breaker_ask(&b, T + BREAKER_REST_MS - 1), BREAKER_FAST);
	cr_assert_eq(breaker_ask(&b, T + BREAKER_REST_MS), BREAKER_PROBE);
	cr_assert_eq(breaker_ask(&b, T + BREAKER_REST_MS), BREAKER_FAST);
	cr_assert_eq(breaker_ask(&b, T + 2 * BREAKER_REST_MS), BREAKER_FAST);
}

Test(breaker, a_failed_probe_is_followed_by_another_second)
{
	struct breaker b = { 0 };
	uint64_t end = T + BREAKER_REST_MS + BREAKER_PROBE_MS;

	breaker_missed(&b, T - 5000, T, 7);
	cr_assert_eq(breaker_ask(&b, T + BREAKER_REST_MS), BREAKER_PROBE);
	breaker_missed(&b, T + BREAKER_REST_MS, end, 8);
	cr_assert_eq(b.cause, 8);
	cr_assert_eq(breaker_ask(&b, end + BREAKER_REST_MS - 1), BREAKER_FAST);
	cr_assert_eq(breaker_ask(&b, end + BREAKER_REST_MS), BREAKER_PROBE);
}

Test(breaker, a_probe_that_never_comes_back_is_replaced)
{
	struct breaker b = { 0 };
	uint64_t next = T + 2 * BREAKER_REST_MS + BREAKER_PROBE_MS;

	breaker_missed(&b, T - 5000, T, 7);
	cr_assert_eq(breaker_ask(&b, T + BREAKER_REST_MS), BREAKER_PROBE);
	cr_assert_eq(breaker_ask(&b, next - 1), BREAKER_FAST);
	cr_assert_eq(breaker_ask(&b, next), BREAKER_PROBE);
}

Test(breaker, an_answer_ends_it)
{
	struct breaker b = { 0 };

	breaker_missed(&b, T - 5000, T, 7);
	breaker_answered(&b, T + 1);
	cr_assert_eq(breaker_ask(&b, T + 2), BREAKER_GO);
}

Test(breaker, one_slow_connection_among_good_ones_does_not_trip_it)
{
	struct breaker b = { 0 };

	breaker_answered(&b, T - 100);
	breaker_missed(&b, T - 5000, T, 7);
	cr_assert_eq(breaker_ask(&b, T), BREAKER_GO);
	breaker_missed(&b, T - 50, T, 7);
	cr_assert_eq(breaker_ask(&b, T), BREAKER_FAST);
}

Test(deadline, pauses_grow_and_have_a_limit)
{
	static const uint64_t longest_ms[] = { 3, 5, 9, 17, 33, 65, 101, 101 };
	uint64_t start, took;
	unsigned i;

	for (i = 0; i < sizeof(longest_ms) / sizeof(longest_ms[0]); i++) {
		start = deadline_now();
		cr_assert_eq(deadline_pause(start + 10000, i), 0);
		took = deadline_now() - start;
		cr_assert_geq(took + 1, longest_ms[i] / 2, "%u", i);
		/* The machine may be busy, but not always as much. */
		cr_assert_leq(took, longest_ms[i] + 200, "%u", i);
	}
	cr_assert_eq(deadline_pause(deadline_now() + 10000, 4000000000), 0);
}

Test(deadline, does_not_sleep_past_the_end)
{
	uint64_t start = deadline_now();

	cr_assert_eq(deadline_pause(start + 95, 10), -1);
	cr_assert_eq(deadline_pause(start + DEADLINE_ATTEMPT_MS, 0), -1);
	cr_assert_eq(deadline_pause(start, 0), -1);
	cr_assert_eq(deadline_left(start), 0);
	cr_assert_lt(deadline_now() - start, 40);
}
