/* The logger's lines, its table of sessions and its limits. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "logger/limit.h"
#include "logger/report.h"

static const struct track_peer peer = { 12, 33, 34 };

static void
expect_line(const struct audit *a, const struct track_peer *p, const char *text)
{
	struct line l;

	cr_assert_eq(report_line(a, 55, p, 1, &l), 1);
	cr_assert_str_eq(l.text, text);
}

Test(report, a_refusal_names_key_scheme_peer_rule_and_setting)
{
	struct audit a = { .kind = AUDIT_REFUSED,
		.type = PROTO_SIGN,
		.algorithm = PROTO_RSA_PKCS1,
		.digest = PROTO_SHA256,
		.length = 130,
		.status = PROTO_USE_REFUSED,
		.detail = DETAIL_NOT_TLS_SERVER,
		.name = "web" };

	memset(a.hash, 0xab, sizeof(a.hash));
	expect_line(&a, &peer,
		"<4>refused sign: key=web sha256="
		"abababababababababababababababababababababababababababababab"
		"abab scheme=\"rsa_pkcs1_sha256\" input=message bytes=130 "
		"peer pid=12 uid=33 gid=34 session=55: the key's policy does "
		"not allow this use: the message is not a TLS server's "
		"handshake signature; would be allowed by `use = sign`");
}

Test(report, hostile_names_cannot_forge_a_line)
{
	struct audit a = { .kind = AUDIT_REFUSED,
		.type = PROTO_FIND,
		.status = PROTO_UNKNOWN_KEY,
		.name = "a\n<0>x=\x1b[2J \"\\\xff" };

	expect_line(&a, NULL,
		"<4>refused find: key=a\\x0a\\x3c0\\x3ex\\x3d\\x1b\\x5b2J\\x20"
		"\\x22\\x5c\\xff peer unknown session=55: keyd does not have "
		"this key");
}

Test(report, a_stranger_on_a_connection_is_named)
{
	struct audit a = { .kind = AUDIT_REFUSED,
		.type = PROTO_SIGN,
		.status = PROTO_IDENTITY,
		.pid = 77,
		.peer_uid = 1000 };

	expect_line(&a, &peer,
		"<4>refused sign: peer pid=12 uid=33 gid=34 session=55 sender "
		"pid=77 uid=1000: the sender is not the process that "
		"connected");
}

Test(report, each_kind_has_its_words)
{
	struct audit a = { .kind = AUDIT_WOULD_REFUSE,
		.type = PROTO_SIGN,
		.status = PROTO_USE_REFUSED,
		.detail = DETAIL_CONFUSABLE };
	struct line l;

	expect_line(&a, &peer,
		"<4>would refuse, but for `enforce = log`, sign: peer pid=12 "
		"uid=33 gid=34 session=55: the key's policy does not allow "
		"this use: the message could be taken for one of another "
		"format; would be allowed by `use = sign`");
	a = (struct audit){
		.kind = AUDIT_FAILED, .type = 99, .status = PROTO_INTERNAL
	};
	cr_assert_eq(report_line(&a, 55, &peer, 1, &l), 1);
	cr_assert_eq(strncmp(l.text, "<3>failed ", 10), 0, "%s", l.text);
	a = (struct audit){ .kind = AUDIT_TURNED_AWAY,
		.status = PROTO_LIMIT,
		.detail = DETAIL_SESSIONS_USER };
	expect_line(&a, &peer,
		"<4>turned away: peer pid=12 uid=33 gid=34: keyd has too many "
		"sessions: this user's limit of sessions is reached; would be "
		"allowed by `a higher max-sessions-per-user in keyd.conf`");
	a = (struct audit){ .kind = AUDIT_SESSION_END, .code = 1 };
	expect_line(&a, &peer,
		"<4>session ended: peer pid=12 uid=33 gid=34 session=55: the "
		"peer broke the protocol");
	a.code = 256 + 11;
	expect_line(&a, &peer,
		"<4>session ended: peer pid=12 uid=33 gid=34 session=55: it "
		"died of signal 11");
}

Test(report, refused_decryptions_name_padding_and_digest)
{
	struct audit a = { .kind = AUDIT_REFUSED,
		.type = PROTO_DECRYPT,
		.status = PROTO_USE_REFUSED,
		.detail = DETAIL_DECRYPT_OFF,
		.algorithm = PROTO_OAEP,
		.digest = PROTO_SHA256,
		.name = "mail",
		.length = 256 };

	expect_line(&a, &peer,
		"<4>refused decrypt: key=mail padding=\"oaep sha256\" "
		"bytes=256 peer pid=12 uid=33 gid=34 session=55: the key's "
		"policy does not allow this use: decryption and key "
		"agreement; would be allowed by `use = decrypt`");
	a.digest = 99;
	a.algorithm = 99;
	a.status = PROTO_BAD_PARAMETER;
	a.detail = DETAIL_NONE;
	expect_line(&a, &peer,
		"<4>refused decrypt: key=mail padding=\"unknown "
		"unknown-digest\" bytes=256 peer pid=12 uid=33 gid=34 "
		"session=55: a parameter does not fit the key");
	a.algorithm = PROTO_PREMASTER;
	a.digest = 0;
	a.detail = DETAIL_TLS_VERSION;
	expect_line(&a, &peer,
		"<4>refused decrypt: key=mail padding=\"tls-premaster\" "
		"bytes=256 peer pid=12 uid=33 gid=34 session=55: a parameter "
		"does not fit the key: not a version of TLS 1.0 to 1.2 or "
		"DTLS");
	a = (struct audit){ .kind = AUDIT_REFUSED,
		.type = PROTO_DERIVE,
		.status = PROTO_BAD_PARAMETER,
		.detail = DETAIL_PEER_KEY,
		.name = "mail",
		.length = 65 };
	expect_line(&a, &peer,
		"<4>refused derive: key=mail bytes=65 peer pid=12 uid=33 "
		"gid=34 session=55: a parameter does not fit the key: the "
		"other side's "
		"public key is not one of this key's group");
}

Test(report, what_is_in_order_needs_no_line)
{
	static const uint32_t codes[] = { 0, 256 + 9, 256 + 15 };
	struct audit a = { .kind = AUDIT_SESSION_START };
	struct line l;
	size_t i;

	cr_assert_eq(report_line(&a, 55, &peer, 1, &l), 0);
	a.kind = AUDIT_SESSION_END;
	for (i = 0; i < 3; i++) {
		a.code = codes[i];
		cr_assert_eq(report_line(&a, 55, &peer, 1, &l), 0);
	}
	a.kind = 77;
	cr_assert_eq(report_line(&a, 55, &peer, 1, &l), 0);
}

Test(line, is_cut_off_at_its_end)
{
	struct line l;
	int i;

	line_start(&l, 4, 0);
	cr_assert_str_eq(l.text, "");
	for (i = 0; i < LINE_MAX_BYTES; i++)
		line_add(&l, "ab");
	cr_assert_eq(l.len, LINE_MAX_BYTES - 1);
	cr_assert_eq(strlen(l.text), l.len);
}

Test(track, remembers_and_forgets_sessions)
{
	struct track_peer p = { 1, 2, 3 };
	uint32_t i;

	cr_assert_null(track_find(5));
	track_add(5, &p);
	cr_assert_eq(track_find(5)->uid, 2);
	p.uid = 9;
	track_add(5, &p);
	cr_assert_eq(track_find(5)->uid, 9);
	track_remove(5);
	track_remove(5);
	cr_assert_null(track_find(5));
	for (i = 1; i <= TRACK_MAX + 10; i++)
		track_add(i, &p);
	cr_assert_not_null(track_find(TRACK_MAX));
	cr_assert_null(track_find(TRACK_MAX + 1));
	for (i = 1; i <= TRACK_MAX; i++)
		track_remove(i);
	track_add(TRACK_MAX + 1, &p);
	cr_assert_not_null(track_find(TRACK_MAX + 1));
}

struct told {
	unsigned times;
	uint32_t uid, count;
};

static void
tell(void *arg, uint32_t uid, uint32_t count)
{
	struct told *t = arg;

	t->times++;
	t->uid = uid;
	t->count = count;
}

Test(limit, a_flood_is_held_back_counted_and_told)
{
	static struct limit l;
	struct told t = { 0 };
	unsigned i, lines = 0;

	for (i = 0; i < 1000; i++)
		lines += limit_allows(&l, 33, 5000, tell, &t);
	cr_assert_eq(lines, LIMIT_BURST);
	cr_assert(limit_allows(&l, 34, 5000, tell, &t));
	limit_tell(&l, 5000 + LIMIT_SUMMARY - 1, tell, &t);
	cr_assert_eq(t.times, 0);
	limit_tell(&l, 5000 + LIMIT_SUMMARY, tell, &t);
	cr_assert_eq(t.times, 1);
	cr_assert_eq(t.uid, 33);
	cr_assert_eq(t.count, 1000 - LIMIT_BURST);
	limit_tell(&l, UINT64_MAX, tell, &t);
	cr_assert_eq(t.times, 1);
}

Test(limit, lines_come_back_with_time_up_to_a_burst)
{
	static struct limit l;
	struct told t = { 0 };
	unsigned i, lines;

	for (i = 0; i < LIMIT_BURST; i++)
		cr_assert(limit_allows(&l, 33, 0, tell, &t));
	cr_assert_not(limit_allows(&l, 33, LIMIT_INTERVAL - 1, tell, &t));
	cr_assert(limit_allows(&l, 33, LIMIT_INTERVAL, tell, &t));
	cr_assert_not(limit_allows(&l, 33, LIMIT_INTERVAL, tell, &t));
	for (lines = 0, i = 0; i < 1000; i++)
		lines += limit_allows(&l, 33, 1000000000, tell, &t);
	cr_assert_eq(lines, LIMIT_BURST);
	limit_tell_user(&l, 33, tell, &t);
	cr_assert_eq(t.times, 1);
	cr_assert_eq(t.count, 1000 - LIMIT_BURST + 2);
}

Test(limit, the_summary_of_a_forgotten_user_is_told)
{
	static struct limit l;
	struct told t = { 0 };
	unsigned i;

	for (i = 0; i < LIMIT_BURST + 5; i++)
		(void)limit_allows(&l, 7, 1, tell, &t);
	for (i = 0; i < LIMIT_USERS; i++)
		(void)limit_allows(&l, 1000 + i, 2 + i, tell, &t);
	cr_assert_eq(t.times, 1);
	cr_assert_eq(t.uid, 7);
	cr_assert_eq(t.count, 5);
}
