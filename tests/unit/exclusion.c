/*
 * No message is acceptable under two of tls-server (with tls-dhe), tls-client
 * and csr: messages that satisfy as much of two forms as can be, for each pair
 * of forms, and a search near the borders.
 */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "session/curve.h"
#include "session/csr.h"
#include "session/dhe.h"
#include "session/policy.h"
#include "session/transcript.h"
#include "tests/support/messages.h"
#include "tests/support/transcripts.h"

static uint64_t seed = 88172645463325252U;
static struct transcript t;
static struct message spki;
static EVP_PKEY *pkey;

static void
set_up(void)
{
	cr_assert_eq(curve_init(), 0);
	pkey = EVP_EC_gen("P-256");
	messages_spki(&spki, pkey);
}

TestSuite(exclusion, .init = set_up, .timeout = 120);

static struct view
message(void)
{
	return (struct view){ t.data, t.len };
}

static uint16_t
check(uint32_t use)
{
	const struct ring_entry key = {
		.key = { .type = PROTO_KEY_P256,
			.bits = 256,
			.use = use,
			.tls12 = PROTO_TLS12_ANY,
			.spki = { spki.data, spki.len } },
		.tls12_groups = TLSGROUP_ALL
	};
	const struct proto_sign s = { .scheme = { .algorithm = PROTO_ECDSA,
					      .digest = PROTO_SHA256 },
		.data = message() };

	return policy_check(&key, &s, curve_has_point);
}

static const uint32_t uses[] = {
	PROTO_USE_TLS_SERVER | PROTO_USE_TLS_DHE,
	PROTO_USE_TLS_CLIENT,
	PROTO_USE_CSR,
};

/* Under how many of the three is the message acceptable? */
static unsigned
acceptable(void)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < 3; i++)
		n += check(uses[i]) == DETAIL_NONE;
	cr_assert_leq(n, 1);
	/* A key for all of them signs just what one of them would. */
	cr_assert_eq(check(uses[0] | uses[1] | uses[2]) == DETAIL_NONE, n == 1);
	return n;
}

static void
take(const struct message *m)
{
	memcpy(t.data, m->data, m->len);
	t.len = m->len;
}

static bool
is_dhe_too(void)
{
	return t.len > 64 &&
	       dhe_look((struct view){ t.data + 64, t.len - 64 }) == DHE_SOUND;
}

/* ---- transcript and finite-field key exchange -------------------------- */

static bool
is_free(size_t at, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (at + i >= t.len || t.frame[at + i])
			return false;
	return true;
}

static void
put_u16(size_t at, size_t v)
{
	t.data[at] = (uint8_t)(v >> 8);
	t.data[at + 1] = (uint8_t)v;
}

/*
 * Writes the lengths of p, g and Ys into bytes of t that its own form leaves
 * free, and makes p odd and large. False if there is no place for them.
 */
static bool
shape_as_dhe(size_t p_len)
{
	size_t g_at = 66 + p_len, g_len, ys_at;

	if (!is_free(64, 3) || !is_free(g_at - 1, 4))
		return false;
	for (g_len = 1; g_len <= p_len; g_len++) {
		ys_at = g_at + 2 + g_len;
		if (!is_free(ys_at, 3) || t.len - ys_at - 2 > p_len)
			continue;
		put_u16(64, p_len);
		t.data[66] = 0xFF;
		t.data[g_at - 1] |= 1;
		put_u16(g_at, g_len);
		t.data[g_at + 2] |= g_len == 1 ? 2 : 1;
		put_u16(ys_at, t.len - ys_at - 2);
		t.data[ys_at + 2] &= 0x7F;
		return is_dhe_too();
	}
	return false;
}

/* Both in every respect: neither use may have it. */
Test(exclusion, a_transcript_that_is_a_finite_field_key_exchange)
{
	struct transcripts_shape s = { .raw_key = true, .session = 32 };
	size_t p_len, dtls, found[2] = { 0, 0 };

	for (dtls = 0; dtls < 2; dtls++)
		for (p_len = 256; p_len <= 1024; p_len++) {
			s.dtls = dtls == 1;
			s.status = p_len % 2 == 0;
			transcripts_make(&t, &s, &seed);
			cr_assert_eq(check(PROTO_USE_TLS_CLIENT), DETAIL_NONE);
			if (!shape_as_dhe(p_len) ||
				!transcript_is_client(message()))
				continue;
			found[dtls]++;
			cr_assert_eq(
				check(PROTO_USE_TLS_CLIENT), DETAIL_CONFUSABLE);
			cr_assert_neq(check(PROTO_USE_TLS_DHE), DETAIL_NONE);
			cr_assert_eq(acceptable(), 0);
			/* No transcript any more, but it starts as one. */
			t.data[s.dtls ? 46 : 38]++;
			cr_assert_not(transcript_is_client(message()));
			cr_assert_eq(
				check(PROTO_USE_TLS_DHE), DETAIL_CONFUSABLE);
			/* And with an honest random: just the other. */
			messages_fill(&seed, t.data, 64);
			t.data[0] = 0x77;
			cr_assert_eq(check(PROTO_USE_TLS_DHE), DETAIL_NONE);
			cr_assert_eq(acceptable(), 1);
		}
	cr_assert_gt(found[0], 100);
	cr_assert_gt(found[1], 100);
}

