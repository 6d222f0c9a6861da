#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "ring/ring.h"
#include "wire/keykind.h"
#include "wire/tlsgroup.h"

#define VIEW(s)                                                                \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

enum {
	HEADER = 20,
	ENTRY_PREFIX = 4,
};

static const struct ring_entry two[] = {
	{ .key = { .hash = { 1 },
		  .name = VIEW("www.example.org"),
		  .type = PROTO_KEY_RSA,
		  .bits = 2048,
		  .use = PROTO_USE_TLS_SERVER,
		  .tls12 = PROTO_TLS12_ANY,
		  .spki = VIEW("public one") },
		.private_key = VIEW("private one"),
		.tls12_groups = TLSGROUP_DEFAULT },
	{ .key = { .hash = { 2 },
		  .name = VIEW("b"),
		  .type = PROTO_KEY_RSA,
		  .bits = 3072,
		  .use = PROTO_USE_CSR | PROTO_USE_TLS_RSA_KX,
		  .tls12 = PROTO_TLS12_SENTINEL,
		  .flags = PROTO_KEY_WEAK_DIGESTS | PROTO_KEY_ENFORCE_LOG,
		  .spki = VIEW("public two") },
		.enforce_from = UINT64_C(0x1122334455667788),
		.private_key = VIEW("private two"),
		.secrets = VIEW("thirty-two bytes, all of derived"),
		.tls12_groups = TLSGROUP_ALL },
};

static uint8_t *
write_two(size_t *len)
{
	uint8_t *out;

	*len = ring_size(two, 2);
	out = malloc(*len);
	cr_assert_not_null(out);
	cr_assert_eq(ring_write(two, 2, out, *len), 0);
	return out;
}

/* Entries that can be read, or -1 if the ring is malformed anywhere. */
static int
walk(const void *ring, size_t len)
{
	/* A copy of exactly len bytes: reading past it is seen by ASan. */
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t count;
	int n = 0, r = -1;

	cr_assert_not_null(copy);
	memcpy(copy, ring, len);
	if (ring_open(copy, len, &c, &count) == 0) {
		while ((r = ring_next(&c, &e)) == 1)
			n++;
		cr_assert(r < 0 || (uint32_t)n == count);
	}
	free(copy);
	return r < 0 ? -1 : n;
}

static void
set_u32(uint8_t *p, uint32_t v)
{
	struct writer w = writer_init(p, 4);

	writer_u32(&w, v);
}

