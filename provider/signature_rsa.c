#include "provider/dispatch.h"
#include "provider/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <string.h>

#include "provider/delegate.h"
#include "provider/errors.h"

static OSSL_FUNC_signature_newctx_fn newctx;
static OSSL_FUNC_signature_settable_ctx_params_fn settable;

static const OSSL_PARAM readable[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	OSSL_PARAM_END,
};

#define BESIDE_DIGEST                                                          \
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),        \
		OSSL_PARAM_utf8_string(                                        \
			OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),            \
		OSSL_PARAM_utf8_string(                                        \
			OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES, NULL, 0),        \
		OSSL_PARAM_utf8_string(                                        \
			OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0)

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
	BESIDE_DIGEST,
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable_later[] = { BESIDE_DIGEST, OSSL_PARAM_END };

const OSSL_DISPATCH signature_rsa_functions[] = {
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),
	SIGNATURE_COMMON,
	DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT,
		signature_recover_init),
	DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER, signature_recover),
	DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,
		signature_rsa_gettable),
	DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH_END,
};

/*
 * `default` reads and keeps the parameters of remote signatures, in s->pctx: so
 * the same are accepted in the same order, the same is told of them, and what
 * an RSA-PSS key restricts is restricted. What is set is then read from it.
 */
struct state {
	int padding;
	int salt;             /* bytes, or a special value */
	char digest[64];      /* default's names have up to 49 letters */
	char mgf1_digest[64]; /* "": none */
};

/* Of 3.1, and so not in each <openssl/rsa.h>. */
enum {
	SALT_AUTO_DIGEST_MAX = -4,
};

static int
read_state(const struct signature *s, struct state *out)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(
			OSSL_SIGNATURE_PARAM_PAD_MODE, &out->padding),
		OSSL_PARAM_construct_int(
			OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &out->salt),
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
			out->digest, sizeof(out->digest)),
		OSSL_PARAM_construct_utf8_string(
			OSSL_SIGNATURE_PARAM_MGF1_DIGEST, out->mgf1_digest,
			sizeof(out->mgf1_digest)),
		OSSL_PARAM_construct_end(),
	};

	memset(out, 0, sizeof(*out));
	return EVP_PKEY_CTX_get_params(s->pctx, params) == 1;
}

static void
refuse_padding(const struct signature *s)
{
	errors_raise(s->ctx, ERROR_BAD_PADDING,
		"key %s: keyd signs with PKCS#1 v1.5 or PSS padding and with "
		"no other",
		s->key->name);
}

/* What default has accepted, keyd must have too. 0, or -1 and an error. */
static int
read_scheme(const struct signature *s, struct proto_scheme *out, int *salt)
{
	struct state state;

	memset(out, 0, sizeof(*out));
	if (!read_state(s, &state))
		return -1;
	if (state.padding != RSA_PKCS1_PADDING &&
		state.padding != RSA_PKCS1_PSS_PADDING) {
		refuse_padding(s);
		return -1;
	}
	if (state.digest[0] != '\0') {
		out->digest = signature_digest(s, state.digest);
		if (out->digest == 0)
			return -1;
	}
	out->algorithm = PROTO_RSA_PKCS1;
	if (state.padding == RSA_PKCS1_PADDING)
		return 0;
	if (out->digest == 0) {
		errors_raise(s->ctx, ERROR_NO_DIGEST,
			"key %s: PSS padding needs one", s->key->name);
		return -1;
	}
	out->algorithm = PROTO_RSA_PSS;
	out->mgf1 = out->digest;
	if (state.mgf1_digest[0] != '\0')
		out->mgf1 = signature_digest(s, state.mgf1_digest);
	*salt = state.salt;
	return out->mgf1 == 0 ? -1 : 0;
}

