#include "answer.h"

#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "session/curve.h"
#include "session/decrypt.h"
#include "session/derive.h"
#include "session/number.h"
#include "session/policy.h"
#include "session/sign.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/*
 * Writes the body of a successful reply to w (the header is there) and
 * returns PROTO_OK; or returns another status, the detail in a. a goes to the
 * log unless all is well, so the handler fills in what it knows.
 */
typedef enum proto_status
handler(struct session *s, struct view body, struct writer *w, struct audit *a);

static handler on_hello, on_find, on_list, on_sign, on_decrypt, on_derive,
	on_status;

static const struct {
	uint8_t type;
	handler *handle;
} table[] = {
	{ PROTO_HELLO, on_hello },
	{ PROTO_FIND, on_find },
	{ PROTO_LIST, on_list },
	{ PROTO_SIGN, on_sign },
	{ PROTO_DECRYPT, on_decrypt },
	{ PROTO_DERIVE, on_derive },
	{ PROTO_STATUS, on_status },
};

static enum proto_status
on_hello(struct session *s, struct view body, struct writer *w, struct audit *a)
{
	struct proto_hello m = { .lowest = PROTO_VERSION,
		.highest = PROTO_VERSION,
		.max_request = PROTO_MAX_REQUEST,
		.generation = s->generation };
	size_t i;

	(void)a;
	if (body.len != 0)
		return PROTO_MALFORMED;
	for (i = 0; i < ROWS(table); i++)
		m.types |= 1U << table[i].type;
	proto_put_hello(w, &m);
	return PROTO_OK;
}

static void
copy_name(struct audit *a, struct view name)
{
	memset(a->name, 0, sizeof(a->name));
	if (name.len < sizeof(a->name))
		memcpy(a->name, name.data, name.len);
}

/* The key of this hash, or why there is none. */
static enum proto_status
find_hash(const struct session *s, const uint8_t *hash,
	const struct ring_entry **out, struct audit *a)
{
	const struct ring_entry *e = keys_by_hash(s->keys, hash);

	memcpy(a->hash, hash, sizeof(a->hash));
	if (e == NULL)
		return keys_has_hash(s->keys, hash) ? PROTO_NOT_PERMITTED
						    : PROTO_UNKNOWN_KEY;
	copy_name(a, e->key.name);
	*out = e;
	return PROTO_OK;
}

/* The index has no names: another client's key is as unknown as none. */
static enum proto_status
find_name(const struct session *s, struct view name,
	const struct ring_entry **out, struct audit *a)
{
	copy_name(a, name);
	*out = keys_by_name(s->keys, name);
	return *out == NULL ? PROTO_UNKNOWN_KEY : PROTO_OK;
}

static enum proto_status
on_find(struct session *s, struct view body, struct writer *w, struct audit *a)
{
	const struct ring_entry *e = NULL;
	enum proto_status status;
	struct proto_find m;

	if (proto_get_find(body, &m) < 0)
		return PROTO_MALFORMED;
	status = m.by == PROTO_BY_HASH ? find_hash(s, m.hash, &e, a)
				       : find_name(s, m.name, &e, a);
	if (status != PROTO_OK)
		return status;
	proto_put_key(w, &e->key);
	return PROTO_OK;
}

enum {
	LIST_HEADER = PROTO_REPLY_HEADER + 4 + 2,
};

/* As many keys as fit, then where to go on. */
static enum proto_status
on_list(struct session *s, struct view body, struct writer *w, struct audit *a)
{
	size_t room = PROTO_MAX_REPLY - LIST_HEADER, need;
	const struct ring_entry *e;
	uint32_t first, next;
	uint16_t count = 0;

	(void)a;
	if (proto_get_list(body, &first) < 0)
		return PROTO_MALFORMED;
	for (next = first; (e = keys_at(s->keys, next)) != NULL; next++) {
		need = PROTO_HASH_LEN + 1 + e->key.name.len;
		if (need > room)
			break;
		room -= need;
		count++;
	}
	writer_u32(w, e == NULL ? 0 : next);
	writer_u16(w, count);
	for (next = first; count > 0; count--, next++) {
		e = keys_at(s->keys, next);
		proto_put_list_entry(w, e->key.hash, e->key.name);
	}
	return PROTO_OK;
}

