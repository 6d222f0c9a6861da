#include "ring.h"

#include <string.h>

#include "wire/keykind.h"
#include "wire/tlsgroup.h"

enum {
	MAGIC_LEN = 8,
	VERSION = 1,
	HEADER_LEN = MAGIC_LEN + 4 + 4 + 4,
	ENTRY_FIXED =
		PROTO_HASH_LEN + 1 + 1 + 2 + 4 + 1 + 1 + 8 + 2 + 4 + 2 + 2,
	FLAGS = PROTO_KEY_WEAK_DIGESTS | PROTO_KEY_ENFORCE_LOG,
};

static const char ring_magic[] = "KEYDRING";
static const char index_magic[] = "KEYDINDX";

size_t
ring_secret_len(const struct proto_key *k)
{
	bool may = (k->use & PROTO_USE_TLS_RSA_KX) != 0 ||
		   (k->flags & PROTO_KEY_ENFORCE_LOG) != 0;

	return k->type == PROTO_KEY_RSA && may ? RING_SECRET : 0;
}

/* Type, size and uses, by the table of types. */
static bool
is_of_its_kind(const struct proto_key *k)
{
	const struct keykind *kind = keykind_by_type(k->type);
	unsigned least;

	if (kind == NULL || (k->use & ~kind->uses) != 0)
		return false;
	least = keykind_is_rsa(kind) ? KEYKIND_WEAK_RSA : kind->min_bits;
	return k->bits >= least && k->bits <= kind->max_bits;
}

/* What both sides demand of an entry, so that a session need not ask again. */
static bool
is_entry(const struct ring_entry *e)
{
	const struct proto_key *k = &e->key;

	return proto_is_name(k->name.data, k->name.len) && is_of_its_kind(k) &&
	       k->tls12 <= PROTO_TLS12_ANY &&
	       (k->flags & ~(unsigned)FLAGS) == 0 && k->spki.len > 0 &&
	       k->spki.len <= PROTO_MAX_SPKI && e->private_key.len > 0 &&
	       e->secrets.len == ring_secret_len(k) &&
	       (e->tls12_groups & ~(unsigned)TLSGROUP_ALL) == 0;
}

static size_t
entry_len(const struct ring_entry *e)
{
	return ENTRY_FIXED + e->key.name.len + e->key.spki.len +
	       e->private_key.len + e->secrets.len;
}

size_t
ring_size(const struct ring_entry *entries, uint32_t n)
{
	size_t size = HEADER_LEN;
	uint32_t i;

	for (i = 0; i < n; i++)
		size += 4 + entry_len(&entries[i]);
	return size;
}

static void
put_header(struct writer *w, const char *magic, size_t size, uint32_t n)
{
	if (size > RING_MAX)
		w->failed = true;
	writer_bytes(w, magic, MAGIC_LEN);
	writer_u32(w, VERSION);
	writer_u32(w, (uint32_t)size);
	writer_u32(w, n);
}

static void
put_entry(struct writer *w, const struct ring_entry *e)
{
	const struct proto_key *k = &e->key;

	if (!is_entry(e))
		w->failed = true;
	writer_u32(w, (uint32_t)entry_len(e));
	writer_bytes(w, k->hash, PROTO_HASH_LEN);
	writer_vec8(w, k->name.data, k->name.len);
	writer_u8(w, k->type);
	writer_u16(w, k->bits);
	writer_u32(w, k->use);
	writer_u8(w, k->tls12);
	writer_u8(w, k->flags);
	writer_u64(w, e->enforce_from);
	writer_vec16(w, k->spki.data, k->spki.len);
	writer_vec32(w, e->private_key.data, e->private_key.len);
	writer_vec16(w, e->secrets.data, e->secrets.len);
	writer_u16(w, e->tls12_groups);
}

int
ring_write(const struct ring_entry *entries, uint32_t n, void *out, size_t size)
{
	struct writer w = writer_init(out, size);
	size_t len;
	uint32_t i;

	put_header(&w, ring_magic, size, n);
	if (n > RING_MAX_KEYS)
		w.failed = true;
	for (i = 0; i < n && !w.failed; i++)
		put_entry(&w, &entries[i]);
	if (writer_finish(&w, &len) < 0 || len != size) {
		explicit_bzero(out, size);
		return -1;
	}
	return 0;
}

