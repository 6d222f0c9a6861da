#include "config/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lockdown/lockdown.h"

enum {
	MAX_SESSIONS = 16384,
	MAX_SPARE = 64,
	MAX_IDLE_MS = 7 * 24 * 3600 * 1000,
	OVERFLOW_ID = 65534, /* stands for any unmapped id: never usable */
	MAX_ID = 0x7fffffff,
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

/* Makes value absolute, counting from base. */
static int
set_path(char out[PATH_MAX], const char *base, const char *value,
	struct ini_error *err)
{
	int n;

	if (value[0] == '\0')
		return fail(err, "a path is missing");
	if (value[0] == '/')
		n = snprintf(out, PATH_MAX, "%s", value);
	else
		n = snprintf(out, PATH_MAX, "%s/%s",
			strcmp(base, "/") == 0 ? "" : base, value);
	if (n < 0 || n >= PATH_MAX)
		return fail(err, "the path is too long");
	return 0;
}

static int
add_socket(struct config *c, const char *base, const char *word,
	struct ini_error *err)
{
	char *path;
	unsigned i;

	if (c->nsockets == CONFIG_MAX_SOCKETS)
		return fail(err, "more than %d paths", CONFIG_MAX_SOCKETS);
	path = c->socket[c->nsockets];
	if (set_path(path, base, word, err) < 0)
		return -1;
	if (strlen(path) > LISTENER_MAX_SOCKET)
		return fail(err,
			"a socket's path may have at most %d bytes, "
			"'%.120s' has %zu",
			LISTENER_MAX_SOCKET, path, strlen(path));
	for (i = 0; i < c->nsockets; i++)
		if (strcmp(c->socket[i], path) == 0)
			return fail(err, "'%.120s' is named twice", path);
	c->nsockets++;
	return 0;
}

static int
set_socket(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	char word[PATH_MAX];
	int r;

	c->nsockets = 0;
	if (strcmp(value, "none") == 0)
		return 0;
	while ((r = ini_next_word(&value, word, sizeof(word))) > 0)
		if (add_socket(c, base, word, err) < 0)
			return -1;
	if (r < 0)
		return fail(err, "the path is too long");
	if (c->nsockets == 0)
		return fail(err, "a path, or 'none', is missing");
	return 0;
}

static int
set_abstract(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	(void)base;
	if (value[0] == '@')
		value++;
	if (value[0] == '\0')
		return fail(err, "a name, or 'none', is missing");
	if (strlen(value) >= sizeof(c->abstract))
		return fail(err, "the name may have at most %zu bytes",
			sizeof(c->abstract) - 1);
	if (strpbrk(value, " \t,") != NULL)
		return fail(err, "only one name is possible");
	if (strcmp(value, "none") == 0)
		value = "";
	(void)snprintf(c->abstract, sizeof(c->abstract), "%s", value);
	return 0;
}

static int
set_keys(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	return set_path(c->keys, base, value, err);
}

static int
set_policies(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	return set_path(c->policies, base, value, err);
}

static int
set_run(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	return set_path(c->run, base, value, err);
}

static int
set_user(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	(void)base;
	if (value[0] == '\0')
		return fail(err, "a user's name or number is missing");
	if (strlen(value) >= sizeof(c->user))
		return fail(err, "the name is too long");
	if (strpbrk(value, " \t,/") != NULL)
		return fail(err, "'%s' is not a user's name", value);
	(void)snprintf(c->user, sizeof(c->user), "%s", value);
	return 0;
}

/* Empty stands for the folder `empty` in the run folder: finish(). */
static int
set_chroot(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	if (value[0] == '\0') {
		c->chroot[0] = '\0';
		return 0;
	}
	return set_path(c->chroot, base, value, err);
}

static int
set_require(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	char word[64];
	uint32_t bit;
	int r;

	(void)base;
	c->require = 0;
	while ((r = ini_next_word(&value, word, sizeof(word))) > 0) {
		bit = lockdown_layer_bit(word);
		if (bit == 0)
			return fail(err, "there is no layer '%s'", word);
		c->require |= bit;
	}
	return r < 0 ? fail(err, "there is no such layer") : 0;
}

static int
set_session_uids(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	const char *dash = strchr(value, '-');
	unsigned long first, last;
	char text[16];

	(void)base;
	c->session_uid_first = c->session_uid_count = 0;
	if (value[0] == '\0')
		return 0;
	if (dash == NULL || (size_t)(dash - value) >= sizeof(text))
		return fail(err, "not a range FIRST-LAST: '%.60s'", value);
	memcpy(text, value, (size_t)(dash - value));
	text[dash - value] = '\0';
	if (ini_number(text, MAX_ID, &first) < 0 ||
		ini_number(dash + 1, MAX_ID, &last) < 0)
		return fail(err, "not a range FIRST-LAST: '%.60s'", value);
	if (first == 0)
		return fail(err, "uid 0 is root's");
	if (last < first)
		return fail(err, "the range ends before it starts");
	if (first <= OVERFLOW_ID && last >= OVERFLOW_ID)
		return fail(err, "uid %d is not usable", OVERFLOW_ID);
	c->session_uid_first = (uint32_t)first;
	c->session_uid_count = (uint32_t)(last - first + 1);
	return 0;
}

static int
set_count(unsigned *out, unsigned long min, unsigned long max,
	const char *value, struct ini_error *err)
{
	unsigned long n;

	if (ini_number(value, max, &n) < 0 || n < min)
		return fail(err, "not a number from %lu to %lu: '%.60s'", min,
			max, value);
	*out = (unsigned)n;
	return 0;
}

static int
set_max_sessions(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	(void)base;
	return set_count(&c->max_sessions, 1, MAX_SESSIONS, value, err);
}

static int
set_max_sessions_per_user(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	(void)base;
	return set_count(
		&c->max_sessions_per_user, 1, MAX_SESSIONS, value, err);
}

static int
set_spare_sessions(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	(void)base;
	return set_count(&c->spare_sessions, 1, MAX_SPARE, value, err);
}

static int
set_idle_timeout(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	(void)base;
	if (ini_duration(value, MAX_IDLE_MS, &c->idle_timeout) < 0)
		return fail(err,
			"not a time up to 168h, such as 300s, 5m, or 0 for "
			"never: '%.60s'",
			value);
	return 0;
}

static int
set_log_level(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = { { "error", LOG_ERR }, { "warning", LOG_WARNING },
		{ "notice", LOG_NOTICE }, { "info", LOG_INFO },
		{ "debug", LOG_DEBUG } };
	size_t i;

	(void)base;
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(value, levels[i].name) != 0)
			continue;
		c->log_level = levels[i].level;
		return 0;
	}
	return fail(err,
		"not one of error, warning, notice, info, debug: '%.60s'",
		value);
}

