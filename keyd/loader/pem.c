#include "pem.h"

#include <string.h>

enum {
	MAX_LABEL = 64,
	LINE_BYTES = 48, /* 64 characters */
};

static const char begin[] = "-----BEGIN ";
static const char end[] = "-----END ";
static const char dashes[] = "-----";

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes one line, without its end, from the cursor. */
static bool
take_line(struct pem_cursor *c, struct view *line)
{
	const uint8_t *newline;

	if (c->rest.len == 0)
		return false;
	newline = memchr(c->rest.data, '\n', c->rest.len);
	*line = c->rest;
	if (newline != NULL)
		line->len = (size_t)(newline - c->rest.data) + 1;
	c->rest.data += line->len;
	c->rest.len -= line->len;
	c->line++;
	while (line->len > 0 && is_blank(line->data[line->len - 1]))
		line->len--;
	return true;
}

static bool
starts_with(struct view line, const char *prefix)
{
	size_t len = strlen(prefix);

	return line.len >= len && memcmp(line.data, prefix, len) == 0;
}

/* The label between prefix and the dashes at the end. 0 or -1. */
static int
get_label(struct view line, const char *prefix, struct view *label)
{
	size_t before = strlen(prefix), after = strlen(dashes), i;
	struct view v;

	if (line.len <= before + after ||
		memcmp(line.data + line.len - after, dashes, after) != 0)
		return -1;
	v.data = line.data + before;
	v.len = line.len - before - after;
	if (v.len > MAX_LABEL)
		return -1;
	for (i = 0; i < v.len; i++)
		if (!(v.data[i] >= 'A' && v.data[i] <= 'Z') &&
			!(v.data[i] >= '0' && v.data[i] <= '9') &&
			v.data[i] != ' ')
			return -1;
	*label = v;
	return 0;
}

struct pem_cursor
pem_start(struct view text)
{
	return (struct pem_cursor){ .rest = text, .line = 1 };
}

/* Reads on to the END line that closes out. */
static int
take_body(struct pem_cursor *c, struct pem_block *out, const char **error)
{
	struct view line, label;

	out->body = (struct view){ c->rest.data, 0 };
	*error = "a PEM block has no END line";
	while (take_line(c, &line)) {
		if (starts_with(line, begin))
			return -1;
		if (!starts_with(line, end))
			continue;
		*error = "the END line of a PEM block differs from its BEGIN "
			 "line";
		if (get_label(line, end, &label) < 0 ||
			label.len != out->label.len ||
			memcmp(label.data, out->label.data, label.len) != 0)
			return -1;
		out->body.len = (size_t)(line.data - out->body.data);
		return 1;
	}
	return -1;
}

int
pem_next(struct pem_cursor *c, struct pem_block *out, const char **error)
{
	struct view line;
	int r;

	do
		if (!take_line(c, &line))
			return 0;
	while (!starts_with(line, begin));
	out->line = c->line - 1;
	if (get_label(line, begin, &out->label) < 0) {
		*error = "the BEGIN line of a PEM block is malformed";
		return -1;
	}
	r = take_body(c, out, error);
	if (r == 1)
		out->whole = (struct view){ line.data,
			(size_t)(c->rest.data - line.data) };
	return r;
}

bool
pem_is_label(const struct pem_block *b, const char *label)
{
	return b->label.len == strlen(label) &&
	       memcmp(b->label.data, label, b->label.len) == 0;
}

bool
pem_has_headers(const struct pem_block *b)
{
	return b->body.len > 0 &&
	       memchr(b->body.data, ':', b->body.len) != NULL;
}

int
pem_split(
	const struct pem_block *b, struct view *headers, struct pem_block *out)
{
	struct pem_cursor c = pem_start(b->body);
	struct view line;

	while (take_line(&c, &line)) {
		if (line.len > 0)
			continue;
		headers->data = b->body.data;
		headers->len = (size_t)(line.data - b->body.data);
		*out = *b;
		out->body = c.rest;
		return 0;
	}
	return -1;
}

static int
sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int
pem_decode(const struct pem_block *b, uint8_t *out, size_t size, size_t *len)
{
	uint32_t bits = 0; /* the last sextets, newest lowest */
	size_t i, n = 0, chars = 0, pads = 0;

	for (i = 0; i < b->body.len; i++) {
		uint8_t c = b->body.data[i];
		int v = sextet(c);

		if (is_blank(c))
			continue;
		chars++;
		if (c == '=' && ++pads <= 2)
			continue;
		if (v < 0 || pads > 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		if (chars % 4 == 1)
			continue; /* the first sextet completes no byte */
		if (n == size)
			return -1;
		out[n++] = (uint8_t)(bits >> (8 - chars % 4 * 2) % 8);
	}
	if (chars % 4 != 0 || n == 0 || pads > 2 ||
		(pads > 0 && (bits & ((1U << 2 * pads) - 1)) != 0))
		return -1;
	*len = n;
	return 0;
}

static void
put_text(struct writer *w, const char *text)
{
	writer_bytes(w, text, strlen(text));
}

static void
put_line(struct writer *w, const uint8_t *data, size_t len)
{
	size_t i, j;

	for (i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t v = 0;

		for (j = 0; j < 3; j++)
			v = v << 8 | (j < have ? data[i + j] : 0);
		for (j = 0; j < 4; j++)
			writer_u8(w,
				j > have ? (uint8_t)'='
					 : (uint8_t)alphabet[v >> (18 - 6 * j) &
							     63]);
	}
	writer_u8(w, '\n');
}

int
pem_encode(
	const char *label, struct view der, char *out, size_t size, size_t *len)
{
	struct writer w = writer_init(out, size);
	size_t i, n;

	put_text(&w, begin);
	put_text(&w, label);
	put_text(&w, "-----\n");
	for (i = 0; i < der.len; i += LINE_BYTES)
		put_line(&w, der.data + i,
			der.len - i < LINE_BYTES ? der.len - i : LINE_BYTES);
	put_text(&w, end);
	put_text(&w, label);
	put_text(&w, "-----\n");
	writer_u8(&w, 0);
	if (writer_finish(&w, &n) < 0)
		return -1;
	*len = n - 1;
	return 0;
}
