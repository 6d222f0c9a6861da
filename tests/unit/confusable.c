/*
 * Messages that a key for a TLS server must not sign although they are
 * ServerKeyExchanges from the first byte to the last: each was made for another
 * format's reader, who would have accepted the signature.
 */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "session/confusable.h"
#include "session/curve.h"
#include "session/grammar.h"
#include "tests/support/messages.h"
#include "tests/support/transcripts.h"

enum {
	LEN = 100, /* with a point of x25519 */
	POINT_AT = 68,
};

static const struct {
	const char *what;
	char data[LEN + 1];
} forgeries[] = {
	{ "web token, ES256",
		"eyJhbGciOiJFUzI1NiJ9.\x01\x65yJzdWIiOiJhZG1pbiIsImFkbWluIjp0"
		"cnVlLCJleH\x03\x00\x1D AiOjQxMDI0NDQ4MDAgICAgICAgICB9\x01"
		"\x01" },
	{ "web token, RS256",
		"eyJhbGciOiJSUzI1NiJ9.\x01\x65yJzdWIiOiJhZG1pbiIsImFkbWluIjp0"
		"cnVlLCJleH\x03\x00\x1D AiOjQxMDI0NDQ4MDAgICAgICAgICB9\x01"
		"\x01" },
	{ "web token with sentinel",
		"eyJhbGciOiJSUzI1NiJ9.\x01\x01\x01\x01\x65yJzdWIiOiJhZG1pbiIs"
		"IngiOiJfX19DOWNGRD\x01\x03\x00\x1D cifSAgICAgICAgICAgICAgICA"
		"gICAg\x01\x01" },
	{ "PASETO v1",
		"\x03\x00\x00\x00\x00\x00\x00\x00\x0A\x00\x00\x00\x00\x00\x00"
		"\x00v1.public.\x16\x00\x00\x00\x00\x00\x00\x00{\"sub\":\"roo"
		"t\",\"a\":\"b\"}$\x00\x00\x00\x00\x00\x00\x00\x03\x00\x1D kk"
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" },
	{ "PASETO v1 with sentinel",
		"\x03\x00\x00\x00\x00\x00\x00\x00\x0A\x00\x00\x00\x00\x00\x00"
		"\x00v1.public.\x0E\x00\x00\x00\x00\x00\x00\x00{\"sub\":\"roo"
		"t\"},\x00\x00\x00\x00\x00\x00\x00\x44OWNGRD\x01\x03\x00\x1D "
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" },
	{ "OCSP request by DNS name",
		"0b\xA1 \x82\x1E\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64"
		"\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64\x64"
		"\x64\x64\x64\x64\x30>0<0:0\x09\x06\x05+\x0E\x03\x02\x1A\x05"
		"\x00\x04\x14NNNNNNNNN\x03\x00\x1D NNNNNNN\x04\x14KKKKKKKKKKK"
		"KKKKKKKKK\x02\x01\x05" },
	{ "OCSP request by name",
		"0b\xA1\x1B\xA4\x19\x30\x17\x31\x15\x30\x13\x06\x03U\x04\x03"
		"\x0C\x0Crsa-site.org0C0A0?0\x09\x06\x05+\x0E\x03\x02\x1A\x05"
		"\x00\x04\x14NNNNNNNNNNNNNN\x03\x00\x1D NN\x04\x19KKKKKKKKKKK"
		"KKKKKKKKKKKKKK\x02\x01\x05" },
	{ "script with an accent",
		"#!/bin/sh\x0A#\xC3\xA9\x0A\x65\x63ho you are owned by a sign"
		"ed script;exit\x0A#######\x03\x00\x1D ######################"
		"#########\x0A" },
	{ "script with a control character",
		"#!/bin/sh\x0A#\x01\x0A\x65\x63ho you are owned by a signed s"
		"cript;exit\x0A########\x03\x00\x1D #########################"
		"######\x0A" },
	{ "AuthPack of PKINIT",
		"0b\xA0\x37\x30\x35\xA0\x03\x02\x01\x05\xA1\x11\x18\x0F\x32"
		"\x30\x32\x36\x31\x31\x32\x35\x30\x38\x30\x30\x30\x30Z\xA2"
		"\x03\x02\x01\x07\xA3\x16\x04\x14\x02\x08?Ey\xE0\x8A\x61$%"
		"\xC0\xC1\xA1~\xE4z\xDDx;\x94\xA3'\x04%n\x03\x00\x1D nnnnnnnn"
		"nnnnnnnnnnnnnnnnnnnnnnnn" },
	{ "DSSE with a binary body",
		"DSSEv1 1 x 86 \x08\x01\x12\x80\x81\x82\x83\x84\x85\x86\x87"
		"\x88\x89\x8A\x8B\x8C\x8D\x8E\x8F\x90\x91\x92\x93\x94\x95\x96"
		"\x97\x98\x99\x9A\x9B\x9C\x9D\x9E\x9F\xA0\xA1\xA2\xA3\xA4\xA5"
		"\xA6\xA7\xA8\xA9\xAA\xAB\xAC\xAD\xAE\x03\x00\x1D BBBBBBBBBBB"
		"BBBBBBBBBBBBBBBBBBBBB" },
	{ "text in UTF-16",
		"I\x00 \x00\x61\x00g\x00r\x00\x65\x00\x65\x00 \x00t\x00o\x00 "
		"\x00p\x00\x61\x00y\x00 \x00\x31\x00,\x00\x30\x00\x30\x00\x30"
		"\x00,\x00\x30\x00\x30\x00\x30\x00 \x00\x45\x00u\x00r\x00o"
		"\x00!\x00!\x00!\x00\x03\x00\x1D AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAA" },
	{ "text with a byte order mark",
		"\xEF\xBB\xBFI agree to pay a million to Mallory, signed, the"
		" web site.   \x03\x00\x1D AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
	{ "token between other bytes",
		"e\x91y\x91J\x91h\x91\x62\x91G\x91\x63\x91i\x91O\x91i\x91J"
		"\x91\x46\x91U\x91z\x91I\x91\x31\x91N\x91i\x91J\x91\x39.\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token, header ends in =",
		"e\x91y\x91J\x91h\x91\x62\x91G\x91\x63\x91i\x91O\x91i\x91J"
		"\x91\x46\x91U\x91z\x91I\x91\x31\x91N\x91i\x91J\x91\x39=\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token, escaped name",
		"e\x91y\x91J\x91\x63\x91\x64\x91T\x91\x41\x91w\x91N\x91j\x91"
		"\x46\x91s\x91Z\x91y\x91I\x91\x36\x91I\x91k\x91V\x91T\x91I"
		"\x91n\x91\x30.\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token, second name escaped",
		"e\x91y\x91J\x91h\x91X\x91H\x91U\x91w\x91M\x91\x44\x91Z\x91j"
		"\x91Z\x91y\x91I\x91\x36\x91I\x91k\x91V\x91T\x91I\x91n\x91"
		"\x30.\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token without quotation marks",
		"e\x91\x32\x91\x46\x91s\x91Z\x91z\x91p\x91\x46\x91U\x91z\x91I"
		"\x91\x31\x91N\x91n\x91\x30.\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x03\x00\x1D "
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91" },
	{ "token with blanks around",
		"I\x91\x41\x91p\x91\x37\x91I\x91m\x91\x46\x91s\x91Z\x91y\x91I"
		"\x91\x36\x91I\x91k\x91h\x91T\x91I\x91n\x91\x30\x91N\x91\x43"
		"\x91Q.\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token with byte order mark",
		"7\x91\x37\x91u\x91_\x91\x65\x91y\x91J\x91h\x91\x62\x91G\x91"
		"\x63\x91i\x91O\x91i\x91J\x91\x46\x91U\x91y\x91J\x91\x39.\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token in UTF-16",
		"ewAiA\x91GEAbA\x91\x42nACI\x91\x41OgAi\x91\x41\x45UAU\x91wAy"
		"ADUANgAiAH0A.\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token for the URL alphabet alone",
		"e+y+J+h+b+G+c+i+O+i+J+F+U+z+I+1+N+i+J+9.\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
	{ "token for the other alphabet alone",
		"e_y_J_h_b_G_c_i_O_i_J_F_U_z_I_1_N_i_J_9.\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x03\x00\x1D \x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
		"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91" },
};

static uint64_t seed = 88172645463325252U;
static struct message m, spki;

static void
set_up(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	cr_assert_eq(curve_init(), 0);
	messages_spki(&spki, key);
	EVP_PKEY_free(key);
}

TestSuite(confusable, .init = set_up, .timeout = 120);

static struct grammar_result
classify(void)
{
	return grammar_classify((struct view){ m.data, m.len },
		(struct view){ spki.data, spki.len }, curve_has_point);
}

static bool
is_refused(void)
{
	struct grammar_result g = classify();

	cr_assert_eq(g.form, GRAMMAR_TLS12_SERVER);
	return g.defect == GRAMMAR_CONFUSABLE;
}

Test(confusable, refuses_what_was_forged)
{
	size_t i;

	for (i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
		m.len = LEN;
		memcpy(m.data, forgeries[i].data, LEN);
		cr_assert(is_refused(), "%s", forgeries[i].what);
	}
}

/* All of a token's first part within the randoms, before any point. */
Test(confusable, refuses_tokens_with_points_of_every_group)
{
	uint16_t group;

	for (group = 23; group <= 30; group++) {
		messages_ske_group(&m, group, &seed);
		memcpy(m.data, forgeries[0].data, 64);
		cr_assert(is_refused(), "%u", group);
	}
}

/* Headers: a change that makes each one none, and the message an honest one. */
Test(confusable, accepts_what_is_no_header)
{
	static const char *const texts[] = {
		"eyJhbGciOiJFUzI1NiJ9.", /* {"alg":"ES256"} */
		"eyJhbGciOiJFUzI1NiJ9=", /* the same */
		"eyJhbGciOiJFUzI1NiJ9",  /* no end */
		"fyJhbGciOiJFUzI1NiJ9.", /* does not begin */
		"eyJhbGciOiJFUzI1NiJ8.", /* does not end */
		"eyJhbHciOiJFUzI1NiJ9.", /* "al|" */
		".eyJhbGciOiJFUzI1NiJ9", /* no first part */
	};
	static uint8_t point[32];
	size_t i, j;

	memset(point, 0x91, sizeof(point));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		messages_ske(&m, 29, point, sizeof(point), &seed);
		memset(m.data, 0x91, 64);
		for (j = 0; texts[i][j] != '\0'; j++)
			m.data[2 * j] = (uint8_t)texts[i][j];
		cr_assert_eq(is_refused(), i < 2, "%s", texts[i]);
	}
}

/* Bytes that are plain: as many as the rule, and one fewer. */
Test(confusable, refuses_texts_with_a_few_other_bytes)
{
	size_t n;

	for (n = 0; n <= 64; n++) {
		messages_ske_group(&m, 29, &seed);
		memset(m.data, n % 2 == 0 ? 0x91 : 0x01, 64);
		memset(m.data + 64 - n, n % 3 == 0 ? '\n' : '~', n);
		cr_assert_eq(is_refused(), n >= 52, "%zu", n);
	}
	/* With a sentinel, seven of whose bytes are letters. */
	for (n = 0; n <= 56; n++) {
		messages_ske_group(&m, 29, &seed);
		memset(m.data, 0x91, 56);
		memset(m.data + 56 - n, ' ', n);
		memcpy(m.data + 56, "DOWNGRD\x01", 8);
		cr_assert_eq(is_refused(), n >= 45, "%zu", n);
	}
}

Test(confusable, refuses_numbers_with_many_zeros)
{
	size_t n;

	for (n = 0; n <= 64; n++) {
		messages_ske_group(&m, 29, &seed);
		memset(m.data, 0x91, 64);
		memset(m.data + 64 - n, 0, n);
		cr_assert_eq(is_refused(), n >= 8, "%zu", n);
	}
}

/* The client's random, of 32 bytes; what follows is no text. */
Test(confusable, refuses_starts_in_utf8)
{
	static const struct {
		const char *start;
		bool text;
	} rows[] = {
		{ "eyJhbGciOiJFUzI1NiIsImI2NCI6ZmFs", true },
		{ "A letter with tab\tand\r\nnew lines ", true },
		{ "\xEF\xBB\xBFmit Umlauten: \xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F, "
		  "oder so",
			true },
		{ "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2"
		  "\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97"
		  "\xE6\xBC",
			true },
		{ "cut in the middle of one: ....\xF0\x9F", true },
		{ "four bytes: \xF0\x9F\x98\x80, and so on ....", true },
		{ "a bell in the middle \x07 of a line,", false },
		{ "deleted \x7F in the middle of a line", false },
		{ "Latin 1, one letter \xE4 and so on .", false },
		{ "a byte that never is \xC1\xBF of UTF-8", false },
		{ "beyond the last one \xF5\x80\x80\x80 of them", false },
		{ "one that follows none: \x80 and more", false },
		{ "\x80 at the start, not of a character", false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_geq(strlen(rows[i].start), 32, "%zu", i);
		messages_ske_group(&m, 29, &seed);
		memset(m.data, 0x91, 64);
		memcpy(m.data, rows[i].start, 32);
		cr_assert_eq(is_refused(), rows[i].text, "row %zu", i);
	}
}

/* What THREATS.md says is not told from honest randoms. */
Test(confusable, does_not_know_everything)
{
	/* WebAuthn: hash of the site, flags, counter, extensions, hash. */
	messages_ske_group(&m, 29, &seed);
	memcpy(m.data + 32, "\x85\x00\x00\x00\x01\xA1\x61x", 8);
	cr_assert_not(is_refused());
	/* ZIP: a local header is found from the end. */
	messages_ske_group(&m, 29, &seed);
	memcpy(m.data, "PK\x03\x04", 4);
	cr_assert_not(is_refused());
}

/* ---- a client's transcript --------------------------------------------- */

static struct transcript t;

static bool
is_transcript_refused(void)
{
	return confusable_transcript((struct view){ t.data, t.len });
}

Test(confusable, refuses_a_clients_transcript_that_is_a_token)
{
	const struct transcripts_shape s = { .bare = true, .session = 32 };
	static const char header[] = "eyJhbGciOiJFUzI1NiJ9.";
	size_t i;

	for (i = 0; i < 32; i++) {
		transcripts_make(&t, &s, &seed);
		memset(t.data, 1, 4);
		memset(t.data + 6, 0x91, 32 + 1 + 32);
		memcpy(t.data + 6 + i, header, sizeof(header) - 1);
		cr_assert(is_transcript_refused(), "%zu", i);
		t.data[6 + i]++;
		cr_assert_not(is_transcript_refused(), "%zu", i);
	}
}

Test(confusable, refuses_a_clients_transcript_that_ends_as_openpgp)
{
	const struct transcripts_shape s = { .bare = true };

	transcripts_make(&t, &s, &seed);
	cr_assert_not(is_transcript_refused());
	memcpy(t.data + t.len - 6, "\4\xFF\0\0\0\x0C", 6);
	cr_assert(is_transcript_refused());
}

/* ---- honest peers ------------------------------------------------------ */

/* Curve and key are tested elsewhere, and would take most of the time. */
static bool
anywhere(uint16_t group, const uint8_t *point, size_t len)
{
	(void)group;
	(void)point;
	(void)len;
	return true;
}

/* Of x25519 and P-256, the two shapes; fewer of the others. */
Test(confusable, accepts_a_million_honest_servers_of_each_group)
{
	size_t i, n, refused = 0;
	uint16_t group;

	for (group = 23; group <= 30; group++) {
		n = group == 23 || group == 29 ? 1000000 : 100000;
		for (i = 0; i < n; i++) {
			messages_ske_group(&m, group, &seed);
			if (i % 2 == 0)
				memcpy(m.data + 56, "DOWNGRD\x01", 8);
			if (grammar_classify((struct view){ m.data, m.len },
				    (struct view){ NULL, 0 }, anywhere)
					.defect != GRAMMAR_SOUND)
				refused++;
		}
	}
	cr_assert_eq(refused, 0);
}

/* Only the randoms are random enough to matter, and they are made anew. */
Test(confusable, accepts_many_honest_clients)
{
	struct transcripts_shape s;
	size_t i, refused = 0;

	for (i = 0; i < 200000; i++) {
		if (i % 200 == 0) {
			s = transcripts_shape(&seed);
			transcripts_make(&t, &s, &seed);
		}
		messages_fill(&seed, t.data + 6, 32);
		messages_fill(&seed, t.data + t.len - 32, 32);
		if (is_transcript_refused())
			refused++;
	}
	cr_assert_eq(refused, 0);
}
