/*
 * How many lines a user's clients may cause: a burst, then some a second. By user, not by
 * session, since whoever may connect can have any number of sessions. What
 * is held back is counted, and told.
 */
#ifndef KEYD_LOGGER_LIMIT_H
#define KEYD_LOGGER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LIMIT_USERS = 256,
	LIMIT_BURST = 50,      /* lines */
	LIMIT_INTERVAL = 1000, /* ms for another line */
	LIMIT_SUMMARY = 10000, /* ms from the first line held back until told */
};

struct limit_user {
	bool used;
	uint32_t uid;
	uint32_t lines;  /* still allowed */
	uint32_t held;   /* held back since the last summary */
	uint64_t filled; /* ms, when lines last grew */
	uint64_t first;  /* ms, when the first was held back */
	uint64_t last;   /* ms, when last seen */
};

struct limit {
	struct limit_user users[LIMIT_USERS];
};

/* To be told that count lines of uid were held back. */
typedef void limit_summary_fn(void *arg, uint32_t uid, uint32_t count);

/*
 * May a line of uid be written at time now? If not it is counted. With too many users the one longest
 * unseen makes room, its summary told.
 */
bool limit_allows(struct limit *l, uint32_t uid, uint64_t now,
	limit_summary_fn *fn, void *arg);

/* Tells the summaries that are due; all with now UINT64_MAX. */
void limit_tell(struct limit *l, uint64_t now, limit_summary_fn *fn, void *arg);

/* Tells that of one user. */
void
limit_tell_user(struct limit *l, uint32_t uid, limit_summary_fn *fn, void *arg);

#endif
