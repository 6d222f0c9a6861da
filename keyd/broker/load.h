/*
 * A load: runs keyd-load and answers its questions (docs/PROTOCOL.md §10), one datagram
 * at a time, so that the broker goes on accepting meanwhile.
 */
#ifndef KEYD_BROKER_LOAD_H
#define KEYD_BROKER_LOAD_H

#include "broker/reasons.h"
#include "broker/sets.h"
#include "config/config.h"

enum {
	LOAD_PATIENCE = 30000, /* ms between two datagrams */
};

enum load_result {
	LOAD_GOES_ON,
	LOAD_OK,     /* perhaps without some keys: sets.left_out */
	LOAD_FAILED, /* of all of them; reasons tell */
};

struct load;

/*
 * Starts a load of what c names; program is keyd-load's path, plan its lock-in, both
 * used now only. Errors and warnings are added to reasons. c and reasons must stay until the
 * load is freed. NULL: it could not start, the reason is added.
 */
struct load *load_start(const struct config *c, const char *program,
	const char *plan, struct reasons *reasons);

/* To wait for: readable, or this time. */
int load_fd(const struct load *l);
uint64_t load_due(const struct load *l);

/* To be called when the descriptor is readable or the time has come. */
MUST_USE enum load_result load_step(struct load *l);

/* Was it the loader that waitpid(2) reaped? Then it is never signalled again. */
bool load_reaped(struct load *l, pid_t pid);

/* After LOAD_OK, once: the caller's from now on. */
struct sets *load_take(struct load *l);

/* Also ends the process if it still runs; does not reap it. NULL is fine. */
void load_free(struct load *l);

#endif
