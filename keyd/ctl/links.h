/*
 * A key file under all of its names: the path that was given, and the file's
 * other hard links. All of them become another file, whose hard links they are
 * then, or none.
 *
 * As in swap.h: links_prepare → links_exchange → links_discard. Beside each name
 * is a temporary one, which the journal's tells: links_tmp(). Killed in between,
 * each name holds the old file or the new one, and recover.h ends it.
 *
 * All of them lie in directories in which the same user acts (path.h): no one is
 * given a name for a file that he could not have named himself.
 */
#ifndef KEYD_CTL_LINKS_H
#define KEYD_CTL_LINKS_H

#include "swap.h"

enum {
	LINKS_MAX = 32,
};

/* What to do if links_discard() has left something. */
#define LINKS_LEFT                                                             \
	"SOMEONE GAVE THE KEY ANOTHER NAME IN THE MEANTIME (a hard link), "    \
	"and "                                                                 \
	"it still stands under that: look for it in this file system, or "     \
	"better make a new key (keydctl generate)"

struct links {
	unsigned n;
	struct path_place
		at[LINKS_MAX]; /* the first: the path that was given */
};

/* Walks to a path, and adds it. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
links_add(struct links *l, const char *path, struct fault *f);

/*
 * Adds the other names of the file that the first place has, by what stat told of
 * it: those among the paths that are named (a list that ends with NULL), which may
 * be other files as well. 0, or -1 with *f if one of them cannot be replaced.
 */
__attribute__((warn_unused_result)) int links_join(struct links *l,
	const struct stat *st, char *const *named, struct fault *f);

/* As links_join(), then those that a search of the file system finds. Fewer than
 * the file has are a fault. */
__attribute__((warn_unused_result)) int links_find(struct links *l,
	const struct stat *st, char *const *named, struct fault *f);

void links_close(struct links *l);

/* The temporary name beside place i, for the journal's. */
const char *links_tmp(const char *tmp, unsigned i, char out[SWAP_NAME]);

/* The new file, under all temporary names. On failure nothing is left. */
__attribute__((warn_unused_result)) int
links_prepare(const struct links *l, const char *tmp, const void *data,
	size_t len, const struct meta *m, struct fault *f);

/* Exchanges all, or goes back: as swap_exchange(). */
__attribute__((warn_unused_result)) int links_exchange(const struct links *l,
	const char *tmp, const struct swap_file *old, struct fault *f);

/*
 * Removes the temporary names that are there. *left, if asked for: how many names the file that
 * stood there has all the same, because someone gave it one in the meantime.
 */
__attribute__((warn_unused_result)) int links_discard(const struct links *l,
	const char *tmp, unsigned *left, struct fault *f);

#endif
