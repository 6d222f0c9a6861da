/* What the provider offers, by operation: provider-base(7). Tables only. */
#include "provider/algorithms.h"

#include <openssl/crypto.h>

#include <stdio.h>
#include <string.h>

#include "provider/composite.h"
#include "provider/dispatch.h"
#include "provider/encoder.h"
#include "provider/kind.h"
#include "provider/store.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define PROPERTIES "provider=keyd"
#define DECODES    PROPERTIES ",input=der,structure=PrivateKeyInfo"

#define KEYMGMT(kind, names, table)                                            \
	[kind] = { names, PROPERTIES, table, "keys kept by keyd" }

static const OSSL_ALGORITHM keymgmts[] = {
	KEYMGMT(KEY_RSA, KIND_NAMES_RSA, keymgmt_rsa_functions),
	KEYMGMT(KEY_RSA_PSS, KIND_NAMES_RSA_PSS, keymgmt_rsa_pss_functions),
	KEYMGMT(KEY_EC, KIND_NAMES_EC, keymgmt_ec_functions),
	KEYMGMT(KEY_ED25519, KIND_NAMES_ED25519, keymgmt_ed25519_functions),
	KEYMGMT(KEY_ED448, KIND_NAMES_ED448, keymgmt_ed448_functions),
	KEYMGMT(KEY_X25519, KIND_NAMES_X25519, keymgmt_x25519_functions),
	KEYMGMT(KEY_X448, KIND_NAMES_X448, keymgmt_x448_functions),
	{ NULL, NULL, NULL, NULL },
};

#define SIGNATURES_BY_DIGEST                                                   \
	{ KIND_NAMES_RSA, PROPERTIES, signature_rsa_functions,                 \
		"RSA by keyd" },                                               \
	{                                                                      \
		"ECDSA", PROPERTIES, signature_ecdsa_functions,                \
			"ECDSA by keyd"                                        \
	}

static const OSSL_ALGORITHM signatures[] = {
	SIGNATURES_BY_DIGEST,
	{ KIND_NAMES_ED25519, PROPERTIES, signature_ed25519_functions,
		"Ed25519 by keyd" },
	{ KIND_NAMES_ED448, PROPERTIES, signature_ed448_functions,
		"Ed448 by keyd" },
	{ NULL, NULL, NULL, NULL },
};