/*
 * The policy's verdict: DETAIL_NONE passes. Another is recorded and let pass
 * while the key's policy is only being tried out.
 */
static enum proto_status
apply_policy(struct session *s, const struct ring_entry *e, uint16_t verdict,
	struct audit *a)
{
	struct timespec now;

	a->detail = verdict;
	if (verdict == DETAIL_NONE)
		return PROTO_OK;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0 ||
		!policy_is_lenient(e, (uint64_t)now.tv_sec))
		return PROTO_USE_REFUSED;
	a->kind = AUDIT_WOULD_REFUSE;
	a->status = PROTO_USE_REFUSED;
	record_send(&s->audit, a);
	a->detail = DETAIL_NONE;
	return PROTO_OK;
}

static enum proto_status
on_sign(struct session *s, struct view body, struct writer *w, struct audit *a)
{
	const struct ring_entry *e = NULL;
	uint8_t sig[PROTO_MAX_SIGNATURE];
	enum proto_status status;
	struct proto_sign m;
	EVP_PKEY *pkey;
	size_t len;

	if (proto_get_sign(body, &m) < 0)
		return PROTO_MALFORMED;
	a->algorithm = m.scheme.algorithm;
	a->digest = m.scheme.digest;
	a->input = m.input;
	a->salt = m.scheme.salt;
	a->length = (uint32_t)m.data.len;
	status = find_hash(s, m.hash, &e, a);
	if (status == PROTO_OK)
		status = sign_check(&e->key, &m, &a->detail);
	if (status == PROTO_OK)
		status = apply_policy(
			s, e, policy_check(e, &m, curve_has_point), a);
	if (status != PROTO_OK)
		return status;
	pkey = keys_private(s->keys, e);
	if (pkey == NULL)
		return PROTO_INTERNAL;
	status = sign_check_restrictions(pkey, &m.scheme, &a->detail);
	if (status == PROTO_OK)
		status = apply_policy(s, e, number_check(e, pkey, &m), a);
	if (status != PROTO_OK)
		return status;
	if (sign_make(pkey, &m, sig, &len) < 0)
		return PROTO_INTERNAL;
	proto_put_signature(w, sig, len);
	return PROTO_OK;
}

static enum proto_status
on_decrypt(
	struct session *s, struct view body, struct writer *w, struct audit *a)
{
	const struct ring_entry *e = NULL;
	uint8_t out[PROTO_MAX_OUTPUT];
	enum proto_status status;
	struct proto_decrypt m;
	EVP_PKEY *pkey;
	size_t len = 0;

	if (proto_get_decrypt(body, &m) < 0)
		return PROTO_MALFORMED;
	a->algorithm = m.padding;
	a->digest = m.digest;
	a->length = (uint32_t)m.data.len;
	status = find_hash(s, m.hash, &e, a);
	if (status == PROTO_OK)
		status = decrypt_check(&e->key, &m, &a->detail);
	if (status == PROTO_OK)
		status = apply_policy(
			s, e, policy_check_decrypt(e, m.padding), a);
	if (status != PROTO_OK)
		return status;
	pkey = keys_private(s->keys, e);
	if (pkey == NULL)
		return PROTO_INTERNAL;
	status = decrypt_make(pkey, e->secrets, &m, out, &len, &a->detail);
	if (status == PROTO_OK)
		proto_put_output(w, out, len);
	OPENSSL_cleanse(out, sizeof(out));
	return status;
}

static enum proto_status
on_derive(
	struct session *s, struct view body, struct writer *w, struct audit *a)
{
	const struct ring_entry *e = NULL;
	uint8_t out[PROTO_MAX_OUTPUT];
	enum proto_status status;
	struct proto_derive m;
	EVP_PKEY *pkey;
	size_t len = 0;

	if (proto_get_derive(body, &m) < 0)
		return PROTO_MALFORMED;
	a->length = (uint32_t)m.peer.len;
	status = find_hash(s, m.hash, &e, a);
	if (status == PROTO_OK)
		status = derive_check(&e->key, &m, &a->detail);
	if (status == PROTO_OK)
		status = apply_policy(s, e, policy_check_derive(e), a);
	if (status != PROTO_OK)
		return status;
	pkey = keys_private(s->keys, e);
	if (pkey == NULL)
		return PROTO_INTERNAL;
	status = derive_make(pkey, &e->key, &m, out, &len, &a->detail);
	if (status == PROTO_OK)
		proto_put_output(w, out, len);
	OPENSSL_cleanse(out, sizeof(out));
	return status;
}

