#include "activation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *
activation_bare(const char *name)
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

/* A line of a list of providers, and the section it names. */
struct provider {
	const char *name, *module; /* no module: NULL */
	bool active;
};

static int
read_provider(const struct cnf *c, const struct cnf_entry *listed,
	struct provider *out, struct fault *f)
{
	struct provider p = { .name = activation_bare(listed->name) };
	const struct cnf_entry *e = NULL;
	const char *word;

	if (listed->value == NULL)
		return unknown(listed, f);
	while ((e = cnf_next(c, listed->value, e)) != NULL) {
		word = activation_bare(e->name);
		if (e->value == NULL && (strcmp(word, "identity") == 0 ||
						strcmp(word, "module") == 0 ||
						strcmp(word, "activate") == 0))
			return unknown(e, f);
		if (e->value == NULL)
			continue;
		if (strcmp(word, "identity") == 0)
			p.name = e->value;
		else if (strcmp(word, "module") == 0)
			p.module = e->value;
		else if (strcmp(word, "activate") == 0 &&
			 is_activated(e, &p.active, f) < 0)
			return -1;
	}
	*out = p;
	return 0;
}

static int
provider(const struct cnf *c, const struct cnf_entry *listed,
	struct activation *a, struct fault *f)
{
	struct provider p = { 0 };

	if (read_provider(c, listed, &p, f) < 0)
		return -1;
	a->active += p.active;
	if (strcmp(p.name, "default") == 0) {
		a->has_default = a->has_default || p.active;
		a->default_section = listed->value;
	}
	if (strcmp(p.name, "keyd") == 0) {
		a->has_keyd = a->has_keyd || p.active;
		a->keyd_section = listed->value;
		a->module = p.module;
		a->socket = value_of(c, listed->value, "socket");
		a->abstract_socket =
			value_of(c, listed->value, "abstract-socket");
		a->server_user = value_of(c, listed->value, "server-user");
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

static bool
is_active(const struct cnf *c, const struct activation *a, const char *name)
{
	const struct cnf_entry *e = NULL;
	struct fault ignored;
	struct provider p = { 0 };

	while (a->list != NULL && (e = cnf_next(c, a->list, e)) != NULL)
		if (read_provider(c, e, &p, &ignored) == 0 && p.active &&
			strcmp(p.name, name) == 0)
			return true;
	return false;
}

/* A setting of the init section that the whole has not, or another one. */
static bool
is_replaced(const struct cnf_entry *e, const struct cnf *all,
	const struct activation *whole)
{
	const char *value = whole->init == NULL
				    ? NULL
				    : value_of(all, whole->init, e->name);

	return e->value != NULL && !is_providers(e->name) &&
	       (value == NULL || strcmp(value, e->value) != 0);
}

const struct cnf_entry *
activation_hidden(const struct cnf *c, const struct activation *own,
	const struct cnf *all, const struct activation *whole)
{
	const struct cnf_entry *e = NULL;
	struct fault ignored;
	struct provider p = { 0 };

	while (own->init != NULL && (e = cnf_next(c, own->init, e)) != NULL)
		if (is_replaced(e, all, whole))
			return e;
	e = NULL;
	while (own->list != NULL && (e = cnf_next(c, own->list, e)) != NULL)
		if (read_provider(c, e, &p, &ignored) == 0 && p.active &&
			!is_active(all, whole, p.name))
			return e;
	return NULL;
}
