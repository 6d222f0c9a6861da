#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ini/ini.h"

struct seen {
	char text[4096];
	unsigned last_line;
};

static int
collect(void *arg, const char *section, const char *name, const char *value,
	unsigned line, struct ini_error *err)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, "%s/%s=%s;",
		section, name, value);
	s->last_line = line;
	if (strcmp(value, "bad") == 0) {
		(void)snprintf(err->text, sizeof(err->text), "bad value");
		return -1;
	}
	return 0;
}

static void
expect(const char *text, const char *seen)
{
	struct seen s = { 0 };
	struct ini_error err = { 0 };

	cr_assert_eq(ini_parse(text, strlen(text), collect, &s, &err), 0, "%s",
		err.text);
	cr_assert_str_eq(s.text, seen);
}

static void
expect_error(const char *text, size_t len, unsigned line, const char *words)
{
	struct seen s = { 0 };
	struct ini_error err = { 0 };

	cr_assert_eq(ini_parse(text, len, collect, &s, &err), -1);
	cr_assert_eq(err.line, line, "line %u", err.line);
	cr_assert_not_null(strstr(err.text, words), "%s", err.text);
}

Test(ini, reads_settings_sections_and_comments)
{
	expect("", "");
	expect("a=1", "/a=1;");
	expect("# note\n; note\n  # note\n\n \t\n a \t=\t b c \nd = \n",
		"/a=b c;/d=;");
	expect("a=1\n[one]\na=2\n[two.x]\na = 3=4 # not a comment\n",
		"/a=1;one/a=2;two.x/a=3=4 # not a comment;");
	expect("[one two]\na=2\n", "one two/a=2;");
	expect("name = \xc3\xa9 [x]\n", "/name=\xc3\xa9 [x];");
}

Test(ini, tells_the_line)
{
	static const char text[] = "a=1\n\n# x\nb=2";
	struct seen s = { 0 };
	struct ini_error err;

	cr_assert_eq(ini_parse(text, sizeof(text) - 1, collect, &s, &err), 0);
	cr_assert_eq(s.last_line, 4);
}

