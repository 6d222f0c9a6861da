#include "logger/line.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

void
line_start(struct line *l, int priority, int prefix)
{
	l->len = 0;
	l->text[0] = '\0';
	if (prefix != 0)
		line_add(l, "<%d>", priority);
}

void
line_add(struct line *l, const char *format, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->text + l->len, room, format, args);
	va_end(args);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void
line_add_escaped(struct line *l, const char *text, size_t max)
{
	size_t i;

	for (i = 0; i < max && text[i] != '\0'; i++)
		if (is_plain(text[i]))
			line_add(l, "%c", text[i]);
		else
			line_add(l, "\\x%02x", (unsigned char)text[i]);
}

void
line_add_hex(struct line *l, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		line_add(l, "%02x", data[i]);
}
