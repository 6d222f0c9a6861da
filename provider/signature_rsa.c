#include "provider/dispatch.h"
#include "provider/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/errors.h"

static OSSL_FUNC_signature_newctx_fn newctx;
static OSSL_FUNC_signature_gettable_ctx_params_fn gettable;
static OSSL_FUNC_signature_settable_ctx_params_fn settable;

static const OSSL_PARAM readable[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	OSSL_PARAM_END,
};

const OSSL_DISPATCH signature_rsa_functions[] = {
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),
	SIGNATURE_COMMON,
	DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT,
		signature_recover_init),
	DISPATCH(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER, signature_recover),
	DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable),
	DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH_END,
};

struct word {
	const char *name;
	int number;
};

static const struct word paddings[] = {
	{ OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING },
	{ OSSL_PKEY_RSA_PAD_MODE_PSS, RSA_PKCS1_PSS_PADDING },
	{ NULL, 0 },
};

static const struct word salts[] = {
	{ OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, SIGNATURE_SALT_DIGEST },
	{ OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO, SIGNATURE_SALT_AUTO },
	{ OSSL_PKEY_RSA_PSS_SALT_LEN_MAX, SIGNATURE_SALT_MAX },
	{ "auto-digestmax", SIGNATURE_SALT_AUTO_DIGEST_MAX }, /* 3.1 */
	{ NULL, 0 },
};

/* A whole number, one of the words, or a number written as text. */
static int
read_number(const OSSL_PARAM *p, const struct word *words, int *out)
{
	const char *text = NULL;
	char *end;
	long n;

	if (p->data_type != OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_int(p, out);
	if (!OSSL_PARAM_get_utf8_string_ptr(p, &text) || text == NULL)
		return 0;
	for (; words->name != NULL; words++)
		if (strcmp(words->name, text) == 0) {
			*out = words->number;
			return 1;
		}
	n = strtol(text, &end, 10);
	if (text[0] == '\0' || *end != '\0' || n < -1000000 || n > 1000000)
		return 0;
	*out = (int)n;
	return 1;
}

static int
write_number(OSSL_PARAM *p, const struct word *words, int number)
{
	char text[16];

	if (p->data_type != OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_set_int(p, number);
	for (; words->name != NULL; words++)
		if (words->number == number)
			return OSSL_PARAM_set_utf8_string(p, words->name);
	(void)snprintf(text, sizeof(text), "%d", number);
	return OSSL_PARAM_set_utf8_string(p, text);
}

static int
set_padding(struct signature *s, const OSSL_PARAM *p)
{
	int mode;

	if (!read_number(p, paddings, &mode) ||
		(mode != RSA_PKCS1_PADDING && mode != RSA_PKCS1_PSS_PADDING)) {
		errors_raise(s->ctx, ERROR_BAD_PADDING,
			"key %s: keyd signs with PKCS#1 v1.5 or PSS padding "
			"and with no other",
			s->key->name);
		return 0;
	}
	s->is_pss = mode == RSA_PKCS1_PSS_PADDING;
	return 1;
}

static int
set_salt(struct signature *s, const OSSL_PARAM *p)
{
	int salt;

	if (!s->is_pss || !read_number(p, salts, &salt) ||
		salt < SIGNATURE_SALT_AUTO_DIGEST_MAX) {
		errors_raise(s->ctx, ERROR_BAD_SALT,
			"key %s: a salt length is bytes, digest, max, auto or "
			"auto-digestmax, and for PSS padding",
			s->key->name);
		return 0;
	}
	s->salt = salt;
	return 1;
}

static int
set_mgf1(struct signature *s, const OSSL_PARAM *p)
{
	if (!s->is_pss) {
		errors_raise(s->ctx, ERROR_BAD_PADDING,
			"key %s: a digest of MGF1 is for PSS padding",
			s->key->name);
		return 0;
	}
	return signature_read_digest(s, p, &s->mgf1);
}

/* In this order: what comes later depends on the padding. */
static const struct {
	const char *name;
	int (*set)(struct signature *s, const OSSL_PARAM *p);
} setters[] = {
	{ OSSL_SIGNATURE_PARAM_DIGEST, signature_set_digest },
	{ OSSL_SIGNATURE_PARAM_PAD_MODE, set_padding },
	{ OSSL_SIGNATURE_PARAM_PSS_SALTLEN, set_salt },
	{ OSSL_SIGNATURE_PARAM_MGF1_DIGEST, set_mgf1 },
};

static int
set(struct signature *s, const OSSL_PARAM params[])
{
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
get(const struct signature *s, OSSL_PARAM params[])
{
	uint8_t mgf1 = s->mgf1 != 0 ? s->mgf1 : s->digest;
	OSSL_PARAM *p;

	p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL &&
		!write_number(p, paddings,
			s->is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	if (p != NULL && (!s->is_pss || !write_number(p, salts, s->salt)))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
	if (p != NULL && (mgf1 == 0 || !OSSL_PARAM_set_utf8_string(
					       p, proto_digest_name(mgf1))))
		return 0;
	return signature_get_common(s, params);
}

/* Bytes of salt: RFC 8017 §9.1.1. 0, or -1 if the key is too short. */
static int
salt_length(const struct signature *s, uint8_t digest, uint16_t *out)
{
	int encoded = (EVP_PKEY_get_bits(s->key->inner) - 1 + 7) / 8;
	int hash = (int)proto_digest_len(digest);
	int max = encoded - hash - 2;
	int salt = s->salt;

	if (salt == SIGNATURE_SALT_DIGEST)
		salt = hash;
	else if (salt == SIGNATURE_SALT_AUTO || salt == SIGNATURE_SALT_MAX)
		salt = max;
	else if (salt == SIGNATURE_SALT_AUTO_DIGEST_MAX)
		salt = hash < max ? hash : max;
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
scheme(const struct signature *s, size_t digest_len, struct proto_scheme *out)
{
	struct proto_scheme got = {
		.algorithm = s->is_pss ? PROTO_RSA_PSS : PROTO_RSA_PKCS1,
		.digest = s->digest,
	};

	(void)digest_len;
	if (s->digest == 0) {
		errors_raise(s->ctx, ERROR_NO_DIGEST,
			"key %s: keyd signs digests and messages, not raw "
			"data: set a digest (pkeyutl: -pkeyopt digest:sha256)",
			s->key->name);
		return -1;
	}
	if (s->is_pss) {
		got.mgf1 = s->mgf1 != 0 ? s->mgf1 : s->digest;
		if (salt_length(s, s->digest, &got.salt) < 0)
			return -1;
	}
	*out = got;
	return 0;
}

static const struct signature_type type = {
	.set = set,
	.get = get,
	.scheme = scheme,
};

static void *
newctx(void *provctx, const char *propq)
{
	(void)propq;
	return signature_new(provctx, &type);
}

static const OSSL_PARAM *
gettable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return readable;
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	(void)vctx;
	(void)provctx;
	return writable;
}