#define COMPOSITE_ROW(family, end, digest, names)                              \
	{ names, PROPERTIES, composite_##family##_##end, "signatures by keyd" },
#define COMPOSITE_ROWS_AND_END                                                 \
	COMPOSITES_RSA(COMPOSITE_ROW)                                          \
	COMPOSITES_ECDSA(COMPOSITE_ROW)                                        \
	{                                                                      \
		NULL, NULL, NULL, NULL                                         \
	}

/* With a libcrypto that has signatures named as a whole: 3.4. */
static const OSSL_ALGORITHM composite_signatures[] = {
	SIGNATURES_BY_DIGEST,
	{ KIND_NAMES_ED25519, PROPERTIES, composite_ed25519,
		"Ed25519 by keyd" },
	{ "ED25519ph", PROPERTIES, composite_ed25519ph, "Ed25519ph by keyd" },
	{ "ED25519ctx", PROPERTIES, composite_ed25519ctx,
		"Ed25519ctx by keyd" },
	{ KIND_NAMES_ED448, PROPERTIES, composite_ed448, "Ed448 by keyd" },
	{ "ED448ph", PROPERTIES, composite_ed448ph, "Ed448ph by keyd" },
	COMPOSITE_ROWS_AND_END,
};

#define DECODER(kind, names, table) [kind] = { names, DECODES, table, "shells" }

static const OSSL_ALGORITHM decoders[] = {
	DECODER(KEY_RSA, KIND_NAMES_RSA, decoder_rsa_functions),
	DECODER(KEY_RSA_PSS, KIND_NAMES_RSA_PSS, decoder_rsa_pss_functions),
	DECODER(KEY_EC, KIND_NAMES_EC, decoder_ec_functions),
	DECODER(KEY_ED25519, KIND_NAMES_ED25519, decoder_ed25519_functions),
	DECODER(KEY_ED448, KIND_NAMES_ED448, decoder_ed448_functions),
	DECODER(KEY_X25519, KIND_NAMES_X25519, decoder_x25519_functions),
	DECODER(KEY_X448, KIND_NAMES_X448, decoder_x448_functions),
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM exchanges[] = {
	{ "ECDH", PROPERTIES, keyexch_ecdh_functions, "ECDH by keyd" },
	{ KIND_NAMES_X25519, PROPERTIES, keyexch_ecx_functions,
		"X25519 by keyd" },
	{ KIND_NAMES_X448, PROPERTIES, keyexch_ecx_functions, "X448 by keyd" },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM ciphers[] = {
	{ KIND_NAMES_RSA, PROPERTIES, cipher_rsa_functions, "RSA by keyd" },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM kems[] = {
	{ KIND_NAMES_RSA, PROPERTIES, kem_rsa_functions, "RSASVE of default" },
	{ NULL, NULL, NULL, NULL },
};

static const struct {
	int operation;
	const OSSL_ALGORITHM *algorithms;
} operations[] = {
	{ OSSL_OP_KEYMGMT, keymgmts },
	{ OSSL_OP_SIGNATURE, signatures },
	{ OSSL_OP_DECODER, decoders },
	{ OSSL_OP_ENCODER, encoder_algorithms },
	{ OSSL_OP_KEYEXCH, exchanges },
	{ OSSL_OP_ASYM_CIPHER, ciphers },
	{ OSSL_OP_KEM, kems },
	{ OSSL_OP_STORE, store_algorithms },
};

enum {
	OPERATIONS = ROWS(operations),
	MAX_PROPERTIES = 128, /* bytes */
};

/* A row of a table with its properties, which are longer than the row's. */
struct fips_row {
	char properties[MAX_PROPERTIES];
};

struct algorithms {
	OSSL_ALGORITHM *table[OPERATIONS];
	struct fips_row *rows[OPERATIONS]; /* what the table points to */
};

static size_t
count(const OSSL_ALGORITHM *table)
{
	size_t n = 0;

	while (table[n].algorithm_names != NULL)
		n++;
	return n;
}

static const OSSL_ALGORITHM *
plain_table(size_t i, bool has_composites)
{
	if (operations[i].operation == OSSL_OP_SIGNATURE && has_composites)
		return composite_signatures;
	return operations[i].algorithms;
}

static int
add_fips(struct algorithms *a, size_t i, const OSSL_ALGORITHM *plain)
{
	size_t j, n = count(plain);
	int len;

	a->table[i] = OPENSSL_zalloc((n + 1) * sizeof(*a->table[i]));
	a->rows[i] = OPENSSL_zalloc(n * sizeof(*a->rows[i]));
	if (a->table[i] == NULL || a->rows[i] == NULL)
		return -1;
	for (j = 0; j < n; j++) {
		len = snprintf(a->rows[i][j].properties, MAX_PROPERTIES,
			"%s,fips=yes", plain[j].property_definition);
		if (len < 0 || len >= MAX_PROPERTIES)
			return -1;
		a->table[i][j] = plain[j];
		a->table[i][j].property_definition = a->rows[i][j].properties;
	}
	return 0;
}

struct algorithms *
algorithms_fips(bool has_composites)
{
	struct algorithms *a = OPENSSL_zalloc(sizeof(*a));
	size_t i;

	if (a == NULL)
		return NULL;
	for (i = 0; i < OPERATIONS; i++) {
		if (add_fips(a, i, plain_table(i, has_composites)) < 0) {
			algorithms_free(a);
			return NULL;
		}
	}
	return a;
}

void
algorithms_free(struct algorithms *a)
{
	size_t i;

	if (a == NULL)
		return;
	for (i = 0; i < OPERATIONS; i++) {
		OPENSSL_free(a->table[i]);
		OPENSSL_free(a->rows[i]);
	}
	OPENSSL_free(a);
}

const OSSL_ALGORITHM *
algorithms_of(const struct algorithms *fips, bool has_composites, int operation)
{
	size_t i;

	for (i = 0; i < OPERATIONS; i++)
		if (operations[i].operation == operation)
			return fips != NULL ? fips->table[i]
					    : plain_table(i, has_composites);
	return NULL;
}
