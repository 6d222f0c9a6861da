/*
 * ECDH, X25519 and X448: provider-keyexch(7). With a shell keyd does the
 * agreement; a KDF then works on the secret here, since it is the same secret
 * that without a KDF would be the result.
 */
#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/operation.h"
#include "provider/remote.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <string.h>

static OSSL_FUNC_keyexch_newctx_fn newctx;
static OSSL_FUNC_keyexch_freectx_fn freectx;
static OSSL_FUNC_keyexch_dupctx_fn dupctx;
static OSSL_FUNC_keyexch_init_fn init;
static OSSL_FUNC_keyexch_set_peer_fn set_peer;
static OSSL_FUNC_keyexch_derive_fn derive;
static OSSL_FUNC_keyexch_set_ctx_params_fn set_params;
static OSSL_FUNC_keyexch_get_ctx_params_fn get_params;
static OSSL_FUNC_keyexch_settable_ctx_params_fn settable;
static OSSL_FUNC_keyexch_gettable_ctx_params_fn gettable;

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST_PROPS, NULL, 0),
	OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
	OSSL_PARAM_octet_string(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM readable[] = {
	OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
	OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
	OSSL_PARAM_octet_ptr(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
	OSSL_PARAM_END,
};

#define COMMON                                                                 \
	DISPATCH(OSSL_FUNC_KEYEXCH_NEWCTX, newctx),                            \
		DISPATCH(OSSL_FUNC_KEYEXCH_FREECTX, freectx),                  \
		DISPATCH(OSSL_FUNC_KEYEXCH_DUPCTX, dupctx),                    \
		DISPATCH(OSSL_FUNC_KEYEXCH_INIT, init),                        \
		DISPATCH(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),                \
		DISPATCH(OSSL_FUNC_KEYEXCH_DERIVE, derive)

const OSSL_DISPATCH keyexch_ecdh_functions[] = {
	COMMON,
	DISPATCH(OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS, set_params),
	DISPATCH(OSSL_FUNC_KEYEXCH_GET_CTX_PARAMS, get_params),
	DISPATCH(OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(OSSL_FUNC_KEYEXCH_GETTABLE_CTX_PARAMS, gettable),
	DISPATCH_END,
};

/* X25519 and X448: nothing to choose. */
const OSSL_DISPATCH keyexch_ecx_functions[] = {
	COMMON,
	DISPATCH_END,
};

static void *
newctx(void *provctx)
{
	return operation_newctx(provctx);
}

static void
freectx(void *vctx)
{
	operation_freectx(vctx);
}

static void *
dupctx(void *vctx)
{
	return operation_dupctx(vctx);
}

static int
init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct operation *op = vctx;

	if (!operation_begin(op, provkey, EVP_PKEY_derive_init, params))
		return 0;
	op->is_remote = op->key->is_shell;
	return 1;
}

static int
set_peer(void *vctx, void *provkey)
{
	struct operation *op = vctx;
	struct key *peer = provkey;

	/*
	 * libcrypto has validated the peer's key through keymgmt; that it is
	 * of the same group is for `default` to see.
	 */
	if (op->pctx == NULL || peer->inner == NULL ||
		EVP_PKEY_derive_set_peer_ex(op->pctx, peer->inner, 0) != 1)
		return 0;
	key_up_ref(peer);
	key_free(op->peer);
	op->peer = peer;
	return 1;
}

/* Bytes of the secret, which are those of a coordinate: SEC 1 §3.3.1. */
static size_t
secret_size(const struct key *key)
{
	if (kind_of(key->kind)->has_domain)
		return ((size_t)key->type->min_bits + 7) / 8;
	return key->kind == KEY_X448 ? 56 : 32; /* RFC 7748 */
}

/* 04 ‖ x ‖ y, whatever form the key itself would write. */
static int
encode_point(const struct key *peer, size_t field, uint8_t *out)
{
	BIGNUM *x = NULL, *y = NULL;
	int ok;

	out[0] = 0x04;
	ok = EVP_PKEY_get_bn_param(peer->inner, OSSL_PKEY_PARAM_EC_PUB_X, &x) ==
		     1 &&
	     EVP_PKEY_get_bn_param(peer->inner, OSSL_PKEY_PARAM_EC_PUB_Y, &y) ==
		     1 &&
	     BN_bn2binpad(x, out + 1, (int)field) == (int)field &&
	     BN_bn2binpad(y, out + 1 + field, (int)field) == (int)field;
	BN_free(x);
	BN_free(y);
	return ok;
}

static int
derive_plain(const struct operation *op, uint8_t *secret, size_t size)
{
	uint8_t point[PROTO_MAX_PEER];
	struct view peer = { .data = point, .len = size };
	size_t len;
	int ok;

	if (kind_of(op->key->kind)->has_domain) {
		peer.len = 1 + 2 * size;
		ok = encode_point(op->peer, size, point);
	} else {
		ok = EVP_PKEY_get_raw_public_key(op->peer->inner, NULL, &len) ==
			     1 &&
		     len == size &&
		     EVP_PKEY_get_raw_public_key(
			     op->peer->inner, point, &len) == 1;
	}
	if (!ok) {
		errors_raise(op->ctx, ERROR_BAD_PEER,
			"key %s: the other side's public key cannot be encoded",
			op->key->name);
		return 0;
	}
	return remote_derive(op->key, peer, secret, size) == 0;
}

/* What op->pctx has been set to, of ECDH. */
struct kdf {
	char type[32]; /* "": none */
	char digest[64];
	size_t outlen;
	void *ukm;
	size_t ukm_len;
};

static int
read_kdf(const struct operation *op, struct kdf *out)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE,
			out->type, sizeof(out->type)),
		OSSL_PARAM_construct_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST,
			out->digest, sizeof(out->digest)),
		OSSL_PARAM_construct_size_t(
			OSSL_EXCHANGE_PARAM_KDF_OUTLEN, &out->outlen),
		OSSL_PARAM_construct_octet_ptr(
			OSSL_EXCHANGE_PARAM_KDF_UKM, &out->ukm, 0),
		OSSL_PARAM_construct_end(),
	};

	memset(out, 0, sizeof(*out));
	if (!kind_of(op->key->kind)->has_domain)
		return 1; /* X25519 and X448 take no parameters */
	if (EVP_PKEY_CTX_get_params(op->pctx, params) != 1)
		return 0;
	out->ukm_len = out->ukm == NULL ? 0 : params[3].return_size;
	return 1;
}

