/*
 * RSA encryption: provider-asym_cipher(7). keyd decrypts with a shell's key,
 * and makes sure of every padding: no more than its answer is known here.
 */
#include "provider/digest.h"
#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/operation.h"
#include "provider/remote.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <string.h>

static OSSL_FUNC_asym_cipher_newctx_fn newctx;
static OSSL_FUNC_asym_cipher_freectx_fn freectx;
static OSSL_FUNC_asym_cipher_dupctx_fn dupctx;
static OSSL_FUNC_asym_cipher_encrypt_init_fn encrypt_init;
static OSSL_FUNC_asym_cipher_encrypt_fn encrypt_data;
static OSSL_FUNC_asym_cipher_decrypt_init_fn decrypt_init;
static OSSL_FUNC_asym_cipher_decrypt_fn decrypt_data;
static OSSL_FUNC_asym_cipher_set_ctx_params_fn set_params;
static OSSL_FUNC_asym_cipher_get_ctx_params_fn get_params;
static OSSL_FUNC_asym_cipher_settable_ctx_params_fn settable;
static OSSL_FUNC_asym_cipher_gettable_ctx_params_fn gettable;

#define TEXT(name) OSSL_PARAM_utf8_string(name, NULL, 0)

static const OSSL_PARAM writable[] = {
	TEXT(OSSL_ASYM_CIPHER_PARAM_PAD_MODE),
	TEXT(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST),
	TEXT(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST_PROPS),
	TEXT(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST),
	TEXT(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST_PROPS),
	OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION, NULL),
	OSSL_PARAM_uint("implicit-rejection", NULL), /* 3.2 */
	OSSL_PARAM_END,
};

static const OSSL_PARAM readable[] = {
	TEXT(OSSL_ASYM_CIPHER_PARAM_PAD_MODE),
	TEXT(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST),
	TEXT(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST),
	OSSL_PARAM_octet_ptr(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
	OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION, NULL),
	OSSL_PARAM_uint("implicit-rejection", NULL), /* 3.2 */
	OSSL_PARAM_END,
};

const OSSL_DISPATCH cipher_rsa_functions[] = {
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_NEWCTX, newctx),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_FREECTX, freectx),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_DUPCTX, dupctx),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT, encrypt_init),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_ENCRYPT, encrypt_data),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, decrypt_init),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt_data),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_params),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, get_params),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, gettable),
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
encrypt_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	return operation_begin(vctx, provkey, EVP_PKEY_encrypt_init, params);
}

static int
encrypt_data(void *vctx, unsigned char *out, size_t *outlen, size_t outsize,
	const unsigned char *in, size_t inlen)
{
	struct operation *op = vctx;

	*outlen = outsize;
	return op->pctx != NULL &&
	       EVP_PKEY_encrypt(op->pctx, out, outlen, in, inlen) == 1;
}

static int
decrypt_init(void *vctx, void *provkey, const OSSL_PARAM params[])
{
	struct operation *op = vctx;

	if (!operation_begin(op, provkey, EVP_PKEY_decrypt_init, params))
		return 0;
	op->is_remote = op->key->is_shell;
	return 1;
}

/* What op->pctx has been set to. */
struct state {
	int padding;
	unsigned client_version;
	char digest[64], mgf1_digest[64]; /* "": none */
	void *label;
	size_t label_len;
};

static int
read_state(const struct operation *op, struct state *out)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(
			OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &out->padding),
		OSSL_PARAM_construct_uint(
			OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION,
			&out->client_version),
		OSSL_PARAM_construct_utf8_string(
			OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, out->digest,
			sizeof(out->digest)),
		OSSL_PARAM_construct_utf8_string(
			OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, out->mgf1_digest,
			sizeof(out->mgf1_digest)),
		OSSL_PARAM_construct_octet_ptr(
			OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, &out->label, 0),
		OSSL_PARAM_construct_end(),
	};

	memset(out, 0, sizeof(*out));
	if (EVP_PKEY_CTX_get_params(op->pctx, params) != 1)
		return 0;
	out->label_len = out->label == NULL ? 0 : params[4].return_size;
	return 1;
}

static int
oaep_digest(const struct operation *op, const char *name, uint8_t *out)
{
	/* RFC 8017 §A.2.1 */
	*out = name[0] == '\0' ? PROTO_SHA1 : digest_number(op->ctx, name);
	if (*out != 0)
		return 0;
	errors_raise(op->ctx, ERROR_BAD_DIGEST,
		"key %s: digest %.40s is not one that keyd uses for OAEP",
		op->key->name, name);
	return -1;
}

