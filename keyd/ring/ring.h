/*
 * The key ring and the index: docs/PROTOCOL.md §8. Written by the loader, read by
 * sessions. libc only.
 */
#ifndef KEYD_RING_RING_H
#define KEYD_RING_RING_H

#include "wire/proto.h"

enum {
	RING_MAX_KEYS = 65535,
	RING_MAX = 64 * 1024 * 1024,
	RING_SECRET = 32, /* bytes of K */
};

/* One key. Views point into the ring (or, for writing, anywhere). */
struct ring_entry {
	struct proto_key key; /* flags, use, tls12, hash, name, spki */
	uint64_t enforce_from;
	struct view private_key; /* DER PrivateKeyInfo */
	struct view secrets;     /* K, or empty: ring_secret_len() */
	uint16_t tls12_groups;   /* bits of wire/tlsgroup.h */
};

/*
 * Bytes of derived secrets that an entry for this key has, no more and no less:
 * RING_SECRET where a TLS premaster may come to be decrypted, else 0.
 */
size_t ring_secret_len(const struct proto_key *key);

/* Bytes that a ring of n entries takes, whether within the limits or not. */
size_t ring_size(const struct ring_entry *entries, uint32_t n);

/*
 * Writes a ring to the size bytes at out; size must be ring_size(). 0, or -1 if it does
 * not fit or an entry breaks §3, §5 or §8; out is zeroed then.
 */
MUST_USE int ring_write(
	const struct ring_entry *entries, uint32_t n, void *out, size_t size);

/* Walks a mapped ring. */
struct ring_cursor {
	struct reader r;
	uint32_t left;
};

/* Checks the header and that the length is exactly len. 0 or -1; *count the entries. */
MUST_USE int
ring_open(const void *ring, size_t len, struct ring_cursor *c, uint32_t *count);

/* Next entry: 1, 0 at the end (everything read), -1 malformed, and so from then on. */
MUST_USE int ring_next(struct ring_cursor *c, struct ring_entry *out);

/*
 * The index: n hashes in strictly ascending order. Writing fails (-1) if they
 * are not, if size is not ring_index_size(n), or over RING_MAX.
 */
size_t ring_index_size(uint32_t n);
MUST_USE int ring_index_write(const uint8_t (*hashes)[PROTO_HASH_LEN],
	uint32_t n, void *out, size_t size);
/* Checks header, length and order. */
MUST_USE int ring_index_check(const void *index, size_t len);
/* Only after ring_index_check(). */
bool ring_index_has(const void *index, size_t len, const uint8_t *hash);

#endif