/* Groups that keyd does not sign, but that some client would take. */
Test(exclusion, a_transcript_that_is_a_weak_key_exchange)
{
	struct transcripts_shape s = { .session = 32 };
	size_t p_len, found = 0;

	for (p_len = 64; p_len <= 2048; p_len++) {
		s.raw_key = p_len < 1024;
		transcripts_make(&t, &s, &seed);
		(void)shape_as_dhe(p_len);
		if (dhe_look((struct view){ t.data + 64, t.len - 64 }) !=
				DHE_WEAK ||
			!transcript_is_client(message()))
			continue;
		found++;
		cr_assert_eq(check(PROTO_USE_TLS_CLIENT), DETAIL_CONFUSABLE);
		cr_assert_eq(acceptable(), 0);
	}
	cr_assert_gt(found, 100);
}

/* ---- transcript and web token ------------------------------------------ */

/* Its header stands in the client's random. */
Test(exclusion, a_transcript_that_is_a_web_token)
{
	static const char header[] = "eyJhbGciOiJFUzI1NiJ9.";
	struct transcripts_shape s = { .session = 0 };
	size_t dtls, at;

	for (dtls = 0; dtls < 2; dtls++) {
		s.dtls = dtls == 1;
		at = s.dtls ? 14 : 6;
		/* Until no byte of its length is one of base64. */
		do {
			transcripts_make(&t, &s, &seed);
			cr_assert_eq(check(PROTO_USE_TLS_CLIENT), DETAIL_NONE);
		} while (t.data[3] < 0x80);
		memset(t.data + at, 1, 32);
		memcpy(t.data + at + 8, header, sizeof(header) - 1);
		cr_assert(transcript_is_client(message()));
		cr_assert_eq(check(PROTO_USE_TLS_CLIENT), DETAIL_CONFUSABLE);
		cr_assert_eq(acceptable(), 0);
		t.data[at + 8]++;
		cr_assert_eq(check(PROTO_USE_TLS_CLIENT), DETAIL_NONE);
	}
}

/* ---- transcript and ECDHE key exchange --------------------------------- */

/* The shortest transcript is longer: only its start can be there. */
Test(exclusion, an_ecdhe_key_exchange_that_starts_as_a_transcript)
{
	static const struct {
		const char *start;
		size_t len;
	} starts[] = {
		{ "\x01\x00\x00\x2A\x03\x03", 6 },
		{ "\x01\x00\x00\x2A\x00\x00\x00\x00\x00\x00\x00\x2A\xFE\xFD",
			14 },
	};
	struct message m;
	uint16_t group;
	size_t j;

	for (group = 23; group <= 30; group++)
		for (j = 0; j < 2; j++) {
			messages_ske_group(&m, group, &seed);
			take(&m);
			cr_assert_eq(acceptable(), 1);
			memcpy(t.data, starts[j].start, starts[j].len);
			cr_assert_eq(
				check(PROTO_USE_TLS_SERVER), DETAIL_CONFUSABLE);
			cr_assert_eq(acceptable(), 0);
		}
}

/* Of 323 bytes and less, the longest that an ECDHE one could have. */
Test(exclusion, a_transcript_as_short_as_an_ecdhe_key_exchange)
{
	static const uint8_t certificate[] = { 11, 0, 0, 8, 0, 0, 5, 0, 0, 2,
		0x30, 0 };
	static const uint8_t middle[] = { 13, 0, 0, 8, 1, 1, 0, 2, 4, 3, 0, 0,
		14, 0, 0, 0 };
	static const uint8_t end[] = { 16, 0, 0, 3, 0, 1, 7 };
	const struct transcripts_shape s = { .bare = true };

	transcripts_make(&t, &s, &seed);
	t.len = t.starts[2];
	memcpy(t.data + t.len, certificate, sizeof(certificate));
	t.len += sizeof(certificate);
	memcpy(t.data + t.len, middle, sizeof(middle));
	t.len += sizeof(middle);
	memcpy(t.data + t.len, certificate, sizeof(certificate));
	t.len += sizeof(certificate);
	memcpy(t.data + t.len, end, sizeof(end));
	t.len += sizeof(end);
	cr_assert_lt(t.len, 324);
	cr_assert(transcript_is_client(message()));
	cr_assert_eq(check(PROTO_USE_TLS_CLIENT), DETAIL_CONFUSABLE);
	cr_assert_eq(acceptable(), 0);
}

