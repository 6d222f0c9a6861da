/*
 * The way to a file that others may have had a hand in.
 *
 * A path is walked one component at a time with directory descriptors. Symbolic
 * links are followed, but as soon as a directory on the way can be written by
 * someone other than root, everything below it is done with that directory
 * owner's identity, and never with root's again: so a service user can aim
 * keydctl only at files that he could have opened himself. In a sticky
 * directory that others may write (/tmp) it is the entry's owner who counts.
 * What has no single owner to act as is refused: a directory that everyone may
 * write, or a group (but for a user's own private group). Without root the same
 * rules hold, and no identity can be changed.
 */
#ifndef KEYD_CTL_PATH_H
#define KEYD_CTL_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "fault.h"

enum {
	PATH_MAX_GROUPS = 256,
	PATH_MAX_LINKS = 40,
};

struct path_place {
	int dir; /* the file's directory, opened for reading */
	char name[NAME_MAX + 1];
	char real[PATH_MAX]; /* the whole path without links */
	bool exists;         /* as of the walk */
	/* who acts in dir; other than this process: switched */
	bool switched;
	uid_t uid;
	gid_t gid;
	gid_t groups[PATH_MAX_GROUPS];
	int ngroups;
};

/*
 * Walks to the file at path. The last component may be missing. 0, and the
 * place must be closed; or -1 with *f. The process has its own identity again
 * then.
 */
__attribute__((warn_unused_result)) int
path_find(const char *path, struct path_place *out, struct fault *f);

void path_close(struct path_place *p);

/*
 * Become who the place belongs to, and be oneself again. Between the two only
 * what is done by name in p->dir. path_enter: 0, or -1 with *f.
 */
__attribute__((warn_unused_result)) int
path_enter(const struct path_place *p, struct fault *f);
void path_leave(const struct path_place *p);

#endif
