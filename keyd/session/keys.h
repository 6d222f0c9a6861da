/*
 * The keys of this session's peer: found by hash or name, decoded when first
 * used. Nothing here copies a private key but libcrypto.
 */
#ifndef KEYD_SESSION_KEYS_H
#define KEYD_SESSION_KEYS_H

#include <openssl/types.h>

#include "ring/ring.h"

struct keys; /* a table, sorted by hash */

/* A mapped file of the loader's: a ring or the index. */
struct keys_map {
	const void *data;
	size_t len;
};

/*
 * Reads index and rings, which must outlive *out. 0, or -1: out of memory,
 * malformed, or one key twice.
 */
MUST_USE int keys_new(struct keys_map index, const struct keys_map *rings,
	size_t nrings, struct keys **out);

/* Wipes and frees all that was decoded. */
void keys_free(struct keys *k);

uint32_t keys_count(const struct keys *k);

/* The nth key in the order of hashes, NULL behind the last. */
const struct ring_entry *keys_at(const struct keys *k, uint32_t n);

/* NULL if the peer has no such key. */
const struct ring_entry *
keys_by_hash(const struct keys *k, const uint8_t hash[PROTO_HASH_LEN]);
const struct ring_entry *keys_by_name(const struct keys *k, struct view name);

/* Has keyd this key, for whomever? */
bool keys_has_hash(const struct keys *k, const uint8_t hash[PROTO_HASH_LEN]);

/*
 * The private key of an entry got from above, owned by k. NULL if libcrypto
 * cannot read it or it is not of the entry's type.
 */
EVP_PKEY *keys_private(struct keys *k, const struct ring_entry *entry);

/* Decodes as keys_private() does: der is a PrivateKeyInfo. NULL on failure. */
EVP_PKEY *keys_decode(uint8_t type, struct view der);

#endif
