/*
 * What went wrong, in words to act on, and the exit code it leads to. Errors
 * are values: a function that fails fills in a fault and returns -1.
 */
#ifndef KEYD_CTL_FAULT_H
#define KEYD_CTL_FAULT_H

/* Exit codes of keydctl; documented in --help. */
enum fault_code {
	FAULT_NONE = 0,
	FAULT_FAILED = 1,      /* it was tried and went wrong */
	FAULT_USAGE = 2,       /* the command line */
	FAULT_NOT_RUNNING = 3, /* keyd does not run */
	FAULT_REFUSED = 4,     /* unsafe, or the operator must decide */
	FAULT_PARTLY = 5,      /* done in part: the words say which */
};

struct fault {
	int code;
	char text[2048]; /* "FILE[:LINE]: what: what to do" */
};

/* Fills in *f. Always -1, so that callers can return it. */
__attribute__((format(printf, 3, 4))) int
fault_set(struct fault *f, int code, const char *fmt, ...);

/* Adds words at the end, for what follows from the fault. */
__attribute__((format(printf, 2, 3))) void
fault_add(struct fault *f, const char *fmt, ...);

/* What to do about words of the system's: ": run keydctl as root" where an
 * ordinary user was not permitted something, else "". */
const char *fault_advice(const char *text);

/* Prints "keydctl: text" with advice to standard error; returns the exit code. */
int fault_print(const struct fault *f);

#endif
