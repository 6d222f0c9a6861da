#include <criterion/criterion.h>

#include "wire/proto.h"
#include "wire/shell.h"

#include <string.h>

/* A P-256 SPKI whose point is made up: the shell does not look at it. */
static const uint8_t p256[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, [90] = 0x77 };

static const struct view spki = { p256, sizeof(p256) };

/* Where things lie in a shell for "www" with this SPKI. */
enum {
	AT_OUTER = 0,
	AT_VERSION0 = 3,  /* after 30 81 len */
	AT_ALGORITHM = 6, /* after 02 01 00 */
	AT_OID = 8,       /* of the outer algorithm */
	AT_OCTETS = 27,
	AT_SHELL = 29,
	AT_MAGIC = 31,   /* its tag */
	AT_VERSION = 45, /* its tag */
	AT_NAME = 48,    /* its tag */
	AT_SPKI = 53,
	AT_BITS = AT_SPKI + 23,
	SHELL_LEN = AT_SPKI + sizeof(p256),
};

static size_t
make(uint8_t *buf, size_t size)
{
	size_t len;

	cr_assert_eq(shell_encode("www", spki, buf, size, &len), 0);
	return len;
}

static enum shell_error
decode_mutated(size_t at, uint8_t value)
{
	uint8_t buf[SHELL_MAX];
	size_t len = make(buf, sizeof(buf));
	struct shell s;

	buf[at] = value;
	return shell_decode(buf, len, &s);
}

Test(shell, comes_back_as_it_went)
{
	uint8_t buf[SHELL_MAX];
	size_t len = make(buf, sizeof(buf));
	struct shell s;

	cr_assert_eq(len, SHELL_LEN);
	cr_assert_eq(shell_decode(buf, len, &s), SHELL_OK);
	cr_assert_str_eq(s.name, "www");
	cr_assert_eq(s.spki.len, sizeof(p256));
	cr_assert_arr_eq(s.spki.data, p256, sizeof(p256));
	cr_assert(s.spki.data == buf + AT_SPKI);
}

Test(shell, the_map_of_this_test_is_right)
{
	uint8_t buf[SHELL_MAX];

	(void)make(buf, sizeof(buf));
	cr_assert_eq(buf[AT_OUTER], 0x30);
	cr_assert_eq(buf[AT_VERSION0], 0x02);
	cr_assert_eq(buf[AT_ALGORITHM], 0x30);
	cr_assert_eq(buf[AT_OID], 0x06);
	cr_assert_eq(buf[AT_OCTETS], 0x04);
	cr_assert_eq(buf[AT_SHELL], 0x30);
	cr_assert_eq(memcmp(buf + AT_MAGIC, "\x0c\x0copenssl-keyd", 14), 0);
	cr_assert_eq(memcmp(buf + AT_VERSION, "\x02\x01\x01", 3), 0);
	cr_assert_eq(memcmp(buf + AT_NAME, "\x0c\x03www", 5), 0);
	cr_assert_eq(buf[AT_BITS], 0x03);
}

Test(shell, every_truncation_is_foreign_or_known_as_truncated)
{
	uint8_t buf[SHELL_MAX];
	size_t len = make(buf, sizeof(buf)), cut;
	struct shell s = { .name = "untouched" };

	for (cut = 0; cut < len; cut++)
		cr_assert_eq(shell_decode(buf, cut, &s),
			cut < AT_VERSION ? SHELL_FOREIGN : SHELL_TRUNCATED,
			"%zu", cut);
	cr_assert_str_eq(s.name, "untouched");
}

/* A changed byte is refused, or is plainly another shell: never two for one. */
Test(shell, every_mutation_is_refused_or_another_shell)
{
	uint8_t buf[SHELL_MAX], again[SHELL_MAX], good;
	size_t len = make(buf, sizeof(buf)), at, n;
	struct shell s;
	int byte, accepted = 0;

	for (at = 0; at < len; at++) {
		good = buf[at];
		for (byte = 0; byte < 256; byte++) {
			buf[at] = (uint8_t)byte;
			if (byte == good ||
				shell_decode(buf, len, &s) != SHELL_OK)
				continue;
			accepted++;
			/* Only a name's letter, or the public key's bits. */
			cr_assert((at >= AT_NAME + 2 && at < AT_SPKI) ||
					  at > AT_BITS + 2,
				"%zu", at);
			cr_assert_eq(shell_encode(s.name, s.spki, again,
					     sizeof(again), &n),
				0);
			cr_assert_eq(n, len);
			cr_assert_arr_eq(again, buf, len);
		}
		buf[at] = good;
	}
	cr_assert_gt(accepted, 255);
}

