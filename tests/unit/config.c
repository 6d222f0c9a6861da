#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "config/config.h"
#include "lockdown/lockdown.h"

static char folder[PATH_MAX];
static char file[PATH_MAX];

static void
make_folder(void)
{
	char template[] = "/tmp/keyd-config-XXXXXX";

	cr_assert_not_null(mkdtemp(template));
	cr_assert_not_null(realpath(template, folder));
	(void)snprintf(file, sizeof(file), "%.4000s/keyd.conf", folder);
}

static void
remove_folder(void)
{
	(void)unlink(file);
	(void)rmdir(folder);
}

TestSuite(config, .init = make_folder, .fini = remove_folder);

static int
load(const char *text, struct config *c, struct ini_error *err)
{
	FILE *f = fopen(file, "w");

	cr_assert_not_null(f);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
	return config_load(file, c, err);
}

static void
expect_error(const char *text, unsigned line, const char *words)
{
	static struct config c;
	struct ini_error err;

	cr_assert_eq(load(text, &c, &err), -1, "accepted: %s", text);
	cr_assert_eq(err.line, line, "%s: line %u", text, err.line);
	cr_assert_not_null(strstr(err.text, words), "%s: %s", text, err.text);
}

Test(config, an_empty_file_gives_the_defaults)
{
	static struct config c;
	struct ini_error err;

	cr_assert_eq(load("", &c, &err), 0, "%s", err.text);
	cr_assert_str_eq(c.file, file);
	cr_assert_eq(c.nsockets, 1);
	cr_assert_str_eq(c.socket[0], "/run/openssl-keyd/keyd.sock");
	cr_assert_str_eq(c.abstract, "openssl-keyd");
	cr_assert_str_eq(c.keys, "/var/lib/openssl-keyd/keys");
	cr_assert_str_eq(c.policies, "/etc/openssl-keyd/keys.d");
	cr_assert_str_eq(c.run, "/run/openssl-keyd");
	cr_assert_str_eq(c.user, "keyd");
	cr_assert_str_eq(c.chroot, "/run/openssl-keyd/empty");
	cr_assert_eq(c.require, 0);
	cr_assert_eq(c.session_uid_count, 0);
	cr_assert_eq(c.max_sessions, 1024);
	cr_assert_eq(c.max_sessions_per_user, 256);
	cr_assert_eq(c.spare_sessions, 2);
	cr_assert_eq(c.idle_timeout, 300000);
	cr_assert_eq(c.log_level, LOG_INFO);
}

Test(config, every_setting_is_taken)
{
	static struct config c;
	struct ini_error err;

	cr_assert_eq(load("socket = /a/b, /c\n"
			  "abstract-socket = @name\n"
			  "keys = /k\npolicies = /p\nrun = /r\n"
			  "user = 12:34\nchroot = /x\n"
			  "require = seccomp, chroot\n"
			  "session-uids = 70000-70099\n"
			  "max-sessions = 5\nmax-sessions-per-user = 4\n"
			  "spare-sessions = 3\nidle-timeout = 2m\n"
			  "log-level = debug\n",
			     &c, &err),
		0, "%s", err.text);
	cr_assert_eq(c.nsockets, 2);
	cr_assert_str_eq(c.socket[0], "/a/b");
	cr_assert_str_eq(c.socket[1], "/c");
	cr_assert_str_eq(c.abstract, "name");
	cr_assert_str_eq(c.keys, "/k");
	cr_assert_str_eq(c.policies, "/p");
	cr_assert_str_eq(c.run, "/r");
	cr_assert_str_eq(c.user, "12:34");
	cr_assert_str_eq(c.chroot, "/x");
	cr_assert_eq(c.require, LAYER_SECCOMP | LAYER_CHROOT);
	cr_assert_eq(c.session_uid_first, 70000);
	cr_assert_eq(c.session_uid_count, 100);
	cr_assert_eq(c.max_sessions, 5);
	cr_assert_eq(c.max_sessions_per_user, 4);
	cr_assert_eq(c.spare_sessions, 3);
	cr_assert_eq(c.idle_timeout, 120000);
	cr_assert_eq(c.log_level, LOG_DEBUG);
}

