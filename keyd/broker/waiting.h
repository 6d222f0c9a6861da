/*
 * Clients that wait for a session: cheap to keep, so that whoever floods fills
 * this queue within its own quota and not the one of the listening socket,
 * where everybody stands in line.
 */
#ifndef KEYD_BROKER_WAITING_H
#define KEYD_BROKER_WAITING_H

#include "broker/peer.h"
#include "wire/cursor.h"

struct waiting_client {
	struct waiting_client *next;
	int fd;
	struct peer peer;
};

/* All zero when empty. */
struct waiting {
	struct waiting_client *first;
	unsigned n;
};

/* How many sessions this account has, or waits for. */
typedef unsigned waiting_rank_fn(const void *arg, account_t account);

/* Takes fd and what peer points to over. 0, or -1: no memory. */
MUST_USE int waiting_add(struct waiting *w, int fd, const struct peer *peer);

/*
 * Takes out the client whose account has or wants the fewest sessions, the one
 * that came first of several. 0, and the caller owns both; -1 if nobody waits.
 */
MUST_USE int waiting_take(struct waiting *w, waiting_rank_fn *rank,
	const void *arg, int *fd, struct peer *peer);

/* Takes out the one that came first. 0, or -1 likewise. */
MUST_USE int waiting_pop(struct waiting *w, int *fd, struct peer *peer);

/* How many are on this account. */
unsigned waiting_count(const struct waiting *w, account_t account);

/* Has the client closed its connection? */
bool waiting_has_gone(int fd);

#endif
