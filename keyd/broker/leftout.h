/*
 * What a load left out, since it has faults: names of keys, or of files that can
 * be no key's.
 */
#ifndef KEYD_BROKER_LEFTOUT_H
#define KEYD_BROKER_LEFTOUT_H

#include <stddef.h>

struct leftout {
	char **names;
	unsigned n;
};

/* Takes a copy of name, its control characters replaced, since the state file is made
 * of lines. 0, or -1: no memory. */
__attribute__((warn_unused_result)) int
leftout_add(struct leftout *l, const char *name);

void leftout_sort(struct leftout *l);

/* The first name that other does not have, or NULL. Both are sorted. */
const char *
leftout_beyond(const struct leftout *l, const struct leftout *other);

/* The names for people, "a, b, c", or as many as fit and "…". Returns out. */
const char *leftout_words(const struct leftout *l, char *out, size_t size);

void leftout_free(struct leftout *l);

#endif