static void
assert_view(struct view a, struct view b)
{
	cr_assert_eq(a.len, b.len);
	cr_assert(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

Test(ring, reads_back_what_was_written)
{
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t i, count;
	size_t len;
	uint8_t *ring = write_two(&len);

	cr_assert_eq(ring_open(ring, len, &c, &count), 0);
	cr_assert_eq(count, 2);
	for (i = 0; i < count; i++) {
		cr_assert_eq(ring_next(&c, &e), 1);
		cr_assert_arr_eq(e.key.hash, two[i].key.hash, PROTO_HASH_LEN);
		assert_view(e.key.name, two[i].key.name);
		cr_assert_eq(e.key.type, two[i].key.type);
		cr_assert_eq(e.key.bits, two[i].key.bits);
		cr_assert_eq(e.key.use, two[i].key.use);
		cr_assert_eq(e.key.tls12, two[i].key.tls12);
		cr_assert_eq(e.key.flags, two[i].key.flags);
		cr_assert_eq(e.enforce_from, two[i].enforce_from);
		assert_view(e.key.spki, two[i].key.spki);
		assert_view(e.private_key, two[i].private_key);
		assert_view(e.secrets, two[i].secrets);
		cr_assert_eq(e.tls12_groups, two[i].tls12_groups);
	}
	cr_assert_eq(ring_next(&c, &e), 0);
	cr_assert_eq(ring_next(&c, &e), 0);
	free(ring);
}

Test(ring, has_the_bytes_of_the_specification)
{
	static const uint8_t expected[] = { 'K', 'E', 'Y', 'D', 'R', 'I', 'N',
		'G', 0, 0, 0, 1, 0, 0, 0, 119, 0, 0, 0, 1, /* header */
		0, 0, 0, 95,                               /* entry */
		7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    /* hash */
		1, 'n', 1, 4, 0, 0, 0, 0, 32, 2, 1, /* name to flags */
		0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 's',  /* date, spki */
		0, 0, 0, 1, 'p', 0, 32, 't', 'h', 'i', 'r', 't', 'y', '-', 't',
		'w', 'o', ' ', 'b', 'y', 't', 'e', 's', ',', ' ', 'a', 'l', 'l',
		' ', 'o', 'f', ' ', 'd', 'e', 'r', 'i', 'v', 'e', 'd', 0,
		0x81 };
	struct ring_entry e = { .key = { .hash = { 7 },
					.name = VIEW("n"),
					.type = 1,
					.bits = 1024,
					.use = 32,
					.tls12 = 2,
					.flags = 1,
					.spki = VIEW("s") },
		.enforce_from = 9,
		.private_key = VIEW("p"),
		.secrets = VIEW("thirty-two bytes, all of derived"),
		.tls12_groups = 0x81 };
	uint8_t out[sizeof(expected)];

	cr_assert_eq(ring_size(&e, 1), sizeof(expected));
	cr_assert_eq(ring_write(&e, 1, out, sizeof(out)), 0);
	cr_assert_arr_eq(out, expected, sizeof(out));
}

Test(ring, of_no_entries_is_a_ring)
{
	uint8_t out[HEADER];

	cr_assert_eq(ring_size(NULL, 0), sizeof(out));
	cr_assert_eq(ring_write(NULL, 0, out, sizeof(out)), 0);
	cr_assert_eq(walk(out, sizeof(out)), 0);
}

Test(ring, is_refused_at_every_truncation)
{
	size_t len, n;
	uint8_t *ring = write_two(&len);

	cr_assert_eq(walk(ring, len), 2);
	for (n = 0; n < len; n++) {
		cr_assert_eq(walk(ring, n), -1, "%zu bytes", n);
		if (n < HEADER)
			continue;
		set_u32(ring + 12, (uint32_t)n); /* the length agrees */
		cr_assert_eq(walk(ring, n), -1, "%zu bytes", n);
		set_u32(ring + 12, (uint32_t)len);
	}
	free(ring);
}

Test(ring, is_refused_with_bytes_after_its_end)
{
	size_t len;
	uint8_t *ring = write_two(&len), more[1024] = { 0 };

	memcpy(more, ring, len);
	cr_assert_eq(walk(more, len + 1), -1);
	set_u32(more + 12, (uint32_t)len + 1);
	cr_assert_eq(walk(more, len + 1), -1);
	free(ring);
}

Test(ring, is_refused_with_a_wrong_count)
{
	size_t len;
	uint8_t *ring = write_two(&len);
	static const uint32_t wrong[] = { 0, 1, 3, 65536, UINT32_MAX };
	struct ring_cursor c;
	uint32_t count;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		set_u32(ring + 16, wrong[i]);
		cr_assert_eq(walk(ring, len), -1);
	}
	set_u32(ring + 16, RING_MAX_KEYS + 1); /* known before the walk */
	cr_assert_eq(ring_open(ring, len, &c, &count), -1);
	free(ring);
}

Test(ring, is_refused_with_a_foreign_magic_or_version)
{
	size_t len, i;
	uint8_t *ring = write_two(&len);

	for (i = 0; i < 12; i++) {
		ring[i] ^= 1;
		cr_assert_eq(walk(ring, len), -1, "byte %zu", i);
		ring[i] ^= 1;
	}
	free(ring);
}

Test(ring, is_refused_where_a_length_inside_is_wrong)
{
	/* Of the first entry: its length, name, spki, private key, secrets. */
	static const size_t at[] = { 23, 56, 90, 104, 117 };
	size_t len, i;
	uint8_t *ring = write_two(&len);

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		ring[at[i]]++;
		cr_assert_eq(walk(ring, len), -1, "up at %zu", at[i]);
		ring[at[i]]--;
		if (ring[at[i]] == 0)
			continue;
		ring[at[i]]--;
		cr_assert_eq(walk(ring, len), -1, "down at %zu", at[i]);
		ring[at[i]]++;
		ring[at[i]] = 0xff;
		cr_assert_eq(walk(ring, len), -1, "255 at %zu", at[i]);
		free(ring);
		ring = write_two(&len);
	}
	free(ring);
}

Test(ring, survives_any_single_wrong_byte)
{
	size_t len, i;
	uint8_t *ring = write_two(&len);

	for (i = 0; i < len; i++) {
		ring[i] ^= 0x80;
		(void)walk(ring, len);
		ring[i] ^= 0x80 ^ 0xff;
		(void)walk(ring, len);
		ring[i] ^= 0xff;
	}
	cr_assert_eq(walk(ring, len), 2);
	free(ring);
}

/* Ways to break an entry, each refused by the writer and by the reader. */
static const struct breakage {
	const char *what;
	size_t offset; /* in a ring, of the byte to change */
	uint8_t byte;
} breakages[] = {
	{ "name with a slash", 57, '/' },
	{ "key type 0", 72, 0 },
	{ "key type 22", 72, 22 },
	{ "a type of another size", 72, PROTO_KEY_P256 },
	{ "a modulus over 8192 bits", 73, 0x21 },
	{ "a modulus under 512 bits", 73, 0x01 },
	{ "an unknown use", 75, 1 },
	{ "a use that needs a secret", 78, PROTO_USE_TLS_RSA_KX },
	{ "tls12 3", 79, 3 },
	{ "an unknown flag", 80, 4 },
	{ "an unknown group", 118, 1 },
	{ "a flag that needs a secret", 80, PROTO_KEY_ENFORCE_LOG },
};

