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

enum {
	SIGNATURE_MAX_NAME = 64, /* of a digest or instance, with its end */
};

struct signature;

/* What differs between RSA, ECDSA and EdDSA, when signing with a shell. */
struct signature_type {
	/*
	 * Begins with a key that is set: of messages with this digest ("": the
	 * usual one), or of digests (NULL). 1, or 0 with an error raised.
	 */
	int (*begin)(struct signature *s, const char *mdname,
		const OSSL_PARAM params[]);
	/* Parameters. 1, or 0 with an error raised. */
	int (*set)(struct signature *s, const OSSL_PARAM params[]);
	int (*get)(struct signature *s, OSSL_PARAM params[]);
	/*
	 * The scheme for what is to be signed, and which bytes of it are asked
	 * for. 0, or -1 with an error raised.
	 */
	int (*scheme)(struct signature *s, enum proto_input input,
		struct view *data, struct proto_scheme *out);
	bool is_pure; /* there is no digest: RFC 8032 */
};

struct signature {
	struct context *ctx;
	const struct signature_type *type;
	const char *fixed; /* digest or instance: composite.h; NULL: none */
	struct key *key;
	bool is_remote; /* signing with a shell */
	/* remote */
	bool has_message; /* begun as digest_sign: the digest is fixed */
	bool is_finished; /* signed what was streamed: no more of it */
	uint8_t digest;   /* proto_digest, 0: not set */
	struct stream stream;
	/* ECDSA */
	size_t digest_size; /* of what is signed, 0: any */
	unsigned nonce_type;
	/* EdDSA */
	uint8_t algorithm; /* proto_algorithm */
	uint8_t context_len, context[PROTO_MAX_CONTEXT];
	/*
	 * Local: one of them, with `default`'s state. RSA signing remotely has
	 * pctx, which reads and keeps the parameters, but never signs.
	 */
	EVP_MD_CTX *md;
	EVP_PKEY_CTX *pctx;
	/* composite algorithms */
	bool is_fixed;         /* begun with what is fixed: it stays */
	bool verifies_message; /* against sig, which is set before its end */
	unsigned char *sig;
	size_t sig_len;
};

extern const struct signature_type signature_rsa, signature_ecdsa, signature_ed;

struct signature *
signature_new(struct context *ctx, const struct signature_type *type);

/* A new operation with this key, or the one before (NULL). 1 or 0. */
int signature_begin(struct signature *s, void *provkey);

/* pctx for the inner key. 1 or 0. */
int signature_begin_local(struct signature *s);

/* A digest's number. 0, with an error raised, if keyd does not have it. */
uint8_t signature_digest(const struct signature *s, const char *name);

/* The digest from a parameter; that of a message is fixed once begun. 1 or 0. */
int signature_check_digest(
	const struct signature *s, const OSSL_PARAM *param, uint8_t *out);

/* The algorithm-id of a scheme, as a parameter. 1 or 0. */
int signature_get_algid(const struct signature *s,
	const struct proto_scheme *scheme, OSSL_PARAM *p);

OSSL_FUNC_signature_gettable_ctx_params_fn signature_rsa_gettable;
OSSL_FUNC_signature_gettable_ctx_params_fn signature_ecdsa_gettable;
OSSL_FUNC_signature_newctx_fn signature_ed_newctx;
OSSL_FUNC_signature_gettable_ctx_params_fn signature_ed_gettable;
OSSL_FUNC_signature_settable_ctx_params_fn signature_ed_settable;

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
