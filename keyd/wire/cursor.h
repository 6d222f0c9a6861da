/*
 * Cursors over a buffer: the only way in which the project reads and writes
 * binary formats (docs/PROTOCOL.md). Big-endian, length-prefixed, bounded.
 *
 * A cursor remembers its first failure: after one, every further call does
 * nothing (a get yields 0, NULL or an empty view), so that a decoder may read all
 * fields and ask once, with cursor_finish(). The buffer belongs to the
 * caller and must outlive the cursor and the views taken from it.
 */
#ifndef KEYD_WIRE_CURSOR_H
#define KEYD_WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

/* A view of bytes owned by someone else. */
struct view {
	const uint8_t *data;
	size_t len;
};

struct reader {
	const uint8_t *pos;
	const uint8_t *end;
	bool failed;
};

struct writer {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	bool failed;
};

/* Start reading the len bytes at data; NULL: there are none. */
struct reader reader_init(const void *data, size_t len);

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);

/* Exactly len bytes, as a view. */
struct view reader_bytes(struct reader *r, size_t len);

/* Exactly len bytes, copied to out; on failure out is unchanged. */
void reader_copy(struct reader *r, void *out, size_t len);

/* A length of 8, 16 or 32 bits and as many bytes. */
struct view reader_vec8(struct reader *r);
struct view reader_vec16(struct reader *r);
struct view reader_vec32(struct reader *r);

/* Bytes not read yet. */
size_t reader_left(const struct reader *r);

/* 0 if everything was read and nothing failed, -1 otherwise. */
MUST_USE int reader_finish(const struct reader *r);

/* Start writing to the size bytes at data. */
struct writer writer_init(void *data, size_t size);

void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_bytes(struct writer *w, const void *data, size_t len);

/* Fails if len does not fit the length field. */
void writer_vec8(struct writer *w, const void *data, size_t len);
void writer_vec16(struct writer *w, const void *data, size_t len);
void writer_vec32(struct writer *w, const void *data, size_t len);

/* Bytes written so far. */
size_t writer_len(const struct writer *w);

/* 0 and the number of bytes written in *len, or -1 if something did not fit. */
MUST_USE int writer_finish(const struct writer *w, size_t *len);

#endif