Test(ring, reader_refuses_values_that_are_not_specified)
{
	size_t len, i;
	uint8_t *ring;

	for (i = 0; i < sizeof(breakages) / sizeof(breakages[0]); i++) {
		ring = write_two(&len);
		ring[breakages[i].offset] = breakages[i].byte;
		cr_assert_eq(walk(ring, len), -1, "%s", breakages[i].what);
		free(ring);
	}
}

static void
assert_unwritable(const struct ring_entry *e, const char *what)
{
	size_t size = ring_size(e, 1), i;
	uint8_t *out = malloc(size);

	cr_assert_not_null(out);
	memset(out, 0xaa, size);
	cr_assert_eq(ring_write(e, 1, out, size), -1, "%s", what);
	for (i = 0; i < size; i++)
		cr_assert_eq(out[i], 0, "%s: not zeroed", what);
	free(out);
}

Test(ring, writer_refuses_values_that_are_not_specified)
{
	static const uint8_t long_spki[PROTO_MAX_SPKI + 1];
	static const uint8_t long_secrets[65536];
	struct ring_entry e;

	e = two[0], e.key.name = (struct view)VIEW("a/b");
	assert_unwritable(&e, "name");
	e = two[0], e.key.type = 22;
	assert_unwritable(&e, "type");
	e = two[0], e.key.bits = 8193;
	assert_unwritable(&e, "long modulus");
	e = two[0], e.key.bits = 511;
	assert_unwritable(&e, "short modulus");
	e = two[0], e.key.use = 128;
	assert_unwritable(&e, "use");
	e = two[0], e.key.tls12 = 3;
	assert_unwritable(&e, "tls12");
	e = two[0], e.tls12_groups = TLSGROUP_ALL + 1;
	assert_unwritable(&e, "tls12-groups");
	e = two[0], e.key.flags = 4;
	assert_unwritable(&e, "flags");
	e = two[0], e.key.spki = (struct view){ NULL, 0 };
	assert_unwritable(&e, "no spki");
	e = two[0], e.key.spki = (struct view){ long_spki, sizeof(long_spki) };
	assert_unwritable(&e, "long spki");
	e = two[0], e.private_key = (struct view){ NULL, 0 };
	assert_unwritable(&e, "no private key");
	e = two[0],
	e.secrets = (struct view){ long_secrets, sizeof(long_secrets) };
	assert_unwritable(&e, "long secrets");
	e = two[1], e.secrets.len--;
	assert_unwritable(&e, "short secret");
	e = two[1], e.secrets.len = 0;
	assert_unwritable(&e, "no secret");
	e = two[1], e.key.use = PROTO_USE_CSR, e.key.flags = 0;
	assert_unwritable(&e, "a secret without use");
}

/* A use that is not the type's, of each type; and its sizes. */
Test(ring, holds_every_type_with_its_own_uses_and_sizes)
{
	struct ring_entry e = two[0];
	uint8_t out[512];
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		e.key.type = k->type;
		e.key.bits = k->max_bits;
		e.key.use = k->uses & ~(uint32_t)PROTO_USE_TLS_RSA_KX;
		cr_assert_eq(ring_write(&e, 1, out, ring_size(&e, 1)), 0, "%s",
			k->name);
		cr_assert_eq(walk(out, ring_size(&e, 1)), 1);
		e.key.bits++;
		assert_unwritable(&e, k->name);
		e.key.bits = k->max_bits;
		e.key.use = PROTO_USE_ALL & ~k->uses;
		if (e.key.use != 0)
			assert_unwritable(&e, k->name);
	}
	cr_assert_eq(i, 25);
}

/* K, and nothing else, where a premaster may be asked for. */
Test(ring, secret_is_for_rsa_that_may_decrypt_premasters)
{
	struct proto_key k = { .type = PROTO_KEY_RSA };

	cr_assert_eq(ring_secret_len(&k), 0);
	k.use = PROTO_USE_DECRYPT | PROTO_USE_TLS_SERVER;
	cr_assert_eq(ring_secret_len(&k), 0);
	k.use = PROTO_USE_TLS_RSA_KX;
	cr_assert_eq(ring_secret_len(&k), RING_SECRET);
	k.use = PROTO_USE_SIGN;
	k.flags = PROTO_KEY_ENFORCE_LOG;
	cr_assert_eq(ring_secret_len(&k), RING_SECRET);
	k.type = PROTO_KEY_P256;
	cr_assert_eq(ring_secret_len(&k), 0);
}

