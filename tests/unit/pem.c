#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/pem.h"

static struct view
text_view(const char *s)
{
	return (struct view){ (const uint8_t *)s, strlen(s) };
}

static int
first(const char *text, struct pem_block *b, const char **error)
{
	struct pem_cursor c = pem_start(text_view(text));

	return pem_next(&c, b, error);
}

Test(pem, finds_each_block_and_its_line)
{
	static const char text[] = "a word\n"
				   "-----BEGIN ONE-----\nAAAA\n"
				   "-----END ONE-----\nmore\n\n"
				   "-----BEGIN TWO KEY-----\r\nAQID\r\n"
				   "-----END TWO KEY-----  \r\n";
	struct pem_cursor c = pem_start(text_view(text));
	struct pem_block b;
	const char *error;
	uint8_t out[8];
	size_t len;

	cr_assert_eq(pem_next(&c, &b, &error), 1);
	cr_assert(pem_is_label(&b, "ONE"));
	cr_assert_not(pem_is_label(&b, "ON"));
	cr_assert_not(pem_is_label(&b, "ONEX"));
	cr_assert_eq(b.line, 2);
	cr_assert_eq(pem_next(&c, &b, &error), 1);
	cr_assert(pem_is_label(&b, "TWO KEY"));
	cr_assert_eq(b.line, 7);
	cr_assert_eq(pem_decode(&b, out, sizeof(out), &len), 0);
	cr_assert_eq(len, 3);
	cr_assert_arr_eq(out, "\1\2\3", 3);
	cr_assert_eq(pem_next(&c, &b, &error), 0);
	cr_assert_eq(pem_next(&c, &b, &error), 0);
}

Test(pem, needs_no_newline_at_the_end_of_the_file)
{
	struct pem_block b;
	const char *error;

	cr_assert_eq(
		first("-----BEGIN A-----\nAAAA\n-----END A-----", &b, &error),
		1);
	cr_assert_eq(first("", &b, &error), 0);
	cr_assert_eq(first("-----", &b, &error), 0);
}

static const struct {
	const char *text, *words;
	unsigned line;
} broken[] = {
	{ "-----BEGIN A-----\nAAAA\n", "no END line", 1 },
	{ "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n",
		"no END line", 1 },
	{ "x\n-----BEGIN A-----\nAAAA\n-----END B-----\n", "differs", 2 },
	{ "-----BEGIN A-----\nAAAA\n-----END A----\n", "differs", 1 },
	{ "-----BEGIN A----\nAAAA\n-----END A-----\n", "malformed", 1 },
	{ "-----BEGIN -----\nAAAA\n-----END -----\n", "malformed", 1 },
	{ "-----BEGIN a-----\nAAAA\n-----END a-----\n", "malformed", 1 },
	{ "-----BEGIN A-----B-----\nAAAA\n-----END A-----B-----\n", "malformed",
		1 },
	{ "-----BEGIN A\n", "malformed", 1 },
};

Test(pem, tells_what_is_wrong_with_a_block_and_where)
{
	struct pem_block b;
	const char *error;
	size_t i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		cr_assert_eq(first(broken[i].text, &b, &error), -1, "%zu", i);
		cr_assert_not_null(
			strstr(error, broken[i].words), "%zu: %s", i, error);
		cr_assert_eq(b.line, broken[i].line, "%zu", i);
	}
}

Test(pem, refuses_a_label_that_is_too_long)
{
	char text[300], label[66];
	struct pem_block b;
	const char *error;

	memset(label, 'A', sizeof(label));
	label[65] = '\0';
	(void)snprintf(text, sizeof(text),
		"-----BEGIN %s-----\nAAAA\n-----END %s-----\n", label, label);
	cr_assert_eq(first(text, &b, &error), -1);
	label[64] = '\0';
	(void)snprintf(text, sizeof(text),
		"-----BEGIN %s-----\nAAAA\n-----END %s-----\n", label, label);
	cr_assert_eq(first(text, &b, &error), 1);
}

static int
decode(const char *body, uint8_t *out, size_t size, size_t *len)
{
	struct pem_block b = { .body = text_view(body) };

	return pem_decode(&b, out, size, len);
}

