/* What the fake keyd of signing_keyd.h does with keys beside signing. */
#ifndef KEYD_TESTS_FAKE_DECRYPT_H
#define KEYD_TESTS_FAKE_DECRYPT_H

#include <openssl/evp.h>

#include "wire/proto.h"

/*
 * out: PROTO_MAX_OUTPUT bytes. Return a status of docs/PROTOCOL.md §4, and the
 * detail in *detail.
 */
unsigned short fake_decrypt(EVP_PKEY *key, const struct proto_decrypt *m,
	uint8_t *out, size_t *len, unsigned short *detail);
unsigned short fake_derive(EVP_PKEY *key, const struct proto_derive *m,
	uint8_t *out, size_t *len, unsigned short *detail);

#endif
