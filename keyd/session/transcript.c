#include "transcript.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CLIENT_KEY_EXCHANGE = 16,
	CERTIFICATE_STATUS = 22,
};

enum {
	TLS12 = 0x0303,
	DTLS12 = 0xFEFD,
	RANDOM = 32,
	SESSION_ID_MAX = 32,
	STATUS_OCSP = 1,
	CURVE_NAMED = 3,
	DER_SEQUENCE = 0x30,
	MAX_POINT = 133,   /* P-521 */
	MAX_NUMBER = 1024, /* of 8192 bits */
};

/* Where a walk through a transcript is. */
struct walk {
	struct reader r;
	bool dtls;
	bool elliptic;       /* the ServerKeyExchange was one of ECDHE */
	bool numbered[2];    /* has the client, the server sent anything? */
	uint16_t numbers[2]; /* the number of its last message (DTLS) */
};

static uint32_t
read_u24(struct reader *r)
{
	uint32_t high = reader_u8(r);

	return high << 16 | reader_u16(r);
}

static struct view
read_vec24(struct reader *r)
{
	return reader_bytes(r, read_u24(r));
}

/* Extensions, or nothing at all (RFC 5246 §7.4.1.4). */
static bool
ends_with_extensions(struct reader *r)
{
	struct view all;
	struct reader e;

	if (reader_left(r) == 0)
		return !r->failed;
	all = reader_vec16(r);
	e = reader_init(all.data, all.len);
	while (reader_left(&e) > 0) {
		(void)reader_u16(&e);
		(void)reader_vec16(&e);
		if (e.failed)
			return false;
	}
	return reader_finish(r) == 0;
}

static bool
starts_hello(const struct walk *w, struct reader *r)
{
	uint16_t version = reader_u16(r);

	(void)reader_bytes(r, RANDOM);
	return version == (w->dtls ? DTLS12 : TLS12) &&
	       reader_vec8(r).len <= SESSION_ID_MAX;
}

static bool
is_client_hello(struct walk *w, struct reader *r)
{
	struct view suites, compressions;

	if (!starts_hello(w, r))
		return false;
	if (w->dtls)
		(void)reader_vec8(r); /* cookie */
	suites = reader_vec16(r);
	compressions = reader_vec8(r);
	return suites.len >= 2 && suites.len % 2 == 0 && compressions.len > 0 &&
	       ends_with_extensions(r);
}

static bool
is_server_hello(struct walk *w, struct reader *r)
{
	if (!starts_hello(w, r))
		return false;
	(void)reader_u16(r); /* suite */
	(void)reader_u8(r);  /* compression */
	return ends_with_extensions(r);
}

/* Does it start as a certificate, a public key and a name do? */
static bool
is_sequence(struct view v)
{
	return v.len > 0 && v.data[0] == DER_SEQUENCE;
}

/*
 * One certificate or more; or a raw public key (RFC 7250), whose first byte
 * would be a length of megabytes.
 */
static bool
is_certificate(struct walk *w, struct reader *r)
{
	struct view all = read_vec24(r);
	struct reader c = reader_init(all.data, all.len);

	(void)w;
	if (reader_finish(r) < 0 || all.len == 0)
		return false;
	if (is_sequence(all))
		return true;
	while (reader_left(&c) > 0)
		if (!is_sequence(read_vec24(&c)))
			return false;
	return reader_finish(&c) == 0;
}

static bool
is_status(struct walk *w, struct reader *r)
{
	(void)w;
	return reader_u8(r) == STATUS_OCSP && read_vec24(r).len > 0 &&
	       reader_finish(r) == 0;
}

/* The scheme, and what is signed with it. */
static bool
ends_with_signature(struct reader *r)
{
	(void)reader_u16(r);
	return reader_vec16(r).len > 0 && reader_finish(r) == 0;
}

static bool
is_ecdhe(struct reader r)
{
	uint8_t type = reader_u8(&r);

	(void)reader_u16(&r); /* group */
	return type == CURVE_NAMED && reader_vec8(&r).len > 0 &&
	       ends_with_signature(&r);
}

static bool
is_dhe(struct reader r)
{
	size_t i;

	for (i = 0; i < 3; i++) /* p, g, Ys */
		if (reader_vec16(&r).len == 0)
			return false;
	return ends_with_signature(&r);
}

static bool
is_server_key_exchange(struct walk *w, struct reader *r)
{
	w->elliptic = is_ecdhe(*r);
	return w->elliptic || is_dhe(*r);
}

