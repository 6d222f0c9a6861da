/*
 * INI files: `[section]` or `[kind name]`, `name = value`, comments from # or ; at a line's start. One
 * setting a line, no continuation, no quoting, no expansion; blanks around name and value
 * are removed. Used for keyd.conf, policies and the state file. libc only.
 */
#ifndef KEYD_INI_INI_H
#define KEYD_INI_INI_H

#include <stddef.h>

enum {
	INI_MAX_LINE = 4096,
	INI_MAX_FILE = 1024 * 1024,
	INI_MAX_NAME = 64, /* of a setting or section */
	INI_MAX_SETTINGS = 1024,
	INI_MAX_SECTIONS = 64,
};

struct ini_error {
	unsigned line;  /* from 1; 0: the file as a whole */
	char text[256]; /* a clause, without file and line */
};

/*
 * Called for each setting. section is "" before the first header. Returns 0, or -1
 * after writing err->text; the line is filled in by ini_parse().
 */
typedef int ini_setting_fn(void *arg, const char *section, const char *name,
	const char *value, unsigned line, struct ini_error *err);

/*
 * Parses the len bytes at text (need not be terminated). Stops at the first
 * error: NUL or other control character, line or file too long, no '=', empty
 * or malformed name, a setting repeated in its section, a section repeated, too
 * many of either, or what the callback reports. Names are of letters, digits,
 * '-', '_' and '.'; a section's may be two of them with one blank between. A
 * value may be empty. Returns 0, or -1 with *err filled in.
 */
__attribute__((warn_unused_result)) int ini_parse(const char *text, size_t len,
	ini_setting_fn *fn, void *arg, struct ini_error *err);

/*
 * Words of a value, separated by blanks or commas. Copies the next one to out and moves
 * *value behind it. Returns 1, 0 at the end, -1 if it does not fit.
 */
int ini_next_word(const char **value, char *out, size_t size);

/* "yes"/"no" (also true/false, on/off, 1/0). 1, 0, or -1 if neither. */
int ini_bool(const char *value);

/* Decimal without sign, at most max. 0, or -1. */
__attribute__((warn_unused_result)) int
ini_number(const char *value, unsigned long max, unsigned long *out);

/* A time with unit ms, s, m, h (none: seconds), in milliseconds. 0, or -1. */
__attribute__((warn_unused_result)) int
ini_duration(const char *value, unsigned long max_ms, unsigned long *out);

#endif