static int
set_user_namespace(struct config *c, const char *base, const char *value,
	struct ini_error *err)
{
	(void)base;
	c->user_namespace = strcmp(value, "allow") == 0;
	if (!c->user_namespace && strcmp(value, "refuse") != 0)
		return fail(err, "neither refuse nor allow: '%.60s'", value);
	return 0;
}

const struct config_setting config_settings[] = {
	{ "socket", "/run/openssl-keyd/keyd.sock", set_socket },
	{ "abstract-socket", "openssl-keyd", set_abstract },
	{ "keys", "/var/lib/openssl-keyd/keys", set_keys },
	{ "policies", "/etc/openssl-keyd/keys.d", set_policies },
	{ "run", "/run/openssl-keyd", set_run },
	{ "user", "keyd", set_user },
	{ "chroot", "", set_chroot },
	{ "require", "", set_require },
	{ "session-uids", "", set_session_uids },
	{ "max-sessions", "1024", set_max_sessions },
	{ "max-sessions-per-user", "256", set_max_sessions_per_user },
	{ "spare-sessions", "2", set_spare_sessions },
	{ "idle-timeout", "300s", set_idle_timeout },
	{ "log-level", "info", set_log_level },
	{ "user-namespace", "refuse", set_user_namespace },
	{ NULL, NULL, NULL },
};

