/* Keys and certificates for tests, made with libcrypto when they are needed. */
#ifndef TESTS_SUPPORT_MAKE_KEY_H
#define TESTS_SUPPORT_MAKE_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "wire/keykind.h"

/* "RSA:2048", "RSA-PSS:2048", "EC:P-256", "ED25519" … */
EVP_PKEY *make_key(const char *kind);

/* One of the kind, as small as it may be without being weak. */
EVP_PKEY *make_key_of(const struct keykind *k);

/* PEM, to free(): structure "PrivateKeyInfo", "type-specific", "EncryptedPrivateKeyInfo",
 * "SubjectPublicKeyInfo". */
char *make_pem(EVP_PKEY *pkey, const char *structure);

/* One extension is a line "name=value" for X509V3_EXT_nconf(), as in
 * openssl.cnf; NULL ends. From and until: seconds from now. */
struct make_certificate {
	EVP_PKEY *pkey;
	EVP_PKEY *signer; /* NULL: pkey */
	long from, until;
	const char *extensions[6][2];
};

/* PEM of a certificate, self-signed or by signer, with subject CN=example, to free(). */
char *make_certificate(const struct make_certificate *m);

/* PEM of a shell for the key, to free(). */
char *make_shell(EVP_PKEY *pkey, const char *name);

#endif
