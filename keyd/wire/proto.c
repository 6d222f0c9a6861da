#include "proto.h"

#include <string.h>

bool
proto_is_name(const void *name, size_t len)
{
	const uint8_t *p = name;
	size_t i;

	if (len == 0 || len > PROTO_MAX_NAME)
		return false;
	for (i = 0; i < len; i++) {
		bool alnum = (p[i] >= 'a' && p[i] <= 'z') ||
			     (p[i] >= 'A' && p[i] <= 'Z') ||
			     (p[i] >= '0' && p[i] <= '9');

		if (!alnum &&
			(i == 0 || (p[i] != '.' && p[i] != '_' && p[i] != '-')))
			return false;
	}
	return true;
}

int
proto_decode_request(const void *data, size_t len, struct proto_request *out)
{
	struct reader r = reader_init(data, len);
	struct proto_request q = { 0 };
	uint16_t reserved;

	q.version = reader_u8(&r);
	q.type = reader_u8(&r);
	reserved = reader_u16(&r);
	q.id = reader_u32(&r);
	q.body = reader_bytes(&r, reader_left(&r));
	if (r.failed || reserved != 0 || q.id == 0)
		return -1;
	*out = q;
	return 0;
}

int
proto_decode_reply(const void *data, size_t len, struct proto_reply *out)
{
	struct reader r = reader_init(data, len);
	struct proto_reply p = { 0 };

	p.version = reader_u8(&r);
	p.type = reader_u8(&r);
	p.status = reader_u16(&r);
	p.id = reader_u32(&r);
	if (p.version != PROTO_VERSION || (p.type & PROTO_REPLY_BIT) == 0)
		return -1;
	p.type = (uint8_t)(p.type & ~PROTO_REPLY_BIT);
	if (p.status == PROTO_OK)
		p.body = reader_bytes(&r, reader_left(&r));
	else
		p.detail = reader_u16(&r);
	if (reader_finish(&r) < 0)
		return -1;
	*out = p;
	return 0;
}

void
proto_put_request(struct writer *w, enum proto_type type, uint32_t id)
{
	writer_u8(w, PROTO_VERSION);
	writer_u8(w, (uint8_t)type);
	writer_u16(w, 0);
	writer_u32(w, id);
}

static void
put_reply(struct writer *w, uint8_t type, uint16_t status, uint32_t id)
{
	writer_u8(w, PROTO_VERSION);
	writer_u8(w, type | PROTO_REPLY_BIT);
	writer_u16(w, status);
	writer_u32(w, id);
}

void
proto_put_ok(struct writer *w, uint8_t type, uint32_t id)
{
	put_reply(w, type, PROTO_OK, id);
}

void
proto_put_error(struct writer *w, uint8_t type, uint32_t id, uint16_t status,
	uint16_t detail)
{
	put_reply(w, type, status, id);
	writer_u16(w, detail);
}

void
proto_put_hello(struct writer *w, const struct proto_hello *m)
{
	writer_u8(w, m->lowest);
	writer_u8(w, m->highest);
	writer_u32(w, m->max_request);
	writer_u32(w, m->types);
	writer_u64(w, m->generation);
}

int
proto_get_hello(struct view body, struct proto_hello *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct proto_hello m = { 0 };

	m.lowest = reader_u8(&r);
	m.highest = reader_u8(&r);
	m.max_request = reader_u32(&r);
	m.types = reader_u32(&r);
	m.generation = reader_u64(&r);
	if (reader_finish(&r) < 0 || m.lowest == 0 || m.lowest > m.highest)
		return -1;
	*out = m;
	return 0;
}

void
proto_put_find(struct writer *w, const struct proto_find *m)
{
	writer_u8(w, m->by);
	if (m->by == PROTO_BY_HASH)
		writer_bytes(w, m->hash, PROTO_HASH_LEN);
	else
		writer_vec8(w, m->name.data, m->name.len);
}

