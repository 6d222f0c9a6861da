#include "csr.h"

#include <string.h>

enum {
	DER_INTEGER = 0x02,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_ATTRIBUTES = 0xA0,
	DER_CONSTRUCTED = 0x20,
	DER_HIGH_TAG = 0x1F,
	DER_MAX_DEPTH = 16,
};

/* Length octets in their shortest form (X.690 §10.1). */
static size_t
read_length(struct reader *r)
{
	uint8_t first = reader_u8(r);
	size_t len = 0;
	uint8_t n;

	if (first < 0x80)
		return first;
	if (first == 0x80 || first > 0x84) {
		r->failed = true;
		return 0;
	}
	for (n = first & 0x7F; n > 0; n--)
		len = len << 8 | reader_u8(r);
	if (len < 0x80 || len >> 8 * ((size_t)(first & 0x7F) - 1) == 0)
		r->failed = true;
	return len;
}

static struct view
read_any(struct reader *r, uint8_t *tag)
{
	size_t len;

	*tag = reader_u8(r);
	if ((*tag & DER_HIGH_TAG) == DER_HIGH_TAG)
		r->failed = true;
	len = read_length(r);
	return reader_bytes(r, len);
}

/* The content of the next element, which must have this tag. */
static struct view
read_tag(struct reader *r, uint8_t tag)
{
	uint8_t found;
	struct view v = read_any(r, &found);

	if (found != tag)
		r->failed = true;
	return v;
}

/* Is content a row of whole elements, all the way down? */
static bool
is_der(struct view content, unsigned depth)
{
	struct reader r = reader_init(content.data, content.len);
	struct view v;
	uint8_t tag;

	if (depth == 0)
		return false;
	while (reader_left(&r) > 0) {
		v = read_any(&r, &tag);
		if (r.failed)
			return false;
		if ((tag & DER_CONSTRUCTED) != 0 && !is_der(v, depth - 1))
			return false;
	}
	return reader_finish(&r) == 0;
}

/* SEQUENCE { OBJECT IDENTIFIER, one element }, of tag value if that is not 0.*/
static bool
read_pair(struct reader *r, uint8_t value)
{
	struct view pair = read_tag(r, DER_SEQUENCE);
	struct reader p = reader_init(pair.data, pair.len);
	struct view oid, v;
	uint8_t tag;

	if (r->failed)
		return false;
	oid = read_tag(&p, DER_OID);
	v = read_any(&p, &tag);
	if (reader_finish(&p) < 0 || oid.len == 0 ||
		(value != 0 && tag != value))
		return false;
	return (tag & DER_CONSTRUCTED) == 0 || is_der(v, DER_MAX_DEPTH);
}

/* SEQUENCE OF SET OF AttributeTypeAndValue, no set empty. */
static bool
is_name(struct view name)
{
	struct reader r = reader_init(name.data, name.len);
	struct view set;
	struct reader s;

	while (reader_left(&r) > 0) {
		set = read_tag(&r, DER_SET);
		if (r.failed || set.len == 0)
			return false;
		s = reader_init(set.data, set.len);
		while (reader_left(&s) > 0)
			if (!read_pair(&s, 0))
				return false;
	}
	return reader_finish(&r) == 0;
}

static bool
is_attributes(struct view attributes)
{
	struct reader r = reader_init(attributes.data, attributes.len);

	while (reader_left(&r) > 0)
		if (!read_pair(&r, DER_SET))
			return false;
	return reader_finish(&r) == 0;
}

bool
csr_is_request(struct view message, struct view spki)
{
	struct reader r = reader_init(message.data, message.len);
	struct view body = read_tag(&r, DER_SEQUENCE);
	struct view version, name, key, attributes;

	if (reader_finish(&r) < 0)
		return false;
	r = reader_init(body.data, body.len);
	version = read_tag(&r, DER_INTEGER);
	name = read_tag(&r, DER_SEQUENCE);
	key = reader_bytes(&r, spki.len);
	attributes = read_tag(&r, DER_ATTRIBUTES);
	if (reader_finish(&r) < 0)
		return false;
	return version.len == 1 && version.data[0] == 0 && spki.len > 0 &&
	       memcmp(key.data, spki.data, spki.len) == 0 && is_name(name) &&
	       is_attributes(attributes);
}
