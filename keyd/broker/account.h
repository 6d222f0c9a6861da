/*
 * On whose account a session goes, for quotas and back-off. It is what lets the
 * client in, a word of `allow` or a listener, and no id that the client can
 * choose: with a range of /etc/subuid anyone is 65536 users of the kernel's and
 * keeps his groups and his unit. So there are no more accounts than words.
 */
#ifndef KEYD_BROKER_ACCOUNT_H
#define KEYD_BROKER_ACCOUNT_H

#include <stdint.h>

/* In the order in which the words that fit a client count. */
enum account_kind {
	ACCOUNT_USER,
	ACCOUNT_GROUP, /* of several the one with the lowest id */
	ACCOUNT_UNIT,
	ACCOUNT_LISTENER, /* whatever the words */
	ACCOUNT_NONE,     /* no word fits */
};

/* Of two accounts of a client's, the lower number is the one that counts. */
typedef uint64_t account_t;

/* id: a uid, a gid, the number of a listener. */
account_t account_of(enum account_kind kind, uint32_t id);

/* All processes of a unit, by its name. */
account_t account_of_unit(const char *name);

enum account_kind account_kind(account_t a);

/* What account_of() was given. */
uint32_t account_id(account_t a);

#endif
