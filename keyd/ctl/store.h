/*
 * The folders of keys and policies: keys/NAME.pem (0600) with its journal
 * keys/NAME.origin, policies/NAME.conf, and keys/NAME.original. Every file appears whole or not at
 * all: temporary name, fsync, rename, fsync of the folder.
 */
#ifndef KEYD_CTL_STORE_H
#define KEYD_CTL_STORE_H

#include <stdbool.h>
#include <time.h>

#include "bytes.h"
#include "config/config.h"
#include "fault.h"

enum store_kind {
	STORE_KEY,      /* .pem */
	STORE_ORIGIN,   /* .origin */
	STORE_POLICY,   /* .conf */
	STORE_ORIGINAL, /* .original: what stood in the file, if it is not .pem */
};

enum {
	STORE_MAX_FILE = 128 * 1024,
};

struct store {
	const struct config *config;
	int keys, policies; /* folders; policies may be -1 when not writing */
};

/*
 * Opens the folders. To write: makes them if they are missing (their parents
 * must exist), waits some seconds for another keydctl that is at work; and
 * refuses folders that others may write to; and removes temporary files that an
 * interrupted one left. 0, or -1 with *f.
 */
__attribute__((warn_unused_result)) int store_open(
	const struct config *c, bool write, struct store *out, struct fault *f);

void store_close(struct store *s);

/*
 * Lets other keydctls at a store that is open to write, while someone thinks or a
 * key is decrypted, and takes it again: 0; 1 if another may have been at work
 * meanwhile; or -1 with *f: it still is.
 */
void store_release(const struct store *s, struct timespec *when);
__attribute__((warn_unused_result)) int store_resume(
	const struct store *s, const struct timespec *when, struct fault *f);

/* Path of a file of the store, for words. */
const char *store_path(const struct store *s, enum store_kind k,
	const char *name, char out[PATH_MAX]);

/* Is there one? 1, 0, or -1 with *f. */
__attribute__((warn_unused_result)) int store_has(const struct store *s,
	enum store_kind k, const char *name, struct fault *f);

/* Writes one, replacing what is there. */
__attribute__((warn_unused_result)) int
store_put(const struct store *s, enum store_kind k, const char *name,
	const void *data, size_t len, struct fault *f);

/* Reads one. 1, 0 if there is none, or -1 with *f. */
__attribute__((warn_unused_result)) int
store_get(const struct store *s, enum store_kind k, const char *name,
	struct bytes *out, struct fault *f);

/* Opens one for reading. Descriptor, or -1 with *f. */
__attribute__((warn_unused_result)) int store_fd(const struct store *s,
	enum store_kind k, const char *name, struct fault *f);

/* Can files be removed from both folders, as far as can be told without trying? 0,
 * or -1 with *f: a read-only file system, or not for this user. */
__attribute__((warn_unused_result)) int
store_can_drop(const struct store *s, struct fault *f);

/* Removes one; that there is none is no error. */
__attribute__((warn_unused_result)) int store_drop(const struct store *s,
	enum store_kind k, const char *name, struct fault *f);

/* Names of one kind in order, NULL at the end, in one block to be freed. NULL
 * with *f on failure. */
char **store_names(const struct store *s, enum store_kind k, struct fault *f);

#endif
