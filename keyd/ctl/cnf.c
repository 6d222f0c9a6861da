#include "cnf.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"

enum {
	MAX_DEPTH = 16,
	/* libcrypto reads lines in pieces of this size, and takes a backslash
	 * or return at a piece's end for one at the line's end. */
	PIECE = 510,
};

struct cnf_chunk {
	struct cnf_chunk *next;
	char text[];
};

struct parser {
	struct cnf *c;
	struct fault *f;
	cnf_open_fn *open_file;
	void *arg;
	const char *section;
	const char *include_dir; /* .pragma includedir */
	bool dollar_id;          /* .pragma dollarid: $ may be in names */
	unsigned depth;
};

/* A file while it is read. */
struct input {
	const char *file;
	const char *pos, *end;
	unsigned line; /* of what was read last */
	bool goes_on;  /* the last physical line ended in a backslash */
};

/* --- memory --------------------------------------------------------------- */

static const char *
keep(struct parser *p, const char *text)
{
	size_t len = strlen(text) + 1;
	struct cnf_chunk *chunk;

	if (len > CNF_MAX_KEPT - p->c->kept) {
		(void)fault_set(p->f, FAULT_REFUSED,
			"its settings come to more than %d bytes: that is "
			"no openssl.cnf to work with",
			CNF_MAX_KEPT);
		return NULL;
	}
	chunk = malloc(sizeof(*chunk) + len);
	if (chunk == NULL) {
		(void)fault_set(p->f, FAULT_FAILED, "no memory");
		return NULL;
	}
	memcpy(chunk->text, text, len);
	p->c->kept += len;
	chunk->next = p->c->memory;
	p->c->memory = chunk;
	return chunk->text;
}

static const char *
keep_section(struct parser *p, const char *name)
{
	struct cnf *c = p->c;
	const char **grown;
	size_t i;

	for (i = 0; i < c->nsections; i++)
		if (strcmp(c->sections[i], name) == 0)
			return c->sections[i];
	name = keep(p, name);
	if (name == NULL)
		return NULL;
	if ((c->nsections & (c->nsections - 1)) == 0) {
		grown = realloc(c->sections,
			(c->nsections == 0 ? 1 : 2 * c->nsections) *
				sizeof(*grown));
		if (grown == NULL) {
			(void)fault_set(p->f, FAULT_FAILED, "no memory");
			return NULL;
		}
		c->sections = grown;
	}
	c->sections[c->nsections++] = name;
	return name;
}

static struct cnf_entry *
new_entry(struct parser *p)
{
	struct cnf *c = p->c;
	struct cnf_entry *grown;

	if (c->n == CNF_MAX_ENTRIES) {
		(void)fault_set(p->f, FAULT_REFUSED,
			"it has more than %d settings: that is no openssl.cnf "
			"to work with",
			CNF_MAX_ENTRIES);
		return NULL;
	}
	if (c->n == c->size) {
		c->size = c->size == 0 ? 64 : 2 * c->size;
		grown = realloc(c->entries, c->size * sizeof(*grown));
		if (grown == NULL) {
			(void)fault_set(p->f, FAULT_FAILED, "no memory");
			return NULL;
		}
		c->entries = grown;
	}
	return &c->entries[c->n++];
}

void
cnf_free(struct cnf *c)
{
	struct cnf_chunk *next;

	for (; c->memory != NULL; c->memory = next) {
		next = c->memory->next;
		free(c->memory);
	}
	free(c->entries);
	free(c->sections);
	memset(c, 0, sizeof(*c));
}

/* --- what was read -------------------------------------------------------- */

bool
cnf_has_section(const struct cnf *c, const char *section)
{
	size_t i;

	for (i = 0; i < c->nsections; i++)
		if (strcmp(c->sections[i], section) == 0)
			return true;
	return false;
}

const struct cnf_entry *
cnf_find(const struct cnf *c, const char *section, const char *name)
{
	size_t i;

	for (i = c->n; i > 0; i--)
		if (strcmp(c->entries[i - 1].section, section) == 0 &&
			strcmp(c->entries[i - 1].name, name) == 0)
			return &c->entries[i - 1];
	return NULL;
}

