/* What a session that has been taken over might try. One function an attack. */
#ifndef TESTS_SANDBOX_ATTACKS_H
#define TESTS_SANDBOX_ATTACKS_H

#include <stdbool.h>
#include <stddef.h>

/* What the attacker holds: all that a session holds. */
struct attack_scene {
	int client, audit;
	int memory; /* a memory file that a session would have closed, or -1 */
	void *ring; /* mapped read-only */
	size_t ring_len;
	const char *arg; /* a path, a pid, a port, as the attack needs; or "" */
};

struct attack {
	const char *name;
	/* 0: it worked. Else the errno it was refused with. */
	int (*run)(const struct attack_scene *s);
};

extern const struct attack attacks[]; /* ends with name NULL */

#endif
