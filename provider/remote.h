/*
 * Operations that keyd does with a shell's key. All return 0, or -1 with the
 * reason in the error queue.
 */
#ifndef KEYD_PROVIDER_REMOTE_H
#define KEYD_PROVIDER_REMOTE_H

#include "provider/key.h"

/*
 * Signs data. sig has room for key_signature_size() bytes; the length is
 * written to *len.
 */
MUST_USE int
remote_sign(const struct key *key, const struct proto_scheme *scheme,
	enum proto_input input, struct view data, uint8_t *sig, size_t *len);

/*
 * Decrypts; the key's hash in m is filled in here. out has size bytes; more is
 * an error. The length is written to *len.
 */
MUST_USE int remote_decrypt(const struct key *key, struct proto_decrypt *m,
	uint8_t *out, size_t size, size_t *len);

/* The secret shared with the peer, of exactly size bytes. */
MUST_USE int remote_derive(
	const struct key *key, struct view peer, uint8_t *out, size_t size);

#endif
