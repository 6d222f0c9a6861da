#include "activation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char begin[] = "# BEGIN openssl-keyd";
/* The same, when the line end before it is ours too. */
static const char begin_joined[] =
	"# BEGIN openssl-keyd (the line before had no end)";
static const char end_mark[] = "# END openssl-keyd";

/* Names that the block uses; nobody else's. */
static const char own_init[] = "openssl_keyd_init";
static const char own_list[] = "openssl_keyd_providers";
static const char own_default[] = "openssl_keyd_default";
static const char own_keyd[] = "openssl_keyd";

/* --- what a file says ----------------------------------------------------- */

/* libcrypto ignores what stands before the first dot of a name. */
static const char *
bare(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? name : dot + 1;
}

static int
unknown(const struct cnf_entry *e, struct fault *f)
{
	return fault_set(f, FAULT_REFUSED,
		"%s:%u: %s depends on the environment", e->file, e->line,
		e->name);
}

/* libcrypto up to 3.1 looks only whether the word is there, later ones read its
 * value. */
static int
is_activated(const struct cnf_entry *e, bool *out, struct fault *f)
{
	static const char *const yes[] = { "1", "yes", "true", "on" };
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (strcasecmp(e->value, yes[i]) == 0) {
			*out = true;
			return 0;
		}
	return fault_set(f, FAULT_REFUSED,
		"%s:%u: %s = %s activates a provider with some versions of "
		"OpenSSL and not with others: write 1, or remove the line",
		e->file, e->line, e->name, e->value);
}

static const char *
value_of(const struct cnf *c, const char *section, const char *name)
{
	const struct cnf_entry *e = cnf_find(c, section, name);

	return e == NULL ? NULL : e->value;
}

/* One line of the list of providers. */
static int
provider(const struct cnf *c, const struct cnf_entry *listed,
	struct activation *a, struct fault *f)
{
	const char *name = bare(listed->name), *module = NULL, *word;
	const struct cnf_entry *e = NULL;
	bool active = false;

	if (listed->value == NULL)
		return unknown(listed, f);
	while ((e = cnf_next(c, listed->value, e)) != NULL) {
		word = bare(e->name);
		if (e->value == NULL && (strcmp(word, "identity") == 0 ||
						strcmp(word, "module") == 0 ||
						strcmp(word, "activate") == 0))
			return unknown(e, f);
		if (e->value == NULL)
			continue;
		if (strcmp(word, "identity") == 0)
			name = e->value;
		else if (strcmp(word, "module") == 0)
			module = e->value;
		else if (strcmp(word, "activate") == 0 &&
			 is_activated(e, &active, f) < 0)
			return -1;
	}
	a->active += active;
	if (strcmp(name, "default") == 0) {
		a->has_default = a->has_default || active;
		a->default_section = listed->value;
	}
	if (strcmp(name, "keyd") == 0) {
		a->has_keyd = a->has_keyd || active;
		a->keyd_section = listed->value;
		a->module = module;
		a->socket = value_of(c, listed->value, "socket");
		a->abstract_socket =
			value_of(c, listed->value, "abstract-socket");
	}
	return 0;
}

/* libcrypto takes a module by the start of its name, and ignores what follows
 * the last dot. */
static bool
is_providers(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t len = dot == NULL ? strlen(name) : (size_t)(dot - name);

	return strncmp("providers", name, len) == 0;
}

static int
find_list(const struct cnf *c, struct activation *a, struct fault *f)
{
	const struct cnf_entry *e = NULL;

	while ((e = cnf_next(c, a->init, e)) != NULL) {
		if (!is_providers(e->name))
			continue;
		if (strcmp(e->name, "providers") != 0)
			return fault_set(f, FAULT_REFUSED,
				"%s:%u: %s is read like providers: write that "
				"out, once",
				e->file, e->line, e->name);
		if (e->value == NULL)
			return unknown(e, f);
		a->list = e->value;
	}
	return 0;
}

int
activation_find(const struct cnf *c, struct activation *out, struct fault *f)
{
	const struct cnf_entry *e = cnf_find(c, "default", "openssl_conf");
	struct activation a = { 0 };

	if (e != NULL && e->value == NULL)
		return unknown(e, f);
	if (e != NULL) {
		a.init = e->value;
		if (find_list(c, &a, f) < 0)
			return -1;
	}
	e = NULL;
	while (a.list != NULL && (e = cnf_next(c, a.list, e)) != NULL)
		if (provider(c, e, &a, f) < 0)
			return -1;
	*out = a;
	return 0;
}

bool
activation_loses_default(const struct activation *a)
{
	return a->active == (unsigned)a->has_keyd && !a->has_default;
}

/* --- the block ------------------------------------------------------------ */

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

struct block {
	char *out;
	size_t len;
	const char *newline;
	struct fault *f;
};

static void
put(struct block *b, const char *word, const char *more, const char *last)
{
	int n = snprintf(b->out + b->len, ACTIVATION_MAX_BLOCK - b->len,
		"%s%s%s%s", word, more, last, b->newline);

	if (n < 0 || (size_t)n >= ACTIVATION_MAX_BLOCK - b->len)
		(void)fault_set(b->f, FAULT_REFUSED, "the names are too long");
	else
		b->len += (size_t)n;
}

static void
put_header(struct block *b, const char *section)
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
put_setting(struct block *b, const char *name, const char *value)
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
put_own(struct block *b, const struct cnf *c, const char *section)
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
put_listed(struct block *b, const struct cnf *c, const char *list,
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
put_list(struct block *b, const struct cnf *c, const struct activation *a)
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

static void
put_keyd(struct block *b, const struct cnf *c, const struct activation *a,
	const struct activation_settings *s)
{
	if (a->keyd_section == NULL)
		put_own(b, c, own_keyd);
	else
		put_header(b, a->keyd_section);
	if (!a->has_keyd)
		put_setting(b, "activate", "1");
	put_setting(b, "module", s->module);
	put_setting(b, "socket", s->socket);
	put_setting(b, "abstract-socket", s->abstract_socket);
	put_setting(b, "server-user", s->server_user);
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
activation_block(const struct cnf *c, const struct activation *a,
	const void *text, size_t len, const struct activation_settings *s,
	char out[ACTIVATION_MAX_BLOCK], struct fault *f)
{
	const char *t = text;
	bool joined = len > 0 && t[len - 1] != '\n';
	struct block b = { out, 0, newline_of(t, len), f };

	if (c->goes_on)
		return fault_set(f, FAULT_REFUSED,
			"its last line ends in a backslash: add an empty line");
	f->text[0] = '\0';
	if (joined)
		put(&b, "", "", "");
	put(&b, joined ? begin_joined : begin, "", "");
	put(&b, "# Activates the provider keyd. keydctl disable removes it.",
		"", "");
	put_list(&b, c, a);
	put_keyd(&b, c, a, s);
	put_header(&b, c->last);
	put(&b, end_mark, "", "");
	return f->text[0] == '\0' ? (long)b.len : -1;
}

void
activation_recipe(const struct activation *a, char *out, size_t size)
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
activation_strip(const char *file, const void *text, size_t len, void *out,
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
