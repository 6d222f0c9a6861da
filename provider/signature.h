/*
 * Signatures: provider-signature(7). Signing with a shell is asked of keyd; all
 * else (verifying, and signing with a pass-through key) is done by `default` on
 * the inner key.
 */
#ifndef KEYD_PROVIDER_SIGNATURE_H
#define KEYD_PROVIDER_SIGNATURE_H

#include <stdbool.h>

#include "provider/key.h"
#include "provider/stream.h"
#include "wire/proto.h"

/*
 * Salt lengths that are not a number of bytes, as <openssl/rsa.h> of 3.1 has
 * them.
 */
enum signature_salt {
	SIGNATURE_SALT_DIGEST = -1,
	SIGNATURE_SALT_AUTO = -2, /* signing: the longest */
	SIGNATURE_SALT_MAX = -3,
	SIGNATURE_SALT_AUTO_DIGEST_MAX = -4, /* digest's, or the longest */
	SIGNATURE_SALT_DEFAULT = SIGNATURE_SALT_AUTO_DIGEST_MAX,
};

struct signature;

/* What differs between RSA, ECDSA and EdDSA. */
struct signature_type {
	/* Parameters of signing with a shell. 1, or 0 with an error raised. */
	int (*set)(struct signature *s, const OSSL_PARAM params[]);
	int (*get)(const struct signature *s, OSSL_PARAM params[]);
	/*
	 * The scheme as it is set; digest_len is what is to be signed, or 0
	 * for a message. 0, or -1 with an error raised.
	 */
	int (*scheme)(const struct signature *s, size_t digest_len,
		struct proto_scheme *out);
	bool is_pure; /* there is no digest: RFC 8032 */
};

struct signature {
	struct context *ctx;
	const struct signature_type *type;
	struct key *key;
	bool is_remote; /* signing with a shell */
	/* remote */
	uint8_t digest;   /* proto_digest, 0: not set */
	bool has_message; /* begun as digest_sign: the digest is fixed */
	bool is_pss;
	uint8_t mgf1; /* proto_digest, 0: as digest */
	int salt;     /* bytes, or a signature_salt */
	struct stream stream;
	/* local: one of them, with `default`'s state */
	EVP_MD_CTX *md;
	EVP_PKEY_CTX *pctx;
};

struct signature *
signature_new(struct context *ctx, const struct signature_type *type);

/* A new operation with this key, or the one before (NULL). 1 or 0. */
int signature_begin(struct signature *s, void *provkey);

/* pctx for the inner key. 1 or 0. */
int signature_begin_local(struct signature *s);

/* Reads a digest's name from a parameter: 1, or 0 with an error raised. */
int signature_read_digest(
	const struct signature *s, const OSSL_PARAM *param, uint8_t *out);

/* A digest from a parameter; that of a message is fixed once begun. 1 or 0. */
int signature_set_digest(struct signature *s, const OSSL_PARAM *param);

/* Parameters of all types: digest and algorithm-id. 1 or 0. */
int signature_get_common(const struct signature *s, OSSL_PARAM params[]);

/* The functions in every table of signatures. */
OSSL_FUNC_signature_freectx_fn signature_freectx;
OSSL_FUNC_signature_dupctx_fn signature_dupctx;
OSSL_FUNC_signature_sign_init_fn signature_sign_init;
OSSL_FUNC_signature_sign_fn signature_sign;
OSSL_FUNC_signature_digest_sign_init_fn signature_digest_sign_init;
OSSL_FUNC_signature_digest_sign_update_fn signature_digest_sign_update;
OSSL_FUNC_signature_digest_sign_final_fn signature_digest_sign_final;
OSSL_FUNC_signature_digest_sign_fn signature_digest_sign;
OSSL_FUNC_signature_verify_init_fn signature_verify_init;
OSSL_FUNC_signature_verify_fn signature_verify;
OSSL_FUNC_signature_verify_recover_init_fn signature_recover_init;
OSSL_FUNC_signature_verify_recover_fn signature_recover;
OSSL_FUNC_signature_digest_verify_init_fn signature_digest_verify_init;
OSSL_FUNC_signature_digest_verify_update_fn signature_digest_verify_update;
OSSL_FUNC_signature_digest_verify_final_fn signature_digest_verify_final;
OSSL_FUNC_signature_digest_verify_fn signature_digest_verify;
OSSL_FUNC_signature_get_ctx_params_fn signature_get_ctx_params;
OSSL_FUNC_signature_set_ctx_params_fn signature_set_ctx_params;

#define SIGNATURE_COMMON                                                       \
	DISPATCH(OSSL_FUNC_SIGNATURE_FREECTX, signature_freectx),              \
		DISPATCH(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dupctx),        \
		DISPATCH(OSSL_FUNC_SIGNATURE_SIGN_INIT, signature_sign_init),  \
		DISPATCH(OSSL_FUNC_SIGNATURE_SIGN, signature_sign),            \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,                 \
			signature_digest_sign_init),                           \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE,               \
			signature_digest_sign_update),                         \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL,                \
			signature_digest_sign_final),                          \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN,                      \
			signature_digest_sign),                                \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_INIT,                      \
			signature_verify_init),                                \
		DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY, signature_verify),        \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,               \
			signature_digest_verify_init),                         \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE,             \
			signature_digest_verify_update),                       \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL,              \
			signature_digest_verify_final),                        \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY,                    \
			signature_digest_verify),                              \
		DISPATCH(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,                   \
			signature_get_ctx_params),                             \
		DISPATCH(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS,                   \
			signature_set_ctx_params)

#endif
