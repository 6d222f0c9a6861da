#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

void
fault_write(struct fault *f, const char *format, ...)
{
	va_list ap;

	f->line = 0;
	va_start(ap, format);
	(void)vsnprintf(f->text, sizeof(f->text), format, ap);
	va_end(ap);
}
