/*
 * The folders of keys and policies: opens their files for the loader. Parses
 * nothing.
 */
#ifndef KEYD_BROKER_STORE_H
#define KEYD_BROKER_STORE_H

#include "broker/leftout.h"
#include "broker/reasons.h"
#include "broker/trust.h"
#include "config/config.h"

enum {
	STORE_MAX_FILES = 2 * 65535,
};

struct store {
	char keys[PATH_MAX], policies[PATH_MAX];
	int keys_fd, policies_fd;
	char **names; /* of keys, of policies, or both; sorted */
	unsigned n;
};

/* A file, or why there is none. */
struct store_file {
	int fd;    /* -1 with error */
	int error; /* errno */
};

/*
 * Opens both folders and lists NAME.pem of the one, NAME.conf of the other;
 * files that begin with a dot or end otherwise do not count. 0, or -1: a folder
 * cannot be opened, belongs to another or can be written by others. Adds
 * reasons; a name that is none of a key adds one, too, and is left out.
 */
__attribute__((warn_unused_result)) int
store_open(struct store *s, const struct config *c, struct reasons *reasons,
	struct leftout *left_out);

/* The place of a name in the list, or -1. */
int store_find(const struct store *s, const char *name);

/* Also after a failed store_open(). */
void store_close(struct store *s);

/*
 * Opens NAME.pem, NAME.conf for the loader, which checks owner, mode and size
 * of what it reads, so that all that is wrong with a key is told at once. A
 * file that is not there, not regular (EINVAL) or a symbolic link (ELOOP) is
 * told by its errno instead of a descriptor.
 */
void store_open_key(
	const struct store *s, const char *name, struct store_file files[2]);

/* Closes what is open of them. */
void store_close_key(struct store_file files[2]);

/* A file that a policy names, from the policies folder: trust_open(). */
__attribute__((warn_unused_result)) int store_open_file(
	const struct store *s, const char *path, struct trust_foreign *why);

#endif
