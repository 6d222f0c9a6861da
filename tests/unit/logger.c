/* The logger's lines, its table of sessions and its limits. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "logger/limit.h"
#include "logger/report.h"

static const struct track_peer peer = { 12, 33, 34, "" };

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
		"format; find out who controls the application, if that "
		"happens again, or switch TLS 1.2 off (`tls12 = no`)");
	a = (struct audit){
		.kind = AUDIT_FAILED, .type = 99, .status = PROTO_INTERNAL
	};
	cr_assert_eq(report_line(&a, 55, &peer, 1, &l), 1);
	cr_assert_eq(strncmp(l.text, "<3>failed ", 10), 0, "%s", l.text);
	a = (struct audit){ .kind = AUDIT_TURNED_AWAY,
		.status = PROTO_LIMIT,
		.detail = DETAIL_SESSIONS_USER };
	expect_line(&a, &peer,
		"<4>turned away: peer pid=12 uid=33 gid=34: keyd can start no "
		"more "
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
	struct track_peer p = { 1, 2, 3, "" };
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
	struct limit_id what;
	uint32_t count;
};

static struct told told;

static void
tell(void *arg, const struct limit_id *what, uint32_t count)
{
	(void)arg;
	told.times++;
	told.what = *what;
	told.count += count;
}

/* A refusal of this detail, for the key with this number. */
static struct limit_id
refusal(uint32_t uid, uint16_t detail, uint32_t key)
{
	struct limit_id id = { .who.uid = uid,
		.kind = AUDIT_REFUSED,
		.status = PROTO_USE_REFUSED,
		.detail = detail };

	memcpy(id.key, &key, sizeof(key));
	return id;
}

/* How many of n such lines at that time are written. */
static unsigned
lines_of(struct limit *l, struct limit_id id, unsigned n, uint64_t now)
{
	unsigned lines = 0;

	while (n-- > 0)
		lines += limit_allows(l, &id, 1, now, tell, NULL);
	return lines;
}

Test(limit, a_flood_is_held_back_counted_and_told_by_kind)
{
	static struct limit l;
	const struct limit_id flood = refusal(33, DETAIL_NOT_TLS_SERVER, 1);
	struct line line;

	cr_assert_eq(lines_of(&l, flood, 1000, 5000), LIMIT_KEY_BURST);
	limit_tell(&l, 5000 + LIMIT_SUMMARY - 1, tell, NULL);
	cr_assert_eq(told.times, 0);
	limit_tell(&l, 5000 + LIMIT_SUMMARY, tell, NULL);
	cr_assert_eq(told.times, 1);
	cr_assert_eq(told.count, 1000 - LIMIT_KEY_BURST);
	report_held_back(&told.what, told.count, 1, &line);
	cr_assert_str_eq(line.text,
		"<4>uid=33: 980 more records suppressed: refused: the key's "
		"policy does not allow this use: the message is not a TLS "
		"server's handshake signature");
	limit_tell(&l, UINT64_MAX, tell, NULL);
	cr_assert_eq(told.times, 1);
}

/* Whoever attacks could otherwise hide it behind noise. */
Test(limit, a_flood_hides_nothing_else)
{
	static struct limit l;
	struct limit_id other;
	uint16_t d;

	/* More than there are details: some share a set of the tables. */
	for (d = 1; d <= 80; d++)
		cr_assert_eq(lines_of(&l, refusal(33, d, 1), 10000, 5000),
			LIMIT_KEY_BURST);
	/* Another key, rule, status, kind or user. */
	cr_assert_eq(lines_of(&l, refusal(33, 1, 2), 1, 5000), 1);
	cr_assert_eq(lines_of(&l, refusal(33, 99, 1), 1, 5000), 1);
	cr_assert_eq(lines_of(&l, refusal(34, 1, 1), 1, 5000), 1);
	other = refusal(33, 1, 1);
	other.status = PROTO_NOT_PERMITTED;
	cr_assert_eq(lines_of(&l, other, 1, 5000), 1);
	other = refusal(33, 1, 1);
	other.kind = AUDIT_FAILED;
	cr_assert_eq(lines_of(&l, other, 1, 5000), 1);
}

