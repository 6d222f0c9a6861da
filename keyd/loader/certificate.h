/* A key's certificate: does it match, what is it for, how long is it valid? */
#ifndef KEYD_LOADER_CERTIFICATE_H
#define KEYD_LOADER_CERTIFICATE_H

#include "loader/key.h"

struct certificate {
	EVP_PKEY *pkey; /* its public key; NULL if of a kind unknown here */
	uint64_t not_before, not_after; /* seconds since 1970 */
	char subject[1024];             /* RFC 2253, ASCII */
	uint32_t use;                   /* proposed, enum proto_use */
	bool certain;  /* plainly a TLS server's: use need not be asked for */
	char why[256]; /* if not certain, a clause that says why */
};

/*
 * Reads a CERTIFICATE block of a file's text: the first that is of the key, or, if none
 * is (of may be NULL), the first. 0, and certificate_release() is due; or -1 with
 * *why.
 */
MUST_USE int certificate_read(struct view text, const struct key *of,
	struct certificate *out, struct fault *why);

bool certificate_is_of(const struct certificate *c, const struct key *k);

void certificate_release(struct certificate *c);

#endif
