#include "provider/dispatch.h"
#include "provider/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/digest.h"
#include "provider/errors.h"

/* Of libcrypto 3.2, and so not in each <openssl/core_names.h>. */
#define NONCE_TYPE "nonce-type"

enum {
	DETERMINISTIC = 1, /* RFC 6979 */
	MAX_RAW = 64,      /* bytes to sign without a digest's name */
};

static OSSL_FUNC_signature_newctx_fn newctx;
static OSSL_FUNC_signature_settable_ctx_params_fn settable;

/* Without the last one where libcrypto does not have it: 3.2. */
static const OSSL_PARAM readable[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM readable_nonce[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_uint(NONCE_TYPE, NULL),
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable_nonce[] = {
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
	OSSL_PARAM_uint(NONCE_TYPE, NULL),
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable_later[] = {
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable_nonce_later[] = {
	OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
	OSSL_PARAM_uint(NONCE_TYPE, NULL),
	OSSL_PARAM_END,
};

const OSSL_DISPATCH signature_ecdsa_functions[] = {
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),
	SIGNATURE_COMMON,
	DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,
		signature_ecdsa_gettable),
	DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH_END,
};

/*
 * Of data longer than the group's order ECDSA takes the first bits (FIPS 186-4
 * §6.4): those are all that keyd needs.
 */
static int
cut(const struct signature *s, struct view *data)
{
	size_t order = ((size_t)s->key->type->min_bits + 7) / 8;

	if (data->len > MAX_RAW && order <= MAX_RAW)
		data->len = order;
	if (data->len >= 1 && data->len <= MAX_RAW)
		return 0;
	errors_raise(s->ctx, ERROR_BAD_LENGTH,
		"key %s: keyd signs a digest of 1 to %d bytes, not of %zu",
		s->key->name, MAX_RAW, data->len);
	return -1;
}

static int
scheme(struct signature *s, enum proto_input input, struct view *data,
	struct proto_scheme *out)
{
	memset(out, 0, sizeof(*out));
	out->algorithm = s->nonce_type == DETERMINISTIC
				 ? PROTO_ECDSA_DETERMINISTIC
				 : PROTO_ECDSA;
	out->digest = s->digest;
	if (input != PROTO_INPUT_DIGEST)
		return 0;
	if (s->digest_size == proto_digest_len(s->digest))
		return out->digest != 0 ? 0 : cut(s, data);
	/* A size was set that is not the digest's. */
	out->digest = 0;
	if (s->digest_size == 0 || data->len == s->digest_size)
		return cut(s, data);
	errors_raise(s->ctx, ERROR_BAD_LENGTH,
		"key %s: %zu bytes to sign, but the digest size set is %zu",
		s->key->name, data->len, s->digest_size);
	return -1;
}

static int
set_digest(struct signature *s, const OSSL_PARAM *p)
{
	if (!signature_check_digest(s, p, &s->digest))
		return 0;
	s->digest_size = proto_digest_len(s->digest);
	return 1;
}

static int
set_digest_size(struct signature *s, const OSSL_PARAM *p)
{
	size_t size;

	if (!OSSL_PARAM_get_size_t(p, &size) ||
		(s->has_message && size != s->digest_size))
		return 0;
	s->digest_size = size;
	return 1;
}

static int
set_nonce_type(struct signature *s, const OSSL_PARAM *p)
{
	/* As `default` without it, which does not know the parameter. */
	return !s->ctx->has_nonce_type ||
	       OSSL_PARAM_get_uint(p, &s->nonce_type);
}

static int
set(struct signature *s, const OSSL_PARAM params[])
{
	static const struct {
		const char *name;
		int (*set)(struct signature *s, const OSSL_PARAM *p);
	} setters[] = {
		{ OSSL_SIGNATURE_PARAM_DIGEST, set_digest },
		{ OSSL_SIGNATURE_PARAM_DIGEST_SIZE, set_digest_size },
		{ NONCE_TYPE, set_nonce_type },
	};
	const OSSL_PARAM *p;
	size_t i;

	for (i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
		p = OSSL_PARAM_locate_const(params, setters[i].name);
		if (p != NULL && !setters[i].set(s, p))
			return 0;
	}
	return 1;
}

static int
begin(struct signature *s, const char *mdname, const OSSL_PARAM params[])
{
	if (!signature_set_ctx_params(s, params))
		return 0;
	if (mdname == NULL)
		return 1;
	s->digest = signature_digest(s, mdname[0] == '\0' ? "SHA256" : mdname);
	s->digest_size = proto_digest_len(s->digest);
	return s->digest != 0;
}

static int
get(struct signature *s, OSSL_PARAM params[])
{
	struct proto_scheme scheme = { .algorithm = PROTO_ECDSA,
		.digest = s->digest };
	char name[64];
	OSSL_PARAM *p;

	p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
	if (p != NULL && !signature_get_algid(s, &scheme, p))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST_SIZE);
	if (p != NULL && !OSSL_PARAM_set_size_t(p, s->digest_size))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
	if (p != NULL &&
		!OSSL_PARAM_set_utf8_string(
			p, digest_name(s->ctx, s->digest, name, sizeof(name))))
		return 0;
	p = OSSL_PARAM_locate(params, NONCE_TYPE);
	return p == NULL || !s->ctx->has_nonce_type ||
	       OSSL_PARAM_set_uint(p, s->nonce_type);
}

const struct signature_type signature_ecdsa = {
	.begin = begin,
	.set = set,
	.get = get,
	.scheme = scheme,
};

static void *
newctx(void *provctx, const char *propq)
{
	(void)propq;
	return signature_new(provctx, &signature_ecdsa);
}

const OSSL_PARAM *
signature_ecdsa_gettable(void *vctx, void *provctx)
{
	const struct context *ctx = provctx;

	(void)vctx;
	return ctx->has_nonce_type ? readable_nonce : readable;
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	const struct context *ctx = provctx;
	const struct signature *s = vctx;

	if (s != NULL && s->has_message)
		return ctx->has_nonce_type ? writable_nonce_later
					   : writable_later;
	return ctx->has_nonce_type ? writable_nonce : writable;
}