Test(limit, a_key_hides_no_other)
{
	static struct limit l;
	uint32_t uid, key;

	for (uid = 1; uid < 50; uid++) {
		cr_assert_eq(lines_of(&l, refusal(uid, 1, 1), 100, 5000),
			LIMIT_KEY_BURST);
		for (key = 2; key < LIMIT_KIND_BURST - LIMIT_KEY_BURST; key++)
			cr_assert_eq(
				lines_of(&l, refusal(uid, 1, key), 1, 5000), 1);
	}
}

/* Nor for hours: what an honest session can be made to report costs less
 * than what its user gets. */
Test(limit, a_lasting_flood_hides_nothing_either)
{
	static struct limit l;
	uint64_t now;
	uint16_t d;

	for (now = 1; now < 3600 * 1000; now += 1000)
		for (d = 1; d <= DETAIL_SHORT_DATA; d++)
			(void)lines_of(&l, refusal(33, d, 1), 2, now);
	cr_assert_eq(lines_of(&l, refusal(33, 77, 1), 1, now), 1);
}

Test(limit, many_keys_are_no_way_around_it)
{
	static struct limit l;
	unsigned key, lines = 0;

	for (key = 0; key < 100000; key++)
		lines += lines_of(&l, refusal(33, 1, key), 1, 5000);
	cr_assert_eq(lines, LIMIT_KIND_BURST);
}

/* A session that an attacker controls may report whatever it likes. */
Test(limit, made_up_kinds_are_bounded_by_their_user)
{
	static struct limit l;
	struct limit_id id = refusal(33, 0, 0);
	unsigned i, lines = 0;

	for (i = 0; i < 100000; i++) {
		id.status = (uint16_t)i;
		id.detail = (uint16_t)(i >> 4);
		lines += lines_of(&l, id, 3, 5000);
	}
	cr_assert_eq(lines, LIMIT_USER_BURST);
	cr_assert_eq(told.times, 0);
	limit_tell(&l, UINT64_MAX, tell, NULL);
	cr_assert_eq(told.times, 1);
	cr_assert_eq(told.what.kind, LIMIT_ANY);
	cr_assert_eq(lines_of(&l, refusal(34, 1, 1), 1, 5000), 1);
}

Test(limit, lines_come_back_with_time_up_to_a_burst)
{
	static struct limit l;
	const struct limit_id id = refusal(33, 1, 1);

	cr_assert_eq(lines_of(&l, id, LIMIT_KEY_BURST, 0), LIMIT_KEY_BURST);
	cr_assert_eq(lines_of(&l, id, 1, LIMIT_KEY_INTERVAL - 1), 0);
	cr_assert_eq(lines_of(&l, id, 2, LIMIT_KEY_INTERVAL), 1);
	cr_assert_eq(lines_of(&l, id, 1000, 1000000000), LIMIT_KEY_BURST);
}

Test(limit, a_users_summaries_are_told_at_a_sessions_end_but_not_at_each)
{
	static struct limit l;
	const struct limit_id id = refusal(33, 1, 1);

	(void)lines_of(&l, id, LIMIT_KEY_BURST + 3, 5000);
	limit_tell_user(&l, &(struct limit_who){ 34, "" }, 5000, tell, NULL);
	cr_assert_eq(told.times, 0);
	limit_tell_user(&l, &(struct limit_who){ 33, "" }, 5000, tell, NULL);
	cr_assert_eq(told.times, 1);
	cr_assert_eq(told.count, 3);
	(void)lines_of(&l, id, 1, 5001);
	limit_tell_user(&l, &(struct limit_who){ 33, "" }, 5001, tell, NULL);
	cr_assert_eq(told.times, 1);
	limit_tell_user(&l, &(struct limit_who){ 33, "" }, 5000 + LIMIT_SUMMARY,
		tell, NULL);
	cr_assert_eq(told.times, 2);
}

