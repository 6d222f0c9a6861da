#include "logger/track.h"

#include <stddef.h>

enum {
	BUCKETS = 1024,
};

/* Entries are numbered from 1; 0 ends a chain. */
struct entry {
	uint32_t session, next;
	struct track_peer peer;
};

static struct {
	struct entry entries[TRACK_MAX + 1];
	uint32_t heads[BUCKETS];
	uint32_t used;  /* entries ever used */
	uint32_t spare; /* chain of those given back */
} table;

static uint32_t *
find(uint32_t session)
{
	uint32_t *link = &table.heads[session % BUCKETS];

	while (*link != 0 && table.entries[*link].session != session)
		link = &table.entries[*link].next;
	return link;
}

static uint32_t
take_entry(void)
{
	uint32_t i = table.spare;

	if (i != 0) {
		table.spare = table.entries[i].next;
		return i;
	}
	return table.used == TRACK_MAX ? 0 : ++table.used;
}

void
track_add(uint32_t session, const struct track_peer *peer)
{
	uint32_t *link = find(session), i = *link;

	if (i == 0) {
		i = take_entry();
		if (i == 0)
			return;
		table.entries[i].session = session;
		table.entries[i].next = 0;
		*link = i;
	}
	table.entries[i].peer = *peer;
}

void
track_remove(uint32_t session)
{
	uint32_t *link = find(session), i = *link;

	if (i == 0)
		return;
	*link = table.entries[i].next;
	table.entries[i].next = table.spare;
	table.spare = i;
}

const struct track_peer *
track_find(uint32_t session)
{
	uint32_t i = *find(session);

	return i == 0 ? NULL : &table.entries[i].peer;
}
