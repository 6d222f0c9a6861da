/*
 * The file that a private key is in: where it stands there, and in which form. Told
 * by the labels of PEM blocks and by the outermost tags of DER; what is inside is not
 * looked at, but to tell a shell from a key.
 */
#ifndef KEYD_LOADER_KEYFILE_H
#define KEYD_LOADER_KEYFILE_H

#include "loader/fault.h"
#include "loader/pem.h"

enum keyfile_pick {
	KEYFILE_ONLY, /* the one key or shell; two are refused */
	KEYFILE_NEXT, /* the first key that is no shell; else the first shell */
};

enum keyfile_cipher {
	KEYFILE_PLAIN,
	KEYFILE_PKCS8,       /* EncryptedPrivateKeyInfo (RFC 5958) */
	KEYFILE_TRADITIONAL, /* headers in the PEM block, as of RFC 1421 */
};

/* Views point into the text. */
struct keyfile {
	/*
	 * What a shell would take the place of: the key's PEM block, if there
	 * are other blocks as well (but for EC PARAMETERS), else all of the
	 * text.
	 */
	struct view part;
	struct pem_block block; /* body is DER, if is_der */
	bool is_der;
	uint8_t form; /* enum boot_form: what it is once it is decrypted */
	enum keyfile_cipher cipher;
	unsigned shells, more; /* besides this one: shells, keys */
};

/* 0, or -1 with *why: what the text holds instead, and what to do. */
MUST_USE int keyfile_find(struct view text, enum keyfile_pick pick,
	struct keyfile *out, struct fault *why);

/*
 * The DER in it, as it stands there, to release with keyfile_release(). Of the
 * traditional cipher the headers go to *headers, which may be NULL otherwise.
 */
MUST_USE int keyfile_der(const struct keyfile *k, struct view *headers,
	struct view *der, struct fault *why);

/* Wipes and frees. */
void keyfile_release(struct view *der);

#endif
