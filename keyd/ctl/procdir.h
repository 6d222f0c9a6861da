/*
 * /proc/PID of one process. Its descriptor holds on to the process like a
 * pidfd: when that has ended, its number may be another's, but through here
 * nothing of the other can be read (ESRCH or ENOENT). So all that is asked of a
 * process goes through one of them.
 */
#ifndef KEYD_CTL_PROCDIR_H
#define KEYD_CTL_PROCDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	PROCDIR_MAX_TEXT = 4 * 1024 * 1024,
	PROCDIR_MAX_LINE = 8192, /* a path has at most 4 * PATH_MAX, escaped */
	PROCDIR_MAX_LINES = 1024 * 1024 * 1024, /* bytes */
};

/* A descriptor, or -1 with errno: ENOENT if there is no such process. */
__attribute__((warn_unused_result)) int procdir_open(pid_t pid);

/* Has it ended? What errno says of a failure with the descriptor. */
bool procdir_is_gone(int error);

/* All of a file there, terminated, to be freed; its length if len is not NULL.
 * NULL with errno: EFBIG for more than PROCDIR_MAX_TEXT. */
char *procdir_text(int dir, const char *name, size_t *len);

/* Takes one line, without its end, which it may change. */
typedef void procdir_line_fn(void *arg, char *line);

/*
 * Calls fn for each line of a file that may be long. Of a line longer than
 * PROCDIR_MAX_LINE only its start is passed on. 0, or -1 with errno: EFBIG after
 * PROCDIR_MAX_LINES bytes.
 */
__attribute__((warn_unused_result)) int
procdir_lines(int dir, const char *name, procdir_line_fn *fn, void *arg);

/* Is its namespace of this kind ("net") another one than ours? 1, 0, or -1 with
 * errno. */
__attribute__((warn_unused_result)) int
procdir_is_other(int dir, const char *kind);

/* What stands behind "NAME:" at a line's start, or NULL; text may be NULL. */
const char *procdir_field(const char *text, const char *name);

/* Field n (from 3) of the text of `stat`, which begins behind the program's name
 * in brackets, or NULL. */
const char *procdir_stat(const char *stat, unsigned n);

#endif
