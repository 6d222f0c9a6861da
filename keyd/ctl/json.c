#include "json.h"

#include <stdio.h>

#include "ini/ini.h"

/* Length of the UTF-8 character (RFC 3629) at p, 0 if there is none. */
static size_t
utf8(const unsigned char *p)
{
	static const struct {
		unsigned char first, last, low, high; /* of byte 1, of byte 2 */
		size_t len;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, n;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (p[0] >= forms[i].first && p[0] <= forms[i].last)
			break;
	if (i == sizeof(forms) / sizeof(forms[0]))
		return 0;
	if (forms[i].len > 1 && (p[1] < forms[i].low || p[1] > forms[i].high))
		return 0;
	for (n = 2; n < forms[i].len; n++)
		if (p[n] < 0x80 || p[n] > 0xbf)
			return 0;
	return forms[i].len;
}

static void
put_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	(void)putchar('"');
	for (; *p != '\0'; p += n > 0 ? n : 1) {
		n = utf8(p);
		if (n == 0) /* a file's name may be any bytes */
			(void)printf("\\ufffd");
		else if (*p == '"' || *p == '\\')
			(void)printf("\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			(void)printf("\\u%04x", *p);
		else
			(void)printf("%.*s", (int)n, (const char *)p);
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
