#include "transcripts.h"

#include <stdlib.h>
#include <string.h>

#include "messages.h"

/* A length field that is filled in when its content is there. */
struct open_length {
	size_t at;
	unsigned width;
};

static void
put(struct transcript *t, const void *data, size_t len, bool frame)
{
	if (len > sizeof(t->data) - t->len)
		abort();
	memcpy(t->data + t->len, data, len);
	memset(t->frame + t->len, frame, len);
	t->len += len;
}

static void
put_frame(struct transcript *t, uint32_t v, unsigned width)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v };

	put(t, b + 4 - width, width, true);
}

static void
put_random(struct transcript *t, size_t len, uint64_t *state)
{
	uint8_t b[2048];

	if (len > sizeof(b))
		abort();
	messages_fill(state, b, len);
	put(t, b, len, false);
}

/* Content that is no length of anything, should it be read as one. */
static void
put_filling(struct transcript *t, size_t len)
{
	if (len > sizeof(t->data) - t->len)
		abort();
	memset(t->data + t->len, 0xFF, len);
	memset(t->frame + t->len, false, len);
	t->len += len;
}

static struct open_length
begin(struct transcript *t, unsigned width)
{
	struct open_length l = { .at = t->len, .width = width };

	put_frame(t, 0, width);
	return l;
}

static void
end(struct transcript *t, struct open_length l)
{
	size_t len = t->len - l.at - l.width;
	unsigned i;

	for (i = 0; i < l.width; i++)
		t->data[l.at + i] = (uint8_t)(len >> 8 * (l.width - 1 - i));
}

static void
put_sized(struct transcript *t, unsigned width, size_t len, uint64_t *state)
{
	struct open_length l = begin(t, width);

	put_random(t, len, state);
	end(t, l);
}

struct open_message {
	struct open_length length;
	size_t fragment; /* where its second length is; 0 in TLS */
};

static struct open_message
begin_message(struct transcript *t, const struct transcripts_shape *s,
	uint8_t type, uint16_t number)
{
	struct open_message m = { .fragment = 0 };

	t->starts[t->messages++] = t->len;
	put_frame(t, type, 1);
	m.length = begin(t, 3);
	if (s->dtls) {
		put_frame(t, number, 2);
		put_frame(t, 0, 3);
		m.fragment = t->len;
		put_frame(t, 0, 3);
	}
	return m;
}

static void
end_message(struct transcript *t, struct open_message m)
{
	size_t header = m.fragment == 0 ? 4 : 12, i;
	size_t len = t->len - (m.length.at - 1) - header;

	for (i = 0; i < 3; i++) {
		t->data[m.length.at + i] = (uint8_t)(len >> 8 * (2 - i));
		if (m.fragment != 0)
			t->data[m.fragment + i] = (uint8_t)(len >> 8 * (2 - i));
	}
	t->starts[t->messages] = t->len;
}

/*
 * Seven bytes each, the last empty: no changed bit of a length makes one of two
 * of them, or of the last a list of compressions.
 */
static void
put_extensions(struct transcript *t, uint64_t *state)
{
	size_t n = 2 + messages_random(state) % 12;
	struct open_length all = begin(t, 2), one;

	while (n-- > 0) {
		put_filling(t, 2);
		one = begin(t, 2);
		put_filling(t, n > 0 ? 7 : 0);
		end(t, one);
	}
	end(t, all);
}

static void
put_client_hello(struct transcript *t, const struct transcripts_shape *s,
	uint64_t *state)
{
	struct open_message m = begin_message(t, s, 1, s->client_number);
	struct open_length l;

	put_frame(t, s->dtls ? 0xFEFD : 0x0303, 2);
	put_random(t, 32, state);
	put_sized(t, 1, s->session, state);
	if (s->dtls)
		put_sized(t, 1, messages_random(state) % 33, state);
	l = begin(t, 2);
	put_filling(t, 2 + 2 * (messages_random(state) % 30));
	end(t, l);
	put_frame(t, 1, 1);
	put(t, "\0", 1, false);
	if (!s->bare)
		put_extensions(t, state);
	end_message(t, m);
}

static void
put_server_hello(struct transcript *t, const struct transcripts_shape *s,
	uint64_t *state)
{
	struct open_message m = begin_message(t, s, 2, s->server_number);

	put_frame(t, s->dtls ? 0xFEFD : 0x0303, 2);
	put_random(t, 32, state);
	put_sized(t, 1, messages_random(state) % 2 * 32, state);
	put_random(t, 3, state);
	if (!s->bare)
		put_extensions(t, state);
	end_message(t, m);
}

static void
put_der(struct transcript *t, unsigned width, size_t len)
{
	struct open_length l = begin(t, width);

	put_frame(t, 0x30, 1);
	put_filling(t, len);
	end(t, l);
}

