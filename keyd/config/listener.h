/*
 * [listener NAME] of keyd.conf: a socket of its own, for a container, with the
 * keys that may be used through it and the users who may come through it. libc
 * only.
 */
#ifndef KEYD_CONFIG_LISTENER_H
#define KEYD_CONFIG_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "ini/ini.h"

enum {
	LISTENER_MAX = 31, /* a bit each, beside the one of all other sockets */
	LISTENER_MAX_NAME = 31,
	LISTENER_MAX_SOCKET = 107, /* sun_path without its terminating zero */
	LISTENER_MAX_TEXT = 1023,
	LISTENER_MAX_USERS = 64, /* words of `allow` */
};

struct listener_config {
	char name[LISTENER_MAX_NAME + 1];
	char socket[LISTENER_MAX_SOCKET + 1]; /* absolute */
	char keys[LISTENER_MAX_TEXT + 1];  /* names and patterns, as written */
	char allow[LISTENER_MAX_TEXT + 1]; /* as written */
	unsigned line;                     /* of the first setting */
};

/* One word of `allow`. */
struct listener_users {
	char name[64];        /* of an account; "": the range */
	uint32_t first, last; /* user ids, both included */
};

struct listener_setting {
	const char *name;
	int (*set)(struct listener_config *l, const char *base,
		const char *value, struct ini_error *err);
};

extern const struct listener_setting listener_settings[]; /* ends with NULL */

/* Sets what is named. base: the folder that relative paths count from. 0, or
 * -1 with err->text. */
__attribute__((warn_unused_result)) int
listener_set(struct listener_config *l, const char *base, const char *name,
	const char *value, struct ini_error *err);

/* Are all settings there? None has a default. 0, or -1 with *err. */
__attribute__((warn_unused_result)) int
listener_finish(const struct listener_config *l, struct ini_error *err);

/*
 * The next word of `allow`, of which *text then points behind. 1, 0 at the
 * end, -1 with err->text: not of a form that there is; or an id that is
 * nobody's (65534); or root in a range, where one may not have thought of it.
 */
__attribute__((warn_unused_result)) int listener_next_users(
	const char **text, struct listener_users *out, struct ini_error *err);

/* Does `keys` name the key? */
bool listener_has_key(const struct listener_config *l, const char *key);

#endif