Test(pem, decodes_strict_base64_only)
{
	static const struct {
		const char *body, *bytes;
		size_t len; /* 0: refused */
	} cases[] = {
		{ "Zg==", "f", 1 },
		{ "Zm8=", "fo", 2 },
		{ "Zm9v", "foo", 3 },
		{ "Zm9vYmFy", "foobar", 6 },
		{ "Z m\t9\r\nv\n", "foo", 3 },
		{ "/+8=", "\xff\xef", 2 },
		{ "", "", 0 },
		{ "\n", "", 0 },
		{ "Z", "", 0 },
		{ "Zg", "", 0 },
		{ "Zg=", "", 0 },
		{ "Zm9", "", 0 },
		{ "Zh==", "", 0 }, /* unused bits */
		{ "Zm9=", "", 0 }, /* unused bits */
		{ "Z===", "", 0 },
		{ "====", "", 0 },
		{ "Zg==Zg==", "", 0 }, /* padding inside */
		{ "Zg=v", "", 0 },
		{ "=Zg=", "", 0 },
		{ "Zm9v====", "", 0 },
		{ "Zm9v=", "", 0 },
		{ "Zm9-", "", 0 },
		{ "Zm9_", "", 0 },
		{ "Zm9\x80", "", 0 },
		{ "Zm:v", "", 0 },
	};
	uint8_t out[16];
	size_t i, len;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = decode(cases[i].body, out, sizeof(out), &len);

		cr_assert_eq(
			r, cases[i].len > 0 ? 0 : -1, "'%s'", cases[i].body);
		if (r < 0)
			continue;
		cr_assert_eq(len, cases[i].len);
		cr_assert_arr_eq(out, cases[i].bytes, len);
	}
}

Test(pem, decodes_no_more_than_there_is_room_for)
{
	uint8_t out[6];
	size_t len = 77;

	memset(out, 0xaa, sizeof(out));
	cr_assert_eq(decode("Zm9vYmFy", out, 5, &len), -1);
	cr_assert_eq(out[5], 0xaa);
	cr_assert_eq(len, 77);
	cr_assert_eq(decode("Zm9vYmFy", out, 6, &len), 0);
}

Test(pem, reads_back_what_it_wrote)
{
	uint8_t data[200], back[200];
	char text[512];
	struct pem_block b;
	const char *error, *p;
	size_t n, len, got;

	for (n = 0; n < sizeof(data); n++)
		data[n] = (uint8_t)(n * 151 + 7);
	for (n = 1; n <= sizeof(data); n++) {
		cr_assert_eq(pem_encode("PRIVATE KEY", (struct view){ data, n },
				     text, sizeof(text), &len),
			0);
		cr_assert_eq(strlen(text), len);
		for (p = text; *p != '\0'; p = strchr(p, '\n') + 1)
			cr_assert_leq(strcspn(p, "\n"), 64);
		cr_assert_eq(first(text, &b, &error), 1);
		cr_assert_eq(pem_decode(&b, back, sizeof(back), &got), 0);
		cr_assert_eq(got, n);
		cr_assert_arr_eq(back, data, n);
		cr_assert_eq(pem_encode("PRIVATE KEY", (struct view){ data, n },
				     text, len, &got),
			-1);
	}
}

Test(pem, sees_the_headers_of_old_encrypted_files)
{
	struct pem_block b;
	const char *error;

	cr_assert_eq(first("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"
			   "-----END A-----\n",
			     &b, &error),
		1);
	cr_assert(pem_has_headers(&b));
	cr_assert_eq(
		first("-----BEGIN A-----\n-----END A-----\n", &b, &error), 1);
	cr_assert_not(pem_has_headers(&b));
}

Test(pem, survives_every_truncation_and_any_wrong_byte)
{
	static const char good[] = "x\n-----BEGIN A KEY-----\nZm9vYmFy\n"
				   "-----END A KEY-----\n";
	size_t i, n, len;
	unsigned v;

	for (n = 0; n < sizeof(good); n++) {
		for (i = 0; i < n; i++) {
			/* Exactly n bytes, so that ASan sees one more. */
			uint8_t *copy = malloc(n), out[8];
			struct pem_cursor c;
			struct pem_block b;
			const char *error;

			cr_assert_not_null(copy);
			memcpy(copy, good, n);
			v = (unsigned)(i * 37 + n);
			copy[i] ^= (uint8_t)(v % 255 + 1);
			c = pem_start((struct view){ copy, n });
			while (pem_next(&c, &b, &error) == 1)
				(void)!pem_decode(&b, out, sizeof(out), &len);
			free(copy);
		}
	}
}
