#include "json.h"

#include <stdio.h>

#include "ini/ini.h"

static void
put_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	(void)putchar('"');
	for (; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)printf("\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			(void)printf("\\u%04x", *p);
		else
			(void)putchar(*p);
	}
	(void)putchar('"');
}

static void
start(struct json *j, const char *name)
{
	if (j->comma)
		(void)putchar(',');
	if (j->depth > 0)
		(void)printf("\n%*s", (int)(2 * j->depth), "");
	if (name != NULL) {
		put_text(name);
		(void)printf(": ");
	}
	j->comma = true;
}

void
json_open(struct json *j, const char *name, char bracket)
{
	start(j, name);
	(void)putchar(bracket);
	j->depth++;
	j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
	j->depth--;
	if (j->comma)
		(void)printf("\n%*s", (int)(2 * j->depth), "");
	(void)putchar(bracket);
	j->comma = true;
	if (j->depth == 0) {
		(void)putchar('\n');
		j->comma = false;
	}
}

void
json_string(struct json *j, const char *name, const char *value)
{
	start(j, name);
	put_text(value);
}

void
json_number(struct json *j, const char *name, unsigned long long value)
{
	start(j, name);
	(void)printf("%llu", value);
}

void
json_bool(struct json *j, const char *name, bool value)
{
	start(j, name);
	(void)printf(value ? "true" : "false");
}

void
json_words(struct json *j, const char *name, const char *words)
{
	char word[256];

	json_open(j, name, '[');
	while (ini_next_word(&words, word, sizeof(word)) > 0)
		json_string(j, NULL, word);
	json_close(j, ']');
}
