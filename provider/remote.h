/* Operations that keyd does with a shell's key. */
#ifndef KEYD_PROVIDER_REMOTE_H
#define KEYD_PROVIDER_REMOTE_H

#include "provider/key.h"

/*
 * Signs data. sig has room for key_signature_size() bytes. 0 and the length in
 * *len, or -1 with the reason in the error queue.
 */
MUST_USE int
remote_sign(const struct key *key, const struct proto_scheme *scheme,
	enum proto_input input, struct view data, uint8_t *sig, size_t *len);

#endif
