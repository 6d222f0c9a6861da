#include "kept.h"

#include <stdio.h>
#include <string.h>

#include "block.h"
#include "mark.h"
#include "text.h"

enum {
	MAX_NAME = 256,
};

/* A line in a block that enable would not write there by itself. */
struct line {
	unsigned number; /* in the file */
	const char *text;
	size_t len;    /* without its end */
	bool settings; /* it stands in keyd's section */
	/* of a setting, else empty */
	char name[MAX_NAME], value[MAX_NAME];
};

/* --- lines ---------------------------------------------------------------- */

static void
trim(const char **s, size_t *len)
{
	while (*len > 0 && (**s == ' ' || **s == '\t')) {
		(*s)++;
		(*len)--;
	}
	while (*len > 0 && ((*s)[*len - 1] == ' ' || (*s)[*len - 1] == '\t'))
		(*len)--;
}

static void
copy(const char *s, size_t len, char out[MAX_NAME])
{
	trim(&s, &len);
	(void)snprintf(out, MAX_NAME, "%.*s", (int)len, s);
}

/* Name and value, as they stand there; empty if that is no setting. */
static void
split(const char *line, size_t len, char name[MAX_NAME], char value[MAX_NAME])
{
	const char *comment = memchr(line, '#', len), *sign;

	if (comment != NULL)
		len = (size_t)(comment - line);
	sign = memchr(line, '=', len);
	name[0] = value[0] = '\0';
	if (sign == NULL)
		return;
	copy(line, (size_t)(sign - line), name);
	copy(sign + 1, len - (size_t)(sign + 1 - line), value);
}

bool
kept_has(const struct kept *lines, const char *wanted)
{
	const char *pos = lines->text, *end = pos + lines->len, *next;
	char name[MAX_NAME], value[MAX_NAME];
	size_t len;

	for (; pos < end; pos = next) {
		next = mark_next_line(pos, end, &len);
		split(pos, len, name, value);
		if (strcmp(activation_bare(name), wanted) == 0)
			return true;
	}
	return false;
}

/* Adds a line, if there is room. */
static int
add_line(struct kept *lines, const char *text, size_t len)
{
	if (len + 1 >= sizeof(lines->text) - lines->len)
		return -1;
	memcpy(lines->text + lines->len, text, len);
	lines->text[lines->len + len] = '\n';
	lines->len += len + 1;
	lines->text[lines->len] = '\0';
	return 0;
}

/* --- reading a block ------------------------------------------------------ */

typedef int line_fn(void *arg, const struct line *l);

struct walker {
	const struct kept_file *file;
	struct line line;
	bool inside;
	char section[MAX_NAME];
};

static bool
is_keyd_section(const struct walker *r)
{
	const struct activation *a = r->file->a;

	return strcmp(r->section, block_keyd) == 0 ||
	       (a != NULL && a->keyd_section != NULL &&
		       strcmp(r->section, a->keyd_section) == 0);
}

/* May the block have activated default by it? */
static bool
is_default_section(const struct walker *r)
{
	const struct cnf *base = r->file->base;
	const struct cnf_entry *e;
	size_t i;

	if (strcmp(r->section, block_default) == 0)
		return true;
	for (i = 0; base != NULL && i < base->n; i++) {
		e = &base->entries[i];
		if (e->value == NULL)
			continue;
		if (strcmp(activation_bare(e->name), "default") == 0 &&
			strcmp(e->value, r->section) == 0)
			return true;
		if (strcmp(e->section, r->section) == 0 &&
			strcmp(activation_bare(e->name), "identity") == 0 &&
			strcmp(e->value, "default") == 0)
			return true;
	}
	return false;
}

/* A setting that block_write() writes in any block. */
static bool
is_own(const struct walker *r)
{
	static const char *const pairs[][2] = {
		{ "openssl_conf", block_init },
		{ "providers", block_list },
		{ "default", block_default },
		{ "keyd", block_keyd },
	};
	const struct line *l = &r->line;
	size_t i;

	if (strcmp(l->name, "activate") == 0 && strcmp(l->value, "1") == 0)
		return is_keyd_section(r) || is_default_section(r);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (strcmp(l->name, pairs[i][0]) == 0 &&
			strcmp(l->value, pairs[i][1]) == 0)
			return !is_keyd_section(r);
	return false;
}

static bool
has_control(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') ||
			s[i] == '\177')
			return true;
	return false;
}

/* Is it one that may stand in keyd's section? Not what leads out of it. */
static bool
is_plain_line(const struct line *l)
{
	const char *s = l->text;
	size_t len = l->len;

	trim(&s, &len);
	/* A comment goes on in the next line, too. */
	if (s[0] == '.' || s[len - 1] == '\\' || has_control(s, len))
		return false;
	return s[0] == '#' ||
	       (l->name[0] != '\0' && strchr(l->name, ':') == NULL);
}

