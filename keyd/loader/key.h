/*
 * A private key, a shell or a public key: reading, checking, writing. Every key in
 * keyd came through here.
 */
#ifndef KEYD_LOADER_KEY_H
#define KEYD_LOADER_KEY_H

#include <openssl/evp.h>

#include "loader/keyfile.h"
#include "wire/boot.h"

struct key {
	EVP_PKEY *pkey; /* of a shell: the public key */
	uint8_t type;   /* enum proto_key_type */
	uint16_t bits;
	uint8_t form;                  /* enum boot_form */
	char name[PROTO_MAX_NAME + 1]; /* of a shell, else "" */
	uint8_t hash[PROTO_HASH_LEN];
	uint8_t spki[PROTO_MAX_SPKI];
	size_t spki_len;
};

enum {
	KEY_LOCKED = 1, /* encrypted, and the passphrase is missing or wrong */
};

/*
 * Reads the one key in a file's text: PEM or DER of PKCS#8, PKCS#1, SEC1, not encrypted, or a
 * shell. A private key is checked: type, size, and that its parts belong together. It may be
 * weak (keykind_is_weak()), which a policy can allow. 0, and key_release() is due; or -1
 * with *why.
 */
MUST_USE int key_read(struct view text, struct key *out, struct fault *why);

/* The same of what keyfile_find() found. passphrase: data is NULL if there is none.
 * 0, -1 with *why, or KEY_LOCKED. */
MUST_USE int key_open(const struct keyfile *file, struct view passphrase,
	struct key *out, struct fault *why);

/* The same of a public key; takes over pkey, also on failure. */
MUST_USE int key_from_public(
	EVP_PKEY *pkey, uint8_t form, struct key *out, struct fault *why);

/* Makes a key: RSA of 2048 to 8192 bits, others with bits 0 or the type's own.
 * RSA-PSS without restrictions. */
MUST_USE int
key_generate(uint8_t type, unsigned bits, struct key *out, struct fault *why);

/* DER PrivateKeyInfo, to release with OPENSSL_clear_free(). 0 or -1. */
MUST_USE int key_private_der(const struct key *k, uint8_t **der, size_t *len);

void key_release(struct key *k);

#endif