Test(shell, any_two_bytes_never_crash_it)
{
	uint8_t buf[SHELL_MAX];
	size_t len = make(buf, sizeof(buf)), a, b;
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0x81, 0x82, 0xff };
	uint8_t good_a, good_b;
	struct shell s;
	size_t i, j;

	for (a = 0; a < len; a++) {
		good_a = buf[a];
		for (b = a + 1; b < len; b++) {
			good_b = buf[b];
			for (i = 0; i < sizeof(values); i++)
				for (j = 0; j < sizeof(values); j++) {
					buf[a] = values[i];
					buf[b] = values[j];
					(void)!shell_decode(buf, len, &s);
				}
			buf[b] = good_b;
		}
		buf[a] = good_a;
	}
}

Test(shell, each_error_has_its_cause)
{
	uint8_t buf[SHELL_MAX + 64] = { 0 };
	size_t len = make(buf, sizeof(buf));
	struct shell s;

	cr_assert_eq(shell_decode(buf, len + 1, &s), SHELL_TRAILING);
	cr_assert_eq(shell_decode(buf, len - 1, &s), SHELL_TRUNCATED);
	cr_assert_eq(shell_decode(NULL, 0, &s), SHELL_FOREIGN);
	cr_assert_eq(shell_decode("-----BEGIN", 10, &s), SHELL_FOREIGN);
	cr_assert_eq(decode_mutated(AT_MAGIC + 2, 'O'), SHELL_FOREIGN);
	cr_assert_eq(decode_mutated(AT_MAGIC, 0x02), SHELL_FOREIGN);
	cr_assert_eq(decode_mutated(AT_VERSION0 + 2, 1), SHELL_FOREIGN);
	cr_assert_eq(decode_mutated(AT_VERSION + 2, 2), SHELL_TOO_NEW);
	cr_assert_eq(decode_mutated(AT_VERSION + 2, 0x7f), SHELL_TOO_NEW);
	cr_assert_eq(decode_mutated(AT_VERSION + 2, 0), SHELL_BAD_DER);
	cr_assert_eq(decode_mutated(AT_VERSION + 2, 0xff), SHELL_BAD_DER);
	cr_assert_eq(decode_mutated(AT_VERSION, 0x04), SHELL_BAD_DER);
	cr_assert_eq(decode_mutated(AT_NAME, 0x13), SHELL_BAD_DER);
	cr_assert_eq(decode_mutated(AT_NAME + 2, '-'), SHELL_BAD_NAME);
	cr_assert_eq(decode_mutated(AT_NAME + 3, '/'), SHELL_BAD_NAME);
	cr_assert_eq(decode_mutated(AT_NAME + 3, 0), SHELL_BAD_NAME);
	cr_assert_eq(decode_mutated(AT_SPKI, 0x31), SHELL_BAD_SPKI);
	cr_assert_eq(decode_mutated(AT_BITS, 0x04), SHELL_BAD_SPKI);
	cr_assert_eq(decode_mutated(AT_BITS + 2, 7), SHELL_BAD_SPKI);
	cr_assert_eq(decode_mutated(AT_OID + 2, 0x2b), SHELL_MISMATCH);
	cr_assert_eq(decode_mutated(AT_SPKI + 6, 0x2b), SHELL_MISMATCH);
	/* Shorter inner element: what it leaves over stands where it must not. */
	cr_assert_eq(decode_mutated(AT_OCTETS + 1, 0x10), SHELL_TRAILING);
	cr_assert_eq(decode_mutated(AT_SHELL + 1, 0x20), SHELL_TRAILING);
	cr_assert_eq(decode_mutated(AT_OCTETS + 1, 0x7f), SHELL_BAD_DER);
	cr_assert_eq(decode_mutated(AT_SHELL + 1, 0x7f), SHELL_BAD_DER);
}

/* Lengths in forms that BER allows and DER does not. */
Test(shell, lengths_are_in_shortest_form)
{
	uint8_t buf[SHELL_MAX], longer[SHELL_MAX];
	size_t len = make(buf, sizeof(buf));
	struct shell s;

	/* 30 81 LL to 30 82 00 LL */
	longer[0] = 0x30;
	longer[1] = 0x82;
	longer[2] = 0;
	memcpy(longer + 3, buf + 2, len - 2);
	cr_assert_eq(shell_decode(longer, len + 1, &s), SHELL_FOREIGN);
	longer[1] = 0x80; /* indefinite */
	cr_assert_eq(shell_decode(longer, len + 1, &s), SHELL_FOREIGN);
	/* The name's length: 03 to 81 03, outer lengths one more. */
	memcpy(longer, buf, AT_NAME + 1);
	longer[AT_NAME + 1] = 0x81;
	memcpy(longer + AT_NAME + 2, buf + AT_NAME + 1, len - AT_NAME - 1);
	longer[2]++;
	longer[AT_OCTETS + 1]++;
	longer[AT_SHELL + 1]++;
	cr_assert_eq(shell_decode(longer, len + 1, &s), SHELL_BAD_DER);
}