static_assert(sizeof(config_settings) / sizeof(config_settings[0]) <=
		      CONFIG_MAX_SETTINGS,
	"a line is kept for each setting");

const char *
config_where(
	const struct config *c, const char *name, char out[CONFIG_MAX_WHERE])
{
	unsigned line = 0;
	size_t i;

	for (i = 0; config_settings[i].name != NULL; i++)
		if (strcmp(config_settings[i].name, name) == 0)
			line = c->lines[i];
	if (line > 0)
		(void)snprintf(out, CONFIG_MAX_WHERE, "%s:%u: %s", c->file,
			line, name);
	else
		(void)snprintf(out, CONFIG_MAX_WHERE, "%s: %s (default)",
			c->file, name);
	return out;
}

struct loading {
	struct config *config;
	const char *base;
};

/* The listener of this section, a new one at its first setting. NULL: err. */
static struct listener_config *
find_listener(struct config *c, const char *section, unsigned line,
	struct ini_error *err)
{
	static const char prefix[] = "listener ";
	const char *name = section + sizeof(prefix) - 1;
	struct listener_config *l;
	unsigned i;

	if (strncmp(section, prefix, sizeof(prefix) - 1) != 0) {
		(void)fail(err,
			"[%s]: a section of keyd.conf is called "
			"[listener NAME]",
			section);
		return NULL;
	}
	if (strlen(name) > LISTENER_MAX_NAME) {
		(void)fail(err, "[%s]: the name may have at most %d characters",
			section, LISTENER_MAX_NAME);
		return NULL;
	}
	for (i = 0; i < c->nlisteners; i++)
		if (strcmp(c->listener[i].name, name) == 0)
			return &c->listener[i];
	if (c->nlisteners == LISTENER_MAX) {
		(void)fail(err, "more than %d listeners", LISTENER_MAX);
		return NULL;
	}
	l = &c->listener[c->nlisteners++];
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	l->line = line;
	return l;
}

static int
on_listener(struct loading *l, const char *section, const char *name,
	const char *value, unsigned line, struct ini_error *err)
{
	struct listener_config *one =
		find_listener(l->config, section, line, err);

	return one == NULL ? -1 : listener_set(one, l->base, name, value, err);
}

