/*
 * A key object. Either a shell: name and public key, while the private key is
 * with keyd and nowhere in this process. Or a pass-through: a key of `default`
 * in the private library context, which comes about only because an openssl.cnf
 * lists this provider first, so that it is asked for ephemeral keys too.
 */
#ifndef KEYD_PROVIDER_KEY_H
#define KEYD_PROVIDER_KEY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "provider/context.h"
#include "provider/kind.h"
#include "wire/keykind.h"
#include "wire/proto.h"
#include "wire/shell.h"

enum {
	/* bytes of a hash in hexadecimal, with the terminating zero */
	KEY_HASH_TEXT = 2 * PROTO_HASH_LEN + 1,
};

struct key {
	struct context *ctx;
	enum key_kind kind;
	atomic_uint references;
	EVP_PKEY *inner; /* in the private context; NULL while empty */
	int has;         /* OSSL_KEYMGMT_SELECT_* parts there are */
	bool is_shell;
	/* of a shell */
	const struct keykind *type;
	char name[PROTO_MAX_NAME + 1];
	uint8_t hash[PROTO_HASH_LEN]; /* SHA-256 of the SPKI */
	uint8_t *spki;                /* DER, byte for byte that of the shell */
	size_t spki_len;
};

/* An empty key, or NULL. */
struct key *key_new(struct context *ctx, enum key_kind kind);

/*
 * The key of a shell. NULL, with the reason in the error queue, if its public
 * key cannot be read, is not of this kind, or is not one that keyd keeps.
 */
struct key *key_new_shell(
	struct context *ctx, enum key_kind kind, const struct shell *shell);

/* The same key once more, for who may change how it is written; or NULL. */
struct key *key_dup_shell(const struct key *from);

/*
 * A pass-through or public key that takes the caller's reference to inner; NULL
 * (inner is then freed).
 */
struct key *key_new_inner(
	struct context *ctx, enum key_kind kind, EVP_PKEY *inner, int has);

/* The public part of a key, in place of the caller's reference; or NULL. */
struct key *key_take_public(struct key *key);

/*
 * Hands the caller's reference to libcrypto, as an object that keymgmt_load()
 * understands: provider-object(7). What callback returns.
 */
int key_give(struct key *key, OSSL_CALLBACK *callback, void *arg);

/* A key's hash as it stands in URIs and messages. Returns out. */
const char *
key_hash_text(const uint8_t hash[PROTO_HASH_LEN], char out[KEY_HASH_TEXT]);

struct key *key_up_ref(struct key *key);
void key_free(struct key *key);

/*
 * Are all the selected parts there? For a shell the private part counts as
 * there.
 */
bool key_has(const struct key *key, int selection);

/* Bytes of the longest signature, 0 if the key is empty. */
size_t key_signature_size(const struct key *key);

#endif