int
proto_get_find(struct view body, struct proto_find *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct proto_find m = { .by = reader_u8(&r) };

	if (m.by == PROTO_BY_HASH)
		reader_copy(&r, m.hash, PROTO_HASH_LEN);
	else if (m.by == PROTO_BY_NAME)
		m.name = reader_vec8(&r);
	else
		return -1;
	if (reader_finish(&r) < 0)
		return -1;
	if (m.by == PROTO_BY_NAME && !proto_is_name(m.name.data, m.name.len))
		return -1;
	*out = m;
	return 0;
}

void
proto_put_key(struct writer *w, const struct proto_key *m)
{
	writer_bytes(w, m->hash, PROTO_HASH_LEN);
	writer_vec8(w, m->name.data, m->name.len);
	writer_u8(w, m->type);
	writer_u16(w, m->bits);
	writer_u32(w, m->use);
	writer_u8(w, m->tls12);
	writer_u8(w, m->flags);
	writer_vec16(w, m->spki.data, m->spki.len);
}

void
proto_read_key(struct reader *r, struct proto_key *out)
{
	reader_copy(r, out->hash, PROTO_HASH_LEN);
	out->name = reader_vec8(r);
	out->type = reader_u8(r);
	out->bits = reader_u16(r);
	out->use = reader_u32(r);
	out->tls12 = reader_u8(r);
	out->flags = reader_u8(r);
	out->spki = reader_vec16(r);
	if (r->failed)
		return;
	if (!proto_is_name(out->name.data, out->name.len) ||
		out->spki.len > PROTO_MAX_SPKI || out->spki.len == 0 ||
		out->tls12 > PROTO_TLS12_ANY)
		r->failed = true;
}

int
proto_get_key(struct view body, struct proto_key *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct proto_key m = { 0 };

	proto_read_key(&r, &m);
	if (reader_finish(&r) < 0)
		return -1;
	*out = m;
	return 0;
}

void
proto_put_list(struct writer *w, uint32_t first)
{
	writer_u32(w, first);
}

int
proto_get_list(struct view body, uint32_t *first)
{
	struct reader r = reader_init(body.data, body.len);
	uint32_t v = reader_u32(&r);

	if (reader_finish(&r) < 0)
		return -1;
	*first = v;
	return 0;
}

void
proto_put_list_entry(struct writer *w, const uint8_t *hash, struct view name)
{
	writer_bytes(w, hash, PROTO_HASH_LEN);
	writer_vec8(w, name.data, name.len);
}

struct reader
proto_read_list(struct view body, uint32_t *next, uint16_t *count)
{
	struct reader r = reader_init(body.data, body.len);

	*next = reader_u32(&r);
	*count = reader_u16(&r);
	return r;
}

void
proto_read_list_entry(
	struct reader *r, uint8_t hash[PROTO_HASH_LEN], struct view *name)
{
	reader_copy(r, hash, PROTO_HASH_LEN);
	*name = reader_vec8(r);
	if (!proto_is_name(name->data, name->len))
		r->failed = true;
}

void
proto_put_sign(struct writer *w, const struct proto_sign *m)
{
	writer_bytes(w, m->hash, PROTO_HASH_LEN);
	writer_u8(w, m->scheme.algorithm);
	writer_u8(w, m->scheme.digest);
	writer_u8(w, m->scheme.mgf1);
	writer_u8(w, m->input);
	writer_u16(w, m->scheme.salt);
	writer_vec32(w, m->data.data, m->data.len);
}

int
proto_get_sign(struct view body, struct proto_sign *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct proto_sign m = { 0 };
	bool pss;

	reader_copy(&r, m.hash, PROTO_HASH_LEN);
	m.scheme.algorithm = reader_u8(&r);
	m.scheme.digest = reader_u8(&r);
	m.scheme.mgf1 = reader_u8(&r);
	m.input = reader_u8(&r);
	m.scheme.salt = reader_u16(&r);
	m.data = reader_vec32(&r);
	if (reader_finish(&r) < 0)
		return -1;
	pss = m.scheme.algorithm == PROTO_RSA_PSS;
	if (m.input > PROTO_INPUT_DIGEST || m.data.len > PROTO_MAX_DATA ||
		(!pss && (m.scheme.mgf1 != 0 || m.scheme.salt != 0)))
		return -1;
	*out = m;
	return 0;
}