Test(config, relative_paths_count_from_the_folder_of_the_file)
{
	static struct config c;
	struct ini_error err;
	char expected[PATH_MAX + 64];

	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(load("socket = s\nkeys = keys\nrun = run\n", &c, &err), 0,
		"%s", err.text);
	(void)snprintf(expected, sizeof(expected), "%s/s", folder);
	cr_assert_str_eq(c.socket[0], expected);
	(void)snprintf(expected, sizeof(expected), "%s/keys", folder);
	cr_assert_str_eq(c.keys, expected);
	(void)snprintf(expected, sizeof(expected), "%s/run/empty", folder);
	cr_assert_str_eq(c.chroot, expected);
	cr_assert_eq(chdir(folder), 0);
	cr_assert_eq(config_load("keyd.conf", &c, &err), 0);
	cr_assert_str_eq(c.file, file);
}

Test(config, sockets_can_be_none_but_not_both)
{
	static struct config c;
	struct ini_error err;

	cr_assert_eq(load("socket = none\n", &c, &err), 0);
	cr_assert_eq(c.nsockets, 0);
	cr_assert_eq(load("abstract-socket = none\n", &c, &err), 0);
	cr_assert_str_eq(c.abstract, "");
	expect_error("socket = none\nabstract-socket = none\n", 0,
		"nobody could connect");
}

