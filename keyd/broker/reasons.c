#include "broker/reasons.h"

#include <stdarg.h>
#include <stdio.h>

#include "broker/log.h"

void
reasons_add(struct reasons *r, int priority, const char *format, ...)
{
	char text[REASONS_TEXT];
	va_list args;
	char *p;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* The state file is made of lines. */
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	log_line(priority, "%s", text);
	if (priority <= LOG_ERR)
		r->errors++;
	if (priority <= LOG_WARNING && r->n < REASONS_MAX)
		(void)snprintf(r->text[r->n++], REASONS_TEXT, "%s", text);
}
