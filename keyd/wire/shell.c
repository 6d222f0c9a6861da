#include "shell.h"

#include "proto.h"

#include <string.h>

enum der_tag {
	DER_INTEGER = 0x02,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_SEQUENCE = 0x30,
};

static const char magic[] = "openssl-keyd";

/* Length octets in shortest form. */
static size_t
der_read_length(struct reader *r)
{
	size_t len = reader_u8(r);
	unsigned n;

	if (len < 0x80)
		return len;
	n = (unsigned)len & 0x7f;
	if (n == 0 || n > 2) {
		r->failed = true;
		return 0;
	}
	len = n == 1 ? reader_u8(r) : reader_u16(r);
	if (len < 0x80 || (n == 2 && len < 0x100))
		r->failed = true;
	return len;
}

/* One element of the given tag: its contents; *whole, if wanted, the element. */
static struct view
der_read(struct reader *r, uint8_t tag, struct view *whole)
{
	const uint8_t *start = r->pos;
	struct view v = { 0 };

	if (reader_u8(r) != tag)
		r->failed = true;
	v = reader_bytes(r, der_read_length(r));
	if (whole != NULL)
		*whole = (struct view){ .data = r->failed ? NULL : start,
			.len = r->failed ? 0 : (size_t)(r->pos - start) };
	return v;
}

static bool
view_is(struct view v, const void *bytes, size_t len)
{
	return v.len == len && (len == 0 || memcmp(v.data, bytes, len) == 0);
}

/* SEQUENCE { AlgorithmIdentifier, BIT STRING }, whole; *algorithm its first element. */
static int
spki_algorithm(struct view spki, struct view *algorithm)
{
	struct reader r = reader_init(spki.data, spki.len);
	struct view inner = der_read(&r, DER_SEQUENCE, NULL);
	struct reader in;
	struct view bits;

	if (spki.len > PROTO_MAX_SPKI || reader_finish(&r) < 0)
		return -1;
	in = reader_init(inner.data, inner.len);
	(void)der_read(&in, DER_SEQUENCE, algorithm);
	bits = der_read(&in, 0x03, NULL);
	if (reader_finish(&in) < 0 || bits.len < 2 || bits.data[0] != 0)
		return -1;
	return 0;
}

/*
 * Is there our magic where it must be? Looks only at tags, lengths of lengths and the magic itself, so
 * that a shell that was cut short is still known as one.
 */
static bool
has_magic(const uint8_t *der, size_t len)
{
	static const uint8_t mark[] = { DER_UTF8_STRING, sizeof(magic) - 1 };
	struct reader r = reader_init(der, len);
	size_t skip;

	if (reader_u8(&r) != DER_SEQUENCE)
		return false;
	(void)der_read_length(&r);
	if (!view_is(der_read(&r, DER_INTEGER, NULL), "", 1))
		return false;
	(void)der_read(&r, DER_SEQUENCE, NULL);
	if (reader_u8(&r) != DER_OCTET_STRING)
		return false;
	(void)der_read_length(&r);
	if (reader_u8(&r) != DER_SEQUENCE)
		return false;
	(void)der_read_length(&r);
	skip = sizeof(mark) + sizeof(magic) - 1;
	if (r.failed || reader_left(&r) < skip)
		return false;
	return memcmp(r.pos, mark, sizeof(mark)) == 0 &&
	       memcmp(r.pos + sizeof(mark), magic, sizeof(magic) - 1) == 0;
}

/* A DER INTEGER above 0, in shortest form. */
static bool
is_positive(struct view v)
{
	if (v.len == 0 || v.data[0] >= 0x80)
		return false;
	return v.data[0] != 0 || (v.len > 1 && v.data[1] >= 0x80);
}

/* The innermost part: what stands in the OCTET STRING. */
static enum shell_error
decode_inner(struct view in, struct view algorithm, struct shell *out)
{
	struct reader r = reader_init(in.data, in.len);
	struct view seq = der_read(&r, DER_SEQUENCE, NULL);
	struct view version, name, spki, of_spki;

	if (r.failed)
		return SHELL_BAD_DER;
	if (reader_left(&r) > 0)
		return SHELL_TRAILING;
	r = reader_init(seq.data, seq.len);
	(void)der_read(&r, DER_UTF8_STRING, NULL);
	version = der_read(&r, DER_INTEGER, NULL);
	if (r.failed)
		return SHELL_BAD_DER;
	if (!is_positive(version))
		return SHELL_BAD_DER;
	if (version.len != 1 || version.data[0] != SHELL_VERSION)
		return SHELL_TOO_NEW;
	name = der_read(&r, DER_UTF8_STRING, NULL);
	if (r.failed)
		return SHELL_BAD_DER;
	if (!proto_is_name(name.data, name.len))
		return SHELL_BAD_NAME;
	(void)der_read(&r, DER_SEQUENCE, &spki);
	if (r.failed)
		return SHELL_BAD_SPKI;
	if (reader_left(&r) > 0)
		return SHELL_TRAILING;
	if (spki_algorithm(spki, &of_spki) < 0)
		return SHELL_BAD_SPKI;
	if (!view_is(of_spki, algorithm.data, algorithm.len))
		return SHELL_MISMATCH;
	memset(out->name, 0, sizeof(out->name));
	memcpy(out->name, name.data, name.len);
	out->spki = spki;
	return SHELL_OK;
}

