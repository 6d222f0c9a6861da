/* The keyd that runs with this configuration: docs/PROTOCOL.md §12. */
#ifndef KEYD_CTL_DAEMON_H
#define KEYD_CTL_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/config.h"
#include "fault.h"

enum {
	DAEMON_MAX_REASONS = 32,
	DAEMON_MAX_LAYERS = 16,
	DAEMON_MAX_PAIRS = 32,
	DAEMON_NO_STATE = -2,
};

struct daemon_pair {
	char name[48];
	char value[640]; /* a socket, its listener and why it waits */
};

struct daemon_pairs {
	unsigned n;
	struct daemon_pair pair[DAEMON_MAX_PAIRS];
};

/* The state file. */
struct daemon_state {
	unsigned long long pid, started, begun, sequence, generation,
		reload_time, loaded, keys, left_out;
	bool reload_ok; /* taken, but perhaps not all keys */
	char version[32];
	struct daemon_pairs reasons, left_out_names, layers, sessions, sockets;
};

/* Its pid, 0 if none runs, or -1 with *f. */
__attribute__((warn_unused_result)) int
daemon_pid(const struct config *c, pid_t *out, struct fault *f);

/* How it is started, for words: "systemctl start …" where that is for c. */
const char *daemon_start_words(const struct config *c);

/* 0, DAEMON_NO_STATE (starting or stopping) or -1, both with *f. */
__attribute__((warn_unused_result)) int
daemon_state(const struct config *c, struct daemon_state *out, struct fault *f);

/* Their names for people, as many as are told and fit. Returns out. */
const char *
daemon_left_out(const struct daemon_state *s, char *out, size_t size);

/*
 * Makes keyd load keys and policies again, and waits for the outcome. 0 if it
 * was taken, perhaps without keys that it left out before, with the state; -1 with *f: not running, no outcome in time, or
 * why the load failed (nothing has changed in keyd then).
 */
__attribute__((warn_unused_result)) int daemon_reload(
	const struct config *c, struct daemon_state *out, struct fault *f);

/* The same without the state; keys that are left out are said on standard error. */
__attribute__((warn_unused_result)) int
daemon_tell(const struct config *c, struct fault *f);

/* The same, and -1 if this key is among those left out. */
__attribute__((warn_unused_result)) int
daemon_tell_of(const struct config *c, const char *name, struct fault *f);

/* The same as daemon_tell() after a key was taken out of the store. If keyd does not load, it
 * still has that key, and *f, FAULT_PARTLY, says so. */
__attribute__((warn_unused_result)) int
daemon_without(const struct config *c, const char *name, struct fault *f);

#endif
