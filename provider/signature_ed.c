/* Ed25519 and Ed448: RFC 8032. Of a message as a whole, never of a digest. */
#include "provider/dispatch.h"
#include "provider/signature.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/errors.h"

/* Of libcrypto 3.2, and so not in each <openssl/core_names.h>. */
#define INSTANCE "instance"
#define CONTEXT  "context-string"

static const OSSL_PARAM readable[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_END,
};

/* From 3.2 on `default` lists these too, though it tells nothing of them. */
static const OSSL_PARAM readable_instance[] = {
	OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	OSSL_PARAM_utf8_string(INSTANCE, NULL, 0),
	OSSL_PARAM_octet_string(CONTEXT, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM writable[] = {
	OSSL_PARAM_utf8_string(INSTANCE, NULL, 0),
	OSSL_PARAM_octet_string(CONTEXT, NULL, 0),
	OSSL_PARAM_END,
};

/* RFC 8032 §5. The first of a kind is the one that is meant without a word. */
static const struct instance {
	const char *name;
	enum key_kind kind;
	uint8_t algorithm;
	uint8_t with_context; /* if there is a context; 0: it takes none */
	bool needs_context;
} instances[] = {
	{ "Ed25519", KEY_ED25519, PROTO_ED25519, 0, false },
	{ "Ed25519ctx", KEY_ED25519, PROTO_ED25519CTX, PROTO_ED25519CTX, true },
	{ "Ed25519ph", KEY_ED25519, PROTO_ED25519PH, PROTO_ED25519PH, false },
	{ "Ed448", KEY_ED448, PROTO_ED448, PROTO_ED448CTX, false },
	{ "Ed448ph", KEY_ED448, PROTO_ED448PH, PROTO_ED448PH, false },
};

/* No functions to sign in parts: as in `default`, which has none either. */
#define COMMON                                                                 \
	DISPATCH(OSSL_FUNC_SIGNATURE_NEWCTX, signature_ed_newctx),             \
		DISPATCH(OSSL_FUNC_SIGNATURE_FREECTX, signature_freectx),      \
		DISPATCH(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dupctx),        \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,                 \
			signature_digest_sign_init),                           \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_SIGN,                      \
			signature_digest_sign),                                \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,               \
			signature_digest_verify_init),                         \
		DISPATCH(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY,                    \
			signature_digest_verify),                              \
		DISPATCH(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,                   \
			signature_get_ctx_params),                             \
		DISPATCH(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,              \
			signature_ed_gettable),                                \
		DISPATCH(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS,                   \
			signature_set_ctx_params),                             \
		DISPATCH(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS,              \
			signature_ed_settable)

const OSSL_DISPATCH signature_ed25519_functions[] = { COMMON, DISPATCH_END };
const OSSL_DISPATCH signature_ed448_functions[] = { COMMON, DISPATCH_END };

/* In s->stream, which has no other use here. 0 or -1. */
static int
prepend_context(struct signature *s, struct view *data)
{
	stream_clear(&s->stream);
	if (stream_add(&s->stream, NULL, NULL, &s->context_len, 1) < 0 ||
		stream_add(&s->stream, NULL, NULL, s->context, s->context_len) <
			0 ||
		stream_add(&s->stream, NULL, NULL, data->data, data->len) < 0)
		return -1;
	data->data = s->stream.data;
	data->len = s->stream.len;
	return 0;
}

static const struct instance *
instance_of(const struct signature *s)
{
	size_t i;

	for (i = 0; i < sizeof(instances) / sizeof(instances[0]); i++)
		if (instances[i].kind == s->key->kind &&
			(s->algorithm == 0 ||
				instances[i].algorithm == s->algorithm))
			return &instances[i];
	return NULL;
}

/* For other than the pure forms keyd wants the context before the message. */
static int
scheme(struct signature *s, enum proto_input input, struct view *data,
	struct proto_scheme *out)
{
	const struct instance *in = instance_of(s);
	bool is_pure;
	size_t room;

