/* The layers of lock-in as reported: on, or off and why. */
#ifndef KEYD_BROKER_LAYERS_H
#define KEYD_BROKER_LAYERS_H

#include <stdbool.h>

#include "config/config.h"
#include "lockdown/lockdown.h"

enum {
	LAYERS_WHY = 128,
};

struct layers {
	uint32_t on;
	char why[LAYER_COUNT][LAYERS_WHY]; /* of those that are off */
};

/* What the reasons follow from. */
struct layers_facts {
	const struct lockdown_result *namespaces; /* the broker's two */
	uint32_t wanted;                          /* by the session's plan */
	uint32_t session_on;                      /* as its ready says */
	bool privileged;                          /* started as root */
	bool session_uids;                        /* are configured */
};

/* What a session would say, as far as can be told without one. */
uint32_t layers_expected(uint32_t wanted, bool privileged);

void layers_judge(const struct layers_facts *f, struct layers *out);

/* Two lines in the log: which are on, which are off and why. */
void layers_log(const struct layers *l);

/* Those that the configuration requires and that are off: 0, or -1 with a line
 * for each in the log, saying what to do. */
__attribute__((warn_unused_result)) int
layers_require(const struct layers *l, const struct config *c);

#endif
