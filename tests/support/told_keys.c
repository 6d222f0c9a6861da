#include "told_keys.h"

#include <openssl/evp.h>

#include <string.h>

static const uint8_t no_spki[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };

static size_t
find(const struct told_key *keys, size_t count, const struct proto_find *m)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (m->by == PROTO_BY_HASH
				? memcmp(keys[i].hash, m->hash,
					  PROTO_HASH_LEN) == 0
				: strlen(keys[i].name) == m->name.len &&
					  memcmp(keys[i].name, m->name.data,
						  m->name.len) == 0)
			break;
	return i;
}

static struct view
view_of(const char *name)
{
	return (struct view){ (const uint8_t *)name, strlen(name) };
}

static void
describe(struct writer *w, const struct told_key *key,
	const struct told_key *next, enum told_lie lie)
{
	struct proto_key m = {
		.name = view_of(key->name),
		.type = PROTO_KEY_RSA,
		.bits = 2048,
		.use = PROTO_USE_SIGN,
		.spki = { key->spki, key->spki_len },
	};

	memcpy(m.hash, key->hash, sizeof(m.hash));
	if (lie == TOLD_OTHER_NAME || lie == TOLD_OTHER_KEY)
		m.name = view_of(next->name);
	if (lie == TOLD_OTHER_HASH || lie == TOLD_OTHER_KEY)
		memcpy(m.hash, next->hash, sizeof(m.hash));
	if (lie == TOLD_OTHER_SPKI || lie == TOLD_OTHER_KEY)
		m.spki = (struct view){ next->spki, next->spki_len };
	if (lie == TOLD_BAD_SPKI) {
		m.spki = (struct view){ no_spki, sizeof(no_spki) };
		(void)EVP_Digest(no_spki, sizeof(no_spki), m.hash, NULL,
			EVP_sha256(), NULL);
	}
	proto_put_key(w, &m);
	if (lie == TOLD_LONG)
		writer_u8(w, 0);
}

static void
list(struct writer *w, const struct told_key *keys, size_t count,
	enum told_lie lie, uint32_t first)
{
	size_t left = first < count ? count - first : 0;
	uint16_t n = left < TOLD_PAGE ? (uint16_t)left : TOLD_PAGE, i;
	uint32_t next = left > TOLD_PAGE ? first + TOLD_PAGE : 0;

	if (lie == TOLD_STUCK && first > 0)
		next = first;
	if (lie == TOLD_EMPTY)
		n = 0;
	writer_u32(w, next);
	writer_u16(w, lie == TOLD_CUT ? (uint16_t)(n + 1) : n);
	for (i = 0; i < n; i++)
		proto_put_list_entry(w, keys[first + i].hash,
			view_of(lie == TOLD_BAD_NAME ? "-no-name"
						     : keys[first + i].name));
}

size_t
told_answer(const struct told_key *keys, size_t count, enum told_lie lie,
	const struct proto_request *req, uint8_t *reply, size_t size)
{
	struct writer w = writer_init(reply, size);
	struct proto_find m;
	uint32_t first = 0;
	size_t i = 0, len;

	if (req->type == PROTO_FIND && proto_get_find(req->body, &m) == 0)
		i = find(keys, count, &m);
	else if (req->type != PROTO_LIST ||
		 proto_get_list(req->body, &first) < 0)
		return 0;
	if (i == count || (first > 0 && lie == TOLD_ONE_PAGE)) {
		proto_put_error(&w, req->type, req->id, PROTO_UNKNOWN_KEY, 0);
		return writer_finish(&w, &len) < 0 ? 0 : len;
	}
	proto_put_ok(&w, req->type, req->id);
	if (req->type == PROTO_FIND)
		describe(&w, &keys[i], &keys[(i + 1) % count], lie);
	else
		list(&w, keys, count, lie, first);
	return writer_finish(&w, &len) < 0 ? 0 : len;
}
