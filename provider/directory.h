/* What keyd tells of its keys: docs/PROTOCOL.md §3, find and list. */
#ifndef KEYD_PROVIDER_DIRECTORY_H
#define KEYD_PROVIDER_DIRECTORY_H

#include "provider/key.h"

/* A part of the list, as one answer holds it. */
struct directory_page {
	uint8_t reply[PROTO_MAX_REPLY];
	struct reader entries; /* into reply */
	uint16_t left;         /* entries that are not read yet */
	uint32_t next;         /* where the next page begins, 0: nowhere */
};

/*
 * The key of this hash or name, as its shell would give it. That the answer is
 * of the key that was asked for, and that its hash is that of its public key,
 * is checked. The caller's reference, or NULL with the reason in the error
 * queue.
 */
struct key *directory_find(struct context *ctx, const struct proto_find *what);

/*
 * The page that begins at first; all its entries are well formed, and there is
 * one at least if it has a next page. 0, or -1 with the reason in the error
 * queue; *page is then empty.
 */
MUST_USE int directory_open(
	struct context *ctx, uint32_t first, struct directory_page *page);

/* The next entry; there must be one left. The view points into the page. */
void directory_read(struct directory_page *page, uint8_t hash[PROTO_HASH_LEN],
	struct view *name);

#endif
