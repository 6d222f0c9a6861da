/*
 * keyd.conf as the broker and keydctl read it. libc only.
 */
#ifndef KEYD_CONFIG_CONFIG_H
#define KEYD_CONFIG_CONFIG_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/listener.h"

enum {
	CONFIG_MAX_SOCKETS = 16,
	CONFIG_MAX_SETTINGS = 32,
	CONFIG_MAX_WHERE = PATH_MAX + 64,
};

struct config {
	unsigned lines[CONFIG_MAX_SETTINGS]; /* of each setting; 0: default */
	char file[PATH_MAX];                 /* absolute */
	char socket[CONFIG_MAX_SOCKETS]
		   [PATH_MAX]; /* absolute, at most 107 bytes */
	unsigned nsockets;
	char abstract[108]; /* name without the leading NUL or @; "" for none */
	char keys[PATH_MAX];     /* folder of NAME.pem */
	char policies[PATH_MAX]; /* folder of NAME.conf */
	char run[PATH_MAX];      /* folder of the lock and state file */
	char user[64];           /* sessions, loader and logger run as */
	char chroot[PATH_MAX];
	uint32_t require; /* lock-in layers, bits of docs/PROTOCOL.md §11 */
	uint32_t session_uid_first, session_uid_count; /* count 0: none */
	unsigned max_sessions, max_sessions_per_user;
	unsigned spare_sessions;    /* prepared in advance */
	unsigned long idle_timeout; /* ms; 0: never */
	int log_level;              /* syslog priority */
	bool user_namespace;        /* keyd may run in one */
	struct listener_config listener[LISTENER_MAX];
	unsigned nlisteners;
};

/* The settings, for man pages and their test. */
struct config_setting {
	const char *name;
	const char *fallback; /* default, as written in the file */
	int (*set)(struct config *c, const char *base, const char *value,
		struct ini_error *err);
};

extern const struct config_setting config_settings[]; /* ends with name NULL */

/*
 * Reads the file at path into *out, defaults first. Relative paths in it count
 * from the file's folder. The file must be root's or the caller's own, and nobody
 * else may be able to write it. Returns 0, or -1 with err filled in (the setting is
 * named in its text) and out unspecified. Nothing is checked against the system
 * here (users, folders): the broker's boot does.
 */
__attribute__((warn_unused_result)) int
config_load(const char *path, struct config *out, struct ini_error *err);

/*
 * Through which sockets may the key be used? Bit 0: those of `socket` and
 * `abstract-socket`, always; bit n: listener n - 1.
 */
uint32_t config_listeners_of(const struct config *c, const char *key);

/*
 * Path of one of our own programs ("keyd-load"): beside this program if it is
 * there (a build folder), else in the installed libexec folder. 0, or -1 with
 * errno (ENOENT, EACCES, ENAMETOOLONG); out is then unspecified.
 */
__attribute__((warn_unused_result)) int
config_helper(const char *name, char *out, size_t size);

/*
 * Where a setting stands, for messages: "FILE:LINE: NAME", or, if the file does
 * not have it, "FILE: NAME (default)". Returns out.
 */
const char *config_where(
	const struct config *c, const char *name, char out[CONFIG_MAX_WHERE]);

#endif