	memset(out, 0, sizeof(*out));
	if (in == NULL)
		return -1;
	if (input == PROTO_INPUT_DIGEST) {
		errors_raise(s->ctx, ERROR_UNSUPPORTED,
			"key %s: keyd signs with %s from the message, not from "
			"a hash that was made of it: EVP_DigestSign() or "
			"EVP_PKEY_sign_message_init()",
			s->key->name, in->name);
		return -1;
	}
	if ((s->context_len == 0 && in->needs_context) ||
		(s->context_len > 0 && in->with_context == 0)) {
		errors_raise(s->ctx, ERROR_BAD_CONTEXT,
			"key %s: %s %s a context string", s->key->name,
			in->name, in->needs_context ? "needs" : "takes no");
		return -1;
	}
	out->algorithm = s->context_len > 0 ? in->with_context : in->algorithm;
	is_pure = out->algorithm == PROTO_ED25519 ||
		  out->algorithm == PROTO_ED448;
	room = PROTO_MAX_DATA - (is_pure ? 0 : 1 + (size_t)s->context_len);
	if (data->len > room) {
		errors_raise(s->ctx, ERROR_TOO_LARGE,
			"key %s: %s signs the message itself, of which keyd "
			"takes at most %zu bytes; this one has %zu",
			s->key->name, in->name, room, data->len);
		return -1;
	}
	if (is_pure)
		return 0;
	return prepend_context(s, data);
}

static int
set_instance(struct signature *s, const OSSL_PARAM *p)
{
	char buf[SIGNATURE_MAX_NAME], *name = buf;
	size_t i;

	if (!OSSL_PARAM_get_utf8_string(p, &name, sizeof(buf)))
		return 0;
	for (i = 0; i < sizeof(instances) / sizeof(instances[0]); i++) {
		if (instances[i].kind != s->key->kind ||
			OPENSSL_strcasecmp(instances[i].name, name) != 0)
			continue;
		s->algorithm = instances[i].algorithm;
		return 1;
	}
	errors_raise(s->ctx, ERROR_BAD_PARAMETER,
		"key %s: %.20s is not an instance of %s", s->key->name, name,
		s->key->type->name);
	return 0;
}

static int
set_context(struct signature *s, const OSSL_PARAM *p)
{
	void *to = s->context;
	size_t len;

	if (!OSSL_PARAM_get_octet_string(p, &to, sizeof(s->context), &len)) {
		errors_raise(s->ctx, ERROR_BAD_CONTEXT,
			"key %s: a context string has at most %zu bytes",
			s->key->name, sizeof(s->context));
		return 0;
	}
	s->context_len = (uint8_t)len;
	return 1;
}

static int
set(struct signature *s, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p;

	/* As in `default`, nothing can be set before 3.2. */
	if (!s->ctx->has_instance)
		return 0;
	p = OSSL_PARAM_locate_const(params, INSTANCE);
	if (p != NULL && !set_instance(s, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, CONTEXT);
	return p == NULL || set_context(s, p);
}

static int
begin(struct signature *s, const char *mdname, const OSSL_PARAM params[])
{
	if (mdname != NULL && mdname[0] != '\0') {
		errors_raise(s->ctx, ERROR_BAD_DIGEST,
			"key %s: %s signs messages, without a digest",
			s->key->name, s->key->type->name);
		return 0;
	}
	return !s->ctx->has_instance || signature_set_ctx_params(s, params);
}

static int
get(struct signature *s, OSSL_PARAM params[])
{
	struct proto_scheme scheme = { .algorithm = s->key->kind == KEY_ED448
							    ? PROTO_ED448
							    : PROTO_ED25519 };
	OSSL_PARAM *p =
		OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);

	return p == NULL || signature_get_algid(s, &scheme, p);
}

const struct signature_type signature_ed = {
	.begin = begin,
	.set = set,
	.get = get,
	.scheme = scheme,
	.is_pure = true,
};

void *
signature_ed_newctx(void *provctx, const char *propq)
{
	(void)propq;
	return signature_new(provctx, &signature_ed);
}

const OSSL_PARAM *
signature_ed_gettable(void *vctx, void *provctx)
{
	const struct context *ctx = provctx;

	(void)vctx;
	return ctx->has_instance ? readable_instance : readable;
}

const OSSL_PARAM *
signature_ed_settable(void *vctx, void *provctx)
{
	const struct context *ctx = provctx;

	(void)vctx;
	return ctx->has_instance ? writable : NULL;
}
