/* A line of the log under construction: bounded, every foreign byte escaped. */
#ifndef KEYD_LOGGER_LINE_H
#define KEYD_LOGGER_LINE_H

#include <stddef.h>
#include <stdint.h>

enum {
	LINE_MAX_BYTES = 1024,
};

struct line {
	char text[LINE_MAX_BYTES]; /* terminated */
	size_t len;
};

/* priority as in syslog; prefix 0 leaves "<N>" out. */
void line_start(struct line *l, int priority, int prefix);

/* Appends; what does not fit is cut off. */
__attribute__((format(printf, 2, 3))) void
line_add(struct line *l, const char *format, ...);

/* Appends text up to its end or max bytes: what is not a letter, digit, '.', '_' or '-'
 * as \xNN. */
void line_add_escaped(struct line *l, const char *text, size_t max);

void line_add_hex(struct line *l, const uint8_t *data, size_t len);

#endif
