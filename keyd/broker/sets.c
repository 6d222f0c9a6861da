#include "broker/sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sets *
sets_new(void)
{
	struct sets *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->index = -1;
	return s;
}

void
sets_free(struct sets *s)
{
	unsigned i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		(void)close(s->entries[i].ring);
	if (s->index >= 0)
		(void)close(s->index);
	free(s->entries);
	leftout_free(&s->left_out);
	free(s);
}

int
sets_add(struct sets *s, const struct boot_set *set, int ring)
{
	struct sets_entry *more;
	unsigned room;

	if (s->n == BOOT_MAX_SETS) {
		errno = ENOSPC;
		return -1;
	}
	if (s->n == s->room) {
		room = s->room == 0 ? 4 : s->room * 2;
		more = realloc(s->entries, room * sizeof(*more));
		if (more == NULL)
			return -1;
		s->entries = more;
		s->room = room;
	}
	s->entries[s->n].set = *set;
	s->entries[s->n].ring = ring;
	s->n++;
	if (set->nunits > 0)
		s->has_units = true;
	return 0;
}

static account_t
first(account_t a, account_t b)
{
	return a < b ? a : b;
}

/* By which of the set's words the peer is one of it. */
static account_t
membership(const struct boot_set *set, const struct peer *p)
{
	account_t a = account_of(ACCOUNT_NONE, 0);
	unsigned i;

	for (i = 0; i < set->nuids; i++)
		if (set->uids[i] == p->uid)
			return account_of(ACCOUNT_USER, p->uid);
	for (i = 0; i < set->ngids; i++)
		if (peer_has_group(p, set->gids[i]))
			a = first(a, account_of(ACCOUNT_GROUP, set->gids[i]));
	for (i = 0; i < set->nunits; i++)
		if (p->unit[0] != '\0' && strcmp(set->units[i], p->unit) == 0)
			a = first(a, account_of_unit(p->unit));
	return a;
}

static bool
is_for_listener(const struct boot_set *set, unsigned listener)
{
	return (set->listeners >> listener & 1) != 0;
}

int
sets_find(const struct sets *s, const struct peer *p, struct sets_match *out)
{
	struct sets_match m = { .account = account_of(ACCOUNT_NONE, 0) };
	const bool admitted = doors_admit(&s->doors, p);
	account_t by;
	unsigned i;

	for (i = 0; admitted && i < s->n; i++) {
		if (!is_for_listener(&s->entries[i].set, p->listener))
			continue;
		by = membership(&s->entries[i].set, p);
		if (account_kind(by) == ACCOUNT_NONE)
			continue;
		if (m.n == BOOT_MAX_RINGS)
			return -1;
		m.fds[m.n] = s->entries[i].ring;
		m.len[m.n] = s->entries[i].set.ring_len;
		m.n++;
		m.account = first(m.account, by);
	}
	if (m.n > 0 && p->listener != 0)
		m.account = account_of(ACCOUNT_LISTENER, p->listener);
	*out = m;
	return 0;
}
