/* Encoders of keys: provider-encoder(7). */
#ifndef KEYD_PROVIDER_ENCODER_H
#define KEYD_PROVIDER_ENCODER_H

#include "provider/key.h"

enum {
	/* bytes of its name; libcrypto's have fewer than 32 */
	ENCODER_MAX_CIPHER = 64,
};

struct encoder;

/* A form of output: its name for default, and what to make of a shell. */
struct encoder_form {
	const char *output, *structure;
	/* where its private key is asked for; NULL: no form of private keys */
	int (*write_shell)(
		const struct encoder *e, const struct key *key, BIO *out);
};

struct encoder {
	struct context *ctx;
	const struct encoder_form *form;
	bool is_encrypted;
	char cipher[ENCODER_MAX_CIPHER];
	/* negative: as default does it */
	int save_parameters, encrypt_level;
};

/* Their table, as OSSL_FUNC_provider_query_operation returns it. */
extern const OSSL_ALGORITHM encoder_algorithms[];

#endif
