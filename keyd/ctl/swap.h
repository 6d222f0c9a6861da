/*
 * Replaces a file's bytes in one step that can be undone, and checks what it
 * replaced. Used by import (key by shell) and restore (shell by key).
 *
 * swap_read → swap_prepare (the new bytes under a temporary name) →
 * swap_exchange (both names change places, then the old file is compared with
 * what was read; if it is another, back) → swap_discard (the temporary name,
 * now the old file). Killed in between, the file has its old bytes or the new
 * ones, and the temporary name, which the journal knows, what remains.
 */
#ifndef KEYD_CTL_SWAP_H
#define KEYD_CTL_SWAP_H

#include <stdbool.h>
#include <sys/stat.h>

#include "bytes.h"
#include "meta.h"
#include "path.h"

enum {
	SWAP_MAX = 64 * 1024, /* bytes of a key file */
	SWAP_NAME = 64,
	SWAP_STUCK = -2,
};

struct swap_file {
	struct stat st;
	struct meta meta;
	struct bytes bytes;
};

/*
 * Reads place's file, or that of another name in its directory, as the place's
 * identity, once. Refused: what is not a regular file, has hard links, or is
 * longer than SWAP_MAX.
 */
__attribute__((warn_unused_result)) int swap_read(const struct path_place *p,
	const char *name, struct swap_file *out, struct fault *f);

/* The same of a file that may have hard links: file->st tells how many. */
__attribute__((warn_unused_result)) int
swap_read_linked(const struct path_place *p, const char *name,
	struct swap_file *out, struct fault *f);

void swap_free(struct swap_file *file);

/* What stands under the name. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int swap_stat(const struct path_place *p,
	const char *name, struct stat *out, struct fault *f);

/* Is there anything under the name? 1, 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
swap_exists(const struct path_place *p, const char *name, struct fault *f);

/* A fresh temporary name, hidden. */
__attribute__((warn_unused_result)) int
swap_name(char out[SWAP_NAME], struct fault *f);

/* Writes data to a new file of the name, with owner, mode and attributes. On
 * failure nothing is left. */
__attribute__((warn_unused_result)) int
swap_prepare(const struct path_place *p, const char *tmp, const void *data,
	size_t len, const struct meta *m, struct fault *f);

/*
 * Exchanges tmp and the file, and makes sure that what stands under tmp then is
 * old, in identity, bytes and number of hard links, and under the file's name what was under tmp. If
 * not, goes back as swap_back does, and fails: -1, or SWAP_STUCK if the way
 * back failed too, and then nothing may be removed.
 */
__attribute__((warn_unused_result)) int
swap_exchange(const struct path_place *p, const char *tmp,
	const struct swap_file *old, struct fault *f);

/*
 * The way back: what stands under tmp gets the file's name again. ours is what
 * an exchange had put there. If that name holds another file by now, someone
 * has replaced ours, and that file is the last word: it keeps the name, and
 * what it superseded is left under tmp. Either way tmp may be discarded then.
 */
__attribute__((warn_unused_result)) int swap_back(const struct path_place *p,
	const char *tmp, const struct stat *ours, struct fault *f);

/* Removes tmp, if it is there, and makes the directory durable. */
__attribute__((warn_unused_result)) int
swap_discard(const struct path_place *p, const char *tmp, struct fault *f);

/* Writes a file that must not exist yet (a shell for a new key), mode 0644. */
__attribute__((warn_unused_result)) int swap_create(const struct path_place *p,
	const void *data, size_t len, struct fault *f);

#endif
