/*
 * Looks for words in a file of any size. It is read in pieces, and never mapped:
 * whose it is may make it shorter meanwhile.
 */
#ifndef KEYD_CTL_SCAN_H
#define KEYD_CTL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	SCAN_MAX = 512 * 1024 * 1024, /* bytes that are looked through */
	SCAN_MAX_WORDS = 8,
	SCAN_MAX_WORD = 64, /* length of one */
};

struct scan {
	unsigned found;            /* bit n: words[n] is there */
	off_t end[SCAN_MAX_WORDS]; /* behind where it is first */
	bool whole;                /* all of the file was looked through */
};

/* Ends early when the first word is found. 0, or -1: no memory. */
__attribute__((warn_unused_result)) int
scan_file(int fd, const char *const *words, size_t n, struct scan *out);

#endif
