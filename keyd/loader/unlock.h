/* A passphrase takes the encryption off a private key. */
#ifndef KEYD_LOADER_UNLOCK_H
#define KEYD_LOADER_UNLOCK_H

#include "loader/keyfile.h"

enum {
	UNLOCK_WRONG = 1, /* the passphrase is not the key's */
};

/*
 * Decrypts the key in k, which has a cipher: with libcrypto's default ciphers (PBES2, scrypt,
 * the stronger ones of PKCS#12; DEK-Info), not with those of its legacy provider.
 * passphrase: at most BOOT_MAX_PASSPHRASE bytes. 0, and *der is one DER
 * element, to release with keyfile_release(); UNLOCK_WRONG; or -1 with *why.
 */
MUST_USE int unlock(const struct keyfile *k, struct view passphrase,
	struct view *der, struct fault *why);

#endif
