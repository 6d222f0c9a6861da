#include "keys.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "wire/keykind.h"

struct key {
	struct ring_entry entry; /* first: entries lead back to their key */
	EVP_PKEY *private_key;   /* NULL until first used */
};

struct keys {
	struct keys_map index;
	uint32_t count;
	struct key table[];
};

static int
compare_hashes(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return memcmp(x->entry.key.hash, y->entry.key.hash, PROTO_HASH_LEN);
}

static int
count_entries(const struct keys_map *rings, size_t nrings, uint32_t *total)
{
	struct ring_cursor c;
	uint32_t n, sum = 0;
	size_t i;

	for (i = 0; i < nrings; i++) {
		if (ring_open(rings[i].data, rings[i].len, &c, &n) < 0)
			return -1;
		if (n > UINT16_MAX)
			return -1;
		sum += n; /* at most 64 rings of 65,535 */
	}
	*total = sum;
	return 0;
}

static int
read_ring(struct keys *k, const struct keys_map *ring, uint32_t total)
{
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t n;
	int more;

	if (ring_open(ring->data, ring->len, &c, &n) < 0)
		return -1;
	while ((more = ring_next(&c, &e)) > 0) {
		if (k->count == total)
			return -1;
		k->table[k->count++].entry = e;
	}
	return more;
}

int
keys_new(struct keys_map index, const struct keys_map *rings, size_t nrings,
	struct keys **out)
{
	struct keys *k;
	uint32_t total, n;
	size_t i;

	if (ring_index_check(index.data, index.len) < 0 ||
		count_entries(rings, nrings, &total) < 0)
		return -1;
	k = calloc(1, sizeof(*k) + total * sizeof(k->table[0]));
	if (k == NULL)
		return -1;
	k->index = index;
	for (i = 0; i < nrings; i++)
		if (read_ring(k, &rings[i], total) < 0)
			goto err;
	qsort(k->table, k->count, sizeof(k->table[0]), compare_hashes);
	for (n = 1; n < k->count; n++)
		if (compare_hashes(&k->table[n - 1], &k->table[n]) == 0)
			goto err;
	*out = k;
	return 0;
err:
	keys_free(k);
	return -1;
}

void
keys_free(struct keys *k)
{
	uint32_t i;

	if (k == NULL)
		return;
	for (i = 0; i < k->count; i++)
		EVP_PKEY_free(k->table[i].private_key);
	free(k);
}

uint32_t
keys_count(const struct keys *k)
{
	return k->count;
}

const struct ring_entry *
keys_at(const struct keys *k, uint32_t n)
{
	return n < k->count ? &k->table[n].entry : NULL;
}

const struct ring_entry *
keys_by_hash(const struct keys *k, const uint8_t hash[PROTO_HASH_LEN])
{
	uint32_t low = 0, high = k->count, mid;
	int order;

	while (low < high) {
		mid = low + (high - low) / 2;
		order = memcmp(
			hash, k->table[mid].entry.key.hash, PROTO_HASH_LEN);
		if (order == 0)
			return &k->table[mid].entry;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct ring_entry *
keys_by_name(const struct keys *k, struct view name)
{
	uint32_t i;
	struct view v;

	for (i = 0; i < k->count; i++) {
		v = k->table[i].entry.key.name;
		if (v.len == name.len && v.len > 0 &&
			memcmp(v.data, name.data, v.len) == 0)
			return &k->table[i].entry;
	}
	return NULL;
}

bool
keys_has_hash(const struct keys *k, const uint8_t hash[PROTO_HASH_LEN])
{
	return ring_index_has(k->index.data, k->index.len, hash);
}

/* Is this a key of the kind, and of its curve? */
static bool
is_of(EVP_PKEY *pkey, const struct keykind *kind)
{
	char group[64];

	if (!EVP_PKEY_is_a(pkey, kind->algorithm))
		return false;
	return kind->group == NULL || (EVP_PKEY_get_group_name(pkey, group,
					       sizeof(group), NULL) == 1 &&
					      strcmp(group, kind->group) == 0);
}

EVP_PKEY *
keys_decode(uint8_t type, struct view der)
{
	const struct keykind *kind = keykind_by_type(type);
	OSSL_DECODER_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	const uint8_t *p = der.data;
	size_t left = der.len;

	if (kind == NULL)
		return NULL;
	ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER", "PrivateKeyInfo",
		kind->algorithm, EVP_PKEY_KEYPAIR, NULL, NULL);
	if (ctx == NULL)
		goto out;
	if (OSSL_DECODER_from_data(ctx, &p, &left) != 1 || left != 0 ||
		!is_of(pkey, kind)) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	OSSL_DECODER_CTX_free(ctx);
out:
	ERR_clear_error();
	return pkey;
}

EVP_PKEY *
keys_private(struct keys *k, const struct ring_entry *entry)
{
	struct key *key = &k->table[(const struct key *)entry - k->table];

	if (key->private_key == NULL)
		key->private_key =
			keys_decode(entry->key.type, entry->private_key);
	return key->private_key;
}