const struct cnf_entry *
cnf_next(
	const struct cnf *c, const char *section, const struct cnf_entry *after)
{
	const struct cnf_entry *e = after == NULL ? c->entries : after + 1;

	for (; e != NULL && e < c->entries + c->n; e++)
		if (strcmp(e->section, section) == 0 &&
			cnf_find(c, section, e->name) == e)
			return e;
	return NULL;
}

/* --- characters ----------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

static bool
is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static char *
skip_blanks(char *s)
{
	while (is_blank(*s))
		s++;
	return s;
}

/* Behind a backslash and what it stands before. */
static char *
skip_escape(char *s)
{
	return s[1] == '\0' ? s + 1 : s + 2;
}

/* The end of a name: letters, digits, punctuation, escapes. */
static char *
skip_name(const struct parser *p, char *s)
{
	static const char punctuation[] = "!.%&*+,/;?@^~|-";

	for (;;) {
		if (*s == '\\')
			s = skip_escape(s);
		else if (*s != '\0' &&
			 (is_word(*s) || strchr(punctuation, *s) != NULL ||
				 (p->dollar_id && *s == '$')))
			s++;
		else
			return s;
	}
}

static char *
skip_quoted(char *s)
{
	char quote = *s++;

	while (*s != '\0' && *s != quote) {
		if (*s == '\\' && *++s == '\0')
			return s;
		s++;
	}
	return *s == quote ? s + 1 : s;
}

static void
trim_end(char *s)
{
	char *end = s + strlen(s);

	while (end > s && is_blank(end[-1]))
		end--;
	*end = '\0';
}

static void
cut_comment(char *s)
{
	while (*s != '\0' && *s != '#') {
		if (is_quote(*s))
			s = skip_quoted(s);
		else if (*s == '\\')
			s = skip_escape(s);
		else
			s++;
	}
	*s = '\0';
}

/* --- values --------------------------------------------------------------- */

static int
refuse(const struct parser *p, const struct input *in, const char *what)
{
	return fault_set(
		p->f, FAULT_REFUSED, "%s:%u: %s", in->file, in->line, what);
}

struct value {
	char text[CNF_MAX_VALUE];
	size_t len;
	bool unknown; /* holds a variable of the environment */
};

static int
add(const struct parser *p, const struct input *in, struct value *v, char c)
{
	if (v->len + 1 >= sizeof(v->text))
		return refuse(p, in, "the value is too long");
	v->text[v->len++] = c;
	return 0;
}

/* $name, ${name}, $(name), each with section:: before it. *s is behind it
 * then. */
static int
expand(const struct parser *p, const struct input *in, const char *section,
	char **s, struct value *v)
{
	char *start = *s + 1, *name, *end;
	char in_section[256], word[256], close = '\0';
	const struct cnf_entry *e = NULL;
	const char *c;

	if (*start == '{')
		close = '}';
	else if (*start == '(')
		close = ')';
	start += close != '\0';
	for (end = start; is_word(*end) || (p->dollar_id && *end == '$'); end++)
		;
	name = start;
	if (end[0] == ':' && end[1] == ':') {
		if (end - start >= (long)sizeof(in_section))
			return refuse(p, in, "the section's name is too long");
		(void)snprintf(in_section, sizeof(in_section), "%.*s",
			(int)(end - start), start);
		section = in_section;
		name = end + 2;
		for (end = name; is_word(*end) || (p->dollar_id && *end == '$');
			end++)
			;
	}
	if (end - name >= (long)sizeof(word) ||
		(close != '\0' && *end != close))
		return refuse(p, in, "the variable has no end");
	(void)snprintf(word, sizeof(word), "%.*s", (int)(end - name), name);
	*s = end + (close != '\0');
	e = cnf_find(p->c, section, word);
	if (e == NULL && strcmp(section, "ENV") == 0) {
		v->unknown = true;
		return 0;
	}
	if (e == NULL)
		e = cnf_find(p->c, "default", word);
	if (e == NULL)
		return refuse(p, in,
			"a variable that has no value: libcrypto does not "
			"read this file either");
	if (e->value == NULL) {
		v->unknown = true;
		return 0;
	}
	for (c = e->value; *c != '\0'; c++)
		if (add(p, in, v, *c) < 0)
			return -1;
	return 0;
}

