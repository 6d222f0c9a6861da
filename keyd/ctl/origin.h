/*
 * The journal of a key: where it came from, what that file was, and how far a
 * change of it has got. Written before each step that an interruption could
 * leave half done.
 */
#ifndef KEYD_CTL_ORIGIN_H
#define KEYD_CTL_ORIGIN_H

#include <limits.h>

#include "links.h"
#include "meta.h"
#include "shellfile.h"
#include "store.h"
#include "swap.h"
#include "wire/proto.h"

enum origin_phase {
	ORIGIN_IMPORTING = 1, /* the file is the key, or soon a shell */
	ORIGIN_IMPORTED = 2,
	ORIGIN_RESTORING = 3,  /* the file is a shell, or soon the key */
	ORIGIN_GENERATED = 4,  /* never was a file of an application */
	ORIGIN_GENERATING = 5, /* path: where its shell goes; or "" */
	ORIGIN_RENEWING = 6, /* as importing; the store has the key for good */
};

enum {
	ORIGIN_HASH = 32,
};

struct origin {
	enum origin_phase phase;
	char path[PATH_MAX]; /* real path of the file */
	unsigned nlinks;     /* other hard links of it, that changed with it */
	char links[LINKS_MAX - 1][PATH_MAX];
	char tmp[SWAP_NAME]; /* its temporary name beside it: links_tmp() */
	struct meta meta;
	enum shellfile_form form;
	uint8_t rest[ORIGIN_HASH]; /* of a block: origin_rest() of the file */
	uid_t as;                  /* who acted in its directory: path.h */
	uint64_t time;             /* of the import, seconds since 1970 */
	/* Of the SubjectPublicKeyInfo, in hexadecimal; "" in older journals. */
	char hash[2 * PROTO_HASH_LEN + 1];
};

__attribute__((warn_unused_result)) int origin_put(const struct store *s,
	const char *name, const struct origin *o, struct fault *f);

/* 1, 0 if the key has none, or -1 with *f. */
__attribute__((warn_unused_result)) int origin_get(const struct store *s,
	const char *name, struct origin *out, struct fault *f);

/* The file's names, as l has them, into the journal. */
void origin_set_links(struct origin *o, const struct links *l);

/* Walks to all of them. 0, or -1 with *f: l has those before the one that failed. */
__attribute__((warn_unused_result)) int
origin_get_links(const struct origin *o, struct links *l, struct fault *f);

/* SHA-256 of what stands before and behind a part of the file. 0 or -1. */
__attribute__((warn_unused_result)) int origin_rest(
	const struct bytes *file, struct view part, uint8_t out[ORIGIN_HASH]);

/*
 * The bytes that stood in the application's file where the shell is: those of
 * keys/NAME.original, or of keys/NAME.pem. 1, 0 if there is no such key, or -1 with *f.
 */
__attribute__((warn_unused_result)) int origin_part(const struct store *s,
	const char *name, struct bytes *out, struct fault *f);

const char *origin_phase_name(enum origin_phase p);

#endif
