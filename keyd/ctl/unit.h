/*
 * What is said of a service in systemd's files, of this system or another one's
 * (an image): does OPENSSL_CONF reach it?
 */
#ifndef KEYD_CTL_UNIT_H
#define KEYD_CTL_UNIT_H

#include <stdbool.h>

enum {
	UNIT_MAX_WARNINGS = 8,
};

struct unit_warnings {
	unsigned n;
	char text[UNIT_MAX_WARNINGS][512];
};

/* Adds one, if there is room. */
__attribute__((format(printf, 2, 3))) void
unit_warn(struct unit_warnings *w, const char *fmt, ...);

/* NAME.service, in systemd's alphabet? */
bool unit_is_name(const char *unit);

/* A regular file or folder by its path below root, out of which no link leads,
 * opened for reading: a descriptor, or -1 with errno. */
__attribute__((warn_unused_result)) int unit_open(int root, const char *path);

/* Is there a file of it? Instances of templates count as there. */
bool unit_exists(int root, const char *unit);

/* Warns of what may keep a drop-in called except, which is not read, from doing
 * what it is for. */
void unit_examine(int root, const char *unit, const char *except,
	struct unit_warnings *w);

#endif