Test(ini, rejects_each_malformed_line_by_number)
{
	static const struct {
		const char *text;
		size_t len;
		unsigned line;
		const char *words;
	} rows[] = {
		{ "a=1\nb\n", 6, 2, "no '='" },
		{ "=1\n", 3, 1, "missing" },
		{ "\n a b = 1\n", 10, 2, "character" },
		{ "a\xc3\xa9=1\n", 6, 1, "character" },
		{ "a=\0b\n", 5, 1, "control" },
		{ "a=\x1b[2J\n", 7, 1, "control" },
		{ "a=\x7f\n", 4, 1, "control" },
		{ "a=1\r\n", 5, 1, "carriage return" },
		{ "a=1\nb=2\na=3\n", 12, 3,
			"'a' is repeated, it is in line 1" },
		{ "[x]\na=1\n[y]\n[x]\n", 16, 4,
			"section 'x' is repeated, it is in line 1" },
		{ "[x]\na=1\na=1\n", 12, 3, "repeated" },
		{ "[x\n", 3, 1, "']'" },
		{ "[\n", 2, 1, "']'" },
		{ "[]\n", 3, 1, "missing" },
		{ "[a b c]\n", 8, 1, "character" },
		{ "[a  b]\n", 7, 1, "character" },
		{ "[ a]\n", 5, 1, "missing" },
		{ "[a ]\n", 5, 1, "missing" },
		{ "[a\tb]\n", 6, 1, "character" },
		{ "[a b]\nx=1\n[a b]\n", 16, 3, "repeated" },
		{ "\nx = bad\n", 9, 2, "bad value" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_error(
			rows[i].text, rows[i].len, rows[i].line, rows[i].words);
}

Test(ini, bounds_lines_names_settings_sections_and_the_file)
{
	static char text[INI_MAX_FILE + 2];
	struct seen s = { 0 };
	struct ini_error err;
	size_t len = 0;
	unsigned i;

	memset(text, 'a', sizeof(text));
	text[1] = '=';
	cr_assert_eq(ini_parse(text, INI_MAX_LINE, collect, &s, &err), 0);
	expect_error(text, INI_MAX_LINE + 1, 1, "too long");
	text[1] = 'a';
	text[INI_MAX_NAME + 1] = '=';
	expect_error(text, INI_MAX_NAME + 3, 1, "name is too long");
	text[INI_MAX_NAME] = '=';
	cr_assert_eq(ini_parse(text, INI_MAX_NAME + 1, collect, &s, &err), 0);
	expect_error(text, INI_MAX_FILE + 1, 0, "too large");
	for (i = 0; i < INI_MAX_SETTINGS + 1; i++)
		len += (size_t)sprintf(text + len, "n%u=\n", i);
	expect_error(text, len, INI_MAX_SETTINGS + 1, "too many");
	for (len = 0, i = 0; i < INI_MAX_SECTIONS + 1; i++)
		len += (size_t)sprintf(text + len, "[n%u]\n", i);
	expect_error(text, len, INI_MAX_SECTIONS + 1, "too many");
}

Test(ini, reads_only_the_bytes_given)
{
	struct seen s = { 0 };
	struct ini_error err;

	cr_assert_eq(ini_parse("a=12", 3, collect, &s, &err), 0);
	cr_assert_str_eq(s.text, "/a=1;");
}

Test(ini, words_are_separated_by_blanks_and_commas)
{
	const char *value = " a,b ,, \tcc  ";
	char word[3];

	cr_assert_eq(ini_next_word(&value, word, sizeof(word)), 1);
	cr_assert_str_eq(word, "a");
	cr_assert_eq(ini_next_word(&value, word, sizeof(word)), 1);
	cr_assert_str_eq(word, "b");
	cr_assert_eq(ini_next_word(&value, word, sizeof(word)), 1);
	cr_assert_str_eq(word, "cc");
	cr_assert_eq(ini_next_word(&value, word, sizeof(word)), 0);
	value = "ccc";
	cr_assert_eq(ini_next_word(&value, word, sizeof(word)), -1);
}

Test(ini, bool_takes_known_words_only)
{
	cr_assert_eq(ini_bool("yes"), 1);
	cr_assert_eq(ini_bool("true"), 1);
	cr_assert_eq(ini_bool("on"), 1);
	cr_assert_eq(ini_bool("1"), 1);
	cr_assert_eq(ini_bool("no"), 0);
	cr_assert_eq(ini_bool("false"), 0);
	cr_assert_eq(ini_bool("off"), 0);
	cr_assert_eq(ini_bool("0"), 0);
	cr_assert_eq(ini_bool("Yes"), -1);
	cr_assert_eq(ini_bool(""), -1);
}

Test(ini, number_rejects_all_but_digits_in_range)
{
	unsigned long n = 7;

	cr_assert_eq(ini_number("", 10, &n), -1);
	cr_assert_eq(ini_number("-1", 10, &n), -1);
	cr_assert_eq(ini_number("+1", 10, &n), -1);
	cr_assert_eq(ini_number(" 1", 10, &n), -1);
	cr_assert_eq(ini_number("1 ", 10, &n), -1);
	cr_assert_eq(ini_number("0x1", 10, &n), -1);
	cr_assert_eq(ini_number("11", 10, &n), -1);
	cr_assert_eq(ini_number("99999999999999999999", ~0UL, &n), -1);
	cr_assert_eq(n, 7);
	cr_assert_eq(ini_number("10", 10, &n), 0);
	cr_assert_eq(n, 10);
	cr_assert_eq(ini_number("18446744073709551615", ~0UL, &n), 0);
	cr_assert_eq(n, ~0UL);
}

Test(ini, duration_knows_units_and_its_bound)
{
	unsigned long ms = 7;

	cr_assert_eq(ini_duration("2", 100000, &ms), 0);
	cr_assert_eq(ms, 2000);
	cr_assert_eq(ini_duration("5ms", 100000, &ms), 0);
	cr_assert_eq(ms, 5);
	cr_assert_eq(ini_duration("5 s", 100000, &ms), 0);
	cr_assert_eq(ms, 5000);
	cr_assert_eq(ini_duration("1m", 100000, &ms), 0);
	cr_assert_eq(ms, 60000);
	cr_assert_eq(ini_duration("1h", 3600000, &ms), 0);
	cr_assert_eq(ms, 3600000);
	cr_assert_eq(ini_duration("2m", 100000, &ms), -1);
	cr_assert_eq(ini_duration("18446744073709551615h", ~0UL, &ms), -1);
	cr_assert_eq(ini_duration("1d", 100000, &ms), -1);
	cr_assert_eq(ini_duration("s", 100000, &ms), -1);
	cr_assert_eq(ini_duration("", 100000, &ms), -1);
	cr_assert_eq(ms, 3600000);
}
