/*
 * Accounts whose sessions crashed wait before the next, longer each time: sessions
 * respawn, so a blind attack must not get free tries.
 */
#ifndef KEYD_BROKER_BACKOFF_H
#define KEYD_BROKER_BACKOFF_H

#include <stdint.h>

#include "broker/account.h"

enum {
	BACKOFF_ENTRIES = 64,
	BACKOFF_FIRST =
		1000, /* ms, doubled with each crash up to the longest */
	BACKOFF_LONGEST = 60000,
};

struct backoff_entry {
	account_t account;
	uint64_t until; /* 0: free */
	uint64_t delay;
};

struct backoff {
	struct backoff_entry entries[BACKOFF_ENTRIES];
};

/*
 * A session crashed. Returns how long its account is to wait, in ms. One that
 * was quiet for the longest delay after the last wait starts afresh. With more
 * accounts than entries, the one whose wait ends first is forgotten: nobody can
 * bring that about alone, since an account is a word of a policy.
 */
uint64_t backoff_crash(struct backoff *b, account_t account, uint64_t now);

/* ms that account has still to wait, 0 for none. */
uint64_t backoff_left(const struct backoff *b, account_t account, uint64_t now);

#endif