void
proto_put_signature(struct writer *w, const void *sig, size_t len)
{
	writer_vec16(w, sig, len);
}

int
proto_get_signature(struct view body, struct view *sig)
{
	struct reader r = reader_init(body.data, body.len);
	struct view v = reader_vec16(&r);

	if (reader_finish(&r) < 0 || v.len == 0 || v.len > PROTO_MAX_SIGNATURE)
		return -1;
	*sig = v;
	return 0;
}

void
proto_put_decrypt(struct writer *w, const struct proto_decrypt *m)
{
	writer_bytes(w, m->hash, PROTO_HASH_LEN);
	writer_u8(w, m->padding);
	writer_u8(w, m->digest);
	writer_u8(w, m->mgf1);
	writer_u8(w, 0);
	writer_u16(w, m->version);
	writer_vec16(w, m->label.data, m->label.len);
	writer_vec16(w, m->data.data, m->data.len);
}

int
proto_get_decrypt(struct view body, struct proto_decrypt *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct proto_decrypt m = { 0 };
	uint8_t reserved;
	bool oaep;

	reader_copy(&r, m.hash, PROTO_HASH_LEN);
	m.padding = reader_u8(&r);
	m.digest = reader_u8(&r);
	m.mgf1 = reader_u8(&r);
	reserved = reader_u8(&r);
	m.version = reader_u16(&r);
	m.label = reader_vec16(&r);
	m.data = reader_vec16(&r);
	if (reader_finish(&r) < 0 || reserved != 0)
		return -1;
	oaep = m.padding == PROTO_OAEP;
	if (m.padding == 0 || m.padding > PROTO_PREMASTER ||
		m.label.len > PROTO_MAX_LABEL || m.data.len == 0 ||
		m.data.len > PROTO_MAX_CIPHERTEXT)
		return -1;
	if (!oaep && (m.digest != 0 || m.mgf1 != 0 || m.label.len != 0))
		return -1;
	if ((m.padding == PROTO_PREMASTER) != (m.version != 0))
		return -1;
	*out = m;
	return 0;
}

void
proto_put_derive(struct writer *w, const struct proto_derive *m)
{
	writer_bytes(w, m->hash, PROTO_HASH_LEN);
	writer_vec16(w, m->peer.data, m->peer.len);
}

int
proto_get_derive(struct view body, struct proto_derive *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct proto_derive m = { 0 };

	reader_copy(&r, m.hash, PROTO_HASH_LEN);
	m.peer = reader_vec16(&r);
	if (reader_finish(&r) < 0 || m.peer.len == 0 ||
		m.peer.len > PROTO_MAX_PEER)
		return -1;
	*out = m;
	return 0;
}

void
proto_put_output(struct writer *w, const void *data, size_t len)
{
	writer_vec16(w, data, len);
}

int
proto_get_output(struct view body, struct view *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct view v = reader_vec16(&r);

	if (reader_finish(&r) < 0 || v.len > PROTO_MAX_OUTPUT)
		return -1;
	*out = v;
	return 0;
}

void
proto_put_status(struct writer *w, const struct proto_status_reply *m)
{
	writer_u64(w, m->generation);
	writer_u32(w, m->layers);
	writer_u32(w, m->keys);
}

int
proto_get_status(struct view body, struct proto_status_reply *out)
{
	struct reader r = reader_init(body.data, body.len);
	struct proto_status_reply m = { 0 };

	m.generation = reader_u64(&r);
	m.layers = reader_u32(&r);
	m.keys = reader_u32(&r);
	if (reader_finish(&r) < 0)
		return -1;
	*out = m;
	return 0;
}
