#include "ini/ini.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A name met before. Points into the text, so nothing is copied. */
struct ini_name {
	const char *text;
	size_t len;
	unsigned line;
};

struct ini_state {
	ini_setting_fn *fn;
	void *arg;
	struct ini_error *err;
	unsigned line;
	char section[INI_MAX_NAME + 1];
	struct ini_name sections[INI_MAX_SECTIONS];
	unsigned nsections;
	struct ini_name names[INI_MAX_SETTINGS]; /* of all sections */
	unsigned nnames;
	unsigned first_name; /* of the section at hand */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool
is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && is_blank((*text)[0])) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && is_blank((*text)[*len - 1]))
		(*len)--;
}

static int
fail(struct ini_state *s, const char *text)
{
	s->err->line = s->line;
	(void)snprintf(s->err->text, sizeof(s->err->text), "%s", text);
	return -1;
}

static int
fail_repeated(struct ini_state *s, const char *what, const struct ini_name *n)
{
	s->err->line = s->line;
	(void)snprintf(s->err->text, sizeof(s->err->text),
		"%s '%.*s' is repeated, it is in line %u already", what,
		(int)n->len, n->text, n->line);
	return -1;
}

static int
check_name(struct ini_state *s, const char *text, size_t len)
{
	size_t i;

	if (len == 0)
		return fail(s, "a name is missing");
	if (len > INI_MAX_NAME)
		return fail(s, "the name is too long");
	for (i = 0; i < len; i++)
		if (!is_name_char(text[i]))
			return fail(s, "the name has a character other than "
				       "letters, digits, '-', '_', '.'");
	return 0;
}

/* Notes a name in the table from row first on, unless it is there. */
static int
note_name(struct ini_state *s, struct ini_name *table, unsigned first,
	unsigned *count, unsigned max, const struct ini_name *name)
{
	const char *what = table == s->names ? "setting" : "section";
	unsigned i;

	for (i = first; i < *count; i++)
		if (table[i].len == name->len &&
			memcmp(table[i].text, name->text, name->len) == 0)
			return fail_repeated(s, what, &table[i]);
	if (*count == max)
		return fail(s, "the file has too many settings");
	table[(*count)++] = *name;
	return 0;
}

/* One name, or two with a blank between. */
static int
check_section(struct ini_state *s, const char *text, size_t len)
{
	const char *blank = memchr(text, ' ', len);
	size_t first = blank == NULL ? len : (size_t)(blank - text);

	if (len > INI_MAX_NAME)
		return fail(s, "the name is too long");
	if (check_name(s, text, first) < 0)
		return -1;
	if (blank == NULL)
		return 0;
	return check_name(s, blank + 1, len - first - 1);
}

static int
parse_section(struct ini_state *s, const char *text, size_t len)
{
	struct ini_name name;

	if (len < 2 || text[len - 1] != ']')
		return fail(s, "a section's header does not end with ']'");
	text++;
	len -= 2;
	if (check_section(s, text, len) < 0)
		return -1;
	name = (struct ini_name){ text, len, s->line };
	if (note_name(s, s->sections, 0, &s->nsections, INI_MAX_SECTIONS,
		    &name) < 0)
		return -1;
	memcpy(s->section, text, len);
	s->section[len] = '\0';
	s->first_name = s->nnames;
	return 0;
}

static int
parse_setting(struct ini_state *s, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len), *value;
	char name_text[INI_MAX_NAME + 1], value_text[INI_MAX_LINE + 1];
	size_t name_len, value_len;
	struct ini_name name;

	if (equals == NULL)
		return fail(s, "not a setting: there is no '='");
	name_len = (size_t)(equals - text);
	value = equals + 1;
	value_len = len - name_len - 1;
	trim(&text, &name_len);
	trim(&value, &value_len);
	if (check_name(s, text, name_len) < 0)
		return -1;
	name = (struct ini_name){ text, name_len, s->line };
	if (note_name(s, s->names, s->first_name, &s->nnames, INI_MAX_SETTINGS,
		    &name) < 0)
		return -1;
	memcpy(name_text, text, name_len);
	name_text[name_len] = '\0';
	memcpy(value_text, value, value_len);
	value_text[value_len] = '\0';
	if (s->fn(s->arg, s->section, name_text, value_text, s->line, s->err) <
		0) {
		s->err->line = s->line;
		return -1;
	}
	return 0;
}

static int
parse_line(struct ini_state *s, const char *text, size_t len)
{
	size_t i;

	if (len > INI_MAX_LINE)
		return fail(s, "the line is too long");
	for (i = 0; i < len; i++)
		if (is_control(text[i]))
			return fail(s, text[i] == '\r'
					       ? "the line ends with a "
						 "carriage return (a DOS file)"
					       : "a control character");
	trim(&text, &len);
	if (len == 0 || text[0] == '#' || text[0] == ';')
		return 0;
	if (text[0] == '[')
		return parse_section(s, text, len);
	return parse_setting(s, text, len);
}

int
ini_parse(const char *text, size_t len, ini_setting_fn *fn, void *arg,
	struct ini_error *err)
{
	struct ini_state s = { .fn = fn, .arg = arg, .err = err };
	const char *newline;
	size_t n;

	if (len > INI_MAX_FILE)
		return fail(&s, "the file is too large");
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		s.line = 1;
		return fail(&s, "the file begins with a byte order mark (BOM): "
				"save it without");
	}
	while (len > 0) {
		newline = memchr(text, '\n', len);
		n = newline == NULL ? len : (size_t)(newline - text);
		s.line++;
		if (parse_line(&s, text, n) < 0)
			return -1;
		if (newline != NULL)
			n++;
		text += n;
		len -= n;
	}
	return 0;
}

static bool
is_separator(char c)
{
	return is_blank(c) || c == ',';
}

int
ini_next_word(const char **value, char *out, size_t size)
{
	const char *p = *value, *start;
	size_t len;

	while (is_separator(*p))
		p++;
	start = p;
	while (*p != '\0' && !is_separator(*p))
		p++;
	len = (size_t)(p - start);
	*value = p;
	if (len == 0)
		return 0;
	if (len >= size)
		return -1;
	memcpy(out, start, len);
	out[len] = '\0';
	return 1;
}

int
ini_bool(const char *value)
{
	static const struct {
		const char *word;
		int meaning;
	} words[] = { { "yes", 1 }, { "true", 1 }, { "on", 1 }, { "1", 1 },
		{ "no", 0 }, { "false", 0 }, { "off", 0 }, { "0", 0 } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i].word) == 0)
			return words[i].meaning;
	return -1;
}

/* Digits at *p, which moves behind them. 0, or -1: none, or over max. */
static int
read_digits(const char **p, unsigned long max, unsigned long *out)
{
	unsigned long v = 0, digit;

	if (**p < '0' || **p > '9')
		return -1;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		digit = (unsigned long)(**p - '0');
		if (v > max / 10 || digit > max - v * 10)
			return -1;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

int
ini_number(const char *value, unsigned long max, unsigned long *out)
{
	unsigned long v;

	if (read_digits(&value, max, &v) < 0 || *value != '\0')
		return -1;
	*out = v;
	return 0;
}

int
ini_duration(const char *value, unsigned long max_ms, unsigned long *out)
{
	static const struct {
		const char *unit;
		unsigned long ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	unsigned long v;
	size_t i;

	if (read_digits(&value, max_ms, &v) < 0)
		return -1;
	while (is_blank(*value))
		value++;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(value, units[i].unit) != 0)
			continue;
		if (v > max_ms / units[i].ms)
			return -1;
		*out = v * units[i].ms;
		return 0;
	}
	return -1;
}
