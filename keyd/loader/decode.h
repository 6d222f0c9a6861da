/*
 * DER of a private key to libcrypto's object. The algorithm is looked at first, so that
 * only decoders of key types that keyd keeps ever see the contents.
 */
#ifndef KEYD_LOADER_DECODE_H
#define KEYD_LOADER_DECODE_H

#include <openssl/evp.h>

#include "loader/fault.h"
#include "wire/cursor.h"

/*
 * One PKCS#8 PrivateKeyInfo (RFC 5208), or OneAsymmetricKey with a public key (RFC
 * 5958), which must then be the private one's; attributes are ignored. It fills der.
 * NULL with *why.
 */
EVP_PKEY *decode_pkcs8(struct view der, struct fault *why);

/* One RSAPrivateKey (RFC 8017) or ECPrivateKey (RFC 5915) that fills der. NULL
 * with *why. */
EVP_PKEY *decode_pkcs1(struct view der, struct fault *why);
EVP_PKEY *decode_sec1(struct view der, struct fault *why);

/* The names of the key types that keyd keeps, for such words; returns out. */
const char *decode_kinds(char *out, size_t size);

#endif