/* 0 and the reader behind the header, or -1. */
static int
get_header(struct reader *r, const char *magic, size_t len, uint32_t *n)
{
	struct view m = reader_bytes(r, MAGIC_LEN);
	uint32_t version = reader_u32(r);
	uint32_t length = reader_u32(r);

	*n = reader_u32(r);
	if (r->failed || memcmp(m.data, magic, MAGIC_LEN) != 0 ||
		version != VERSION || length != len || len > RING_MAX)
		return -1;
	return 0;
}

int
ring_open(const void *ring, size_t len, struct ring_cursor *c, uint32_t *count)
{
	struct reader r = reader_init(ring, len);
	uint32_t n;

	if (get_header(&r, ring_magic, len, &n) < 0 || n > RING_MAX_KEYS)
		return -1;
	*c = (struct ring_cursor){ .r = r, .left = n };
	*count = n;
	return 0;
}

int
ring_next(struct ring_cursor *c, struct ring_entry *out)
{
	struct ring_entry e = { 0 };
	struct view v;
	struct reader r;

	if (c->left == 0)
		return reader_finish(&c->r);
	v = reader_vec32(&c->r);
	r = reader_init(v.data, v.len);
	reader_copy(&r, e.key.hash, PROTO_HASH_LEN);
	e.key.name = reader_vec8(&r);
	e.key.type = reader_u8(&r);
	e.key.bits = reader_u16(&r);
	e.key.use = reader_u32(&r);
	e.key.tls12 = reader_u8(&r);
	e.key.flags = reader_u8(&r);
	e.enforce_from = reader_u64(&r);
	e.key.spki = reader_vec16(&r);
	e.private_key = reader_vec32(&r);
	e.secrets = reader_vec16(&r);
	e.tls12_groups = reader_u16(&r);
	if (reader_finish(&r) < 0 || !is_entry(&e)) {
		c->r.failed = true;
		return -1;
	}
	c->left--;
	*out = e;
	return 1;
}

size_t
ring_index_size(uint32_t n)
{
	return HEADER_LEN + (size_t)n * PROTO_HASH_LEN;
}

int
ring_index_write(const uint8_t (*hashes)[PROTO_HASH_LEN], uint32_t n, void *out,
	size_t size)
{
	struct writer w = writer_init(out, size);
	size_t len;
	uint32_t i;

	put_header(&w, index_magic, size, n);
	for (i = 0; i < n && !w.failed; i++) {
		if (i > 0 &&
			memcmp(hashes[i - 1], hashes[i], PROTO_HASH_LEN) >= 0)
			w.failed = true;
		writer_bytes(&w, hashes[i], PROTO_HASH_LEN);
	}
	return writer_finish(&w, &len) < 0 || len != size ? -1 : 0;
}

int
ring_index_check(const void *index, size_t len)
{
	struct reader r = reader_init(index, len);
	struct view prev, next;
	uint32_t i, n;

	if (get_header(&r, index_magic, len, &n) < 0 ||
		ring_index_size(n) != len)
		return -1;
	prev = reader_bytes(&r, n > 0 ? PROTO_HASH_LEN : 0);
	for (i = 1; i < n; i++) {
		next = reader_bytes(&r, PROTO_HASH_LEN);
		if (memcmp(prev.data, next.data, PROTO_HASH_LEN) >= 0)
			return -1;
		prev = next;
	}
	return reader_finish(&r);
}

bool
ring_index_has(const void *index, size_t len, const uint8_t *hash)
{
	const uint8_t *hashes = (const uint8_t *)index + HEADER_LEN;
	size_t low = 0, high = (len - HEADER_LEN) / PROTO_HASH_LEN;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = memcmp(
			hash, hashes + mid * PROTO_HASH_LEN, PROTO_HASH_LEN);

		if (c == 0)
			return true;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}
