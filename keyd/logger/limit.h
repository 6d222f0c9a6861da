/*
 * How many lines others may cause. Who floods the log must not be able to keep
 * something else out of it: so each user, key, status and detail has a budget of
 * its own, and the first refusal of a new kind is written whatever went before.
 * By user, not by session, since whoever may connect can have any number of
 * sessions. What is held back is counted by its kind, and told.
 *
 * A line is paid for three times: for its key, so that no key hides another;
 * for its kind (user, status, detail), since a user may know many keys; and for
 * its user, which is for sessions under control of an attacker, who can make up
 * kinds and keys: one that is not cannot use that budget up.
 *
 * The tables are of fixed size. The bucket longest unseen makes room, its count
 * told; when it comes again it is full, so that more is written, not less.
 */
#ifndef KEYD_LOGGER_LIMIT_H
#define KEYD_LOGGER_LIMIT_H

#include <stdbool.h>

#include "logger/track.h"
#include "wire/audit.h"

enum {
	LIMIT_WAYS = 8, /* buckets of one hash */
	LIMIT_KEYS = 256 * LIMIT_WAYS,
	LIMIT_KINDS = 64 * LIMIT_WAYS,
	LIMIT_USERS = 32 * LIMIT_WAYS,
	/* lines at once, and ms for another */
	LIMIT_KEY_BURST = 20,
	LIMIT_KEY_INTERVAL = 10000,
	LIMIT_KIND_BURST = 50,
	LIMIT_KIND_INTERVAL = 10000,
	LIMIT_USER_BURST = 2000,
	LIMIT_USER_INTERVAL = 100,
	LIMIT_SUMMARY = 10000, /* ms from the first held back until told */
	/* kinds of line that are no kind of record */
	LIMIT_ANY = 0, /* in summaries: many kinds */
	LIMIT_NO_RECORD = 254,
	LIMIT_LOST = 255,
};

/* Whose line it is. All who come through one listener are one, as in quotas:
 * root of a container is each of its users, and is not to use up what the same
 * user has outside. */
struct limit_who {
	uint32_t uid;              /* 0 with a listener */
	char listener[TRACK_NAME]; /* "": none */
};

/* What a line is about. */
struct limit_id {
	struct limit_who who;
	uint8_t kind;            /* enum audit_kind, or of the above */
	uint16_t status, detail; /* of a session's end: 0, its code */
	uint8_t key[PROTO_HASH_LEN];
};

struct limit_bucket {
	bool used;
	struct limit_id id;
	uint32_t lines;  /* still allowed */
	uint32_t held;   /* held back since the last summary */
	uint64_t filled; /* ms, when lines last grew */
	uint64_t first;  /* ms, when the first was held back */
	uint64_t told;   /* ms, of the last summary; 0: none yet */
	uint64_t last;   /* ms, when last seen */
};

struct limit {
	struct limit_bucket keys[LIMIT_KEYS], kinds[LIMIT_KINDS],
		users[LIMIT_USERS];
	uint64_t due; /* ms, of the next summary; 0: none */
};

/* To be told that count lines of that kind (key is zeros) were held back. */
typedef void
limit_summary_fn(void *arg, const struct limit_id *what, uint32_t count);

/* The peer's lines; peer NULL, of one unknown: those of the sender uid. */
struct limit_who limit_who_of(const struct track_peer *peer, uint32_t uid);

/* What the line of a record is about. The key counts where keyd has it, not
 * where the client made it up. */
struct limit_id limit_id_of(const struct audit *a, const struct limit_who *who);

/* May this line be written at time now? If not, count is added to what was held
 * back of its kind. */
bool limit_allows(struct limit *l, const struct limit_id *id, uint32_t count,
	uint64_t now, limit_summary_fn *fn, void *arg);

/* Tells the summaries that are due; all with now UINT64_MAX. */
void limit_tell(struct limit *l, uint64_t now, limit_summary_fn *fn, void *arg);

/* Tells those of one user, but for kinds told less than LIMIT_SUMMARY ago. */
void limit_tell_user(struct limit *l, const struct limit_who *who, uint64_t now,
	limit_summary_fn *fn, void *arg);

#endif
