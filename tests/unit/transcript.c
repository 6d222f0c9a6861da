/* TLS 1.2 clients' transcripts and finite-field key exchanges, and all that
 * must not pass for one. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "session/dhe.h"
#include "session/grammar.h"
#include "session/transcript.h"
#include "tests/support/messages.h"
#include "tests/support/transcripts.h"

static uint64_t seed = 88172645463325252U;
static struct transcript t;

TestSuite(transcript, .timeout = 120);

static bool
on_curve(uint16_t group, const uint8_t *point, size_t len)
{
	(void)group;
	(void)point;
	(void)len;
	return true;
}

static struct grammar_result
classify(void)
{
	static const uint8_t spki[] = "the key, of 24 bytes or so";

	return grammar_classify((struct view){ t.data, t.len },
		(struct view){ spki, sizeof(spki) }, on_curve);
}

static bool
is_sound(enum grammar_form form)
{
	struct grammar_result g = classify();

	return g.form == form && g.defect == GRAMMAR_SOUND;
}

static bool
is_client(void)
{
	return is_sound(GRAMMAR_TLS12_CLIENT);
}

static bool
is_dhe(void)
{
	return is_sound(GRAMMAR_TLS12_DHE);
}

static void
make(struct transcripts_shape s)
{
	transcripts_make(&t, &s, &seed);
}

/* One of each exchange, of TLS and of DTLS, with and without a status. */
static struct transcripts_shape
shape(size_t n)
{
	return (struct transcripts_shape){
		.exchange = (enum transcripts_exchange)(n % 3),
		.dtls = n / 3 % 2 == 1,
		.status = n / 6 % 2 == 1,
		.session = n % 2 == 0 ? 32 : 0,
		.names = 2,
		.name_len = 40,
		.client_number = 1,
		.server_number = 1,
	};
}

enum {
	SHAPES = 12,
	TLS_HEADER = 4,
	DTLS_HEADER = 12,
};

/* ---- transcripts ------------------------------------------------------- */

Test(transcript, accepts_clients_of_every_shape)
{
	size_t n;

	for (n = 0; n < SHAPES; n++) {
		make(shape(n));
		cr_assert(is_client(), "shape %zu", n);
	}
}

/* The sanitizers make each one ten times as long. */
#if defined(__SANITIZE_ADDRESS__)
enum { HONEST = 100000 };
#else
enum { HONEST = 1000000 };
#endif

Test(transcript, accepts_a_million_honest_clients)
{
	size_t i, refused = 0;

	for (i = 0; i < HONEST; i++) {
		make(transcripts_shape(&seed));
		if (!is_client())
			refused++;
	}
	cr_assert_eq(refused, 0);
}

/* 64 kB of names, in TLS and in DTLS. */
Test(transcript, accepts_the_longest_list_of_authorities)
{
	struct transcripts_shape s = { .names = 255, .name_len = 254 };

	make(s);
	cr_assert_gt(t.len, 65000);
	cr_assert(is_client());
	s.dtls = true;
	make(s);
	cr_assert(is_client());
}

Test(transcript, refuses_every_truncated_or_extended_transcript)
{
	size_t n, len, right;

	for (n = 0; n < SHAPES; n++) {
		make(shape(n));
		right = t.len;
		memset(t.data + right, 0, 300);
		for (len = 0; len < right + 300; len++) {
			t.len = len;
			cr_assert_eq(is_client(), len == right,
				"shape %zu length %zu", n, len);
		}
	}
}

