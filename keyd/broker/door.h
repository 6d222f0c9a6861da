/*
 * Who may come in through a listener of keyd.conf, of the users as the broker
 * sees them. A door narrows what policies allow, it never adds to it.
 */
#ifndef KEYD_BROKER_DOOR_H
#define KEYD_BROKER_DOOR_H

#include "broker/peer.h"
#include "broker/reasons.h"
#include "config/config.h"

struct door_range {
	uint32_t first, last;
};

struct door {
	char name[LISTENER_MAX_NAME + 1];
	struct door_range users[LISTENER_MAX_USERS];
	unsigned n;
};

/* By number, from 1 on. 0, the sockets that are no listener's, are open to all:
 * there, policies alone decide. */
struct doors {
	struct door door[LISTENER_MAX];
	unsigned n;
};

/* Looks names of users up. Whom there is not nobody is: a warning. */
void
doors_make(struct doors *d, const struct config *c, struct reasons *reasons);

/* May the peer come in where it came? root is one of the users, no more; the
 * overflow id is nobody. */
bool doors_admit(const struct doors *d, const struct peer *p);

/* Of the listener with this number; "" for 0 and where there is none. */
const char *doors_name(const struct doors *d, unsigned number);

#endif