static void
put_certificate(struct transcript *t, const struct transcripts_shape *s,
	uint16_t number, uint64_t *state)
{
	struct open_message m = begin_message(t, s, 11, number);
	size_t n = 1 + messages_random(state) % 3;
	struct open_length all;

	if (s->raw_key) {
		put_der(t, 3, 90);
	} else {
		all = begin(t, 3);
		while (n-- > 0)
			put_der(t, 3, 300 + messages_random(state) % 900);
		end(t, all);
	}
	end_message(t, m);
}

static void
put_status(struct transcript *t, const struct transcripts_shape *s,
	uint16_t number, uint64_t *state)
{
	struct open_message m = begin_message(t, s, 22, number);

	put_frame(t, 1, 1);
	put_sized(t, 3, 400 + messages_random(state) % 200, state);
	end_message(t, m);
}

static void
put_server_key(struct transcript *t, const struct transcripts_shape *s,
	uint16_t number, uint64_t *state)
{
	struct open_message m = begin_message(t, s, 12, number);

	if (s->exchange == TRANSCRIPTS_ECDHE) {
		put_frame(t, 3, 1);
		put(t, "\0\x1D", 2, false);
		put_sized(t, 1, 32, state);
	} else {
		put_sized(t, 2, 256, state);
		put_sized(t, 2, 1, state);
		put_sized(t, 2, 256, state);
	}
	put_random(t, 2, state);
	put_sized(t, 2, 64 + messages_random(state) % 200, state);
	end_message(t, m);
}

static void
put_request(struct transcript *t, const struct transcripts_shape *s,
	uint16_t number, uint64_t *state)
{
	struct open_message m = begin_message(t, s, 13, number);
	struct open_length l;
	size_t i;

	put_sized(t, 1, 1 + messages_random(state) % 4, state);
	l = begin(t, 2);
	put_filling(t, 2 + 2 * (messages_random(state) % 20));
	end(t, l);
	l = begin(t, 2);
	for (i = 0; i < s->names; i++)
		put_der(t, 2, s->name_len);
	end(t, l);
	end_message(t, m);
}

static void
put_client_key(struct transcript *t, const struct transcripts_shape *s,
	uint16_t number, uint64_t *state)
{
	struct open_message m = begin_message(t, s, 16, number);

	if (s->exchange == TRANSCRIPTS_ECDHE)
		put_sized(t, 1, messages_random(state) % 2 ? 32 : 65, state);
	else
		put_sized(t, 2, 256, state);
	end_message(t, m);
}

void
transcripts_make(struct transcript *t, const struct transcripts_shape *s,
	uint64_t *state)
{
	uint16_t server = s->server_number, client = s->client_number;

	t->len = 0;
	t->messages = 0;
	put_client_hello(t, s, state);
	put_server_hello(t, s, state);
	put_certificate(t, s, ++server, state);
	if (s->status)
		put_status(t, s, ++server, state);
	if (s->exchange != TRANSCRIPTS_RSA)
		put_server_key(t, s, ++server, state);
	put_request(t, s, ++server, state);
	end_message(t, begin_message(t, s, 14, ++server));
	put_certificate(t, s, ++client, state);
	put_client_key(t, s, ++client, state);
}

struct transcripts_shape
transcripts_shape(uint64_t *state)
{
	uint64_t v = messages_random(state);
	struct transcripts_shape s = {
		.exchange = (enum transcripts_exchange)(v % 3),
		.dtls = (v >> 8) % 4 == 0,
		.bare = (v >> 16) % 16 == 0,
		.status = (v >> 24) % 4 == 0,
		.raw_key = (v >> 28) % 16 == 0,
		.session = (v >> 32) % 4 == 0 ? 0 : 32,
		.names = (uint8_t)((v >> 40) % 8),
		.name_len = (uint16_t)(20 + (v >> 48) % 120),
		.client_number = (v >> 56) % 2,
		.server_number = (v >> 57) % 2,
	};

	return s;
}

void
transcripts_dhe(struct transcript *t, size_t len, uint64_t *state)
{
	size_t zeros = messages_random(state) % 4 == 0 ? 1 : 0, at;

	t->len = 0;
	t->messages = 0;
	put_random(t, 64, state);
	at = t->len + 2;
	put_sized(t, 2, len, state);
	t->data[at] |= 0x80;
	t->data[at + len - 1] |= 1;
	put_frame(t, 1, 2);
	put(t, "\x02", 1, false);
	/* Sometimes shorter, and padded or not. */
	at = t->len + 2;
	put_sized(t, 2, len - (messages_random(state) % 64 == 0), state);
	t->data[at] &= 0x7F;
	if (zeros != 0)
		t->data[at] = 0;
}
