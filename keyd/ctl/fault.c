#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

int
fault_set(struct fault *f, int code, const char *fmt, ...)
{
	va_list ap;

	f->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	text_clean(f->text);
	return -1;
}

void
fault_add(struct fault *f, const char *fmt, ...)
{
	size_t used = strlen(f->text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->text + used, sizeof(f->text) - used, fmt, ap);
	va_end(ap);
	text_clean(f->text);
}

const char *
fault_advice(const char *text)
{
	if (geteuid() == 0 || strstr(text, "as root") != NULL ||
		(strstr(text, strerror(EACCES)) == NULL &&
			strstr(text, strerror(EPERM)) == NULL))
		return "";
	return ": run keydctl as root";
}

int
fault_print(const struct fault *f)
{
	(void)fprintf(
		stderr, "keydctl: %s%s\n", f->text, fault_advice(f->text));
	return f->code;
}
