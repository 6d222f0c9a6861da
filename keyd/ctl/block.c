#include "block.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provider/client.h"

static const char begin[] = "# BEGIN openssl-keyd";
/* The same, when the line end before it is ours too. */
static const char begin_joined[] =
	"# BEGIN openssl-keyd (the line before had no end)";
static const char end_mark[] = "# END openssl-keyd";
static const char about[] =
	"# Activates the provider keyd. keydctl disable removes it.";

/* Names that the block uses; nobody else's. */
static const char own_init[] = "openssl_keyd_init";
static const char own_list[] = "openssl_keyd_providers";
static const char own_default[] = "openssl_keyd_default";
static const char own_keyd[] = "openssl_keyd";

/* --- lines -----------------------------------------------------------------*/

/* The next line's end, behind its newline; *len is without either kind. */
static const char *
next_line(const char *pos, const char *end, size_t *len)
{
	const char *next = memchr(pos, '\n', (size_t)(end - pos));

	next = next == NULL ? end : next + 1;
	*len = (size_t)(next - pos);
	while (*len > 0 && (pos[*len - 1] == '\n' || pos[*len - 1] == '\r'))
		(*len)--;
	return next;
}

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
copy(const char *s, size_t len, char out[BLOCK_MAX_NAME])
{
	trim(&s, &len);
	(void)snprintf(out, BLOCK_MAX_NAME, "%.*s", (int)len, s);
}

/* Name and value, as they stand there; empty if that is no setting. */
static void
split(const char *line, size_t len, char name[BLOCK_MAX_NAME],
	char value[BLOCK_MAX_NAME])
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

static bool
has_setting(const struct block_lines *lines, const char *wanted)
{
	const char *pos = lines->text, *end = pos + lines->len, *next;
	char name[BLOCK_MAX_NAME], value[BLOCK_MAX_NAME];
	size_t len;

	for (; pos < end; pos = next) {
		next = next_line(pos, end, &len);
		split(pos, len, name, value);
		if (strcmp(activation_bare(name), wanted) == 0)
			return true;
	}
	return false;
}

/* Adds a line, if there is room. */
static int
add_line(struct block_lines *lines, const char *text, size_t len)
{
	if (len + 1 >= sizeof(lines->text) - lines->len)
		return -1;
	memcpy(lines->text + lines->len, text, len);
	lines->text[lines->len + len] = '\n';
	lines->len += len + 1;
	lines->text[lines->len] = '\0';
	return 0;
}

/* --- writing it ------------------------------------------------------------ */

/* Can it be written in brackets, or as a value, as it is? */
static bool
is_plain(const char *text)
{
	static const char more[] = "_!.%&*+,/;?@^~|:-";
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') ||
			    (text[i] >= 'A' && text[i] <= 'Z') ||
			    (text[i] >= '0' && text[i] <= '9') ||
			    strchr(more, text[i]) != NULL))
			return false;
	return i > 0 && i < 256;
}

struct draft {
	char *out;
	size_t len;
	const char *newline;
	struct fault *f;
};

static void
put(struct draft *b, const char *word, const char *more, const char *last)
{
	int n = snprintf(b->out + b->len, BLOCK_MAX - b->len, "%s%s%s%s", word,
		more, last, b->newline);

	if (n < 0 || (size_t)n >= BLOCK_MAX - b->len)
		(void)fault_set(b->f, FAULT_REFUSED,
			"keydctl's block in it would be too long");
	else
		b->len += (size_t)n;
}

static void
put_header(struct draft *b, const char *section)
{
	/* libcrypto allows a blank inside, and a colon nowhere. */
	if (!is_plain(section) || strchr(section, ':') != NULL)
		(void)fault_set(b->f, FAULT_REFUSED,
			"the section [%s] has a name that is not plain: "
			"rename it",
			section);
	put(b, "[", section, "]");
}

static void
put_setting(struct draft *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (!is_plain(value))
		(void)fault_set(b->f, FAULT_REFUSED,
			"%s = %s cannot stand in an openssl.cnf: give it a "
			"plainer name",
			name, value);
	put(b, name, " = ", value);
}

/* A section of ours, which nobody else may have. */
static void
put_own(struct draft *b, const struct cnf *c, const char *section)
{
	if (cnf_has_section(c, section))
		(void)fault_set(b->f, FAULT_REFUSED,
			"it has a section [%s], a name that is keydctl's: "
			"rename it",
			section);
	put_header(b, section);
}

