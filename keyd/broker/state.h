/* The run folder: lock and state file, docs/PROTOCOL.md §12. */
#ifndef KEYD_BROKER_STATE_H
#define KEYD_BROKER_STATE_H

#include <stdint.h>
#include <time.h>

#include "broker/layers.h"
#include "broker/listen.h"
#include "broker/reasons.h"
#include "broker/session.h"

enum {
	STATE_PAUSE = 1000,  /* ms between two writings that nobody waits for */
	STATE_LEFT_OUT = 32, /* names told */
};

/* What the file tells. */
struct state_facts {
	time_t started, reload_time, loaded;
	const char *config;
	uint64_t begun, sequence, generation;
	int reload_ok;
	const struct sets *sets;
	const struct reasons *reasons;
	const struct layers *layers;
	const struct sessions *sessions;
	const struct listeners *listeners;
};

struct state {
	int folder, lock;
};

/*
 * Makes the run folder and the chroot folder where they are missing, checks
 * their owner and mode, and that the latter is empty. 0, or -1 with a line in the log.
 */
__attribute__((warn_unused_result)) int state_prepare(const struct config *c);

/* Locks the run folder, and removes the state file of a keyd that was killed. 0,
 * or -1 with a line in the log, which names the process that has it. */
__attribute__((warn_unused_result)) int
state_lock(struct state *s, const struct config *c);

/* Replaces the state file. 0, or -1 with errno, the old one unchanged. */
__attribute__((warn_unused_result)) int
state_write(const struct state *s, const struct state_facts *f);

/* Removes the state file and gives up the lock, whose file stays: who waits
 * for it must lock the same one. */
void state_close(struct state *s);

#endif
