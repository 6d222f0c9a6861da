/* Where a process lives, and which of keyd's sockets suits that. */
#ifndef KEYD_CTL_PLACE_H
#define KEYD_CTL_PLACE_H

#include "config/config.h"
#include "process.h"

enum {
	PLACE_MAX_ADVICE = 1400,
};

/*
 * What would let a process that reaches no socket reach one: a socket inside of
 * its root folder with the lines for keyd.conf, the abstract socket, the
 * machine's folder mounted into a container. path and abstract are what the
 * process tries, "" for none. Returns out.
 */
const char *place_advice(const struct process *p, const struct config *c,
	const char *path, const char *abstract, char out[PLACE_MAX_ADVICE]);

#endif
