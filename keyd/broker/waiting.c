#include "broker/waiting.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

int
waiting_add(struct waiting *w, int fd, const struct peer *peer)
{
	struct waiting_client **link, *one = calloc(1, sizeof(*one));

	if (one == NULL)
		return -1;
	one->fd = fd;
	one->peer = *peer;
	for (link = &w->first; *link != NULL; link = &(*link)->next)
		;
	*link = one;
	w->n++;
	return 0;
}

/* Unlinks the client that link leads to. */
static void
take_out(struct waiting *w, struct waiting_client **link, int *fd,
	struct peer *peer)
{
	struct waiting_client *one = *link;

	*link = one->next;
	w->n--;
	*fd = one->fd;
	*peer = one->peer;
	free(one);
}

int
waiting_take(struct waiting *w, waiting_rank_fn *rank, const void *arg, int *fd,
	struct peer *peer)
{
	struct waiting_client **link, **best = NULL;
	unsigned r = 0, best_rank = 0;
	account_t last = 0;

	for (link = &w->first; *link != NULL; link = &(*link)->next) {
		/* Floods are of one account: asked once for all in a row. */
		if (best != NULL && (*link)->peer.account == last)
			continue;
		last = (*link)->peer.account;
		r = rank(arg, last);
		if (best == NULL || r < best_rank) {
			best = link;
			best_rank = r;
		}
	}
	if (best == NULL)
		return -1;
	take_out(w, best, fd, peer);
	return 0;
}

int
waiting_pop(struct waiting *w, int *fd, struct peer *peer)
{
	if (w->first == NULL)
		return -1;
	take_out(w, &w->first, fd, peer);
	return 0;
}

unsigned
waiting_count(const struct waiting *w, account_t account)
{
	const struct waiting_client *one;
	unsigned n = 0;

	for (one = w->first; one != NULL; one = one->next)
		n += one->peer.account == account;
	return n;
}

bool
waiting_has_gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}