/* ANSI X9.63: the only one there is for ECDH. */
static int
apply_kdf(const struct operation *op, struct kdf *kdf, uint8_t *secret,
	size_t size, uint8_t *out)
{
	EVP_KDF *algorithm = EVP_KDF_fetch(op->ctx->libctx, kdf->type, NULL);
	EVP_KDF_CTX *kctx =
		algorithm == NULL ? NULL : EVP_KDF_CTX_new(algorithm);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_KDF_PARAM_DIGEST, kdf->digest, 0),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_KEY, secret, size),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, kdf->ukm, kdf->ukm_len),
		OSSL_PARAM_construct_end(),
	};
	int ok;

	ok = kctx != NULL &&
	     EVP_KDF_derive(kctx, out, kdf->outlen, params) == 1;
	EVP_KDF_CTX_free(kctx);
	EVP_KDF_free(algorithm);
	return ok;
}

static int
derive_with_kdf(const struct operation *op, struct kdf *kdf, uint8_t *out,
	size_t *len, size_t room)
{
	size_t size = secret_size(op->key);
	uint8_t secret[PROTO_MAX_PEER];
	int ok;

	*len = kdf->outlen;
	if (out == NULL)
		return 1;
	if (room < kdf->outlen || kdf->digest[0] == '\0') {
		errors_raise(op->ctx,
			room < kdf->outlen ? ERROR_BAD_LENGTH : ERROR_NO_DIGEST,
			"key %s: key derivation function %s to %zu bytes",
			op->key->name, kdf->type, kdf->outlen);
		return 0;
	}
	ok = derive_plain(op, secret, size) &&
	     apply_kdf(op, kdf, secret, size, out);
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok;
}

static int
derive_remote(
	const struct operation *op, uint8_t *out, size_t *len, size_t room)
{
	size_t size = secret_size(op->key);
	uint8_t secret[PROTO_MAX_PEER];
	struct kdf kdf;
	int ok;

	if (op->peer == NULL) {
		errors_raise(op->ctx, ERROR_NO_KEY,
			"key %s: the other side's public key", op->key->name);
		return 0;
	}
	if (!read_kdf(op, &kdf))
		return 0;
	if (kdf.type[0] != '\0')
		return derive_with_kdf(op, &kdf, out, len, room);
	*len = size;
	if (out == NULL)
		return 1;
	if (room >= size)
		return derive_plain(op, out, size);
	/* As `default` does it: ECDH is cut off, the others are not. */
	if (!kind_of(op->key->kind)->has_domain) {
		errors_raise(op->ctx, ERROR_BAD_LENGTH,
			"key %s: the secret has %zu bytes, there are %zu",
			op->key->name, size, room);
		return 0;
	}
	ok = derive_plain(op, secret, size);
	if (ok) {
		memcpy(out, secret, room);
		*len = room;
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok;
}

static int
derive(void *vctx, unsigned char *secret, size_t *len, size_t size)
{
	struct operation *op = vctx;

	if (op->pctx == NULL)
		return 0;
	if (op->is_remote)
		return derive_remote(op, secret, len, size);
	*len = size;
	return EVP_PKEY_derive(op->pctx, secret, len) == 1;
}

static int
set_params(void *vctx, const OSSL_PARAM params[])
{
	return operation_set_params(vctx, params);
}

static int
get_params(void *vctx, OSSL_PARAM params[])
{
	return operation_get_params(vctx, params);
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return writable;
}

static const OSSL_PARAM *
gettable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return readable;
}
