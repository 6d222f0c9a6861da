/*
 * Fail fast: after one missed deadline, operations of this client fail at once
 * for a second; then one of them, the probe, may try, for a short time, while
 * the others go on failing at once. The first success ends it. An event loop
 * that calls us is so held up once by its whole timeout, and from then on by at
 * most BREAKER_PROBE_MS in each BREAKER_REST_MS + BREAKER_PROBE_MS.
 *
 * No locks: three words, of which each is right by itself.
 */
#ifndef KEYD_PROVIDER_BREAKER_H
#define KEYD_PROVIDER_BREAKER_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	BREAKER_REST_MS = 1000,
	/* Signing takes 10 ms at most and starting a session less; a keyd that
	 * needs more than this for a single operation is not back yet. */
	BREAKER_PROBE_MS = 250,
};

/* All zero: in order. Inherited over a fork, with what it knows. */
struct breaker {
	_Atomic uint64_t next_probe; /* ms, 0: in order */
	_Atomic uint64_t last_ok;    /* ms */
	_Atomic uint64_t cause;      /* the caller's */
};

enum breaker_way {
	BREAKER_GO,
	BREAKER_PROBE,
	BREAKER_FAST, /* fail at once, with breaker's cause */
};

enum breaker_way breaker_ask(struct breaker *b, uint64_t now);

/* keyd has answered, whatever it said. */
void breaker_answered(struct breaker *b, uint64_t now);

/*
 * An operation that began at start has missed its deadline. If another was
 * answered since, it was one connection's fault, and nothing is done.
 */
void
breaker_missed(struct breaker *b, uint64_t start, uint64_t now, uint64_t cause);

#endif
