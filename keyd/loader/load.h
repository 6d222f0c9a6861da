/* The mode `load`: key files and policies in, rings and index out. */
#ifndef KEYD_LOADER_LOAD_H
#define KEYD_LOADER_LOAD_H

#include <sys/types.h>

#include "loader/policy_file.h"
#include "loader/talk.h"

/* A key that was read, as it goes into a ring. */
struct loaded {
	char name[PROTO_MAX_NAME + 1];
	uint8_t type;
	uint16_t bits;
	uint8_t hash[PROTO_HASH_LEN];
	struct view spki, private_key, secrets; /* one block of memory */
	struct policy policy;
	bool left_out; /* a fault was reported */
};

struct load {
	struct talk *talk;
	uid_t owner;      /* who may own key files beside root */
	bool want_secret; /* memfd_secret is to be tried */
	uint64_t now;
	struct loaded **keys;
	size_t nkeys, size;
};

/* Does it all, done included. Errors are reported to the starter. */
void load_run(struct load *l);

#endif
