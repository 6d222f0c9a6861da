#include "broker/backoff.h"

#include <stddef.h>

/* The account's entry, else the one to give up. */
static struct backoff_entry *
pick(struct backoff *b, account_t account)
{
	struct backoff_entry *e, *oldest = &b->entries[0];
	size_t i;

	for (i = 0; i < BACKOFF_ENTRIES; i++) {
		e = &b->entries[i];
		if (e->until != 0 && e->account == account)
			return e;
		if (e->until < oldest->until)
			oldest = e;
	}
	oldest->until = 0;
	return oldest;
}

uint64_t
backoff_crash(struct backoff *b, account_t account, uint64_t now)
{
	struct backoff_entry *e = pick(b, account);

	if (e->until == 0 || now > e->until + BACKOFF_LONGEST)
		e->delay = BACKOFF_FIRST;
	else
		e->delay *= 2;
	if (e->delay > BACKOFF_LONGEST)
		e->delay = BACKOFF_LONGEST;
	e->account = account;
	e->until = now + e->delay;
	return e->delay;
}

uint64_t
backoff_left(const struct backoff *b, account_t account, uint64_t now)
{
	const struct backoff_entry *e;
	size_t i;

	for (i = 0; i < BACKOFF_ENTRIES; i++) {
		e = &b->entries[i];
		if (e->until > now && e->account == account)
			return e->until - now;
	}
	return 0;
}