static bool
is_about(const char *line, size_t len)
{
	return len == strlen(block_about) &&
	       memcmp(line, block_about, len) == 0;
}

/* A line between marks: is it the operator's? */
static bool
is_theirs(struct walker *r)
{
	struct line *l = &r->line;
	const char *s = l->text, *close;
	size_t len = l->len;

	trim(&s, &len);
	if (len == 0 || is_about(s, len))
		return false;
	if (*s == '[') {
		close = memchr(s, ']', len);
		if (close != NULL)
			len = (size_t)(close - s);
		copy(s + 1, len - 1, r->section);
		return false;
	}
	split(l->text, l->len, l->name, l->value);
	l->settings = is_keyd_section(r) && is_plain_line(l);
	return !is_own(r);
}

/* Calls fn for each line of the operator's. 0, or what fn returned if that was
 * not 0. */
static int
each(const struct kept_file *file, line_fn *fn, void *arg)
{
	const char *pos = file->text, *end = pos + file->len, *next;
	struct walker r = { .file = file };
	enum mark mark;
	int n = 0;

	for (; n == 0 && pos < end; pos = next) {
		next = mark_next_line(pos, end, &r.line.len);
		r.line.number++;
		r.line.text = pos;
		mark = mark_of(pos, r.line.len);
		if (mark == MARK_BEGIN)
			r.section[0] = '\0';
		if (mark != MARK_NONE)
			r.inside = mark == MARK_BEGIN;
		else if (r.inside && is_theirs(&r))
			n = fn(arg, &r.line);
	}
	return n;
}

/* --- what is done with it ------------------------------------------------- */

/* What block_write() would say of it; NULL: nothing. */
static const char *
wanted(const struct block_settings *s, const struct line *l)
{
	const char *name = activation_bare(l->name);

	if (strcmp(name, "socket") == 0)
		return s->socket;
	if (strcmp(name, "abstract-socket") == 0)
		return s->abstract_socket;
	if (strcmp(name, "server-user") == 0)
		return s->server_user;
	return NULL;
}

static bool
is_module(const struct line *l)
{
	return strcmp(activation_bare(l->name), "module") == 0;
}

struct keeper {
	const char *file;
	const struct block_settings *s;
	struct kept *out;
	struct fault *f;
};

static int
keep_line(void *arg, const struct line *l)
{
	const struct keeper *k = arg;
	const char *value = wanted(k->s, l);
	char module[BLOCK_MAX];
	int r;

	if (!l->settings)
		return fault_set(k->f, FAULT_REFUSED,
			"%s:%u: this line in keydctl's block is not keydctl's: "
			"\"%.*s\": move it out of the block, with its "
			"section's header, or remove it",
			k->file, l->number, (int)l->len, l->text);
	if (value != NULL && strcmp(value, l->value) != 0)
		return fault_set(k->f, FAULT_REFUSED,
			"%s:%u: here it is %s = %s, but by keyd.conf it would "
			"be %s: remove the line, or set it to that",
			k->file, l->number, l->name, l->value, value);
	if (is_module(l) && k->s->module != NULL) {
		if (kept_has(k->out, "module"))
			return 0;
		(void)snprintf(
			module, sizeof(module), "module = %s", k->s->module);
		r = add_line(k->out, module, strlen(module));
	} else {
		r = add_line(k->out, l->text, l->len);
	}
	return r == 0 ? 0
		      : fault_set(k->f, FAULT_REFUSED,
				"%s:%u: keydctl's block in it is too long",
				k->file, l->number);
}

int
kept_take(const struct kept_file *file, const struct block_settings *s,
	struct kept *out, struct fault *f)
{
	struct keeper k = { .file = file->name, .s = s, .out = out, .f = f };

	out->len = 0;
	return each(file, keep_line, &k);
}

struct finder {
	const struct block_settings *s;
	struct kept *out;
};

static int
find_line(void *arg, const struct line *l)
{
	const struct finder *d = arg;
	const char *value = wanted(d->s, l);
	char shown[BLOCK_MAX];
	char *tab;

	if (l->settings &&
		(is_module(l) ||
			(value != NULL && strcmp(value, l->value) == 0)))
		return 0;
	(void)snprintf(shown, sizeof(shown), "%.*s", (int)l->len, l->text);
	while ((tab = strchr(shown, '\t')) != NULL)
		*tab = ' ';
	text_clean(shown);
	(void)add_line(d->out, shown, strlen(shown));
	return 0;
}

void
kept_foreign(const struct kept_file *file, const struct block_settings *s,
	struct kept *out)
{
	struct finder d = { .s = s, .out = out };

	out->len = 0;
	(void)each(file, find_line, &d);
}
