/* Digests: libcrypto's names and the protocol's numbers. */
#ifndef KEYD_PROVIDER_DIGEST_H
#define KEYD_PROVIDER_DIGEST_H

#include "provider/context.h"

/*
 * The number of what `default` has under this name, which may be any of its
 * names or OIDs. 0: keyd does not have it, or `default` has not.
 */
uint8_t digest_number(const struct context *ctx, const char *name);

/* default's first name of it, "" for 0. Returns out. */
const char *
digest_name(const struct context *ctx, uint8_t digest, char *out, size_t size);

#endif