Test(limit, what_is_forgotten_is_told)
{
	static struct limit l;
	unsigned i;

	(void)lines_of(&l, refusal(7, 1, 1), LIMIT_KEY_BURST + 5, 1);
	for (i = 0; i < 10 * LIMIT_KINDS; i++)
		(void)lines_of(&l, refusal(1000 + i, 1, 1), 1, 2 + i);
	cr_assert_eq(told.times, 1);
	cr_assert_eq(told.what.who.uid, 7);
	cr_assert_eq(told.count, 5);
}

Test(limit, lost_records_are_counted_not_reports_of_them)
{
	static struct limit l;
	const struct limit_id id = { .who.uid = 33, .kind = LIMIT_LOST };
	struct line line;
	unsigned i;

	for (i = 0; i < LIMIT_KEY_BURST; i++)
		cr_assert(limit_allows(&l, &id, 9, 1, tell, NULL));
	cr_assert_not(limit_allows(&l, &id, 40, 1, tell, NULL));
	cr_assert_not(limit_allows(&l, &id, 2, 1, tell, NULL));
	limit_tell(&l, UINT64_MAX, tell, NULL);
	report_held_back(&told.what, told.count, 0, &line);
	cr_assert_str_eq(line.text,
		"uid=33: 42 more audit records could not be delivered");
}

Test(limit, a_key_counts_where_keyd_has_it)
{
	struct audit a = { .kind = AUDIT_REFUSED, .status = PROTO_USE_REFUSED };
	const struct limit_who who = { 33, "" };
	struct limit_id id;

	memset(a.hash, 7, sizeof(a.hash));
	id = limit_id_of(&a, &who);
	cr_assert_eq(id.who.uid, 33);
	cr_assert_eq(id.key[0], 7);
	/* A client can ask for any number of hashes that no key has. */
	a.status = PROTO_UNKNOWN_KEY;
	cr_assert_eq(limit_id_of(&a, &who).key[0], 0);
	a.status = PROTO_MALFORMED;
	cr_assert_eq(limit_id_of(&a, &who).key[0], 0);
	a = (struct audit){ .kind = AUDIT_SESSION_END, .code = 256 + 11 };
	cr_assert_eq(limit_id_of(&a, &who).detail, 256 + 11);
}

Test(limit, a_listeners_users_are_one_and_not_those_outside)
{
	static struct limit l;
	const struct track_peer outside = { 1, 33, 33, "" },
				inside = { 2, 33, 33, "web" },
				beside = { 3, 34, 34, "web" },
				other = { 4, 33, 33, "shop" };
	struct limit_id id = refusal(33, 1, 1);
	struct line line;

	id.who = limit_who_of(&inside, 9);
	cr_assert_eq(lines_of(&l, id, 1000, 1), LIMIT_KEY_BURST);
	id.who = limit_who_of(&beside, 9);
	cr_assert_eq(lines_of(&l, id, 1, 1), 0);
	id.who = limit_who_of(&other, 9);
	cr_assert_eq(lines_of(&l, id, 1, 1), 1);
	id.who = limit_who_of(&outside, 9);
	cr_assert_eq(lines_of(&l, id, 1000, 1), LIMIT_KEY_BURST);
	id.who = limit_who_of(NULL, 9);
	cr_assert_eq(id.who.uid, 9);
	id.who = limit_who_of(&inside, 9);
	limit_tell_user(&l, &id.who, 2, tell, NULL);
	report_held_back(&told.what, told.count, 0, &line);
	cr_assert_eq(strncmp(line.text, "listener=web: 981 more ", 23), 0);
}
