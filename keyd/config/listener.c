#include "config/listener.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	OVERFLOW_ID = 65534, /* stands for any unmapped id: never usable */
	MAX_WORD = 96,
};

__attribute__((format(printf, 2, 3))) static int
fail(struct ini_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -1;
}

static int
set_socket(struct listener_config *l, const char *base, const char *value,
	struct ini_error *err)
{
	char path[PATH_MAX];
	int n;

	if (value[0] == '\0')
		return fail(err, "a path is missing");
	if (strpbrk(value, " \t,") != NULL)
		return fail(err, "a listener has one path");
	if (value[0] == '/')
		n = snprintf(path, sizeof(path), "%s", value);
	else
		n = snprintf(path, sizeof(path), "%s/%s",
			strcmp(base, "/") == 0 ? "" : base, value);
	if (n < 0 || n > LISTENER_MAX_SOCKET)
		return fail(err,
			"a socket's path may have at most %d bytes, "
			"'%.120s' has %d",
			LISTENER_MAX_SOCKET, value, n);
	memcpy(l->socket, path, (size_t)n + 1);
	return 0;
}

static int
set_text(char out[LISTENER_MAX_TEXT + 1], const char *value,
	struct ini_error *err)
{
	if (strlen(value) > LISTENER_MAX_TEXT)
		return fail(err, "more than %d characters", LISTENER_MAX_TEXT);
	(void)snprintf(out, LISTENER_MAX_TEXT + 1, "%s", value);
	return 0;
}

static int
set_keys(struct listener_config *l, const char *base, const char *value,
	struct ini_error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-*?";
	const char *rest = value;
	char word[MAX_WORD];
	unsigned n = 0;
	int r;

	(void)base;
	for (; (r = ini_next_word(&rest, word, sizeof(word))) > 0; n++)
		if (word[strspn(word, allowed)] != '\0')
			return fail(err,
				"'%s' is neither a key's name nor a pattern "
				"with * and ?",
				word);
	if (r < 0)
		return fail(err, "a name is too long");
	if (n == 0)
		return fail(err, "a key's name, or '*' for all, is missing");
	return set_text(l->keys, value, err);
}

/* A user id that can be somebody's. */
static int
get_id(const char *text, uint32_t *out, struct ini_error *err)
{
	unsigned long n;

	if (ini_number(text, UINT32_MAX - 1, &n) < 0)
		return fail(err, "'%s' is not a user id", text);
	*out = (uint32_t)n;
	return 0;
}

/* N or FIRST-LAST. */
static int
get_range(char *text, struct listener_users *out, struct ini_error *err)
{
	char *dash = strchr(text, '-');

	if (dash != NULL)
		*dash++ = '\0';
	if (get_id(text, &out->first, err) < 0 ||
		get_id(dash == NULL ? text : dash, &out->last, err) < 0)
		return -1;
	if (out->last < out->first)
		return fail(err, "a range ends before it starts: %u-%u",
			(unsigned)out->first, (unsigned)out->last);
	if (out->first == 0 && out->last > 0)
		return fail(err, "uid 0 is root's: name it by itself (uid:0), "
				 "if it is meant");
	if (out->first <= OVERFLOW_ID && out->last >= OVERFLOW_ID)
		return fail(err,
			"uid %d stands for nobody in particular and "
			"cannot be allowed",
			OVERFLOW_ID);
	return 0;
}

int
listener_next_users(
	const char **text, struct listener_users *out, struct ini_error *err)
{
	static const char uid[] = "uid:";
	struct listener_users u = { 0 };
	char word[MAX_WORD];
	int r = ini_next_word(text, word, sizeof(word));

	if (r == 0)
		return 0;
	if (r < 0 || strlen(word) >= sizeof(u.name))
		return fail(err, "a name is too long");
	if (strncmp(word, uid, sizeof(uid) - 1) == 0) {
		if (get_range(word + sizeof(uid) - 1, &u, err) < 0)
			return -1;
	} else if (strpbrk(word, ":/") != NULL) {
		return fail(err, "'%s' is none of NAME, uid:N, uid:FIRST-LAST",
			word);
	} else {
		(void)snprintf(u.name, sizeof(u.name), "%s", word);
	}
	*out = u;
	return 1;
}

static int
set_allow(struct listener_config *l, const char *base, const char *value,
	struct ini_error *err)
{
	struct listener_users users;
	const char *rest = value;
	unsigned n = 0;
	int r;

	(void)base;
	while ((r = listener_next_users(&rest, &users, err)) > 0)
		n++;
	if (r < 0)
		return -1;
	if (n == 0)
		return fail(err, "nobody is named; name a user, or user ids");
	if (n > LISTENER_MAX_USERS)
		return fail(err, "more than %d words", LISTENER_MAX_USERS);
	return set_text(l->allow, value, err);
}

const struct listener_setting listener_settings[] = {
	{ "socket", set_socket },
	{ "keys", set_keys },
	{ "allow", set_allow },
	{ NULL, NULL },
};

int
listener_set(struct listener_config *l, const char *base, const char *name,
	const char *value, struct ini_error *err)
{
	const struct listener_setting *s;
	struct ini_error inner = { 0 };

	for (s = listener_settings; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			break;
	if (s->name == NULL)
		return fail(err, "[listener %s]: there is no setting '%s'",
			l->name, name);
	if (s->set(l, base, value, &inner) < 0)
		return fail(err, "[listener %s]: %s: %.180s", l->name, name,
			inner.text);
	return 0;
}

int
listener_finish(const struct listener_config *l, struct ini_error *err)
{
	const char *missing = NULL;

	if (l->socket[0] == '\0')
		missing = "socket";
	else if (l->keys[0] == '\0')
		missing = "keys";
	else if (l->allow[0] == '\0')
		missing = "allow";
	if (missing == NULL)
		return 0;
	err->line = l->line;
	return fail(err, "[listener %s]: %s is missing, and has no default",
		l->name, missing);
}

bool
listener_has_key(const struct listener_config *l, const char *key)
{
	const char *rest = l->keys;
	char word[MAX_WORD];

	while (ini_next_word(&rest, word, sizeof(word)) > 0)
		if (fnmatch(word, key, 0) == 0)
			return true;
	return false;
}
