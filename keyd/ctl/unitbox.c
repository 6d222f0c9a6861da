#include "unitbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "unit.h"
#include "unitfiles.h"

enum {
	MAX_LIST = 8192,
};

/* A list that allows, or, if its first words follow a "~", denies. */
struct filter {
	enum { FILTER_NONE, FILTER_ALLOW, FILTER_DENY } kind;
	unsigned bits; /* that are named, of those that matter here */
};

struct unitbox {
	struct filter families, calls;
	bool own_network;
	char root[512]; /* RootDirectory= or RootImage= */
	char sealed[MAX_LIST], hide[MAX_LIST], show[MAX_LIST], noexec[MAX_LIST],
		exec[MAX_LIST];
};

/* What words of these lists stand for: of the calls that the provider makes,
 * those that a filter may leave out of a program that runs at all. */
struct filter_word {
	const char *word;
	unsigned bits;
};

static const struct filter_word family_words[] = {
	{ "AF_UNIX", 1 },
	{ "AF_LOCAL", 1 },
	{ NULL, 0 },
};

static const struct filter_word call_words[] = {
	{ "socket", 1 },
	{ "connect", 2 },
	{ "sendmsg", 4 },
	{ "recvmsg", 8 },
	{ "@network-io", 15 },
	{ "@system-service", 15 },
	{ "@known", 15 },
	{ NULL, 0 },
};

/* --- reading -------------------------------------------------------------- */

/* The next word, blank-separated, cut at any of stop; NULL at the end. */
static const char *
next_word(const char **text, const char *stop, char *out, size_t size)
{
	size_t len;

	*text += strspn(*text, " \t");
	len = strcspn(*text, " \t");
	if (len == 0)
		return NULL;
	(void)snprintf(out, size, "%.*s", (int)len, *text);
	*text += len;
	out[strcspn(out, stop)] = '\0';
	return out;
}

static void
add_words(struct filter *f, const struct filter_word *words, const char *value)
{
	bool inverted = value[0] == '~';
	char word[128];
	size_t i;

	if (value[0] == '\0') {
		*f = (struct filter){ 0 };
		return;
	}
	if (f->kind == FILTER_NONE)
		f->kind = inverted ? FILTER_DENY : FILTER_ALLOW;
	value += inverted;
	while (next_word(&value, ":", word, sizeof(word)) != NULL)
		for (i = 0; words[i].word != NULL; i++) {
			if (strcmp(words[i].word, word) != 0)
				continue;
			if (inverted == (f->kind == FILTER_DENY))
				f->bits |= words[i].bits;
			else
				f->bits &= ~words[i].bits;
		}
}

static bool
lets(const struct filter *f, unsigned bits)
{
	return f->kind == FILTER_NONE ||
	       (f->kind == FILTER_ALLOW ? (f->bits & bits) == bits
					: (f->bits & bits) == 0);
}

static void
add_list(char list[MAX_LIST], const char *value)
{
	size_t n = strlen(list);

	if (value[0] == '\0')
		list[0] = '\0';
	else
		(void)snprintf(list + n, MAX_LIST - n, " %s", value);
}

static bool
is_true(const char *value)
{
	return strcmp(value, "yes") == 0 || strcmp(value, "true") == 0 ||
	       strcmp(value, "on") == 0 || strcmp(value, "1") == 0;
}

static void
take(void *arg, const char *name, const char *value)
{
	struct unitbox *b = arg;

	if (strcmp(name, "RestrictAddressFamilies") == 0)
		add_words(&b->families, family_words, value);
	else if (strcmp(name, "SystemCallFilter") == 0)
		add_words(&b->calls, call_words, value);
	else if (strcmp(name, "PrivateNetwork") == 0)
		b->own_network = is_true(value);
	else if (strcmp(name, "RootDirectory") == 0 ||
		 strcmp(name, "RootImage") == 0)
		(void)snprintf(b->root, sizeof(b->root), "%s", value);
	else if (strcmp(name, "InaccessiblePaths") == 0)
		add_list(b->sealed, value);
	else if (strcmp(name, "TemporaryFileSystem") == 0)
		add_list(b->hide, value);
	else if (strcmp(name, "BindPaths") == 0 ||
		 strcmp(name, "BindReadOnlyPaths") == 0)
		add_list(b->show, value);
	else if (strcmp(name, "NoExecPaths") == 0)
		add_list(b->noexec, value);
	else if (strcmp(name, "ExecPaths") == 0)
		add_list(b->exec, value);
}

/* --- judging -------------------------------------------------------------- */