Test(config, each_error_names_line_and_setting)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words;
	} rows[] = {
		{ "\nsokcet = x\n", 2, "no setting 'sokcet'" },
		{ "keys = a\nrun = b\nkeys = c\n", 3, "'keys' is repeated" },
		{ "[keyd]\nkeys = a\n", 2, "[keyd]: a section" },
		{ "[listener]\nkeys = a\n", 2, "[listener]: a section" },
		{ "user-namespace = yes\n", 1,
			"user-namespace: neither refuse nor allow" },
		{ "keys\n", 1, "no '='" },
		{ "keys =\n", 1, "keys: a path is missing" },
		{ "policies =\n", 1, "policies: a path is missing" },
		{ "run =\n", 1, "run: a path is missing" },
		{ "socket =\n", 1, "socket: a path, or 'none'" },
		{ "socket = /a /b /a\n", 1, "socket: '/a' is named twice" },
		{ "socket = 1 2 3 4 5 6 7 8 9 a b c d e f g h\n", 1,
			"socket: more than 16" },
		{ "abstract-socket =\n", 1, "abstract-socket: a name" },
		{ "abstract-socket = a b\n", 1, "abstract-socket: only one" },
		{ "user =\n", 1, "user: a user's name" },
		{ "user = a b\n", 1, "user: 'a b' is not" },
		{ "require = seccomp sandbox\n", 1,
			"require: there is no layer 'sandbox'" },
		{ "session-uids = 5\n", 1, "session-uids: not a range" },
		{ "session-uids = a-b\n", 1, "session-uids: not a range" },
		{ "session-uids = 5-\n", 1, "session-uids: not a range" },
		{ "session-uids = 1-2-3\n", 1, "session-uids: not a range" },
		{ "session-uids = 5-4\n", 1, "session-uids: the range ends" },
		{ "session-uids = 0-4\n", 1, "session-uids: uid 0" },
		{ "session-uids = 65000-66000\n", 1,
			"session-uids: uid 65534" },
		{ "session-uids = 1-2147483648\n", 1, "not a range" },
		{ "max-sessions = 0\n", 1, "max-sessions: not a number" },
		{ "max-sessions = 16385\n", 1, "max-sessions: not a number" },
		{ "max-sessions = many\n", 1, "max-sessions: not a number" },
		{ "max-sessions-per-user = 0\n", 1, "max-sessions-per-user: " },
		{ "spare-sessions = 65\n", 1, "spare-sessions: not a number" },
		{ "spare-sessions = 0\n", 1, "spare-sessions: not a number" },
		{ "idle-timeout = soon\n", 1, "idle-timeout: not a time" },
		{ "idle-timeout = 169h\n", 1, "idle-timeout: not a time" },
		{ "log-level = loud\n", 1, "log-level: not one of" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_error(rows[i].text, rows[i].line, rows[i].words);
}

#define WEB "[listener web]\nsocket = /s\nkeys = a*\nallow = uid:5\n"

Test(config, listeners_have_sockets_keys_and_users_of_their_own)
{
	static struct config c;
	struct ini_error err;

	cr_assert_eq(load("socket = /a\n" WEB "[listener b.2]\nsocket = s\n"
			  "keys = site, mail-?\nallow = uid:7-9 www-data\n",
			     &c, &err),
		0, "%s", err.text);
	cr_assert_eq(c.nlisteners, 2);
	cr_assert_str_eq(c.listener[0].name, "web");
	cr_assert_str_eq(c.listener[0].socket, "/s");
	cr_assert_eq(c.listener[0].line, 3);
	cr_assert_str_eq(c.listener[1].name, "b.2");
	cr_assert_eq(c.listener[1].socket[0], '/');
	cr_assert_eq(config_listeners_of(&c, "ab"), 3);
	cr_assert_eq(config_listeners_of(&c, "site"), 5);
	cr_assert_eq(config_listeners_of(&c, "mail-1"), 5);
	cr_assert_eq(config_listeners_of(&c, "mail-12"), 1);
	cr_assert_eq(config_listeners_of(&c, "site2"), 1);
	cr_assert_eq(config_listeners_of(&c, "A"), 1);
}

Test(config, a_listener_that_is_not_whole_is_refused)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words;
	} rows[] = {
		{ "[listener a]\nkeys = *\nallow = x\n", 2,
			"[listener a]: socket is missing" },
		{ "[listener a]\nsocket = /s\nallow = x\n", 2,
			"[listener a]: keys is missing" },
		{ "[listener a]\nsocket = /s\nkeys = *\n", 2,
			"[listener a]: allow is missing" },
		{ "[listener a]\nuser = x\n", 2, "no setting 'user'" },
		{ "[listener a]\nsocket = /s /t\n", 2, "one path" },
		{ "[listener a]\nsocket = none /t\n", 2, "one path" },
		{ "[listener a]\nsocket =\n", 2, "a path is missing" },
		{ "[listener a]\nkeys = a/b\n", 2, "neither a key's name" },
		{ "[listener a]\nkeys = [a]\n", 2, "neither a key's name" },
		{ "[listener a]\nkeys =\n", 2, "'*' for all, is missing" },
		{ "[listener a]\nallow =\n", 2, "nobody is named" },
		{ "[listener a]\nallow = gid:5\n", 2, "is none of NAME" },
		{ "[listener a]\nallow = unit:a.service\n", 2, "is none of" },
		{ "[listener a]\nallow = uid:\n", 2, "is not a user id" },
		{ "[listener a]\nallow = uid:5-\n", 2, "is not a user id" },
		{ "[listener a]\nallow = uid:-5\n", 2, "is not a user id" },
		{ "[listener a]\nallow = uid:1-2-3\n", 2, "is not a user id" },
		{ "[listener a]\nallow = uid:4294967295\n", 2,
			"not a user id" },
		{ "[listener a]\nallow = uid:9-8\n", 2, "ends before" },
		{ "[listener a]\nallow = uid:0-8\n", 2, "uid 0 is root's" },
		{ "[listener a]\nallow = uid:65534\n", 2, "nobody in" },
		{ "[listener a]\nallow = uid:1-65534\n", 2, "nobody in" },
		{ "[listener a]\nallow = uid:65000-70000\n", 2, "nobody in" },
		{ "socket = /s\n" WEB, 3, "'/s' is named twice" },
		{ WEB "[listener b]\nsocket = /s\nkeys = *\nallow = x\n", 6,
			"[listener b]: socket: '/s' is named twice" },
		{ "[listener aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\nkeys = *\n", 2,
			"at most 31 characters" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_error(rows[i].text, rows[i].line, rows[i].words);
}

Test(config, there_are_31_listeners_and_64_words_at_most)
{
	static char text[8192];
	static struct config c;
	struct ini_error err;
	size_t n = 0;
	int i;

	for (i = 0; i < LISTENER_MAX; i++)
		n += (size_t)sprintf(text + n,
			"[listener l%d]\nsocket = /%d\nkeys = *\n"
			"allow = uid:0\n",
			i, i);
	cr_assert_eq(load(text, &c, &err), 0, "%s", err.text);
	cr_assert_eq(config_listeners_of(&c, "a"), UINT32_MAX);
	(void)strcpy(text + n, "[listener x]\nsocket = /x\n");
	expect_error(text, 4 * LISTENER_MAX + 2, "more than 31");
	n = (size_t)sprintf(text, "[listener a]\nallow =");
	for (i = 0; i <= LISTENER_MAX_USERS; i++)
		n += (size_t)sprintf(text + n, " uid:%d", i);
	expect_error(text, 2, "more than 64 words");
}

Test(config, long_values_are_refused)
{
	static char text[6000];
	static struct config c;
	struct ini_error err;
	size_t n;

	n = (size_t)sprintf(text, "socket = /");
	memset(text + n, 's', 107);
	expect_error(text, 1, "socket: a socket's path may have at most 107");
	text[n + 106] = '\0';
	cr_assert_eq(load(text, &c, &err), 0, "%s", err.text);
	n = (size_t)sprintf(text, "abstract-socket = ");
	memset(text + n, 's', 108);
	text[n + 108] = '\0';
	expect_error(text, 1, "abstract-socket: the name may have");
	n = (size_t)sprintf(text, "user = ");
	memset(text + n, 'u', 64);
	text[n + 64] = '\0';
	expect_error(text, 1, "user: the name is too long");
	n = (size_t)sprintf(text, "keys = k");
	memset(text + n, 'k', 4084);
	text[n + 4084] = '\0';
	expect_error(text, 1, "keys: the path is too long");
	n = (size_t)sprintf(text, "require = ");
	memset(text + n, 'l', 100);
	text[n + 100] = '\0';
	expect_error(text, 1, "require: there is no such layer");
}

Test(config, an_unreadable_file_is_an_error_of_the_whole_file)
{
	static struct config c;
	struct ini_error err = { .line = 9 };

	cr_assert_eq(config_load("/nonexistent/keyd.conf", &c, &err), -1);
	cr_assert_eq(err.line, 0);
	cr_assert_not_null(strstr(err.text, strerror(ENOENT)), "%s", err.text);
	cr_assert_eq(config_load(file, &c, &err), -1);
	cr_assert_not_null(strstr(err.text, strerror(ENOENT)), "%s", err.text);
	cr_assert_eq(config_load("/tmp", &c, &err), -1);
	cr_assert_not_null(strstr(err.text, "regular"), "%s", err.text);
}

Test(config, a_file_over_the_limit_is_refused)
{
	static char text[INI_MAX_FILE + 2];

	memset(text, '\n', INI_MAX_FILE + 1);
	expect_error(text, 0, "too large");
}

Test(config, helpers_are_found_beside_the_program_only_if_executable)
{
	char path[PATH_MAX], tiny[4];

	cr_assert_eq(config_helper("unit-config", path, sizeof(path)), 0);
	cr_assert_not_null(strstr(path, "/unit-config"));
	cr_assert_eq(config_helper("keyd-nothing", path, sizeof(path)), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(config_helper("unit-config", tiny, sizeof(tiny)), -1);
	cr_assert_eq(errno, ENAMETOOLONG);
}

Test(config, where_a_setting_stands_can_be_told_later)
{
	static struct config c;
	struct ini_error err;
	char where[CONFIG_MAX_WHERE], expected[CONFIG_MAX_WHERE];

	cr_assert_eq(load("# a comment\nuser = nobody-here\n", &c, &err), 0);
	(void)snprintf(expected, sizeof(expected), "%s:2: user", file);
	cr_assert_str_eq(config_where(&c, "user", where), expected);
	(void)snprintf(expected, sizeof(expected), "%s: keys (default)", file);
	cr_assert_str_eq(config_where(&c, "keys", where), expected);
}
