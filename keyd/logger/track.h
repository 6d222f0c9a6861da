/* Which session has which peer, as the broker told. */
#ifndef KEYD_LOGGER_TRACK_H
#define KEYD_LOGGER_TRACK_H

#include <stdint.h>

enum {
	TRACK_MAX = 17000, /* sessions: the most that max-sessions allows */
	TRACK_NAME = 32,
};

struct track_peer {
	uint32_t pid, uid, gid;
	char listener[TRACK_NAME]; /* it came through; or "" */
};

/* The session has this peer from now on. Forgotten if the table is full. */
void track_add(uint32_t session, const struct track_peer *peer);

void track_remove(uint32_t session);

/* NULL: unknown. */
const struct track_peer *track_find(uint32_t session);

#endif
