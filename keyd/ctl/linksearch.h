/*
 * Looks for the hard links of a file: through its own directory, then through
 * the directory above, and so on up to the root of the mount that it is seen
 * in. Other mounts are not entered, symbolic links not followed. It reads what the user who
 * acts in the file's directory may read (path.h), and what it finds are
 * no more than names, to be walked to and looked at again.
 *
 * On a terminal it says how far it is; interrupting it changes nothing.
 */
#ifndef KEYD_CTL_LINKSEARCH_H
#define KEYD_CTL_LINKSEARCH_H

#include <stdbool.h>
#include <sys/stat.h>

#include "links.h"

enum {
	LINKSEARCH_MAX = 4 * 1000 * 1000, /* names that are looked at */
	LINKSEARCH_DEPTH = 128,           /* directories below one another */
};

struct linksearch {
	unsigned n;
	char found[LINKS_MAX][PATH_MAX];
	bool whole; /* all has been looked at that can be */
};

/* Ends as soon as it has as many as the file has names. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
linksearch(const struct path_place *from, const struct stat *file,
	struct linksearch *out, struct fault *f);

#endif
