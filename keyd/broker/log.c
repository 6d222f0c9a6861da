#include "broker/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum {
	MAX_LINE = 2000,
};

static struct {
	int level;
	bool plain;
} log_state = { LOG_DEBUG, false };

void
log_init(void)
{
	log_state.plain = isatty(STDERR_FILENO) == 1;
}

void
log_level(int level)
{
	log_state.level = level;
}

void
log_line(int priority, const char *format, ...)
{
	char line[MAX_LINE + 8];
	int saved = errno;
	size_t len = 0, i;
	ssize_t written;
	va_list args;
	int n;

	if (priority > log_state.level)
		return;
	if (!log_state.plain)
		len = (size_t)snprintf(line, sizeof(line), "<%d>", priority);
	va_start(args, format);
	n = vsnprintf(line + len, MAX_LINE, format, args);
	va_end(args);
	if (n < 0)
		return;
	i = len;
	len += n < MAX_LINE ? (size_t)n : MAX_LINE - 1;
	for (; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	/* A log that cannot be written has nowhere to be complained of. */
	written = write(STDERR_FILENO, line, len);
	(void)written;
	errno = saved;
}