/* A name in the list that another provider goes by would be overwritten. */
static void
put_listed(struct draft *b, const struct cnf *c, const char *list,
	const char *name, const char *section)
{
	const struct cnf_entry *e = cnf_find(c, list, name);

	if (e != NULL)
		(void)fault_set(b->f, FAULT_REFUSED,
			"%s:%u: the name %s stands for another provider "
			"(identity): rename it",
			e->file, e->line, name);
	put_setting(b, name, section);
}

static void
put_list(struct draft *b, const struct cnf *c, const struct activation *a)
{
	bool lost = activation_loses_default(a);
	const char *init = a->init, *list = a->list;

	if (init == NULL) {
		init = own_init;
		put_header(b, "default");
		put_setting(b, "openssl_conf", init);
		put_own(b, c, init);
	} else if (list == NULL) {
		put_header(b, init);
	}
	if (list == NULL) {
		list = own_list;
		put_setting(b, "providers", list);
		put_own(b, c, list);
	} else if (a->keyd_section == NULL ||
		   (lost && a->default_section == NULL)) {
		put_header(b, list);
	}
	if (lost && a->default_section == NULL)
		put_listed(b, c, list, "default", own_default);
	if (a->keyd_section == NULL)
		put_listed(b, c, list, "keyd", own_keyd);
	if (!lost)
		return;
	if (a->default_section == NULL)
		put_own(b, c, own_default);
	else
		put_header(b, a->default_section);
	put_setting(b, "activate", "1");
}

/* Unless what is kept says it already. */
static void
put_wanted(struct draft *b, const struct block_lines *kept, const char *name,
	const char *value)
{
	if (kept == NULL || !has_setting(kept, name))
		put_setting(b, name, value);
}

static void
put_lines(struct draft *b, const struct block_lines *kept)
{
	const char *pos = kept->text, *end = pos + kept->len, *next;
	char line[BLOCK_MAX];

	for (; pos < end; pos = next + 1) {
		next = memchr(pos, '\n', (size_t)(end - pos));
		(void)snprintf(
			line, sizeof(line), "%.*s", (int)(next - pos), pos);
		put(b, line, "", "");
	}
}

static void
put_keyd(struct draft *b, const struct cnf *c, const struct activation *a,
	const struct block_settings *s)
{
	if (a->keyd_section == NULL)
		put_own(b, c, own_keyd);
	else
		put_header(b, a->keyd_section);
	if (!a->has_keyd)
		put_setting(b, "activate", "1");
	if (s->kept != NULL)
		put_lines(b, s->kept);
	put_wanted(b, s->kept, "module", s->module);
	put_wanted(b, s->kept, "socket", s->socket);
	put_wanted(b, s->kept, "abstract-socket", s->abstract_socket);
	put_wanted(b, s->kept, "server-user", s->server_user);
}

/* Line ends as the file has them. */
static const char *
newline_of(const char *text, size_t len)
{
	const char *first = len == 0 ? NULL : memchr(text, '\n', len);

	return first != NULL && first > text && first[-1] == '\r' ? "\r\n"
								  : "\n";
}

long
block_write(const struct cnf *c, const struct activation *a, const void *text,
	size_t len, const struct block_settings *s, char out[BLOCK_MAX],
	struct fault *f)
{
	const char *t = text;
	bool joined = len > 0 && t[len - 1] != '\n';
	struct draft b = { out, 0, newline_of(t, len), f };

	if (c->goes_on)
		return fault_set(f, FAULT_REFUSED,
			"its last line ends in a backslash: add an empty line");
	f->text[0] = '\0';
	if (joined)
		put(&b, "", "", "");
	put(&b, joined ? begin_joined : begin, "", "");
	put(&b, about, "", "");
	put_list(&b, c, a);
	put_keyd(&b, c, a, s);
	put_header(&b, c->last);
	put(&b, end_mark, "", "");
	return f->text[0] == '\0' ? (long)b.len : -1;
}

void
block_recipe(const struct activation *a, char *out, size_t size)
{
	const char *init = a->init == NULL ? own_init : a->init;
	const char *list = a->list == NULL ? own_list : a->list;
	int n = 0;

	if (a->init == NULL)
		n = snprintf(out, size,
			"before the first section:\n"
			"    openssl_conf = %s\n",
			init);
	if (a->list == NULL && n >= 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n,
			"in the section [%s]:\n    providers = %s\n", init,
			list);
	if (n >= 0 && (size_t)n < size)
		(void)snprintf(out + n, size - (size_t)n,
			"in the section [%s]:\n    keyd = %s\n"
			"as a section of its own:\n    [%s]\n"
			"    activate = 1\n"
			"and if no other provider is activated there: default "
			"= %s in [%s], and\n"
			"    [%s]\n    activate = 1\n",
			list, own_keyd, own_keyd, own_default, list,
			own_default);
}