/* ---- request and finite-field key exchange ----------------------------- */

static void
put(const void *data, size_t len, bool frame)
{
	memcpy(t.data + t.len, data, len);
	memset(t.frame + t.len, frame, len);
	t.len += len;
}

/* Tag and a length in two bytes. */
static void
put_head(uint8_t tag, size_t len)
{
	put((uint8_t[]){ tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len }, 4,
		true);
}

static void
put_free(size_t len)
{
	memset(t.data + t.len, 0x55, len);
	memset(t.frame + t.len, false, len);
	t.len += len;
}

/* A request for the key whose name and attribute have room for anything. */
static void
roomy_request(size_t name, size_t attribute)
{
	static const uint8_t type[] = { 6, 3, 0x55, 4, 3 };
	size_t pair = name + 4 + sizeof(type);
	size_t values = attribute + 4, one = values + 4 + sizeof(type);

	t.len = 0;
	put_head(0x30, 3 + pair + 12 + spki.len + one + 8);
	put("\x02\x01\x00", 3, true);
	put_head(0x30, pair + 8);
	put_head(0x31, pair + 4);
	put_head(0x30, pair);
	put(type, sizeof(type), true);
	put_head(0x04, name);
	put_free(name);
	put(spki.data, spki.len, true);
	put_head(0xA0, one + 4);
	put_head(0x30, one);
	put(type, sizeof(type), true);
	put_head(0x31, values);
	put_head(0x04, attribute);
	put_free(attribute);
}

Test(exclusion, a_request_that_is_a_finite_field_key_exchange)
{
	static const uint8_t other[91] = "another key";
	struct message mine = spki;
	size_t p_len, found = 0;

	for (p_len = 256; p_len <= 600; p_len++) {
		roomy_request(280, 700);
		cr_assert(csr_is_request(
			message(), (struct view){ spki.data, spki.len }));
		cr_assert_eq(check(PROTO_USE_CSR), DETAIL_NONE);
		if (!shape_as_dhe(p_len))
			continue;
		found++;
		cr_assert(csr_is_request(
			message(), (struct view){ spki.data, spki.len }));
		cr_assert_eq(check(PROTO_USE_CSR), DETAIL_CONFUSABLE);
		cr_assert_neq(check(PROTO_USE_TLS_DHE), DETAIL_NONE);
		cr_assert_eq(acceptable(), 0);
		/* A request for another key is none, but confusable. */
		memcpy(spki.data, other, sizeof(other));
		cr_assert_eq(check(PROTO_USE_CSR), DETAIL_NOT_CSR);
		cr_assert_eq(check(PROTO_USE_TLS_DHE), DETAIL_CONFUSABLE);
		spki = mine;
	}
	cr_assert_gt(found, 100);
}

/* ---- request and ECDHE key exchange ------------------------------------ */

/*
 * A request of size bytes whose name has room, with the header of a point of
 * this group at byte 64. The key must lie behind that header.
 */
static void
short_request(const struct tlsgroup *group)
{
	size_t size = 68U + group->point;
	size_t name = size - 3 - 3 - 2 - spki.len - 2;
	struct view v;

	t.len = 0;
	put((uint8_t[]){ 0x30, 0x81, (uint8_t)(size - 3), 2, 1, 0, 0x30 }, 7,
		true);
	put((uint8_t[]){ (uint8_t)name, 0x31, (uint8_t)(name - 2), 0x30,
		    (uint8_t)(name - 4), 6, 3, 0x55, 4, 3, 4,
		    (uint8_t)(name - 11) },
		12, true);
	put_free(name - 11);
	put(spki.data, spki.len, true);
	put("\xA0\x00", 2, true);
	cr_assert_eq(t.len, size);
	v = (struct view){ spki.data, spki.len };
	cr_assert(csr_is_request(message(), v));
	cr_assert_eq(acceptable(), 1);
	memcpy(t.data + 64,
		(uint8_t[]){ 3, 0, (uint8_t)group->number, group->point, 4 },
		5);
	cr_assert(csr_is_request(message(), v));
	cr_assert_eq(check(PROTO_USE_CSR), DETAIL_CONFUSABLE);
	cr_assert_eq(acceptable(), 0);
}

