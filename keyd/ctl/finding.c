#include "finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

void
finding_say(struct findings *v, enum finding_level level, const char *about,
	const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warning", "error" };
	char text[2048], shown[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean(text);
	v->count[level]++;
	if (v->brief && level == FINDING_OK)
		return;
	if (!v->ctl->json) {
		(void)printf("%-8s %s: %s%s\n", words[level],
			text_shown(about, shown), text,
			level == FINDING_OK ? "" : fault_advice(text));
		return;
	}
	json_open(&v->ctl->out, NULL, '{');
	json_string(&v->ctl->out, "level", words[level]);
	json_string(&v->ctl->out, "about", about);
	json_string(&v->ctl->out, "text", text);
	json_close(&v->ctl->out, '}');
}