/* --- and back ------------------------------------------------------------- */

/* Does the line (with its end) hold the mark alone? */
static bool
is_mark(const char *line, size_t len, const char *mark)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	return len == strlen(mark) && memcmp(line, mark, len) == 0;
}

struct strip {
	char *out;
	size_t len;
	unsigned line, opened; /* line of the open mark, 0: none */
	size_t joined; /* length of the line end before it that is ours */
};

/* A line that opens a block. */
static void
open_block(struct strip *s, const char *line, size_t len, bool joined)
{
	bool crlf = len > 1 && line[len - 2] == '\r';

	s->opened = s->line;
	if (joined && crlf && s->len > 1 && s->out[s->len - 2] == '\r')
		s->joined = 2;
	else if (joined && s->len > 0)
		s->joined = 1;
}

static int
take(struct strip *s, const char *file, const char *line, size_t len,
	struct fault *f)
{
	bool joined = is_mark(line, len, begin_joined);

	s->line++;
	if (joined || is_mark(line, len, begin)) {
		if (s->opened != 0)
			return fault_set(f, FAULT_REFUSED,
				"%s:%u: a second \"%s\" without an end before "
				"it: remove what is left of the first",
				file, s->line, begin);
		open_block(s, line, len, joined);
	} else if (is_mark(line, len, end_mark)) {
		if (s->opened == 0)
			return fault_set(f, FAULT_REFUSED,
				"%s:%u: \"%s\" without its beginning: remove "
				"what is left of it",
				file, s->line, end_mark);
		s->opened = 0;
	} else if (s->opened == 0) {
		/* There is something behind: the line end stays. */
		s->joined = 0;
		memcpy(s->out + s->len, line, len);
		s->len += len;
	}
	return 0;
}

long
block_strip(const char *file, const void *text, size_t len, void *out,
	struct fault *f)
{
	const char *pos = text, *end = pos + len, *next;
	struct strip s = { .out = out };

	for (; pos < end; pos = next) {
		next = memchr(pos, '\n', (size_t)(end - pos));
		next = next == NULL ? end : next + 1;
		if (take(&s, file, pos, (size_t)(next - pos), f) < 0)
			return -1;
	}
	if (s.opened != 0)
		return fault_set(f, FAULT_REFUSED,
			"%s:%u: \"%s\" without an end: remove what is left of "
			"it",
			file, s.opened, begin);
	return (long)(s.len - s.joined);
}

bool
block_begins(const void *text, size_t len)
{
	const char *t = text, *line;
	size_t n;

	while (len > 0 && (*t == '\r' || *t == '\n')) {
		t++;
		len--;
	}
	line = memchr(t, '\n', len);
	if (line != NULL)
		return is_mark(t, (size_t)(line - t), begin) ||
		       is_mark(t, (size_t)(line - t), begin_joined);
	while (len > 0 && t[len - 1] == '\r')
		len--;
	n = sizeof(begin_joined) - 1;
	return memcmp(t, begin_joined, len < n ? len : n) == 0;
}

/* --- reading it ----------------------------------------------------------- */

struct walker {
	const struct cnf *base;
	const struct activation *a;
	block_line_fn *fn;
	void *arg;
	struct block_line line;
	bool inside;
	char section[BLOCK_MAX_NAME];
};

static bool
is_keyd_section(const struct walker *r)
{
	return strcmp(r->section, own_keyd) == 0 ||
	       (r->a != NULL && r->a->keyd_section != NULL &&
		       strcmp(r->section, r->a->keyd_section) == 0);
}

/* May the block have activated default by it? */
static bool
is_default_section(const struct walker *r)
{
	const struct cnf_entry *e;
	size_t i;

	if (strcmp(r->section, own_default) == 0)
		return true;
	for (i = 0; r->base != NULL && i < r->base->n; i++) {
		e = &r->base->entries[i];
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
		{ "openssl_conf", own_init },
		{ "providers", own_list },
		{ "default", own_default },
		{ "keyd", own_keyd },
	};
	const struct block_line *l = &r->line;
	size_t i;

	if (strcmp(l->name, "activate") == 0 && strcmp(l->value, "1") == 0)
		return is_keyd_section(r) || is_default_section(r);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (strcmp(l->name, pairs[i][0]) == 0 &&
			strcmp(l->value, pairs[i][1]) == 0)
			return !is_keyd_section(r);
	return false;
}