static int
on_setting(void *arg, const char *section, const char *name, const char *value,
	unsigned line, struct ini_error *err)
{
	const struct loading *l = arg;
	const struct config_setting *s;
	struct ini_error inner = { 0 };

	if (section[0] != '\0')
		return on_listener(arg, section, name, value, line, err);
	for (s = config_settings; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			break;
	if (s->name == NULL)
		return fail(err, "there is no setting '%s'", name);
	if (s->set(l->config, l->base, value, &inner) < 0)
		return fail(err, "%s: %.220s", name, inner.text);
	l->config->lines[s - config_settings] = line;
	return 0;
}

static int
set_defaults(struct config *c, struct ini_error *err)
{
	const struct config_setting *s;

	for (s = config_settings; s->name != NULL; s++)
		if (s->set(c, "/", s->fallback, err) < 0)
			return -1;
	return 0;
}

/* No two of all sockets may be one. */
static int
check_sockets(const struct config *c, unsigned n, struct ini_error *err)
{
	const struct listener_config *one = &c->listener[n];
	bool twice = false;
	unsigned i;

	for (i = 0; i < c->nsockets; i++)
		twice = twice || strcmp(c->socket[i], one->socket) == 0;
	for (i = 0; i < n; i++)
		twice = twice ||
			strcmp(c->listener[i].socket, one->socket) == 0;
	if (!twice)
		return 0;
	err->line = one->line;
	return fail(err, "[listener %s]: socket: '%s' is named twice",
		one->name, one->socket);
}

/* What depends on several settings. */
static int
finish(struct config *c, struct ini_error *err)
{
	unsigned i;

	for (i = 0; i < c->nlisteners; i++)
		if (listener_finish(&c->listener[i], err) < 0 ||
			check_sockets(c, i, err) < 0)
			return -1;
	err->line = 0;
	if (c->nsockets == 0 && c->abstract[0] == '\0')
		return fail(err, "socket and abstract-socket are both 'none': "
				 "nobody could connect");
	if (c->chroot[0] == '\0' &&
		set_path(c->chroot, c->run, "empty", err) < 0)
		return -1;
	return 0;
}

/*
 * The absolute path and its folder. Links in the folder's path are resolved, one at the end is
 * not: paths count from the folder in which the operator sees the file.
 */
static int
locate(const char *path, char file[PATH_MAX], char base[PATH_MAX],
	struct ini_error *err)
{
	const char *slash = strrchr(path, '/'), *name;
	char folder[PATH_MAX];
	int n;

	name = slash == NULL ? path : slash + 1;
	n = snprintf(folder, sizeof(folder), "%.*s",
		slash == NULL ? 1 : (int)(slash - path + 1),
		slash == NULL ? "." : path);
	if (n < 0 || n >= PATH_MAX)
		return fail(err, "the path is too long");
	if (realpath(folder, base) == NULL)
		return fail(err, "cannot be opened: %s", strerror(errno));
	return set_path(file, base, name, err);
}

/* Whoever can write keyd.conf decides where keys lie and who they are for. */
static int
check_trusted(const struct stat *st, struct ini_error *err)
{
	if (!S_ISREG(st->st_mode))
		return fail(err, "not a regular file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return fail(err, "belongs to uid %u: it must be root's",
			(unsigned)st->st_uid);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fail(err,
			"can be written by others (mode %04o): chmod go-w",
			(unsigned)st->st_mode & 07777);
	return 0;
}

/* Reads the whole file into memory that the caller frees. */
static int
read_file(const char *path, char **out, size_t *len, struct ini_error *err)
{
	struct stat st;
	size_t got = 0;
	ssize_t n;
	char *text;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail(err, "cannot be opened: %s", strerror(errno));
	if (fstat(fd, &st) < 0) {
		(void)fail(err, "cannot be examined: %s", strerror(errno));
		goto err_file;
	}
	if (check_trusted(&st, err) < 0)
		goto err_file;
	text = malloc(INI_MAX_FILE + 1);
	if (text == NULL) {
		(void)fail(err, "no memory");
		goto err_file;
	}
	do {
		n = read(fd, text + got, INI_MAX_FILE + 1 - got);
		if (n > 0)
			got += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0) {
		(void)fail(err, "cannot be read: %s", strerror(errno));
		goto err_text;
	}
	(void)close(fd);
	*out = text;
	*len = got;
	return 0;
err_text:
	free(text);
err_file:
	(void)close(fd);
	return -1;
}

int
config_load(const char *path, struct config *out, struct ini_error *err)
{
	char base[PATH_MAX];
	struct loading loading = { out, base };
	char *text = NULL;
	size_t len = 0;
	int r;

	memset(out, 0, sizeof(*out));
	memset(err, 0, sizeof(*err));
	if (set_defaults(out, err) < 0 ||
		locate(path, out->file, base, err) < 0 ||
		read_file(out->file, &text, &len, err) < 0)
		return -1;
	r = ini_parse(text, len, on_setting, &loading, err);
	free(text);
	return r < 0 ? -1 : finish(out, err);
}

uint32_t
config_listeners_of(const struct config *c, const char *key)
{
	uint32_t bits = 1;
	unsigned i;

	for (i = 0; i < c->nlisteners; i++)
		if (listener_has_key(&c->listener[i], key))
			bits |= UINT32_C(2) << i;
	return bits;
}

/* Joins the folder of /proc/self/exe and name. */
static int
beside(const char *name, char *out, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int len;

	if (n < 0)
		return -1;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL) {
		errno = ENOENT;
		return -1;
	}
	*slash = '\0';
	len = snprintf(out, size, "%s/%s", self, name);
	if (len < 0 || (size_t)len >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return access(out, X_OK);
}

int
config_helper(const char *name, char *out, size_t size)
{
	char path[PATH_MAX];
	int n;

	if (beside(name, path, sizeof(path)) == 0)
		n = snprintf(out, size, "%s", path);
	else
		n = snprintf(out, size, "%s/%s", KEYD_LIBEXECDIR, name);
	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return access(out, X_OK);
}