/* Does the outermost element say that it is longer than what is there? */
static bool
is_truncated(const uint8_t *der, size_t len)
{
	struct reader r = reader_init(der, len);
	size_t body;

	(void)reader_u8(&r);
	body = der_read_length(&r);
	return !r.failed && body > reader_left(&r);
}

enum shell_error
shell_decode(const void *der, size_t len, struct shell *out)
{
	struct reader r = reader_init(der, len);
	struct view outer, algorithm, octets;

	if (!has_magic(der, len))
		return SHELL_FOREIGN;
	if (is_truncated(der, len))
		return SHELL_TRUNCATED;
	if (len > SHELL_MAX)
		return SHELL_BAD_DER;
	outer = der_read(&r, DER_SEQUENCE, NULL);
	if (r.failed)
		return SHELL_BAD_DER;
	if (reader_left(&r) > 0)
		return SHELL_TRAILING;
	r = reader_init(outer.data, outer.len);
	(void)der_read(&r, DER_INTEGER, NULL);
	(void)der_read(&r, DER_SEQUENCE, &algorithm);
	octets = der_read(&r, DER_OCTET_STRING, NULL);
	if (r.failed)
		return SHELL_BAD_DER;
	if (reader_left(&r) > 0)
		return SHELL_TRAILING;
	return decode_inner(octets, algorithm, out);
}

/* Writing goes from the end to the start, so that lengths are known. */
struct backwards {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	bool failed;
};

static void
put_bytes(struct backwards *b, const void *data, size_t len)
{
	if (b->failed || len > (size_t)(b->pos - b->start)) {
		b->failed = true;
		return;
	}
	b->pos -= len;
	if (len > 0)
		memcpy(b->pos, data, len);
}

static void
put_header(struct backwards *b, uint8_t tag, size_t len)
{
	uint8_t h[4] = { tag };
	size_t n = 2;

	if (len > 0xffff) {
		b->failed = true;
		return;
	}
	if (len < 0x80) {
		h[1] = (uint8_t)len;
	} else if (len < 0x100) {
		h[1] = 0x81;
		h[2] = (uint8_t)len;
		n = 3;
	} else {
		h[1] = 0x82;
		h[2] = (uint8_t)(len >> 8);
		h[3] = (uint8_t)len;
		n = 4;
	}
	put_bytes(b, h, n);
}

static void
put_element(struct backwards *b, uint8_t tag, const void *data, size_t len)
{
	put_bytes(b, data, len);
	put_header(b, tag, len);
}

int
shell_encode(const char *name, struct view spki, uint8_t *out, size_t size,
	size_t *len)
{
	static const uint8_t zero = 0, version = SHELL_VERSION;
	struct backwards b = {
		.start = out, .pos = out + size, .end = out + size
	};
	struct view algorithm;
	size_t n;

	if (!proto_is_name(name, strlen(name)) ||
		spki_algorithm(spki, &algorithm) < 0)
		return -1;
	put_bytes(&b, spki.data, spki.len);
	put_element(&b, DER_UTF8_STRING, name, strlen(name));
	put_element(&b, DER_INTEGER, &version, 1);
	put_element(&b, DER_UTF8_STRING, magic, sizeof(magic) - 1);
	put_header(&b, DER_SEQUENCE, (size_t)(b.end - b.pos));
	put_header(&b, DER_OCTET_STRING, (size_t)(b.end - b.pos));
	put_bytes(&b, algorithm.data, algorithm.len);
	put_element(&b, DER_INTEGER, &zero, 1);
	put_header(&b, DER_SEQUENCE, (size_t)(b.end - b.pos));
	if (b.failed)
		return -1;
	n = (size_t)(b.end - b.pos);
	memmove(out, b.pos, n);
	*len = n;
	return 0;
}

const char *
shell_error_text(enum shell_error e)
{
	switch (e) {
	case SHELL_OK:
		return "a valid shell";
	case SHELL_FOREIGN:
		return "not a shell of openssl-keyd";
	case SHELL_TRUNCATED:
		return "the shell is cut short";
	case SHELL_TRAILING:
		return "the shell has extra bytes at the end of an element";
	case SHELL_TOO_NEW:
		return "the shell has a version that this program is too old "
		       "for";
	case SHELL_BAD_NAME:
		return "the shell's key name is not valid";
	case SHELL_BAD_SPKI:
		return "the shell's public key is malformed";
	case SHELL_MISMATCH:
		return "the shell's algorithm is not that of its public key";
	case SHELL_BAD_DER:
		break;
	}
	return "the shell is malformed";
}
