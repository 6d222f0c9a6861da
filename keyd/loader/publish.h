/* The index, and one ring for each distinct set of users and listeners, to the starter. */
#ifndef KEYD_LOADER_PUBLISH_H
#define KEYD_LOADER_PUBLISH_H

#include "loader/load.h"

typedef int publish_order_fn(const struct loaded *a, const struct loaded *b);

/* By hash, then name. By users and listeners, then name. */
int publish_by_hash(const struct loaded *a, const struct loaded *b);
int publish_by_set(const struct loaded *a, const struct loaded *b);

/* Sorts in place. Not qsort(3), which asks the kernel for the machine's memory size and would
 * be killed by the filter. */
void publish_sort(struct loaded **keys, size_t n, publish_order_fn *order);

/* Sends the index and all sets; what fails is reported as an error. */
void publish_all(struct load *l);

#endif