/* What is between quotes; variables are not looked for there. */
static int
unquote(const struct parser *p, const struct input *in, char **s,
	struct value *v)
{
	char quote = *(*s)++;

	while (**s != '\0' && **s != quote) {
		if (**s == '\\' && *++*s == '\0')
			return 0;
		if (add(p, in, v, *(*s)++) < 0)
			return -1;
	}
	*s += **s == quote;
	return 0;
}

static int
unescape(const struct parser *p, const struct input *in, char **s,
	struct value *v)
{
	static const char from[] = "rnbt", to[] = "\r\n\b\t";
	char c = (*s)[1];
	const char *known;

	if (c == '\0') {
		(*s)++;
		return 0;
	}
	*s += 2;
	known = strchr(from, c);
	if (known != NULL)
		c = to[known - from];
	return add(p, in, v, c);
}

/* The value that the text stands for, in the section. */
static int
evaluate(const struct parser *p, const struct input *in, const char *section,
	char *s, struct value *v)
{
	int r = 0;

	v->len = 0;
	v->unknown = false;
	while (r == 0 && *s != '\0') {
		if (is_quote(*s))
			r = unquote(p, in, &s, v);
		else if (*s == '\\')
			r = unescape(p, in, &s, v);
		else if (*s == '$' &&
			 (!p->dollar_id || s[1] == '{' || s[1] == '('))
			r = expand(p, in, section, &s, v);
		else
			r = add(p, in, v, *s++);
	}
	v->text[v->len] = '\0';
	return r;
}

/* --- lines ---------------------------------------------------------------- */

static int read_input(struct parser *p, struct input *in);

static int
header(struct parser *p, const struct input *in, char *s)
{
	char *start = skip_blanks(s), *end, *next = start;
	struct value v;

	/* Names with blanks between them are one name. */
	for (;;) {
		end = skip_name(p, next);
		next = skip_blanks(end);
		if (*next == ']')
			break;
		if (*next == '\0' || next == end)
			return refuse(p, in,
				"a section's name without its end: libcrypto "
				"does not read this file either");
	}
	*end = '\0';
	/* Escapes only: a variable cannot be in such a name. */
	if (evaluate(p, in, "default", start, &v) < 0)
		return -1;
	p->section = keep_section(p, v.text);
	return p->section == NULL ? -1 : 0;
}

/* 1, 0, or -1: neither. */
static int
is_on(const char *s)
{
	if (strcasecmp(s, "on") == 0 || strcasecmp(s, "true") == 0)
		return 1;
	if (strcasecmp(s, "off") == 0 || strcasecmp(s, "false") == 0)
		return 0;
	return -1;
}

static int
pragma(struct parser *p, const struct input *in, char *s)
{
	char *value;

	if (*s == '=')
		s = skip_blanks(s + 1);
	trim_end(s);
	value = strchr(s, ':');
	if (value == NULL || value == s || value[1] == '\0')
		return refuse(p, in, "an unknown form of .pragma");
	*value++ = '\0';
	trim_end(s);
	value = skip_blanks(value);
	if ((strcmp(s, "dollarid") == 0 || strcmp(s, "abspath") == 0) &&
		is_on(value) < 0)
		return refuse(p, in, "an unknown form of .pragma");
	if (strcmp(s, "dollarid") == 0)
		p->dollar_id = is_on(value) == 1;
	if (strcmp(s, "includedir") == 0) {
		p->include_dir = keep(p, value);
		return p->include_dir == NULL ? -1 : 0;
	}
	return 0;
}

