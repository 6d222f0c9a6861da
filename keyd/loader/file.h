/* Files that the starter opened. libc only. */
#ifndef KEYD_LOADER_FILE_H
#define KEYD_LOADER_FILE_H

#include <sys/types.h>

#include "loader/fault.h"
#include "wire/cursor.h"

enum {
	FILE_MAX_KEY = 64 * 1024,
	FILE_MAX_CERTIFICATE = 1024 * 1024,
};

/* Who else might read or write a file, by owner and mode. */
enum file_guard {
	FILE_SECRET,  /* of root or owner, nothing for group and others */
	FILE_TRUSTED, /* of root or owner, not writable by group and others */
	FILE_PUBLIC,  /* whatever it is: keydctl looks at it, or it is a
		       * certificate, which the starter has judged */
};

/* 0, or -1 with *why. owner: who may own it beside root. */
MUST_USE int
file_check(int fd, enum file_guard guard, uid_t owner, struct fault *why);

/*
 * Reads a regular file of at most max bytes. *text is the caller's, to release with
 * file_release(). 0, or -1 with *why.
 */
MUST_USE int
file_read(int fd, size_t max, struct view *text, struct fault *why);

/* Wipes and frees. */
void file_release(struct view *text);

#endif
