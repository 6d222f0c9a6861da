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

static bool
is_member(const struct boot_set *set, const struct peer *p)
{
	unsigned i;

	for (i = 0; i < set->nuids; i++)
		if (set->uids[i] == p->uid)
			return true;
	for (i = 0; i < set->ngids; i++)
		if (peer_has_group(p, set->gids[i]))
			return true;
	for (i = 0; i < set->nunits; i++)
		if (p->unit[0] != '\0' && strcmp(set->units[i], p->unit) == 0)
			return true;
	return false;
}

static bool
is_for_listener(const struct boot_set *set, unsigned listener)
{
	return (set->listeners >> listener & 1) != 0;
}

int
sets_find(const struct sets *s, const struct peer *p, struct sets_match *out)
{
	struct sets_match m = { .n = 0 };
	const bool admitted = doors_admit(&s->doors, p);
	unsigned i;

	for (i = 0; admitted && i < s->n; i++) {
		if (!is_for_listener(&s->entries[i].set, p->listener) ||
			!is_member(&s->entries[i].set, p))
			continue;
		if (m.n == BOOT_MAX_RINGS)
			return -1;
		m.fds[m.n] = s->entries[i].ring;
		m.len[m.n] = s->entries[i].set.ring_len;
		m.n++;
	}
	*out = m;
	return 0;
}
