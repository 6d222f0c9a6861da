/*
 * A message that arrives in parts. It is kept whole as long as keyd can be
 * shown it; what is longer goes on as a running digest.
 */
#ifndef KEYD_PROVIDER_STREAM_H
#define KEYD_PROVIDER_STREAM_H

#include <openssl/evp.h>

#include "wire/proto.h"

struct stream {
	uint8_t *data;
	size_t len, size;
	EVP_MD_CTX *md; /* running digest; NULL while the message is kept */
};

/*
 * Adds bytes; libctx and the digest's name are for when it gets too long. 0, or
 * -1.
 */
MUST_USE int stream_add(struct stream *s, OSSL_LIB_CTX *libctx,
	const char *digest, const void *data, size_t len);

/*
 * What to sign: the message, or its digest. The view lasts until the next call;
 * the stream can be added to afterwards. digest: EVP_MAX_MD_SIZE bytes of the
 * caller's. 0, or -1.
 */
MUST_USE int stream_end(const struct stream *s, uint8_t *digest,
	struct view *data, enum proto_input *input);

bool stream_is_empty(const struct stream *s);

/* to is empty before. 0, or -1 with to still empty. */
MUST_USE int stream_copy(struct stream *to, const struct stream *from);

/* Empties it; it may be used again. */
void stream_clear(struct stream *s);

#endif
