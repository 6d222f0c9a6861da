/* What a fake keyd tells of its keys: find and list, honestly or not. */
#ifndef KEYD_TESTS_TOLD_KEYS_H
#define KEYD_TESTS_TOLD_KEYS_H

#include "wire/proto.h"

enum told_lie {
	TOLD_TRUTH,
	/* find: */
	TOLD_OTHER_KEY,  /* all of the next key */
	TOLD_OTHER_NAME, /* the name of the next key */
	TOLD_OTHER_HASH, /* the hash of the next key */
	TOLD_OTHER_SPKI, /* the public key of the next key */
	TOLD_BAD_SPKI,   /* what is no public key, with its true hash */
	TOLD_LONG,       /* a byte too many */
	/* list: */
	TOLD_STUCK,    /* the page after the second is the second */
	TOLD_EMPTY,    /* a page of nothing, with a next one */
	TOLD_CUT,      /* fewer entries than announced */
	TOLD_BAD_NAME, /* a name that is none */
	TOLD_ONE_PAGE, /* the first page, then refusals */
};

enum {
	TOLD_PAGE = 3, /* entries of a page */
};

struct told_key {
	const char *name;
	uint8_t hash[PROTO_HASH_LEN];
	uint8_t *spki;
	size_t spki_len;
};

/* The whole reply to a find or list; its length. */
size_t told_answer(const struct told_key *keys, size_t count, enum told_lie lie,
	const struct proto_request *req, uint8_t *reply, size_t size);

#endif