/* Is it one that may stand in keyd's section? Not what leads out of it. */
static bool
is_plain_line(const struct block_line *l)
{
	const char *s = l->text;
	size_t len = l->len;

	trim(&s, &len);
	if (len == 0 || *s == '#')
		return true;
	return s[0] != '.' && s[len - 1] != '\\' && l->name[0] != '\0' &&
	       strchr(l->name, ':') == NULL;
}

/* A line between marks. */
static int
read_line(struct walker *r)
{
	struct block_line *l = &r->line;
	const char *s = l->text, *close;
	size_t len = l->len;

	trim(&s, &len);
	if (len == 0 || (len == sizeof(about) - 1 &&
				memcmp(s, about, sizeof(about) - 1) == 0))
		return 0;
	if (*s == '[') {
		close = memchr(s, ']', len);
		if (close != NULL)
			len = (size_t)(close - s);
		copy(s + 1, len - 1, r->section);
		return 0;
	}
	split(l->text, l->len, l->name, l->value);
	if (is_own(r))
		return 0;
	l->settings = is_keyd_section(r) && is_plain_line(l);
	return r->fn(r->arg, l);
}

int
block_lines(const void *text, size_t len, const struct cnf *base,
	const struct activation *a, block_line_fn *fn, void *arg)
{
	const char *pos = text, *end = pos + len, *next;
	struct walker r = { .base = base, .a = a, .fn = fn, .arg = arg };
	int n = 0;

	for (; n == 0 && pos < end; pos = next) {
		next = next_line(pos, end, &r.line.len);
		r.line.line++;
		r.line.text = pos;
		if (is_mark(pos, r.line.len, begin) ||
			is_mark(pos, r.line.len, begin_joined)) {
			r.inside = true;
			r.section[0] = '\0';
		} else if (is_mark(pos, r.line.len, end_mark)) {
			r.inside = false;
		} else if (r.inside) {
			n = read_line(&r);
		}
	}
	return n;
}

/* What block_write() would say of the line's name: NULL: nothing. */
static const char *
wanted(const struct block_settings *s, const struct block_line *l)
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
is_module(const struct block_line *l)
{
	return strcmp(activation_bare(l->name), "module") == 0;
}

struct keeper {
	const char *file;
	const struct block_settings *s;
	struct block_lines *out;
	struct fault *f;
};

static int
keep_line(void *arg, const struct block_line *l)
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
			k->file, l->line, (int)l->len, l->text);
	if (value != NULL && strcmp(value, l->value) != 0)
		return fault_set(k->f, FAULT_REFUSED,
			"%s:%u: here it is %s = %s, but by keyd.conf it would "
			"be %s: remove the line, or set it to that",
			k->file, l->line, l->name, l->value, value);
	if (is_module(l) && k->s->module != NULL) {
		if (has_setting(k->out, "module"))
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
				k->file, l->line);
}

int
block_keep(const char *file, const void *text, size_t len,
	const struct cnf *base, const struct activation *a,
	const struct block_settings *s, struct block_lines *out,
	struct fault *f)
{
	struct keeper k = { .file = file, .s = s, .out = out, .f = f };

	out->len = 0;
	return block_lines(text, len, base, a, keep_line, &k);
}

struct finder {
	const struct block_settings *s;
	struct block_lines *out;
};

static int
find_line(void *arg, const struct block_line *l)
{
	const struct finder *d = arg;
	const char *value = wanted(d->s, l);

	if (l->settings &&
		(is_module(l) ||
			(value != NULL && strcmp(value, l->value) == 0)))
		return 0;
	(void)add_line(d->out, l->text, l->len);
	return 0;
}

void
block_foreign(const void *text, size_t len, const struct cnf *base,
	const struct activation *a, const struct block_settings *s,
	struct block_lines *out)
{
	struct finder d = { .s = s, .out = out };

	out->len = 0;
	(void)block_lines(text, len, base, a, find_line, &d);
}

/* --- what it says ---------------------------------------------------------- */

void
block_settings(const struct config *c, struct block_settings *out)
{
	const char *path = c->nsockets > 0 ? c->socket[0] : NULL;

	memset(out, 0, sizeof(*out));
	if (geteuid() != 0) {
		(void)snprintf(out->user, sizeof(out->user), "%u",
			(unsigned)geteuid());
		out->server_user = out->user;
	}
	if (path != NULL && strcmp(path, CLIENT_DEFAULT_SOCKET) == 0 &&
		strcmp(c->abstract, CLIENT_DEFAULT_ABSTRACT) == 0)
		return;
	out->socket = path;
	if (c->abstract[0] != '\0')
		out->abstract_socket = c->abstract;
}
