#include <criterion/criterion.h>

#include "provider/client.h"
#include "wire/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[CLIENT_TEXT];

static const char *
words(const struct client_error *e)
{
	return client_error_text(e, "www", text, sizeof(text));
}

static struct client_error
refusal(uint16_t status, uint16_t detail)
{
	return (struct client_error){ .result = CLIENT_REFUSED,
		.status = status,
		.detail = detail,
		.where = "/run/keyd.sock" };
}

Test(client_error, three_different_texts_for_three_refusals)
{
	struct client_error unknown = refusal(PROTO_UNKNOWN_KEY, 0);
	struct client_error denied = refusal(PROTO_NOT_PERMITTED, 0);
	struct client_error use =
		refusal(PROTO_USE_REFUSED, DETAIL_NOT_TLS_SERVER);
	char want[CLIENT_TEXT];

	cr_assert_str_eq(words(&unknown),
		"key 'www': keyd does not have this key: was it removed, or "
		"imported on another machine? See keydctl list "
		"[keyd at /run/keyd.sock: unknown-key 4]");
	(void)snprintf(want, sizeof(want),
		"key 'www': keyd has the key, but this user may not use it "
		"(uid %lu): add the user to `allow` in the key's policy and "
		"reload keyd [keyd at /run/keyd.sock: not-permitted 5]",
		(unsigned long)geteuid());
	cr_assert_str_eq(words(&denied), want);
	cr_assert_str_eq(words(&use),
		"key 'www': the key's policy does not allow this use: the "
		"message is not a TLS server's handshake signature; `use = "
		"sign` would allow it "
		"[keyd at /run/keyd.sock: use-refused 6, detail 1]");
}

Test(client_error, names_the_setting_for_every_detail_that_has_one)
{
	struct client_error e;
	uint16_t d;

	for (d = DETAIL_NOT_TLS_SERVER; d <= DETAIL_SESSIONS_USER; d++) {
		e = refusal(PROTO_USE_REFUSED, d);
		cr_assert_not_null(strstr(words(&e), detail_text(d)));
		if (detail_setting(d) != NULL)
			cr_assert_not_null(strstr(text, detail_setting(d)));
		else if (detail_advice(d) != NULL)
			cr_assert_not_null(strstr(text, detail_advice(d)));
		else
			cr_assert_not_null(strstr(text, "no setting allows"));
	}
}

Test(client_error, who_a_listener_keeps_out_is_not_sent_to_the_policies)
{
	struct client_error e = refusal(PROTO_NO_KEYS, DETAIL_LISTENER);

	cr_assert_not_null(strstr(words(&e), "`allow` of that listener"));
	cr_assert_null(strstr(text, "policy"));
	e = refusal(PROTO_NO_KEYS, 0);
	cr_assert_not_null(
		strstr(words(&e), "in a key's policy (in a container"));
}

Test(client_error, the_overflow_uid_is_not_advised_to_be_allowed)
{
	struct client_error e = refusal(PROTO_NOBODY, 0);

	cr_assert_not_null(strstr(words(&e), "never serves uid 65534"));
	cr_assert_not_null(strstr(text, "a user of its own"));
	cr_assert_null(strstr(text, "allow"));
}

Test(client_error, reports_numbers_that_it_does_not_know)
{
	struct client_error e = refusal(4711, 815);

	cr_assert_not_null(strstr(words(&e), "status 4711, detail 815"));
}

Test(client_error, says_what_to_do_when_the_socket_cannot_be_reached)
{
	static const struct {
		int error;
		const char *hint;
	} rows[] = {
		{ ENOENT, "/s (No such file or directory): is keyd running?" },
		{ ECONNREFUSED, "/s (Connection refused): is keyd running?" },
		{ EACCES, "permissions of its folder" },
		{ EPERM, "seccomp" },
		{ EAFNOSUPPORT, "RestrictAddressFamilies=" },
		{ EMFILE,
			"cannot make a socket for keyd (Too many open files)" },
		{ ENFILE, "fs.file-max" },
		{ ENAMETOOLONG, "shorter" },
		{ EPROTOTYPE, "not keyd's" },
		{ ENOTDIR, "setting socket" },
		{ ELOOP, "setting socket" },
		{ ETIMEDOUT, "overloaded" },
		{ ECONNRESET, "log says why" },
		{ EPIPE, "log says why" },
		{ EDOM, "is keyd running?" },
	};
	struct client_error e = { .result = CLIENT_UNREACHABLE, .where = "/s" };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e.sys_errno = rows[i].error;
		cr_assert_not_null(strstr(words(&e), rows[i].hint), "%s", text);
	}
}

Test(client_error, the_other_results)
{
	struct client_error e = { .where = "@k", .timeout = 250 };

	e.result = CLIENT_UNTRUSTED;
	e.server_uid = 1234;
	cr_assert_not_null(strstr(words(&e), "listens at @k is uid 1234"));
	cr_assert_not_null(strstr(text, "server-user"));
	e.server_uid = 65534;
	cr_assert_not_null(strstr(words(&e), "user namespace"));
	cr_assert_null(strstr(text, "set server-user"));
	e.server_uid = (uid_t)-1;
	cr_assert_not_null(strstr(words(&e), "could not be told"));
	e.result = CLIENT_TIMEOUT;
	cr_assert_str_eq(words(&e),
		"key 'www': keyd at @k did not answer within 250 ms: is it "
		"overloaded or stopped?");
	e.fast = true;
	cr_assert_not_null(strstr(words(&e), "not tried again yet"));
	e.fast = false;
	e.result = CLIENT_PROTOCOL;
	cr_assert_not_null(strstr(words(&e), "the answer from @k is not"));
	e.result = CLIENT_TOO_LARGE;
	cr_assert_not_null(strstr(words(&e), "larger than keyd takes"));
	e.result = CLIENT_NO_MEMORY;
	cr_assert_str_eq(words(&e), "key 'www': no memory");
	e.result = (enum client_result) - 99;
	cr_assert_str_eq(words(&e), "key 'www': no error");
}

Test(client_error, works_without_a_key_and_in_any_room)
{
	struct client_error e = refusal(PROTO_UNKNOWN_KEY, 0);
	char small[9];
	size_t i;

	cr_assert_str_eq(
		client_error_text(&e, NULL, small, sizeof(small)), "keyd doe");
	for (i = 0; i < sizeof(small); i++) {
		memset(small, '#', sizeof(small));
		(void)client_error_text(&e, "www", small, i);
		if (i > 0)
			cr_assert_eq(strlen(small), i - 1);
		cr_assert_eq(small[i], '#');
	}
}

Test(client_error, the_longest_text_has_room)
{
	struct client_error e = { .result = CLIENT_UNREACHABLE,
		.sys_errno = EAFNOSUPPORT,
		.before_errno = EAFNOSUPPORT,
		.fast = true };
	char key[PROTO_MAX_NAME + 1];

	memset(e.where, 'w', sizeof(e.where) - 1);
	memset(e.before, 'b', sizeof(e.before) - 1);
	memset(key, 'k', PROTO_MAX_NAME);
	key[PROTO_MAX_NAME] = '\0';
	(void)client_error_text(&e, key, text, sizeof(text));
	cr_assert_eq(text[strlen(text) - 1], ')');
	cr_assert_lt(strlen(text), sizeof(text) - 1);
}
