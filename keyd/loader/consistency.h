/*
 * Do the parts of a private key belong together? A key with a wrong part signs wrongly, and a wrong
 * RSA signature made by CRT gives the key away.
 *
 * RSA: p·q = n, d·e ≡ 1 modulo p−1 and q−1, dp, dq and qinv as they must be, then one
 * signature of a random digest, verified. That takes a millisecond; testing p and q for
 * primality would take a hundred times as long at every reload of every key, and
 * would find nothing but a key made by a broken program: for composite p or q the
 * trial signature does not verify.
 * EC: the private number in range, the point on the curve and of its order, and one
 * the multiple of the other.
 */
#ifndef KEYD_LOADER_CONSISTENCY_H
#define KEYD_LOADER_CONSISTENCY_H

#include <openssl/evp.h>

#include "loader/fault.h"
#include "wire/cursor.h"

/* 0, or -1 with *why. */
MUST_USE int consistency_rsa(EVP_PKEY *pkey, struct fault *why);
MUST_USE int consistency_ec(EVP_PKEY *pkey, struct fault *why);

#endif
