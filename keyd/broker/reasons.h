/* Why a load failed, or what it warned of: for the state file. */
#ifndef KEYD_BROKER_REASONS_H
#define KEYD_BROKER_REASONS_H

enum {
	REASONS_MAX = 32,
	REASONS_TEXT = 512,
};

struct reasons {
	unsigned n;      /* kept */
	unsigned errors; /* all, also those over REASONS_MAX */
	char text[REASONS_MAX][REASONS_TEXT];
};

/* Writes a line to the log, and keeps it. LOG_ERR counts as an error; what is
 * less than a warning is not kept. */
__attribute__((format(printf, 3, 4))) void
reasons_add(struct reasons *r, int priority, const char *format, ...);

#endif
