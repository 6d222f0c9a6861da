/* What the broker is while it runs: the modules' states, and its loop. */
#ifndef KEYD_BROKER_BROKER_H
#define KEYD_BROKER_BROKER_H

#include "broker/layers.h"
#include "broker/listen.h"
#include "broker/load.h"
#include "broker/logger.h"
#include "broker/session.h"
#include "broker/state.h"
#include "broker/user.h"

enum {
	BROKER_STOP_TIME = 3000, /* ms for everything to end */
};

struct broker {
	/* Boot. */
	struct config config;
	struct user user;
	struct listeners listeners;
	struct lockdown_result namespaces;
	char load_program[PATH_MAX], session_program[PATH_MAX],
		logger_program[PATH_MAX];
	char plan[PATH_MAX + 64]; /* of loader and logger, as text */

	/* Running. */
	int signal_fd, reserve_fd;
	uint64_t accept_again; /* ms; accepting pauses until then */
	struct logger logger;
	struct sessions sessions;
	struct state state;
	uint64_t state_due;

	/* Loads. */
	struct load *load; /* under way, else NULL */
	bool again;        /* another SIGHUP came meanwhile */
	struct config new_config;
	struct reasons reasons;
	struct sets *sets;        /* of the current generation */
	uint64_t begun, sequence; /* loads; the one whose outcome is told */
	bool reload_ok, was_loaded;
	time_t started, reload_time;
	time_t load_began, loaded; /* the last; that of this generation */
	struct layers layers;

	/* The end. */
	bool ready; /* told to the service manager */
	bool stopping;
	bool failed; /* exit code 1 */
	uint64_t stop_by;
};

/* Runs until everything has ended. The exit code. */
int broker_run(struct broker *b);

/* The end begins: no new clients, all sessions end. */
void broker_stop(struct broker *b, bool failed);

/* Writes the state file before it returns. */
void broker_state_write(struct broker *b);

/* The state file is to be written: now, or within STATE_PAUSE. */
void broker_state_changed(struct broker *b, bool now);

#endif