/* Reads the open file, which becomes ours. */
static int
include_file(struct parser *p, const struct input *in, const char *path, int fd)
{
	struct input inner = { .file = keep(p, path) };
	struct bytes b = { 0 };
	int r;

	if (inner.file == NULL) {
		(void)close(fd);
		return -1;
	}
	if (++p->c->files > CNF_MAX_FILES || p->depth + 1 > MAX_DEPTH) {
		(void)close(fd);
		return refuse(p, in, "too many files are included");
	}
	r = bytes_read(fd, CNF_MAX, &b);
	(void)close(fd);
	if (r < 0)
		return fault_set(p->f, FAULT_REFUSED, "%s: %s", path,
			errno == EFBIG ? "it is too long for an openssl.cnf"
				       : strerror(errno));
	inner.pos = (const char *)b.data;
	inner.end = inner.pos + b.len;
	p->depth++;
	r = read_input(p, &inner);
	p->depth--;
	bytes_free(&b);
	return r;
}

static bool
is_cnf(const char *name)
{
	size_t len = strlen(name);

	return (len > 4 && strcasecmp(name + len - 4, ".cnf") == 0) ||
	       (len > 5 && strcasecmp(name + len - 5, ".conf") == 0);
}

/* The folder's files, in the order in which it lists them, as libcrypto. */
static int
include_folder(
	struct parser *p, const struct input *in, const char *path, int fd)
{
	DIR *dir = fdopendir(fd);
	char file[PATH_MAX];
	const struct dirent *e;
	int inner, r = 0;

	if (dir == NULL) {
		(void)close(fd);
		return refuse(p, in, "the folder cannot be read");
	}
	while (r == 0 && (e = readdir(dir)) != NULL) {
		if (!is_cnf(e->d_name) ||
			snprintf(file, sizeof(file), "%s/%s", path,
				e->d_name) >= (int)sizeof(file))
			continue;
		inner = p->open_file(p->arg, file, p->f);
		if (inner == CNF_FOREIGN)
			r = -1;
		else if (inner >= 0)
			r = include_file(p, in, file, inner);
	}
	(void)closedir(dir);
	return r;
}

static int
include_path(struct parser *p, const struct input *in, const char *path)
{
	struct stat st;
	int fd;

	if (p->open_file == NULL)
		return refuse(p, in, "files cannot be included here");
	fd = p->open_file(p->arg, path, p->f);
	if (fd == CNF_FOREIGN)
		return -1;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)fault_set(p->f, FAULT_REFUSED, "%s:%u: .include %s: %s",
			in->file, in->line, path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	return S_ISDIR(st.st_mode) ? include_folder(p, in, path, fd)
				   : include_file(p, in, path, fd);
}

static int
include(struct parser *p, const struct input *in, const char *section, char *s)
{
	char path[PATH_MAX];
	struct value v;

	if (*s == '=')
		s = skip_blanks(s + 1);
	trim_end(s);
	if (evaluate(p, in, section, s, &v) < 0)
		return -1;
	if (v.unknown)
		return refuse(p, in,
			".include: which file depends on the environment");
	if (v.text[0] != '/' && p->include_dir == NULL)
		return refuse(p, in,
			".include of a relative path: which file that is "
			"depends on where a program was started");
	if (snprintf(path, sizeof(path), "%s%s%s",
		    v.text[0] == '/' ? "" : p->include_dir,
		    v.text[0] == '/' ? "" : "/", v.text) >= (int)sizeof(path))
		return refuse(p, in, ".include: the path is too long");
	return include_path(p, in, path);
}

static int
setting(struct parser *p, const struct input *in, const char *section,
	const char *name, char *s)
{
	struct cnf_entry *e;
	struct value v;

	trim_end(s);
	if (evaluate(p, in, section, s, &v) < 0)
		return -1;
	e = new_entry(p);
	if (e == NULL)
		return -1;
	e->section = keep_section(p, section);
	e->name = keep(p, name);
	e->value = v.unknown ? NULL : keep(p, v.text);
	e->file = in->file;
	e->line = in->line;
	if (e->section != NULL && e->name != NULL &&
		(v.unknown || e->value != NULL))
		return 0;
	p->c->n--;
	return -1;
}