Test(exclusion, a_request_that_is_an_ecdhe_key_exchange)
{
	const struct tlsgroup *group;
	size_t i, found = 0;

	for (i = 0; (group = tlsgroup_at(i)) != NULL; i++) {
		if (group->point < 97)
			continue;
		short_request(group);
		found++;
	}
	cr_assert_eq(found, 4);
}

/* ---- TLS 1.3 and the others -------------------------------------------- */

static const char *const texts[] = {
	"TLS 1.3, server CertificateVerify",
	"TLS 1.3, client CertificateVerify",
	"TLS, server delegated credentials",
	"TLS, client delegated credentials",
};

/* Of 21,580 bytes at least, if 'TL' is the length of p. */
Test(exclusion, a_tls13_message_that_has_the_outline_of_a_key_exchange)
{
	size_t i, p_len = 0x544C;

	for (i = 0; i < 4; i++) {
		memset(t.data, ' ', 64);
		memcpy(t.data + 64, texts[i], 34);
		memset(t.data + 98, 0x55, p_len);
		put_u16(66 + p_len, 1);
		t.data[68 + p_len] = 2;
		put_u16(69 + p_len, 3);
		memcpy(t.data + 71 + p_len, "\x01\x02\x03", 3);
		t.len = 74 + p_len;
		cr_assert_eq(dhe_look((struct view){ t.data + 64, t.len - 64 }),
			DHE_OUTLINE);
		cr_assert_eq(acceptable(), 0);
		/* The same as ECDHE's: byte 64 is 'T' or it is 03. */
		t.len = 133;
		memcpy(t.data + 64, "\x03\x00\x17\x41\x04", 5);
		cr_assert_eq(acceptable(), 0);
	}
}

/* One of each form: TLS 1.3 server and client, ECDHE, request, DHE. */
static void
make_form(size_t form)
{
	struct message m;

	if (form < 2)
		messages_verify(&m, texts[form], 32, &seed);
	else if (form == 2)
		messages_ske_group(
			&m, (uint16_t)(23 + messages_random(&seed) % 8), &seed);
	else
		messages_csr(&m, pkey);
	if (form < 4)
		take(&m);
	else
		transcripts_dhe(&t, 256, &seed);
}

Test(exclusion, the_start_of_one_form_before_the_rest_of_another)
{
	size_t form;

	for (form = 0; form < 5; form++) {
		make_form(form);
		cr_assert_eq(acceptable(), 1);
		memcpy(t.data, "\x01\x00\x00\x40\x03\x03", 6);
		cr_assert_eq(acceptable(), 0, "%zu", form);
		if (form == 3)
			continue;
		make_form(form);
		memcpy(t.data, "\x30\x82\x00\x00\x02\x01\x00\x30", 8);
		put_u16(2, t.len - 4);
		cr_assert_eq(acceptable(), 0, "%zu", form);
	}
}

/* ---- search ------------------------------------------------------------ */

static void
any_message(size_t i)
{
	struct transcripts_shape s = transcripts_shape(&seed);
	struct message m;

	if (i % 5 == 0) {
		transcripts_make(&t, &s, &seed);
		return;
	}
	if (i % 5 == 1) {
		transcripts_dhe(&t, 256 + i % 769, &seed);
		return;
	}
	if (i % 5 == 2)
		messages_verify(&m, texts[i % 4], 32, &seed);
	else if (i % 5 == 3)
		messages_ske_group(&m, (uint16_t)(23 + i % 8), &seed);
	else
		messages_csr(&m, pkey);
	take(&m);
}

/* A part of one over the same place of another, and single bytes. */
Test(exclusion, nothing_near_two_forms_is_acceptable_under_two_uses)
{
	static struct transcript a;
	size_t i, from, n, accepted = 0;

	for (i = 0; i < 20000; i++) {
		any_message(messages_random(&seed) % 1000);
		a.len = t.len;
		memcpy(a.data, t.data, t.len);
		any_message(messages_random(&seed) % 1000);
		from = i % 2 ? 0 : messages_random(&seed) % t.len;
		n = 1 + messages_random(&seed) % 80;
		if (from < a.len && n > a.len - from)
			n = a.len - from;
		if (from < a.len && n <= t.len - from)
			memcpy(t.data + from, a.data + from, n);
		if (i % 3 == 0)
			t.data[messages_random(&seed) % t.len] ^=
				(uint8_t)(1U << i % 8);
		if (i % 7 == 0)
			t.len = a.len;
		accepted += acceptable();
	}
	cr_assert_gt(accepted, 500);
}
