/*
 * Session processes: prepared in advance, handed a client and its rings, counted,
 * reaped. The broker sends each one datagram and reads one, `ready`, of nine
 * bytes (docs/PROTOCOL.md §11).
 */
#ifndef KEYD_BROKER_SESSION_H
#define KEYD_BROKER_SESSION_H

#include <poll.h>

#include "broker/backoff.h"
#include "broker/logger.h"
#include "broker/peer.h"
#include "broker/sets.h"
#include "broker/waiting.h"
#include "lockdown/lockdown.h"

enum {
	SESSION_READY_TIME = 10000, /* ms from exec to ready */
	SESSION_GRACE = 1000,       /* ms an old generation may idle */
	SESSION_STOP_GRACE = 100,   /* ms for the request in hand, at the end */
	SESSION_RETRY = 1000,       /* ms after one that could not start */
	SESSION_MAX_STARTING = 4,   /* more only hold each other up */
};

enum session_state {
	SESSION_STARTING, /* ready is awaited */
	SESSION_READY,
	SESSION_ACTIVE, /* it has its client */
	SESSION_DYING,  /* killed, to be reaped */
};

struct session {
	struct session *next;
	enum session_state state;
	pid_t pid;
	int control;      /* -1 once it is active */
	struct peer peer; /* pid 0: no client yet */
	uint64_t number, generation;
	uint32_t uid_slot;
	uint64_t due; /* SIGKILL at this time */
};

struct session_counters {
	uint64_t started, ended, crashed, turned_away; /* since boot */
};

struct sessions {
	/* The owner's, set before sessions_init(). */
	const char *program;
	struct lockdown_plan plan;
	uint32_t uid_first, uid_count; /* 0: all run as plan.uid */
	int generation_fd;
	struct logger *logger;
	const struct sets *sets; /* of the current generation; NULL: none yet */
	unsigned max, max_per_user, spare;
	unsigned long idle_timeout; /* ms */

	/* Readable by the owner. */
	struct session_counters counters;
	bool has_ready; /* layers_on is known */
	uint32_t layers_on;

	/* Ours. */
	struct session *list;
	struct waiting waiting;
	struct backoff backoff;
	uint8_t *uid_used;
	uint64_t next_number, retry_at;
	bool stopping;
};

/* 0, or -1: no memory. */
MUST_USE int sessions_init(struct sessions *s);

/*
 * Takes over the client that connected to a socket of this listener (0: of
 * none), whoever it is: finds out, checks quotas, and hands it to a
 * session or turns it away with the constant datagram.
 */
void sessions_accept(struct sessions *s, int client, unsigned listener);

/* Turns a client away without looking at it. */
void sessions_refuse(struct sessions *s, int client, const struct peer *peer,
	uint16_t status, uint16_t detail);

/* Starts as many spare ones as are missing, unless starting failed lately. */
void sessions_fill(struct sessions *s, uint64_t now);

/* Descriptors to wait for; at most size are written, their number returned. */
unsigned
sessions_poll(const struct sessions *s, struct pollfd *out, unsigned size);

/* One of those is readable. */
void sessions_readable(struct sessions *s, int fd);

/* Was it a session that waitpid(2) reaped? Frees its uid, counts, logs. */
bool sessions_reaped(struct sessions *s, pid_t pid, int status);

/* The generation has changed: who still idles in an old one is killed soon. */
void sessions_expire(struct sessions *s, uint64_t now);

/* No new ones; all end soon. */
void sessions_stop(struct sessions *s, uint64_t now);

uint64_t sessions_due(const struct sessions *s);
void sessions_tick(struct sessions *s, uint64_t now);

/* With a client, or waiting for one. */
unsigned sessions_active(const struct sessions *s);
unsigned sessions_spare(const struct sessions *s);

/* Tells a new logger of all clients. */
void sessions_introduce(struct sessions *s);

#endif
