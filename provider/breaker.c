#include "provider/breaker.h"

#include <assert.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics must not be locks");

enum breaker_way
breaker_ask(struct breaker *b, uint64_t now)
{
	uint64_t at = atomic_load(&b->next_probe);

	if (at == 0)
		return BREAKER_GO;
	if (now < at)
		return BREAKER_FAST;
	/* The next one's turn comes even if this thread is never seen again. */
	if (!atomic_compare_exchange_strong(&b->next_probe, &at,
		    now + BREAKER_PROBE_MS + BREAKER_REST_MS))
		return at == 0 ? BREAKER_GO : BREAKER_FAST;
	return BREAKER_PROBE;
}

void
breaker_answered(struct breaker *b, uint64_t now)
{
	atomic_store_explicit(&b->last_ok, now, memory_order_relaxed);
	if (atomic_load_explicit(&b->next_probe, memory_order_relaxed) != 0)
		atomic_store(&b->next_probe, 0);
}

void
breaker_missed(struct breaker *b, uint64_t start, uint64_t now, uint64_t cause)
{
	if (atomic_load(&b->last_ok) > start)
		return;
	atomic_store(&b->cause, cause);
	atomic_store(&b->next_probe, now + BREAKER_REST_MS);
}