Test(shell, attributes_are_refused)
{
	uint8_t buf[SHELL_MAX];
	size_t len = make(buf, sizeof(buf));
	struct shell s;

	buf[2] = (uint8_t)(buf[2] + 2);
	buf[len] = 0xa0;
	buf[len + 1] = 0;
	cr_assert_eq(shell_decode(buf, len + 2, &s), SHELL_TRAILING);
}

/* An SPKI with len bytes of key, 4096 at most altogether. */
static struct view
long_spki(uint8_t *buf, size_t bits)
{
	static const uint8_t algorithm[] = { 0x30, 0x03, 0x06, 0x01, 0x2a };
	size_t inner = sizeof(algorithm) + 4 + bits;
	struct writer w = writer_init(buf, 8192);

	writer_u16(&w, 0x3082);
	writer_u16(&w, (uint16_t)inner);
	writer_bytes(&w, algorithm, sizeof(algorithm));
	writer_u16(&w, 0x0382);
	writer_u16(&w, (uint16_t)bits);
	memset(buf + writer_len(&w), 0, bits);
	return (struct view){ buf, writer_len(&w) + bits };
}

Test(shell, the_largest_public_key_and_name_fit)
{
	static uint8_t key[8192];
	uint8_t buf[SHELL_MAX];
	char name[PROTO_MAX_NAME + 2];
	struct view v = long_spki(key, PROTO_MAX_SPKI - 13);
	struct shell s;
	size_t len = 7;

	memset(name, 'n', sizeof(name));
	name[PROTO_MAX_NAME] = '\0';
	cr_assert_eq(v.len, PROTO_MAX_SPKI);
	cr_assert_eq(shell_encode(name, v, buf, sizeof(buf), &len), 0);
	cr_assert_eq(shell_decode(buf, len, &s), SHELL_OK);
	cr_assert_str_eq(s.name, name);
	cr_assert_eq(s.spki.len, PROTO_MAX_SPKI);
	v = long_spki(key, PROTO_MAX_SPKI - 12);
	cr_assert_eq(shell_encode(name, v, buf, sizeof(buf), &len), -1);
	name[PROTO_MAX_NAME] = 'n';
	name[PROTO_MAX_NAME + 1] = '\0';
	cr_assert_eq(shell_encode(name, spki, buf, sizeof(buf), &len), -1);
}

Test(shell, larger_than_a_shell_can_be_is_refused)
{
	static uint8_t buf[SHELL_MAX + 512];
	size_t len = make(buf, sizeof(buf));
	struct shell s;

	/* The outermost length claims it all, so it is not cut short. */
	memmove(buf + 4, buf + 3, len - 3);
	buf[1] = 0x82;
	buf[2] = (SHELL_MAX + 1 - 4) >> 8;
	buf[3] = (SHELL_MAX + 1 - 4) & 0xff;
	cr_assert_eq(shell_decode(buf, SHELL_MAX + 1, &s), SHELL_BAD_DER);
}

Test(shell, encodes_nothing_that_it_would_not_decode)
{
	uint8_t buf[SHELL_MAX], bad[sizeof(p256)];
	static const char *const names[] = { "", ".x", "a/b", "a b",
		"\xc3\xa4" };
	size_t len = 7, i, size;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_eq(
			shell_encode(names[i], spki, buf, sizeof(buf), &len),
			-1);
	for (i = 0; i < sizeof(p256); i++)
		cr_assert_eq(shell_encode("www", (struct view){ p256, i }, buf,
				     sizeof(buf), &len),
			-1);
	memcpy(bad, p256, sizeof(bad));
	bad[AT_BITS - AT_SPKI + 2] = 1;
	cr_assert_eq(shell_encode("www", (struct view){ bad, sizeof(bad) }, buf,
			     sizeof(buf), &len),
		-1);
	for (size = 0; size < SHELL_LEN; size++)
		cr_assert_eq(shell_encode("www", spki, buf, size, &len), -1);
	cr_assert_eq(len, 7);
	cr_assert_eq(shell_encode("www", spki, buf, SHELL_LEN, &len), 0);
}

Test(shell, each_error_has_its_own_words)
{
	enum shell_error a, b;

	for (a = SHELL_OK; a >= SHELL_BAD_DER; a--)
		for (b = SHELL_OK; b > a; b--)
			cr_assert_str_neq(
				shell_error_text(a), shell_error_text(b));
}
