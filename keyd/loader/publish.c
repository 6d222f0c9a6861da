#include "publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/memory.h"
#include "ring/ring.h"

int
publish_by_hash(const struct loaded *a, const struct loaded *b)
{
	int c = memcmp(a->hash, b->hash, sizeof(a->hash));

	return c != 0 ? c : strcmp(a->name, b->name);
}

/* Sets are normalised and zero where unused: equal ones have equal bytes. */
static bool
is_same_set(const struct loaded *a, const struct loaded *b)
{
	return memcmp(&a->policy.allow, &b->policy.allow,
		       sizeof(a->policy.allow)) == 0;
}

int
publish_by_set(const struct loaded *a, const struct loaded *b)
{
	int c = memcmp(
		&a->policy.allow, &b->policy.allow, sizeof(a->policy.allow));

	return c != 0 ? c : strcmp(a->name, b->name);
}

void
publish_sort(struct loaded **keys, size_t n, publish_order_fn *order)
{
	struct loaded *k;
	size_t gap = 1, i, j;

	/* Shell's sort with Knuth's gaps: short, no recursion, no memory, and
	 * no input makes it quadratic. */
	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap > 0; gap /= 3) {
		for (i = gap; i < n; i++) {
			k = keys[i];
			for (j = i; j >= gap && order(keys[j - gap], k) > 0;
				j -= gap)
				keys[j] = keys[j - gap];
			keys[j] = k;
		}
	}
}

static void
report_errno(struct load *l, const char *what)
{
	char text[128];

	(void)snprintf(
		text, sizeof(text), "cannot be made: %s", strerror(errno));
	talk_report(l->talk, TALK_ERROR, what, 0, text);
}

/* A ring to be: n keys of one set. */
struct batch {
	struct ring_entry *entries;
	uint32_t n;
};

static int
fill_ring(void *arg, void *out, size_t size)
{
	const struct batch *b = arg;

	return ring_write(b->entries, b->n, out, size);
}

static void
put_entry(const struct loaded *k, struct ring_entry *e)
{
	*e = (struct ring_entry){ 0 };
	memcpy(e->key.hash, k->hash, sizeof(e->key.hash));
	e->key.name =
		(struct view){ (const uint8_t *)k->name, strlen(k->name) };
	e->key.type = k->type;
	e->key.bits = k->bits;
	e->key.use = k->policy.use;
	e->key.tls12 = k->policy.tls12;
	e->key.flags = k->policy.flags;
	e->key.spki = k->spki;
	e->enforce_from = k->policy.enforce_from;
	e->private_key = k->private_key;
	e->secrets = k->secrets;
	e->tls12_groups = k->policy.tls12_groups;
}

/* Secret memory where it can be had; else says once why not. */
static int
make_ring(struct load *l, struct batch *b, size_t size, uint8_t *kind)
{
	char text[192];
	int fd;

	if (l->want_secret) {
		*kind = BOOT_RING_SECRET;
		fd = memory_secret(size, fill_ring, b);
		if (fd >= 0 || errno == EINVAL)
			return fd;
		(void)snprintf(text, sizeof(text),
			"off: %s; keys lie in sealed memory files, which may "
			"be swapped out%s",
			strerror(errno),
			errno == EAGAIN ? "; raise RLIMIT_MEMLOCK" : "");
		talk_report(l->talk, TALK_WARNING, "secret-memory", 0, text);
		l->want_secret = false;
	}
	*kind = BOOT_RING_SEALED;
	return memory_sealed(size, fill_ring, b);
}

/* One ring of the n keys that start at first. */
static void
publish_set(struct load *l, size_t first, size_t n)
{
	struct boot_set set = l->keys[first]->policy.allow;
	struct batch b = { .n = (uint32_t)n };
	size_t i, size;
	int fd;

	b.entries = calloc(n, sizeof(b.entries[0]));
	if (b.entries == NULL) {
		report_errno(l, "a ring");
		return;
	}
	for (i = 0; i < n; i++)
		put_entry(l->keys[first + i], &b.entries[i]);
	size = ring_size(b.entries, b.n);
	if (n > RING_MAX_KEYS || size > RING_MAX) {
		talk_report(l->talk, TALK_ERROR, l->keys[first]->name, 0,
			"too many keys have the same 'allow' as this one");
		goto out;
	}
	fd = make_ring(l, &b, size, &set.ring_kind);
	if (fd < 0) {
		report_errno(l, "a ring");
		goto out;
	}
	set.ring_len = (uint32_t)size;
	set.keys = b.n;
	talk_set(l->talk, &set, fd);
	(void)close(fd);
out:
	free(b.entries);
}

static int
fill_index(void *arg, void *out, size_t size)
{
	const struct load *l = arg;
	uint8_t(*hashes)[PROTO_HASH_LEN];
	size_t i;
	int r;

	hashes = calloc(l->nkeys + 1, sizeof(hashes[0]));
	if (hashes == NULL)
		return -1;
	for (i = 0; i < l->nkeys; i++)
		memcpy(hashes[i], l->keys[i]->hash, PROTO_HASH_LEN);
	r = ring_index_write((const uint8_t(*)[PROTO_HASH_LEN])hashes,
		(uint32_t)l->nkeys, out, size);
	free(hashes);
	return r;
}

static void
publish_index(struct load *l)
{
	size_t size = ring_index_size((uint32_t)l->nkeys);
	int fd;

	publish_sort(l->keys, l->nkeys, publish_by_hash);
	fd = memory_sealed(size, fill_index, l);
	if (fd < 0) {
		report_errno(l, "the index");
		return;
	}
	talk_index(l->talk, (uint32_t)size, (uint32_t)l->nkeys, fd);
	(void)close(fd);
}

/* Counts the sets of the sorted keys. */
static size_t
count_sets(const struct load *l)
{
	size_t i, n = l->nkeys > 0 ? 1 : 0;

	for (i = 1; i < l->nkeys; i++)
		if (!is_same_set(l->keys[i - 1], l->keys[i]))
			n++;
	return n;
}

void
publish_all(struct load *l)
{
	size_t first, end;

	publish_sort(l->keys, l->nkeys, publish_by_set);
	if (count_sets(l) > BOOT_MAX_SETS) {
		talk_report(l->talk, TALK_ERROR, "policies", 0,
			"more than 4096 different 'allow' settings; use groups "
			"to make them fewer");
		return;
	}
	publish_index(l);
	publish_sort(l->keys, l->nkeys, publish_by_set);
	for (first = 0; first < l->nkeys && !l->talk->lost; first = end) {
		end = first + 1;
		while (end < l->nkeys &&
			is_same_set(l->keys[first], l->keys[end]))
			end++;
		publish_set(l, first, end - first);
	}
}
