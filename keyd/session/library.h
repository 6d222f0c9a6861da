/*
 * What the libcrypto that runs here has: fetched and looked up once, before
 * the first client byte, so that nothing is loaded or found missing later.
 */
#ifndef KEYD_SESSION_LIBRARY_H
#define KEYD_SESSION_LIBRARY_H

#include <openssl/types.h>

#include "wire/proto.h"

/*
 * Before the system-call filter. 0, or -1: libcrypto lacks what no key can do
 * without. What it lacks beyond that, the functions below tell.
 */
MUST_USE int library_init(void);

/* The digest of this number, NULL if unknown or not there. */
const EVP_MD *library_md(uint8_t digest);

/* Can it sign with this algorithm (enum proto_algorithm)? */
bool library_signs(uint8_t algorithm);

/* Does its RSA sign with SM3 (OpenSSL 3.4 and later)? */
bool library_signs_rsa_sm3(void);

/*
 * Does its PKCS#1 decryption give a made-up plaintext in place of an error
 * (OpenSSL 3.2 and later)?
 */
bool library_rejects_implicitly(void);

/* HMAC. */
EVP_MAC *library_hmac(void);

#endif