/* Does the name begin with the directive's? A blank or = is not needed
 * behind it: libcrypto does not ask for one. */
static bool
is_directive(const char *name, const char *word, const char *behind)
{
	size_t len = strlen(word);

	if (strncmp(name, word, len) != 0)
		return false;
	return behind != name + len || *behind == '=';
}

/* One line, comment and line end cut off. */
static int
line(struct parser *p, const struct input *in, char *s)
{
	const char *section = p->section;
	char *name, *end, *behind;

	s = skip_blanks(s);
	if (*s == '\0')
		return 0;
	if (*s == '[')
		return header(p, in, s + 1);
	name = s;
	end = skip_name(p, name);
	if (end[0] == ':' && end[1] == ':') {
		*end = '\0';
		section = name;
		name = end + 2;
		end = skip_name(p, name);
	}
	behind = skip_blanks(end);
	if (is_directive(name, ".pragma", behind))
		return pragma(p, in, behind);
	if (is_directive(name, ".include", behind))
		return include(p, in, section, behind);
	if (*behind != '=')
		return refuse(p, in,
			"no = in it: libcrypto does not read this file either");
	*end = '\0';
	return setting(p, in, section, name, skip_blanks(behind + 1));
}

/* One physical line: added to buf behind *len, without its end. 1, 0 if that
 * was the end, or -1. */
static int
physical(struct parser *p, struct input *in, char *buf, size_t *len)
{
	const char *start = in->pos, *end;

	if (start == in->end)
		return 0;
	end = memchr(start, '\n', (size_t)(in->end - start));
	in->pos = end == NULL ? in->end : end + 1;
	in->line++;
	end = in->pos;
	while (end > start && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	if (end - start > PIECE &&
		(memchr(start, '\\', (size_t)(end - start)) != NULL ||
			memchr(start, '\r', (size_t)(end - start)) != NULL))
		return refuse(p, in,
			"a long line with backslashes: libcrypto versions read "
			"it differently");
	if (memchr(start, '\0', (size_t)(end - start)) != NULL)
		return refuse(p, in, "a zero byte: this is no text");
	memcpy(buf + *len, start, (size_t)(end - start));
	*len += (size_t)(end - start);
	in->goes_on = *len > 0 && buf[*len - 1] == '\\' &&
		      (*len == 1 || buf[*len - 2] != '\\');
	*len -= in->goes_on;
	buf[*len] = '\0';
	return 1;
}

static int
read_input(struct parser *p, struct input *in)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
	char *buf = malloc((size_t)(in->end - in->pos) + 1);
	size_t len;
	int r;

	if (buf == NULL)
		return fault_set(p->f, FAULT_FAILED, "no memory");
	if (p->depth == 0 && in->end - in->pos >= 3 &&
		memcmp(in->pos, mark, 3) == 0)
		in->pos += 3;
	do {
		len = 0;
		buf[0] = '\0';
		do
			r = physical(p, in, buf, &len);
		while (r > 0 && in->goes_on);
		if (r < 0 || (r == 0 && len == 0))
			break;
		cut_comment(buf);
		if (line(p, in, buf) < 0)
			r = -1;
	} while (r > 0);
	free(buf);
	return r;
}

int
cnf_read(const char *file, const char *text, size_t len, cnf_open_fn *open_file,
	void *arg, struct cnf *out, struct fault *f)
{
	struct cnf c = { .files = 1 };
	struct parser p = {
		.c = &c, .f = f, .open_file = open_file, .arg = arg
	};
	struct input in = { .pos = text, .end = text + len };
	int r = -1;

	in.file = keep(&p, file);
	p.section = keep_section(&p, "default");
	if (len > CNF_MAX)
		(void)fault_set(f, FAULT_REFUSED,
			"%s: it is too long for an openssl.cnf", file);
	else if (in.file != NULL && p.section != NULL)
		r = read_input(&p, &in);
	c.last = p.section;
	c.goes_on = in.goes_on;
	if (r < 0) {
		cnf_free(&c);
		return -1;
	}
	*out = c;
	return 0;
}