/* Types, lengths, versions, numbers, offsets, curve types. */
Test(transcript, refuses_every_changed_bit_of_the_frame)
{
	size_t n, bit;

	for (n = 0; n < SHAPES; n++) {
		make(shape(n));
		for (bit = 0; bit < 8 * t.len; bit++) {
			if (!t.frame[bit / 8])
				continue;
			t.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
			cr_assert_not(is_client(), "shape %zu bit %zu", n, bit);
			t.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

Test(transcript, accepts_any_content_of_randoms_and_certificates)
{
	size_t n, at, refused = 0;

	for (n = 0; n < SHAPES; n++) {
		make(shape(n));
		for (at = 0; at < t.len; at++)
			if (!t.frame[at]) {
				t.data[at] ^= 0x55;
				refused += !is_client();
				t.data[at] ^= 0x55;
			}
	}
	cr_assert_eq(refused, 0);
}

/* The messages in the given order; a number past the end: none. */
static void
reorder(const size_t *order, size_t n)
{
	static struct transcript from;
	size_t i, len;

	from = t;
	t.len = 0;
	for (i = 0; i < n; i++) {
		if (order[i] >= from.messages)
			continue;
		len = from.starts[order[i] + 1] - from.starts[order[i]];
		memcpy(t.data + t.len, from.data + from.starts[order[i]], len);
		t.len += len;
	}
}

/* With all nine messages: status and key exchange are there. */
static struct transcripts_shape
full(void)
{
	return (struct transcripts_shape){ .exchange = TRANSCRIPTS_ECDHE,
		.status = true };
}

Test(transcript, refuses_a_missing_a_doubled_and_a_swapped_message)
{
	size_t order[10], i, j, n;
	bool may_miss;

	for (i = 0; i < 9; i++) {
		make(full());
		cr_assert_eq(t.messages, 9);
		for (j = n = 0; j < 9; j++)
			if (j != i)
				order[n++] = j;
		reorder(order, n);
		/* The status; not the exchange, as the client's is a point. */
		may_miss = i == 3;
		cr_assert_eq(is_client(), may_miss, "without %zu", i);

		make(full());
		for (j = n = 0; j < 9; j++) {
			order[n++] = j;
			if (j == i)
				order[n++] = j;
		}
		reorder(order, n);
		cr_assert_not(is_client(), "%zu twice", i);
	}
	for (i = 0; i < 8; i++) {
		make(full());
		for (j = 0; j < 9; j++)
			order[j] = j == i ? i + 1 : j == i + 1 ? i : j;
		reorder(order, 9);
		cr_assert_not(is_client(), "%zu after its next", i);
	}
}

/* Puts a message of this type and no content before message n. */
static void
insert(size_t n, uint8_t type)
{
	size_t at = t.starts[n];

	memmove(t.data + at + TLS_HEADER, t.data + at, t.len - at);
	memcpy(t.data + at, (uint8_t[TLS_HEADER]){ type }, TLS_HEADER);
	t.len += TLS_HEADER;
}

Test(transcript, refuses_a_message_that_has_no_place)
{
	unsigned type;
	size_t n;

	for (type = 0; type < 256; type++)
		for (n = 0; n <= 9; n++) {
			make(full());
			insert(n, (uint8_t)type);
			cr_assert_not(is_client(), "%u before %zu", type, n);
		}
}

/* What comes behind belongs to another signature, or to none. */
Test(transcript, refuses_a_transcript_that_goes_on)
{
	static const uint8_t types[] = { 4, 14, 15, 16, 20, 67 };
	size_t i;

	for (i = 0; i < sizeof(types); i++) {
		make(full());
		insert(9, types[i]);
		cr_assert_not(is_client(), "type %u", types[i]);
	}
	make(full());
	t.len = t.starts[8];
	cr_assert_not(is_client());
}

Test(transcript, refuses_other_versions)
{
	static const uint16_t versions[] = { 0x0300, 0x0301, 0x0302, 0x0304,
		0xFEFF, 0xFEFD, 0x0000, 0x7F1C };
	size_t i, n;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		for (n = 0; n < 2; n++) { /* of either hello */
			make(full());
			t.data[t.starts[n] + 4] = (uint8_t)(versions[i] >> 8);
			t.data[t.starts[n] + 5] = (uint8_t)versions[i];
			cr_assert_not(is_client(), "%04x", versions[i]);
		}
	/* TLS 1.2 with the headers of DTLS, and the other way round. */
	make(shape(3));
	t.data[12] = t.data[13] = 3;
	cr_assert_not(is_client());
	make(full());
	t.data[4] = 0xFE;
	t.data[5] = 0xFD;
	cr_assert_not(is_client());
}

/* Another body for message n (TLS). */
static void
replace(size_t n, const char *body, size_t len)
{
	size_t at = t.starts[n] + TLS_HEADER, end = t.starts[n + 1];

	memmove(t.data + at + len, t.data + end, t.len - end);
	memcpy(t.data + at, body, len);
	t.len = t.len - (end - at) + len;
	t.data[at - 3] = 0;
	t.data[at - 2] = (uint8_t)(len >> 8);
	t.data[at - 1] = (uint8_t)len;
}

#define RANDOM     "................................"
#define BYTES(s)   s, sizeof(s) - 1
#define HELLO      "\x03\x03" RANDOM
#define SUITE      "\x00\x02\x13\x01"
#define SIGNATURE  "\x04\x03\x00\x01s"
#define SOME_POINT "\x03\x00\x1D\x01p"

/* A byte of length, then as many as P-521's point has, and one more. */
static const char longest_point[134] = { '\x85' };
static const char too_long_a_point[135] = { '\x86' };

static const struct {
	size_t message;
	const char *body;
	size_t len;
	bool right;
} bodies[] = {
	/* ClientHello: session id, suites, compressions, extensions */
	{ 0, BYTES(HELLO "\x00" SUITE "\x01\x00"), true },
	{ 0, BYTES(HELLO "\x20" RANDOM SUITE "\x01\x00"), true },
	{ 0, BYTES(HELLO "\x21." RANDOM SUITE "\x01\x00"), false },
	{ 0, BYTES(HELLO "\x00\x00\x03\x13\x01\x02\x01\x00"), false },
	{ 0, BYTES(HELLO "\x00\x00\x00\x01\x00"), false },
	{ 0, BYTES(HELLO "\x00" SUITE "\x00"), false },
	{ 0, BYTES(HELLO "\x00" SUITE), false },
	{ 0, BYTES(HELLO "\x00" SUITE "\x01\x00\x00\x00"), true },
	{ 0, BYTES(HELLO "\x00" SUITE "\x01\x00\x00"), false },
	{ 0, BYTES(HELLO "\x00" SUITE "\x01\x00\x00\x00\x00"), false },
	{ 0, BYTES(HELLO "\x00" SUITE "\x01\x00\x00\x04\x00\x17\x00\x00"),
		true },
	{ 0, BYTES(HELLO "\x00" SUITE "\x01\x00\x00\x03\x00\x17\x00"), false },
	{ 0, BYTES(HELLO "\x00" SUITE "\x01\x00\x00\x05\x00\x17\x00\x02x"),
		false },
	/* ServerHello */
	{ 1, BYTES(HELLO "\x00\x13\x01\x00"), true },
	{ 1, BYTES(HELLO "\x21." RANDOM "\x13\x01\x00"), false },
	{ 1, BYTES(HELLO "\x00\x13\x01"), false },
	{ 1, BYTES(HELLO "\x00\x13\x01\x00\x00"), false },
	/* Certificate */
	{ 2, BYTES("\x00\x00\x05\x00\x00\x02\x30\x00"), true },
	{ 2, BYTES("\x00\x00\x0A\x00\x00\x02\x30\x00\x00\x00\x02\x30\x00"),
		true },
	{ 2, BYTES("\x00\x00\x02\x30\x00"), true },
	{ 2, BYTES("\x00\x00\x00"), false },
	{ 2, BYTES("\x00\x00\x03\x00\x00\x00"), false },
	{ 2, BYTES("\x00\x00\x05\x00\x00\x02\x31\x00"), false },
	{ 2, BYTES("\x00\x00\x05\x00\x00\x01\x30\x00"), false },
	{ 2, BYTES("\x00\x00\x05\x00\x00\x03\x30\x00"), false },
	{ 2, BYTES("\x00\x00\x05\x00\x00\x02\x30\x00\x00"), false },
	/* CertificateStatus */
	{ 3, BYTES("\x01\x00\x00\x01r"), true },
	{ 3, BYTES("\x02\x00\x00\x01r"), false },
	{ 3, BYTES("\x01\x00\x00\x00"), false },
	{ 3, BYTES("\x01\x00\x00\x01rr"), false },
	/* ServerKeyExchange */
	{ 4, BYTES(SOME_POINT SIGNATURE), true },
	{ 4, BYTES("\x02\x00\x1D\x01p" SIGNATURE), false },
	{ 4, BYTES("\x03\x00\x1D\x00" SIGNATURE), false },
	{ 4, BYTES(SOME_POINT "\x04\x03\x00\x00"), false },
	{ 4, BYTES(SOME_POINT), false },
	{ 4, BYTES(SOME_POINT SIGNATURE "s"), false },
	/* CertificateRequest */
	{ 5, BYTES("\x01\x40\x00\x02\x04\x03\x00\x00"), true },
	{ 5, BYTES("\x00\x00\x02\x04\x03\x00\x00"), false },
	{ 5, BYTES("\x01\x40\x00\x00\x00\x00"), false },
	{ 5, BYTES("\x01\x40\x00\x03\x04\x03\x05\x00\x00"), false },
	{ 5, BYTES("\x01\x40\x00\x02\x04\x03\x00\x04\x00\x02\x30\x00"), true },
	{ 5, BYTES("\x01\x40\x00\x02\x04\x03\x00\x02\x00\x00"), false },
	{ 5, BYTES("\x01\x40\x00\x02\x04\x03\x00\x04\x00\x02\x31\x00"), false },
	{ 5, BYTES("\x01\x40\x00\x02\x04\x03\x00\x03\x00\x01\x30\x00"), false },
	{ 5, BYTES("\x01\x40\x00\x02\x04\x03"), false },
	{ 5, BYTES("\x01\x40\x00\x02\x04\x03\x00\x00\x00"), false },
	/* ServerHelloDone */
	{ 6, BYTES(""), true },
	{ 6, BYTES("\x00"), false },
	/* ClientKeyExchange */
	{ 8, BYTES("\x01p"), true },
	{ 8, BYTES("\x00"), false },
	{ 8, BYTES(""), false },
	{ 8, BYTES("\x01pp"), false },
	{ 8, BYTES("\x02p"), false },
	{ 8, longest_point, 134, true },
	{ 8, too_long_a_point, 135, false },
};

Test(transcript, reads_each_body_strictly)
{
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		make(full());
		replace(bodies[i].message, bodies[i].body, bodies[i].len);
		cr_assert_eq(is_client(), bodies[i].right, "row %zu", i);
		if (bodies[i].message != 2)
			continue;
		/* The client's as the server's. */
		make(full());
		replace(7, bodies[i].body, bodies[i].len);
		cr_assert_eq(is_client(), bodies[i].right, "row %zu", i);
	}
}

/* In DTLS each side counts its messages, whatever the first one's number is. */
Test(transcript, refuses_dtls_messages_out_of_count)
{
	struct transcripts_shape s = shape(3);
	size_t n;

	s.client_number = 5;
	s.server_number = 9;
	make(s);
	cr_assert(is_client());
	for (n = 0; n < t.messages; n++) {
		t.data[t.starts[n] + 5] ^= 0x40;
		cr_assert_not(is_client(), "message %zu", n);
		t.data[t.starts[n] + 5] ^= 0x40;
	}
	/* Not beyond the last. */
	s.client_number = 65534;
	make(s);
	cr_assert_not(is_client());
}

Test(transcript, refuses_dtls_messages_in_parts)
{
	size_t n, i;

	for (n = 0; n < 7; n++) {
		make(shape(3));
		for (i = 6; i < DTLS_HEADER; i++) {
			t.data[t.starts[n] + i]++;
			cr_assert_not(is_client(), "message %zu", n);
			t.data[t.starts[n] + i]--;
		}
	}
}

/* A client without a certificate signs nothing. */
Test(transcript, refuses_a_client_without_certificate)
{
	size_t at, end;

	make(full());
	at = t.starts[7] + TLS_HEADER;
	end = t.starts[8];
	memmove(t.data + at + 3, t.data + end, t.len - end);
	t.len -= end - at - 3;
	memset(t.data + at - 3, 0, 6);
	t.data[at - 1] = 3;
	cr_assert_not(is_client());
}

Test(transcript, takes_a_raw_public_key_for_a_certificate)
{
	struct transcripts_shape s = full();

	s.raw_key = true;
	make(s);
	cr_assert(is_client());
}

/* The client's part must be that of the exchange which the server began. */
Test(transcript, refuses_key_exchanges_that_do_not_fit_each_other)
{
	struct transcripts_shape s = full();
	size_t at;

	/* A point, with a length of 16 bits. */
	make(s);
	at = t.starts[8] + TLS_HEADER;
	memmove(t.data + at + 1, t.data + at, t.len - at);
	t.data[at] = 0;
	t.data[at - 1]++;
	t.len++;
	cr_assert_not(is_client());
	/* An encrypted premaster where the server sent a point. */
	s.exchange = TRANSCRIPTS_RSA;
	make(s);
	at = t.starts[7];
	cr_assert(is_client());
	t.data[at + TLS_HEADER]++;
	cr_assert_not(is_client());
}

Test(transcript, refuses_nothing_and_the_first_bytes_alone)
{
	t.len = 0;
	cr_assert_not(is_client());
	cr_assert_not(transcript_is_client((struct view){ NULL, 0 }));
	cr_assert_not(transcript_starts((struct view){ NULL, 0 }));
	memcpy(t.data, "\x01\x00\x00\x02\x03\x03\x00", 7);
	for (t.len = 0; t.len < 7; t.len++)
		cr_assert_not(
			transcript_starts((struct view){ t.data, t.len }));
	cr_assert(transcript_starts((struct view){ t.data, 7 }));
	cr_assert_not(is_client());
}

/* ---- finite-field key exchanges ---------------------------------------- */

enum {
	P_AT = 66, /* behind randoms and length */
};

/* What is wrong, with p, g and ys as given; 0 bytes: left out. */
static void
put_dhe(struct view p, struct view g, struct view ys)
{
	const struct view parts[] = { p, g, ys };
	size_t i;

	messages_fill(&seed, t.data, 64);
	t.len = 64;
	for (i = 0; i < 3; i++) {
		t.data[t.len++] = (uint8_t)(parts[i].len >> 8);
		t.data[t.len++] = (uint8_t)parts[i].len;
		if (parts[i].len > 0)
			memcpy(t.data + t.len, parts[i].data, parts[i].len);
		t.len += parts[i].len;
	}
}

static uint8_t prime[2100], value[2100];

/* An odd p of this many bytes. */
static struct view
modulus(size_t len)
{
	messages_fill(&seed, prime, len);
	prime[0] |= 0x80;
	prime[len - 1] |= 1;
	return (struct view){ prime, len };
}

static struct view
number(uint8_t v)
{
	value[0] = v;
	return (struct view){ value, 1 };
}

/* p + difference, of p's length; no carry, p's last byte is changed to fit. */
static struct view
near(struct view p, int difference)
{
	prime[p.len - 1] = 0x55;
	memcpy(value, p.data, p.len);
	value[p.len - 1] = (uint8_t)(0x55 + difference);
	return (struct view){ value, p.len };
}

static bool
has_defect(enum grammar_defect defect)
{
	struct grammar_result g = classify();

	return g.form == GRAMMAR_TLS12_DHE && g.defect == defect;
}

Test(dhe, accepts_groups_of_2048_to_8192_bits)
{
	static const uint8_t two = 2;
	const struct view g = { &two, 1 };
	size_t len;

	for (len = 1; len < sizeof(prime); len++) {
		put_dhe(modulus(len), g, number(77));
		cr_assert_eq(is_dhe(), len >= 256 && len <= 1024, "%zu", len);
		if (!is_dhe())
			cr_assert(has_defect(GRAMMAR_DHE_GROUP), "%zu", len);
	}
	/* 2047 bits, and leading zeros. */
	put_dhe(modulus(256), g, number(77));
	t.data[P_AT] &= 0x7F;
	cr_assert(has_defect(GRAMMAR_DHE_GROUP));
	put_dhe(modulus(257), g, number(77));
	t.data[P_AT] = 1;
	cr_assert(is_dhe());
	t.data[P_AT] = 0;
	cr_assert(has_defect(GRAMMAR_DHE_GROUP));
}

Test(dhe, refuses_an_even_modulus)
{
	struct view p = modulus(256);

	put_dhe(p, number(2), number(2));
	cr_assert(is_dhe());
	t.data[P_AT + 255] &= 0xFE;
	cr_assert(has_defect(GRAMMAR_DHE_GROUP));
}

/* 0, 1, p - 1, p and more: elements of order one or two, or none. */
Test(dhe, refuses_values_outside_2_to_p_minus_2)
{
	static const struct {
		int difference;
		bool sound;
	} rows[] = { { -3, true }, { -2, true }, { -1, false }, { 0, false },
		{ 1, false }, { 0x40, false } };
	static const uint8_t two = 2;
	struct view p, small = { &two, 1 };
	uint8_t v;
	size_t i;

	for (v = 0; v < 4; v++) {
		p = modulus(256);
		put_dhe(p, number(v), small);
		cr_assert_eq(is_dhe(), v >= 2, "g %u", v);
		put_dhe(p, small, number(v));
		cr_assert_eq(is_dhe(), v >= 2, "Ys %u", v);
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = modulus(256);
		put_dhe(p, near(p, rows[i].difference), small);
		cr_assert_eq(is_dhe(), rows[i].sound, "row %zu", i);
		p = modulus(256);
		put_dhe(p, small, near(p, rows[i].difference));
		cr_assert_eq(is_dhe(), rows[i].sound, "row %zu", i);
	}
	/* Larger in the first byte, less in the last. */
	p = modulus(256);
	prime[0] = 0x80;
	near(p, -8);
	value[0] = 0x81;
	put_dhe(p, small, (struct view){ value, 256 });
	cr_assert(has_defect(GRAMMAR_DHE_GROUP));
}

Test(dhe, values_may_have_leading_zeros_but_no_more_bytes_than_p)
{
	static const uint8_t two = 2;
	const struct view small = { &two, 1 };
	struct view p = modulus(256);

	memset(value, 0, sizeof(value));
	value[255] = 2;
	put_dhe(p, small, (struct view){ value, 256 });
	cr_assert(is_dhe());
	put_dhe(p, (struct view){ value, 256 }, small);
	cr_assert(is_dhe());
	/* Zero and one, however written. */
	value[255] = 1;
	put_dhe(p, small, (struct view){ value, 256 });
	cr_assert(has_defect(GRAMMAR_DHE_GROUP));
	value[255] = 0;
	put_dhe(p, small, (struct view){ value, 256 });
	cr_assert(has_defect(GRAMMAR_DHE_GROUP));
	value[255] = 2;
	value[256] = 2;
	put_dhe(p, small, (struct view){ value, 257 });
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	put_dhe(p, (struct view){ value, 257 }, small);
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
}

Test(dhe, refuses_what_is_missing)
{
	struct view p = modulus(256), none = { NULL, 0 };

	put_dhe(p, none, number(3));
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	put_dhe(p, number(3), none);
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	put_dhe(none, none, none);
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	cr_assert_eq(dhe_look(none), DHE_NONE);
}

Test(dhe, refuses_every_truncated_or_extended_key_exchange)
{
	size_t len, right;

	transcripts_dhe(&t, 384, &seed);
	right = t.len;
	memset(t.data + right, 0, 300);
	for (len = 0; len < right + 300; len++) {
		t.len = len;
		cr_assert_eq(is_dhe(), len == right, "length %zu", len);
	}
}

Test(dhe, refuses_every_changed_bit_of_a_length)
{
	static const size_t at[] = { 64, 65, 322, 323, 325, 326 };
	size_t i, bit;

	transcripts_dhe(&t, 256, &seed);
	cr_assert(is_dhe());
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		for (bit = 0; bit < 8; bit++) {
			t.data[at[i]] ^= (uint8_t)(1U << bit);
			cr_assert_not(is_dhe(), "byte %zu", at[i]);
			t.data[at[i]] ^= (uint8_t)(1U << bit);
		}
}

Test(dhe, sees_the_sentinel)
{
	transcripts_dhe(&t, 256, &seed);
	cr_assert_not(classify().sentinel);
	memcpy(t.data + 56, "DOWNGRD\x01", 8);
	cr_assert(classify().sentinel);
	cr_assert(is_dhe());
	t.data[63] = 0;
	cr_assert_not(classify().sentinel);
}

Test(dhe, accepts_a_million_honest_servers)
{
	static const size_t sizes[] = { 256, 256, 384, 512, 768, 1024 };
	size_t i, refused = 0;

	for (i = 0; i < HONEST; i++) {
		transcripts_dhe(&t, sizes[i % 6], &seed);
		if (!is_dhe())
			refused++;
	}
	cr_assert_eq(refused, 0);
}
