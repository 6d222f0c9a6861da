/*
 * Files that a policy names: opened only where nobody but root can have had a
 * hand in them.
 *
 * Who owns a directory on the way to a file, or may write to it, decides what
 * is found there, and can change it, make it a link to any other file, or a
 * file system that never answers. So the path is walked by directory
 * descriptors, links are followed by hand, and each component (directory,
 * symbolic link, the file itself) must belong to root, or to the user that
 * keyd runs as, and be writable by its owner alone. In a sticky directory that
 * others may write (/tmp) only a directory counts: one of root's they can
 * neither remove nor put there. At the first component that will not do the
 * walk ends: nothing behind it is looked at, so that its owner can neither
 * learn anything from the outcome nor have any influence on it.
 */
#ifndef KEYD_BROKER_TRUST_H
#define KEYD_BROKER_TRUST_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	TRUST_MAX_FILE = 1024 * 1024,
	TRUST_MAX_LINKS = 40,
	TRUST_FOREIGN = -2,
};

/* The component that is not root's alone. */
struct trust_foreign {
	char path[PATH_MAX]; /* without the links on the way to it */
	uid_t uid;
	mode_t mode; /* permission bits */
};

/* Does one user alone decide what is behind it? Not if he is nobody in
 * particular (65534), or if others can write to it, too. */
__attribute__((warn_unused_result)) bool
trust_has_owner(const struct trust_foreign *f);

/*
 * Opens a regular file of at most TRUST_MAX_FILE bytes for reading, without
 * waiting. A relative path starts at the descriptor folder, called
 * folder_path. A descriptor; or -1 with errno (EINVAL: not a regular file,
 * EFBIG, ELOOP, …); or TRUST_FOREIGN with *why.
 */
__attribute__((warn_unused_result)) int trust_open(int folder,
	const char *folder_path, const char *path, struct trust_foreign *why);

/* The same of an absolute path to a regular file of any size, or a folder. */
__attribute__((warn_unused_result)) int
trust_open_any(const char *path, struct trust_foreign *why);

#endif
