/* Applications' files that are shells: useless without the provider. */
#ifndef KEYD_CTL_SHELLS_H
#define KEYD_CTL_SHELLS_H

#include "store.h"

struct shells {
	unsigned n;
	char words[1024]; /* the first of them, and how many more */
};

/* Those that keys were imported from, and that are shells still. What cannot be
 * read counts as none. */
void shells_find(const struct config *c, struct shells *out);

#endif
