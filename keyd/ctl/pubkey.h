/*
 * What keydctl does with the public half of a key: it chooses how the private half is
 * to be used, and finds out whether that was done right.
 */
#ifndef KEYD_CTL_PUBKEY_H
#define KEYD_CTL_PUBKEY_H

#include <openssl/evp.h>

#include "fault.h"
#include "wire/keykind.h"

/* NULL with *f if it is none. */
EVP_PKEY *pubkey_read(struct view spki, struct fault *f);

/*
 * A scheme that the key signs with: SHA-256, with large curves SHA-384 or SHA-512; RSA with
 * PKCS#1; RSA-PSS as the key's own parameters demand. 0, or -1 with *f: a key of
 * this type does not sign.
 */
__attribute__((warn_unused_result)) int pubkey_scheme(EVP_PKEY *pkey,
	const struct keykind *k, struct proto_scheme *out, struct fault *f);

/* Does the signature verify? */
bool pubkey_verify(EVP_PKEY *pkey, const struct proto_scheme *s,
	struct view message, struct view signature);

/* The scheme's AlgorithmIdentifier in DER. Its length, or 0. */
size_t pubkey_algorithm(
	EVP_PKEY *pkey, const struct proto_scheme *s, void *out, size_t size);

/* Encrypts by OAEP with SHA-256, or PKCS#1. *len: size of out, then the length
 * of the ciphertext. 0 or -1. */
__attribute__((warn_unused_result)) int
pubkey_encrypt(EVP_PKEY *pkey, enum proto_padding padding, struct view plain,
	uint8_t *out, size_t *len);

/*
 * Agrees on a secret with an ephemeral key, whose public key, as PROTO_DERIVE
 * has it, goes to peer. The lengths are sizes before. 0 or -1.
 */
__attribute__((warn_unused_result)) int pubkey_agree(EVP_PKEY *pkey,
	uint8_t *peer, size_t *peer_len, uint8_t *secret, size_t *secret_len);

/*
 * Words of a note where a key may decrypt with RSA, and the libcrypto here, which
 * is keyd's too, has no implicit rejection, so that keyd refuses PKCS#1 v1.5; ""
 * for others.
 */
const char *pubkey_judge_decrypt(const struct keykind *k, uint32_t use);

#endif