Test(ring, writer_refuses_another_size)
{
	uint8_t out[1024];
	size_t len = ring_size(two, 2);

	cr_assert_eq(ring_write(two, 2, out, len - 1), -1);
	cr_assert_eq(ring_write(two, 2, out, len + 1), -1);
	cr_assert_eq(ring_write(two, 2, out, 0), -1);
}

Test(ring, writer_refuses_what_is_over_the_limits)
{
	static const uint8_t big[1024 * 1024];
	static struct ring_entry many[RING_MAX_KEYS + 1];
	uint8_t *out;
	size_t i, size;

	for (i = 0; i < RING_MAX_KEYS + 1; i++)
		many[i] = two[0];
	size = ring_size(many, RING_MAX_KEYS + 1);
	out = malloc(size);
	cr_assert_not_null(out);
	cr_assert_eq(ring_write(many, RING_MAX_KEYS + 1, out, size), -1);
	size = ring_size(many, RING_MAX_KEYS);
	cr_assert_eq(ring_write(many, RING_MAX_KEYS, out, size), 0);
	free(out);
	for (i = 0; i < 64; i++)
		many[i].private_key = (struct view){ big, sizeof(big) };
	size = ring_size(many, 64);
	cr_assert_gt(size, RING_MAX);
	out = malloc(size);
	cr_assert_not_null(out);
	cr_assert_eq(ring_write(many, 64, out, size), -1);
	free(out);
}

enum { HASHES = 257 };

static uint8_t *
write_index(uint32_t n, size_t *len)
{
	static uint8_t hashes[HASHES][PROTO_HASH_LEN];
	uint8_t *out;
	uint32_t i;

	for (i = 0; i < HASHES; i++) {
		hashes[i][0] = (uint8_t)(i >> 7);
		hashes[i][PROTO_HASH_LEN - 1] = (uint8_t)(i << 1 & 0xff);
	}
	*len = ring_index_size(n);
	out = malloc(*len);
	cr_assert_not_null(out);
	cr_assert_eq(
		ring_index_write((const uint8_t(*)[32])hashes, n, out, *len),
		0);
	return out;
}

Test(ring_index, finds_each_of_its_hashes_and_no_other)
{
	uint8_t hash[PROTO_HASH_LEN] = { 0 };
	uint32_t n, i;
	uint8_t *index;
	size_t len;

	for (n = 0; n <= HASHES; n += n < 9 ? 1 : 31) {
		index = write_index(n, &len);
		cr_assert_eq(ring_index_check(index, len), 0);
		for (i = 0; i < HASHES; i++) {
			hash[0] = (uint8_t)(i >> 7);
			hash[31] = (uint8_t)(i << 1 & 0xff);
			cr_assert_eq(ring_index_has(index, len, hash), i < n);
			hash[31] |= 1;
			cr_assert_not(ring_index_has(index, len, hash));
		}
		free(index);
	}
}

Test(ring_index, is_refused_when_not_strictly_ascending)
{
	static const uint8_t same[2][PROTO_HASH_LEN] = { { 1 }, { 1 } };
	static const uint8_t down[2][PROTO_HASH_LEN] = { { 2 }, { 1 } };
	uint8_t out[HEADER + 64];
	size_t len;
	uint8_t *index = write_index(3, &len);

	cr_assert_eq(ring_index_write(same, 2, out, sizeof(out)), -1);
	cr_assert_eq(ring_index_write(down, 2, out, sizeof(out)), -1);
	index[HEADER + 31] = 9; /* first hash behind the second */
	cr_assert_eq(ring_index_check(index, len), -1);
	index[HEADER + 31] = 2; /* first hash like the second */
	cr_assert_eq(ring_index_check(index, len), -1);
	index[HEADER + 31] = 1;
	cr_assert_eq(ring_index_check(index, len), 0);
	index[HEADER + 95] = 1; /* the last hash */
	cr_assert_eq(ring_index_check(index, len), -1);
	free(index);
}

Test(ring_index, is_refused_with_a_wrong_header_or_length)
{
	size_t len, i;
	uint8_t *index = write_index(3, &len);

	for (i = 0; i < HEADER; i++) {
		index[i] ^= 1;
		cr_assert_eq(ring_index_check(index, len), -1, "%zu", i);
		index[i] ^= 1;
	}
	for (i = 0; i < len; i++)
		cr_assert_eq(ring_index_check(index, i), -1, "%zu", i);
	cr_assert_eq(ring_index_write(
			     (const uint8_t(*)[32])index, 0, index, HEADER + 1),
		-1);
	free(index);
}