static enum proto_status
on_status(
	struct session *s, struct view body, struct writer *w, struct audit *a)
{
	struct proto_status_reply m = { .generation = s->generation,
		.layers = s->layers,
		.keys = keys_count(s->keys) };

	(void)a;
	if (body.len != 0)
		return PROTO_MALFORMED;
	proto_put_status(w, &m);
	return PROTO_OK;
}

/* A type of a later program's: those are added, not changed (§6). */
static enum proto_status
on_unsupported(
	struct session *s, struct view body, struct writer *w, struct audit *a)
{
	(void)s;
	(void)w;
	a->length = (uint32_t)body.len;
	return PROTO_UNSUPPORTED;
}

static handler *
find_handler(uint8_t type)
{
	size_t i;

	for (i = 0; i < ROWS(table); i++)
		if (table[i].type == type)
			return table[i].handle;
	return on_unsupported;
}

/* A refusal or failure: to the log, and as the reply. */
static void
refuse(struct session *s, enum proto_status status, uint32_t id,
	struct audit *a, struct writer *w)
{
	*w = writer_init(w->start, PROTO_MAX_REPLY);
	proto_put_error(w, a->type, id, (uint16_t)status, a->detail);
	a->kind = status == PROTO_INTERNAL ? AUDIT_FAILED : AUDIT_REFUSED;
	a->status = (uint16_t)status;
	record_send(&s->audit, a);
}

/* What the datagram says it is, as far as it goes; anything is possible. */
static enum proto_status
decode(const void *data, size_t len, struct proto_request *q)
{
	struct reader r = reader_init(data, len);

	q->version = reader_u8(&r);
	q->type = reader_u8(&r) & (uint8_t)~PROTO_REPLY_BIT;
	(void)reader_u16(&r);
	q->id = reader_u32(&r);
	if (len >= PROTO_REQUEST_HEADER && q->version != PROTO_VERSION)
		return PROTO_BAD_VERSION;
	if (proto_decode_request(data, len, q) < 0)
		return PROTO_MALFORMED;
	if (q->type == PROTO_REFUSAL || (q->type & PROTO_REPLY_BIT) != 0) {
		q->type &= (uint8_t)~PROTO_REPLY_BIT;
		return PROTO_MALFORMED;
	}
	return PROTO_OK;
}

enum answer_next
answer(struct session *s, const void *data, size_t len,
	uint8_t reply[PROTO_MAX_REPLY], size_t *reply_len)
{
	struct writer w = writer_init(reply, PROTO_MAX_REPLY);
	struct proto_request q;
	struct audit a = { 0 };
	enum proto_status status = decode(data, len, &q);

	a.type = q.type;
	if (status == PROTO_OK) {
		proto_put_ok(&w, q.type, q.id);
		status = find_handler(q.type)(s, q.body, &w, &a);
	}
	/* The limits of §5 make every reply fit; if not, that is our fault. */
	if (status == PROTO_OK && w.failed)
		status = PROTO_INTERNAL;
	if (status == PROTO_MALFORMED || status == PROTO_BAD_VERSION)
		a.length = (uint32_t)len;
	if (status != PROTO_OK)
		refuse(s, status, q.id, &a, &w);
	*reply_len = writer_len(&w);
	return status == PROTO_MALFORMED || status == PROTO_BAD_VERSION
		       ? ANSWER_CLOSE
		       : ANSWER_STAY;
}

void
answer_error(struct session *s, enum proto_status status, size_t len,
	uint32_t pid, uint32_t uid, uint8_t reply[PROTO_MAX_REPLY],
	size_t *reply_len)
{
	struct writer w = writer_init(reply, PROTO_MAX_REPLY);
	struct audit a = {
		.length = (uint32_t)len, .pid = pid, .peer_uid = uid
	};

	refuse(s, status, 0, &a, &w);
	*reply_len = writer_len(&w);
}