static int
set_oaep(const struct operation *op, const struct state *state,
	struct proto_decrypt *m)
{
	m->padding = PROTO_OAEP;
	m->label = (struct view){ state->label, state->label_len };
	if (state->label_len > PROTO_MAX_LABEL) {
		errors_raise(op->ctx, ERROR_BAD_LENGTH,
			"key %s: keyd takes OAEP labels of at most %d bytes, "
			"this one has %zu",
			op->key->name, PROTO_MAX_LABEL, state->label_len);
		return -1;
	}
	if (oaep_digest(op, state->digest, &m->digest) < 0)
		return -1;
	if (state->mgf1_digest[0] == '\0') {
		m->mgf1 = m->digest;
		return 0;
	}
	return oaep_digest(op, state->mgf1_digest, &m->mgf1);
}

static int
set_padding(const struct operation *op, const struct state *state,
	struct proto_decrypt *m)
{
	switch (state->padding) {
	case RSA_PKCS1_OAEP_PADDING:
		return set_oaep(op, state, m);
	case RSA_PKCS1_PADDING:
		m->padding = PROTO_PKCS1;
		return 0;
	case RSA_PKCS1_WITH_TLS_PADDING:
		m->padding = PROTO_PREMASTER;
		m->version = (uint16_t)state->client_version;
		if (m->version != 0 && m->version == state->client_version)
			return 0;
		errors_raise(op->ctx, ERROR_BAD_VERSION,
			"key %s: the TLS client's version is not set",
			op->key->name);
		return -1;
	default:
		errors_raise(op->ctx, ERROR_BAD_PADDING,
			"key %s: keyd decrypts with OAEP or PKCS#1 v1.5 "
			"padding and with no other",
			op->key->name);
		return -1;
	}
}

/*
 * The same number with the zeros in front that its sender has left out: as
 * `default`, which takes such a ciphertext. keyd takes none but whole ones.
 */
static void
lengthen(struct view *data, uint8_t out[PROTO_MAX_CIPHERTEXT], size_t size)
{
	if (data->len >= size || size > PROTO_MAX_CIPHERTEXT)
		return;
	memset(out, 0, size - data->len);
	if (data->len > 0)
		memcpy(out + size - data->len, data->data, data->len);
	*data = (struct view){ .data = out, .len = size };
}

static int
decrypt_remote(const struct operation *op, unsigned char *out, size_t *outlen,
	size_t outsize, struct view in)
{
	size_t size = key_signature_size(op->key); /* the modulus' */
	struct proto_decrypt m = { .data = in };
	uint8_t padded[PROTO_MAX_CIPHERTEXT];
	struct state state;

	if (!read_state(op, &state))
		return 0;
	if (state.padding == RSA_PKCS1_WITH_TLS_PADDING)
		size = PROTO_PREMASTER_LEN;
	if (out == NULL) {
		*outlen = size;
		return 1;
	}
	if (outsize < size) {
		errors_raise(op->ctx, ERROR_BAD_LENGTH,
			"key %s: what is decrypted may need %zu bytes, there "
			"are %zu",
			op->key->name, size, outsize);
		return 0;
	}
	if (set_padding(op, &state, &m) < 0)
		return 0;
	if (m.padding != PROTO_PREMASTER)
		lengthen(&m.data, padded, key_signature_size(op->key));
	if (m.data.len != key_signature_size(op->key)) {
		errors_raise(op->ctx, ERROR_BAD_LENGTH,
			"key %s: %zu bytes are not a ciphertext of this key",
			op->key->name, in.len);
		return 0;
	}
	return remote_decrypt(op->key, &m, out, size, outlen) == 0;
}

static int
decrypt_data(void *vctx, unsigned char *out, size_t *outlen, size_t outsize,
	const unsigned char *in, size_t inlen)
{
	struct operation *op = vctx;
	struct view data = { .data = in, .len = inlen };

	if (op->pctx == NULL)
		return 0;
	if (op->is_remote)
		return decrypt_remote(op, out, outlen, outsize, data);
	*outlen = outsize;
	return EVP_PKEY_decrypt(op->pctx, out, outlen, in, inlen) == 1;
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
