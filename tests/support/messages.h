/*
 * Messages as TLS peers and requesters make them, for tests of the grammar.
 * Written from the RFCs, and shares no code with keyd/session.
 */
#ifndef TESTS_SUPPORT_MESSAGES_H
#define TESTS_SUPPORT_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

enum {
	MESSAGES_MAX = 4096,
	MESSAGES_POINTS = 16, /* different ones for each curve */
};

struct message {
	size_t len;
	uint8_t data[MESSAGES_MAX];
};

/* A small generator, not cryptographic: the same numbers in each run. */
uint64_t messages_random(uint64_t *state);
void messages_fill(uint64_t *state, uint8_t *out, size_t len);

/* TLS 1.3 CertificateVerify: 64 blanks, text, 00, hash of 32 or 48 bytes. */
void messages_verify(
	struct message *m, const char *text, size_t hash_len, uint64_t *state);

/* TLS 1.2 ServerKeyExchange with random randoms; any point bytes. */
void messages_ske(struct message *m, uint16_t group, const uint8_t *point,
	size_t len, uint64_t *state);

/* The same with a point of the table: group 23 to 30. */
void messages_ske_group(struct message *m, uint16_t group, uint64_t *state);

/* A request of OpenSSL's for key, with names and extensions. */
void messages_csr(struct message *m, EVP_PKEY *key);

/* DER of the key's SubjectPublicKeyInfo. */
void messages_spki(struct message *m, EVP_PKEY *key);

#endif
