/*
 * Do the parts of a private key belong together? A key with a wrong part signs wrongly, and a wrong
 * RSA signature made by CRT gives the key away.
 *
 * RSA: p·q = n, d·e ≡ 1 modulo p−1 and q−1, dp, dq and qinv as they must be, then one
 * signature of a random message, verified, with the digest that a restricted RSA-PSS key
 * asks for. That takes a millisecond; testing p and q for primality would take a hundred
 * times as long at every reload of every key, and would find nothing but a key made by a
 * broken program: for composite p or q the trial signature does not verify.
 * EC: the private number from 1 to the order less 1, the point on the curve and of its
 * order, and one the multiple of the other. Ed25519, Ed448, X25519, X448: the public key is
 * that of the private one.
 */
#ifndef KEYD_LOADER_CONSISTENCY_H
#define KEYD_LOADER_CONSISTENCY_H

#include <openssl/evp.h>

#include "loader/fault.h"
#include "wire/keykind.h"

/* 0, or -1 with *why. */
MUST_USE int consistency_check(
	const struct keykind *kind, EVP_PKEY *pkey, struct fault *why);

#endif
