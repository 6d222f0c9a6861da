/* Secrets that are derived from a key for its ring entry: docs/PROTOCOL.md §8. */
#ifndef KEYD_LOADER_SECRET_H
#define KEYD_LOADER_SECRET_H

#include <openssl/types.h>

#include "ring/ring.h"

/*
 * K, from which a session makes up the premaster in place of one that does not
 * decrypt. pkey: a private RSA key. 0, or -1: libcrypto failed or had no
 * memory; out is then unchanged.
 */
MUST_USE int secret_premaster(EVP_PKEY *pkey, uint8_t out[RING_SECRET]);

#endif
