/*
 * The outcome of a successful load: the table of allow sets with their rings,
 * the index, and who comes in through which listener. Rings are descriptors here; the broker never maps one.
 */
#ifndef KEYD_BROKER_SETS_H
#define KEYD_BROKER_SETS_H

#include <stdbool.h>

#include "broker/door.h"
#include "broker/leftout.h"
#include "broker/peer.h"
#include "wire/boot.h"

struct sets_entry {
	struct boot_set set;
	int ring;
};

struct sets {
	struct sets_entry *entries;
	unsigned n, room;
	int index; /* -1 until it is known */
	uint32_t index_len, keys;
	bool has_units;
	struct doors doors;
	struct leftout left_out; /* what was there, but is not in them */
};

/* Rings that fit a peer. */
struct sets_match {
	int fds[BOOT_MAX_RINGS];
	uint32_t len[BOOT_MAX_RINGS];
	uint8_t n;
	account_t account; /* ACCOUNT_NONE without rings */
};

struct sets *sets_new(void); /* NULL: no memory */
void sets_free(struct sets *s);

/* Takes ring over. 0, or -1 with errno (ENOSPC: BOOT_MAX_SETS); then ring is
 * still the caller's. */
MUST_USE int sets_add(struct sets *s, const struct boot_set *set, int ring);

/*
 * Rings of all sets that name the peer's uid, one of its groups or its unit,
 * and are for the listener it came through; none if it may not come through it.
 * With them on whose account its session goes: the listener's if it came through
 * one, for who is root in a container is each of its users; its own if one of
 * the sets names its uid; else that of its group that does, or of its unit.
 * 0, or -1 if there are more than a session can take. Descriptors stay the
 * table's.
 */
MUST_USE int
sets_find(const struct sets *s, const struct peer *p, struct sets_match *out);

#endif