/* Length of the longest path of the list that path is, or is below of; -1. */
static int
longest(const char *list, const char *path)
{
	char word[1024];
	const char *p;
	int best = -1, len;

	/* "-/a" may be missing, "+/a" is below RootDirectory=; "/a:/b" is /b in
	 * Bind lists, and both are what one means here. */
	while (next_word(&list, ":", word, sizeof(word)) != NULL) {
		p = word + strspn(word, "-+");
		len = (int)strlen(p);
		while (len > 0 && p[len - 1] == '/')
			len--;
		if (strncmp(path, p, (size_t)len) == 0 &&
			(path[len] == '/' || path[len] == '\0') && len > best)
			best = len;
	}
	return best;
}

/* systemd shows nothing below an inaccessible path, whatever Bind lists say. */
static void
judge_hidden(struct findings *v, const struct unitbox *b, const char *unit,
	const char *folder, const char *what)
{
	if (longest(b->sealed, folder) >= 0)
		finding_say(v, FINDING_ERROR, unit,
			"InaccessiblePaths= hides %s, where %s is, and nothing "
			"below such a path can be shown: take "
			"TemporaryFileSystem= for it, with "
			"BindReadOnlyPaths=%s",
			folder, what, folder);
	else if (longest(b->hide, folder) > longest(b->show, folder))
		finding_say(v, FINDING_ERROR, unit,
			"TemporaryFileSystem= hides %s, where %s is: add "
			"BindReadOnlyPaths=%s",
			folder, what, folder);
}

static void
judge_paths(struct findings *v, const struct unitbox *b, const char *unit)
{
	const struct config *c = &v->ctl->config;
	const char *modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
	char folder[PATH_MAX] = "";

	if (c->nsockets > 0)
		(void)snprintf(folder, sizeof(folder), "%.*s",
			(int)(strrchr(c->socket[0], '/') - c->socket[0]),
			c->socket[0]);
	if (folder[0] != '\0')
		judge_hidden(v, b, unit, folder, "keyd's socket");
	if (modules == NULL)
		return;
	if (longest(b->noexec, modules) > longest(b->exec, modules))
		finding_say(v, FINDING_ERROR, unit,
			"NoExecPaths= keeps keyd.so from being loaded: add "
			"ExecPaths=%s",
			modules);
	judge_hidden(v, b, unit, modules, "keyd.so");
}

static void
judge_all(struct findings *v, const struct unitbox *b, const char *unit)
{
	const char *socket =
		v->ctl->config.nsockets > 0 ? v->ctl->config.socket[0] : "none";

	if (!lets(&b->families, 1))
		finding_say(v, FINDING_ERROR, unit,
			"RestrictAddressFamilies= leaves no way to keyd: add "
			"RestrictAddressFamilies=AF_UNIX");
	if (!lets(&b->calls, 15))
		finding_say(v, FINDING_ERROR, unit,
			"SystemCallFilter= leaves no way to keyd: add "
			"SystemCallFilter=@network-io");
	judge_paths(v, b, unit);
	if (b->root[0] != '\0')
		finding_say(v, FINDING_WARNING, unit,
			"%s is its root folder: keyd.so has to be installed "
			"there, and keyd's socket (%s) to be shown there, by "
			"BindReadOnlyPaths=",
			b->root, socket);
	if (b->own_network)
		finding_say(v, FINDING_OK, unit,
			"PrivateNetwork= leaves the abstract socket out of "
			"reach, not the one of a path (%s)",
			socket);
}

int
unitbox_judge(struct findings *v, int root, const char *unit)
{
	static struct unitbox b;

	memset(&b, 0, sizeof(b));
	if (unitfiles_read(root, unit, take, &b) == 0)
		return 0;
	judge_all(v, &b, unit);
	return 1;
}

int
unitbox_check(struct ctl *c, const char *unit)
{
	struct findings v = { .ctl = c };
	struct fault f;
	int root, found;

	if (!unit_is_name(unit)) {
		(void)fault_set(&f, FAULT_USAGE,
			"--service %s: not a service's name: NAME.service",
			unit);
		return fault_print(&f);
	}
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->json)
		json_open(&c->out, NULL, '[');
	found = unitbox_judge(&v, root, unit);
	if (root >= 0)
		(void)close(root);
	if (!found)
		finding_say(&v, FINDING_ERROR, unit, "no such unit was found");
	else if (v.count[FINDING_ERROR] + v.count[FINDING_WARNING] == 0)
		finding_say(&v, FINDING_OK, unit,
			"nothing in its sandbox stands between it and keyd");
	if (c->json)
		json_close(&c->out, ']');
	else
		(void)printf("%u errors, %u warnings\n", v.count[FINDING_ERROR],
			v.count[FINDING_WARNING]);
	return v.count[FINDING_ERROR] > 0 ? FAULT_FAILED : 0;
}
