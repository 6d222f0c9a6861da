/*
 * What tests of the provider play in: a scratch folder, keys and their shells
 * and certificates, a fake keyd that has the keys, and a library context that
 * has the provider.
 */
#ifndef KEYD_TESTS_SCENE_H
#define KEYD_TESTS_SCENE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/types.h>

enum scene_key {
	SCENE_RSA,
	SCENE_P256,
	SCENE_P384,
	SCENE_P521,
	SCENE_P224,
	SCENE_K256, /* secp256k1 */
	SCENE_BP512,
	SCENE_PSS,    /* RSA-PSS without restrictions */
	SCENE_PSS256, /* SHA-256, MGF1 with SHA-1, salt of 24 bytes or more */
	SCENE_ED25519,
	SCENE_ED448,
	SCENE_SIGNERS,
	SCENE_X25519 = SCENE_SIGNERS,
	SCENE_X448,
	SCENE_KEYS,
};

struct scene_type {
	const char *name;         /* of key and shell */
	const char *type, *group; /* libcrypto's */
	const char *md; /* to sign with; NULL: none, or no signatures */
};

extern const struct scene_type scene_types[SCENE_KEYS];

enum scene_order {
	SCENE_LAST,      /* default, keyd */
	SCENE_FIRST,     /* keyd, default */
	SCENE_PREFERRED, /* default, keyd; default_properties = ?provider=keyd */
};

struct scene {
	char dir[32];
	char socket[64], conf[64];
	OSSL_LIB_CTX *plain; /* default alone, for the true keys */
	OSSL_LIB_CTX *libctx;
	EVP_PKEY *key[SCENE_KEYS];
	X509 *cert[SCENE_KEYS];
	uint8_t *der[SCENE_KEYS]; /* the shells */
	size_t der_len[SCENE_KEYS];
	EVP_PKEY *shell[SCENE_KEYS]; /* as loaded */
	pid_t keyd;
};

/*
 * settings: lines for the provider's section beside `socket`. Aborts on any
 * failure.
 */
void scene_start(struct scene *s, enum scene_order order, const char *settings);

/* Starts the fake keyd; refuse and detail as for signing_keyd_start(). */
void scene_keyd(struct scene *s, unsigned short refuse, unsigned short detail);

void scene_end(struct scene *s);

/* A path in the scratch folder; valid until the next call. */
const char *scene_path(const struct scene *s, const char *name);

/* The shell as PEM in a new memory BIO. */
BIO *scene_pem(const struct scene *s, enum scene_key k);

/* Writes the shell (PEM) and its certificate to files NAME.key and NAME.pem. */
void scene_write(const struct scene *s, enum scene_key k, const char *name);

#endif