static int
set(struct signature *s, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p =
		OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
	struct proto_scheme scheme;
	uint8_t digest;
	int salt;

	if (s->has_message && p != NULL &&
		!signature_check_digest(s, p, &digest))
		return 0;
	if (!delegate_set_params(s->pctx, params)) {
		/* In its own words default says why, but not what else. */
		if (OSSL_PARAM_locate_const(
			    params, OSSL_SIGNATURE_PARAM_PAD_MODE) != NULL)
			refuse_padding(s);
		return 0;
	}
	if (read_scheme(s, &scheme, &salt) < 0)
		return 0;
	s->digest = scheme.digest;
	return 1;
}

static int
set_digest(struct signature *s, const char *name)
{
	OSSL_PARAM params[] = {
		/* only ever read */
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
			(char *)(uintptr_t)name, 0),
		OSSL_PARAM_construct_end(),
	};

	return set(s, params);
}

static int
begin(struct signature *s, const char *mdname, const OSSL_PARAM params[])
{
	struct proto_scheme scheme;
	int salt;

	if (!signature_begin_local(s) || EVP_PKEY_sign_init(s->pctx) != 1)
		return 0;
	if (!signature_set_ctx_params(s, params))
		return 0;
	if (mdname == NULL)
		return 1;
	if (mdname[0] != '\0')
		return set_digest(s, mdname);
	/* That of the key's restrictions, or else what is usual. */
	if (read_scheme(s, &scheme, &salt) < 0)
		return 0;
	s->digest = scheme.digest;
	return s->digest != 0 || set_digest(s, "SHA256");
}

static int
get(struct signature *s, OSSL_PARAM params[])
{
	return EVP_PKEY_CTX_get_params(s->pctx, params) == 1;
}

/* Bytes of salt: RFC 8017 §9.1.1. 0, or -1 if the key is too short. */
static int
salt_length(const struct signature *s, uint8_t digest, int salt, uint16_t *out)
{
	int encoded = (EVP_PKEY_get_bits(s->key->inner) - 1 + 7) / 8;
	int hash = (int)proto_digest_len(digest);
	int max = encoded - hash - 2;

	switch (salt) {
	case RSA_PSS_SALTLEN_DIGEST:
		salt = hash;
		break;
	case RSA_PSS_SALTLEN_AUTO: /* signing: the longest */
	case RSA_PSS_SALTLEN_MAX:
		salt = max;
		break;
	case SALT_AUTO_DIGEST_MAX:
		salt = hash < max ? hash : max;
		break;
	}
	if (salt < 0 || salt > max) {
		errors_raise(s->ctx, ERROR_BAD_SALT,
			"key %s: with %s the salt can have at most %d bytes",
			s->key->name, proto_digest_name(digest),
			max < 0 ? 0 : max);
		return -1;
	}
	*out = (uint16_t)salt;
	return 0;
}

static int
scheme(struct signature *s, enum proto_input input, struct view *data,
	struct proto_scheme *out)
{
	size_t room = key_signature_size(s->key) - RSA_PKCS1_PADDING_SIZE;
	int salt;

	if (read_scheme(s, out, &salt) < 0)
		return -1;
	if (out->algorithm == PROTO_RSA_PSS)
		return salt_length(s, out->digest, salt, &out->salt);
	/* Without a digest the padding encloses the data as they are. */
	if (out->digest == 0 && input == PROTO_INPUT_DIGEST &&
		data->len > room) {
		errors_raise(s->ctx, ERROR_BAD_LENGTH,
			"key %s: %zu bytes do not fit into a signature, at "
			"most %zu do: set a digest",
			s->key->name, data->len, room);
		return -1;
	}
	return 0;
}

const struct signature_type signature_rsa = {
	.begin = begin,
	.set = set,
	.get = get,
	.scheme = scheme,
};

static void *
newctx(void *provctx, const char *propq)
{
	(void)propq;
	return signature_new(provctx, &signature_rsa);
}

const OSSL_PARAM *
signature_rsa_gettable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return readable;
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	const struct signature *s = vctx;

	(void)provctx;
	return s != NULL && s->has_message ? writable_later : writable;
}