/* Types of certificates, schemes, distinguished names. */
static bool
is_certificate_request(struct walk *w, struct reader *r)
{
	struct view types = reader_vec8(r), schemes = reader_vec16(r);
	struct view names = reader_vec16(r);
	struct reader n = reader_init(names.data, names.len);

	(void)w;
	while (reader_left(&n) > 0)
		if (!is_sequence(reader_vec16(&n)))
			return false;
	return types.len > 0 && schemes.len >= 2 && schemes.len % 2 == 0 &&
	       reader_finish(&n) == 0 && reader_finish(r) == 0;
}

static bool
is_server_hello_done(struct walk *w, struct reader *r)
{
	(void)w;
	return reader_finish(r) == 0;
}

/* A point, or else the client's Ys or the encrypted premaster. */
static bool
is_client_key_exchange(struct walk *w, struct reader *r)
{
	struct view v = w->elliptic ? reader_vec8(r) : reader_vec16(r);
	size_t most = w->elliptic ? MAX_POINT : MAX_NUMBER;

	return v.len > 0 && v.len <= most && reader_finish(r) == 0;
}

enum sender { CLIENT, SERVER };
enum presence { ALWAYS, MAYBE };

static const struct step {
	uint8_t type;
	enum sender sender;
	enum presence presence;
	bool (*is_body)(struct walk *w, struct reader *r);
} steps[] = {
	{ CLIENT_HELLO, CLIENT, ALWAYS, is_client_hello },
	{ SERVER_HELLO, SERVER, ALWAYS, is_server_hello },
	{ CERTIFICATE, SERVER, ALWAYS, is_certificate },
	{ CERTIFICATE_STATUS, SERVER, MAYBE, is_status },
	{ SERVER_KEY_EXCHANGE, SERVER, MAYBE, is_server_key_exchange },
	{ CERTIFICATE_REQUEST, SERVER, ALWAYS, is_certificate_request },
	{ SERVER_HELLO_DONE, SERVER, ALWAYS, is_server_hello_done },
	{ CERTIFICATE, CLIENT, ALWAYS, is_certificate },
	{ CLIENT_KEY_EXCHANGE, CLIENT, ALWAYS, is_client_key_exchange },
};

/* The rest of a DTLS header: whole, and next in its sender's row. */
static bool
is_next(struct walk *w, enum sender from, uint32_t len)
{
	uint16_t number = reader_u16(&w->r);
	uint32_t offset = read_u24(&w->r), fragment = read_u24(&w->r);
	bool next = !w->numbered[from] || number == w->numbers[from] + 1;

	w->numbered[from] = true;
	w->numbers[from] = number;
	return next && offset == 0 && fragment == len;
}

static bool
take(struct walk *w, const struct step *s)
{
	struct reader body;
	uint32_t len;
	struct view v;

	(void)reader_u8(&w->r); /* type */
	len = read_u24(&w->r);
	if (w->dtls && !is_next(w, s->sender, len))
		return false;
	v = reader_bytes(&w->r, len);
	body = reader_init(v.data, v.len);
	return !w->r.failed && s->is_body(w, &body);
}

static bool
is_next_type(const struct walk *w, uint8_t type)
{
	return reader_left(&w->r) > 0 && w->r.pos[0] == type;
}

/* The version behind a ClientHello's header, 0 if there is none such. */
static uint16_t
start_version(struct view message, bool dtls)
{
	struct reader r = reader_init(message.data, message.len);
	uint8_t type = reader_u8(&r);
	uint32_t len = read_u24(&r);
	uint16_t version;

	if (dtls) {
		(void)reader_u16(&r); /* its number */
		if (read_u24(&r) != 0 || read_u24(&r) != len)
			return 0;
	}
	if (type != CLIENT_HELLO || len > UINT16_MAX || len >= reader_left(&r))
		return 0;
	version = reader_u16(&r);
	return r.failed ? 0 : version;
}

bool
transcript_starts(struct view message)
{
	return start_version(message, false) == TLS12 ||
	       start_version(message, true) == DTLS12;
}

bool
transcript_is_client(struct view message)
{
	struct walk w = { .r = reader_init(message.data, message.len) };
	size_t i;

	if (!transcript_starts(message))
		return false;
	w.dtls = start_version(message, true) == DTLS12;
	for (i = 0; i < ROWS(steps); i++) {
		if (is_next_type(&w, steps[i].type)) {
			if (!take(&w, &steps[i]))
				return false;
		} else if (steps[i].presence == ALWAYS) {
			return false;
		}
	}
	return reader_finish(&w.r) == 0;
}
