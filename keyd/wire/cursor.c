#include "cursor.h"

#include <string.h>

static const uint8_t *
reader_take(struct reader *r, size_t len)
{
	const uint8_t *p = r->pos;

	if (r->failed || len > (size_t)(r->end - r->pos)) {
		r->failed = true;
		return NULL;
	}
	r->pos += len;
	return p;
}

static uint64_t
reader_uint(struct reader *r, size_t len)
{
	const uint8_t *p = reader_take(r, len);
	uint64_t v = 0;
	size_t i;

	for (i = 0; p != NULL && i < len; i++)
		v = v << 8 | p[i];
	return v;
}

struct reader
reader_init(const void *data, size_t len)
{
	static const uint8_t nothing[1];

	if (data == NULL)
		return (struct reader){ .pos = nothing, .end = nothing };
	return (struct reader){ .pos = data,
		.end = (const uint8_t *)data + len };
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)reader_uint(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)reader_uint(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)reader_uint(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return reader_uint(r, 8);
}

struct view
reader_bytes(struct reader *r, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	return (struct view){ .data = p, .len = p == NULL ? 0 : len };
}

void
reader_copy(struct reader *r, void *out, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	if (p != NULL && len > 0)
		memcpy(out, p, len);
}

struct view
reader_vec8(struct reader *r)
{
	return reader_bytes(r, reader_u8(r));
}

struct view
reader_vec16(struct reader *r)
{
	return reader_bytes(r, reader_u16(r));
}

struct view
reader_vec32(struct reader *r)
{
	return reader_bytes(r, reader_u32(r));
}

size_t
reader_left(const struct reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->pos);
}

int
reader_finish(const struct reader *r)
{
	return r->failed || r->pos != r->end ? -1 : 0;
}

static uint8_t *
writer_take(struct writer *w, size_t len)
{
	uint8_t *p = w->pos;

	if (w->failed || len > (size_t)(w->end - w->pos)) {
		w->failed = true;
		return NULL;
	}
	w->pos += len;
	return p;
}

static void
writer_uint(struct writer *w, uint64_t v, size_t len)
{
	uint8_t *p = writer_take(w, len);

	while (p != NULL && len-- > 0) {
		p[len] = (uint8_t)v;
		v >>= 8;
	}
}

struct writer
writer_init(void *data, size_t size)
{
	uint8_t *start = data;

	return (struct writer){
		.start = start, .pos = start, .end = start + size
	};
}

void
writer_u8(struct writer *w, uint8_t v)
{
	writer_uint(w, v, 1);
}

void
writer_u16(struct writer *w, uint16_t v)
{
	writer_uint(w, v, 2);
}

void
writer_u32(struct writer *w, uint32_t v)
{
	writer_uint(w, v, 4);
}

void
writer_u64(struct writer *w, uint64_t v)
{
	writer_uint(w, v, 8);
}

void
writer_bytes(struct writer *w, const void *data, size_t len)
{
	uint8_t *p = writer_take(w, len);

	if (p != NULL && len > 0)
		memcpy(p, data, len);
}

static void
writer_vec(struct writer *w, size_t prefix, const void *data, size_t len)
{
	if (len > (UINT64_C(1) << 8 * prefix) - 1)
		w->failed = true;
	writer_uint(w, len, prefix);
	writer_bytes(w, data, len);
}

void
writer_vec8(struct writer *w, const void *data, size_t len)
{
	writer_vec(w, 1, data, len);
}

void
writer_vec16(struct writer *w, const void *data, size_t len)
{
	writer_vec(w, 2, data, len);
}

void
writer_vec32(struct writer *w, const void *data, size_t len)
{
	writer_vec(w, 4, data, len);
}

size_t
writer_len(const struct writer *w)
{
	return (size_t)(w->pos - w->start);
}

int
writer_finish(const struct writer *w, size_t *len)
{
	if (w->failed)
		return -1;
	*len = writer_len(w);
	return 0;
}
