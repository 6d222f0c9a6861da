/*
 * The types of keys as libcrypto sees them: one key management each, with the
 * names that `default` has for it, so that both are the same algorithm. What
 * keyd keeps of each is in wire/keykind.h.
 */
#ifndef KEYD_PROVIDER_KIND_H
#define KEYD_PROVIDER_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIND_NAMES_RSA     "RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define KIND_NAMES_RSA_PSS "RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10"
#define KIND_NAMES_EC      "EC:id-ecPublicKey:1.2.840.10045.2.1"
#define KIND_NAMES_ED25519 "ED25519:1.3.101.112"
#define KIND_NAMES_ED448   "ED448:1.3.101.113"
#define KIND_NAMES_X25519  "X25519:1.3.101.110"
#define KIND_NAMES_X448    "X448:1.3.101.111"

enum key_kind {
	KEY_RSA,
	KEY_RSA_PSS,
	KEY_EC,
	KEY_ED25519,
	KEY_ED448,
	KEY_X25519,
	KEY_X448,
	KEY_KINDS,
};

struct kind {
	const char *name;      /* the first of its names: "RSA-PSS" */
	const char *signature; /* its operations' names, NULL: there is none */
	const char *exchange;
	/* DER of the algorithm's OBJECT IDENTIFIER, as in a SPKI */
	const uint8_t *oid;
	size_t oid_len;
	bool has_domain;   /* keys have parameters: a curve */
	bool is_tls_group; /* TLS makes ephemeral keys of it */
};

/* The row of a kind, which is less than KEY_KINDS. */
const struct kind *kind_of(enum key_kind kind);

/*
 * Whose keys have this AlgorithmIdentifier, at the start of a PrivateKeyInfo or
 * SubjectPublicKeyInfo? RSA if no other's.
 */
enum key_kind kind_of_der(const uint8_t *der, size_t len);

#endif
