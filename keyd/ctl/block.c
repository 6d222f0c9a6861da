#include "block.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mark.h"
#include "provider/client.h"

const char block_about[] =
	"# Activates the provider keyd. keydctl disable removes it.";

const char block_init[] = "openssl_keyd_init";
const char block_list[] = "openssl_keyd_providers";
const char block_default[] = "openssl_keyd_default";
const char block_keyd[] = "openssl_keyd";

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

/* A section of ours, which nobody else may have, nor refer to without it. */
static void
put_own(struct draft *b, const struct cnf *c, const char *section)
{
	bool used = cnf_has_section(c, section);
	size_t i;

	for (i = 0; !used && i < c->n; i++)
		used = c->entries[i].value != NULL &&
		       strcmp(c->entries[i].value, section) == 0;
	if (used)
		(void)fault_set(b->f, FAULT_REFUSED,
			"it has a section [%s], or names one, and that is "
			"keydctl's name: rename it",
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
		init = block_init;
		put_header(b, "default");
		put_setting(b, "openssl_conf", init);
		put_own(b, c, init);
	} else if (list == NULL) {
		put_header(b, init);
	}
	if (list == NULL) {
		list = block_list;
		put_setting(b, "providers", list);
		put_own(b, c, list);
	} else if (a->keyd_section == NULL ||
		   (lost && a->default_section == NULL)) {
		put_header(b, list);
	}
	if (lost && a->default_section == NULL)
		put_listed(b, c, list, "default", block_default);
	if (a->keyd_section == NULL)
		put_listed(b, c, list, "keyd", block_keyd);
	if (!lost)
		return;
	if (a->default_section == NULL)
		put_own(b, c, block_default);
	else
		put_header(b, a->default_section);
	put_setting(b, "activate", "1");
}

/* Unless what is kept says it already. */
static void
put_wanted(struct draft *b, const struct kept *kept, const char *name,
	const char *value)
{
	if (kept == NULL || !kept_has(kept, name))
		put_setting(b, name, value);
}

static void
put_lines(struct draft *b, const struct kept *kept)
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
		put_own(b, c, block_keyd);
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
	put(&b, mark_begin(joined), "", "");
	put(&b, block_about, "", "");
	put_list(&b, c, a);
	put_keyd(&b, c, a, s);
	put_header(&b, c->last);
	put(&b, mark_end(), "", "");
	return f->text[0] == '\0' ? (long)b.len : -1;
}

void
block_recipe(const struct activation *a, char *out, size_t size)
{
	const char *init = a->init == NULL ? block_init : a->init;
	const char *list = a->list == NULL ? block_list : a->list;
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
			list, block_keyd, block_keyd, block_default, list,
			block_default);
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
