#include "eddsa.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct instance {
	const char *name; /* RFC 8032's and libcrypto's; NULL: as it is */
	uint8_t algorithm;
	bool needs_context;
} instances[] = {
	{ NULL, PROTO_ED25519, false },
	{ NULL, PROTO_ED448, false },
	{ "Ed25519ctx", PROTO_ED25519CTX, true },
	{ "Ed25519ph", PROTO_ED25519PH, false },
	{ "Ed448", PROTO_ED448CTX, true },
	{ "Ed448ph", PROTO_ED448PH, false },
};

static const struct instance *
find(uint8_t algorithm)
{
	size_t i;

	for (i = 0; i < ROWS(instances); i++)
		if (instances[i].algorithm == algorithm)
			return &instances[i];
	return NULL;
}

bool
eddsa_is(uint8_t algorithm)
{
	return find(algorithm) != NULL;
}

/* Context and message out of data. 0, or -1: not what the instance takes. */
static int
split(const struct instance *in, struct view data, struct view *context,
	struct view *message)
{
	struct reader r = reader_init(data.data, data.len);

	if (in->name == NULL) {
		*context = (struct view){ 0 };
		*message = data;
		return 0;
	}
	*context = reader_vec8(&r);
	*message = reader_bytes(&r, reader_left(&r));
	return reader_finish(&r) < 0 || (in->needs_context && context->len == 0)
		       ? -1
		       : 0;
}

enum proto_status
eddsa_check(const struct proto_sign *m, uint16_t *detail)
{
	const struct instance *in = find(m->scheme.algorithm);
	struct view context, message;

	if (in == NULL || m->scheme.digest != PROTO_NO_DIGEST ||
		m->input != PROTO_INPUT_MESSAGE) {
		*detail = DETAIL_DIGEST;
		return PROTO_UNSUPPORTED;
	}
	if (split(in, m->data, &context, &message) < 0) {
		*detail = DETAIL_CONTEXT;
		return PROTO_BAD_PARAMETER;
	}
	return PROTO_OK;
}

static int
sign_with(EVP_MD_CTX *ctx, EVP_PKEY *pkey, const OSSL_PARAM *params,
	struct view message, uint8_t *out, size_t *len)
{
	size_t n = PROTO_MAX_SIGNATURE;

	if (EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, params) !=
			1 ||
		EVP_DigestSign(ctx, out, &n, message.data, message.len) != 1)
		return -1;
	*len = n;
	return 0;
}

/* The parameters are strings for the reason that library.c gives. */
int
eddsa_make(EVP_PKEY *pkey, const struct proto_sign *m,
	uint8_t out[PROTO_MAX_SIGNATURE], size_t *len)
{
	const struct instance *in = find(m->scheme.algorithm);
	OSSL_PARAM params[3], *p = params;
	struct view context, message;
	EVP_MD_CTX *ctx;
	int result = -1;

	if (in == NULL || split(in, m->data, &context, &message) < 0)
		return -1;
	if (in->name != NULL) {
		*p++ = OSSL_PARAM_construct_utf8_string(
			"instance", (char *)(uintptr_t)in->name, 0);
		*p++ = OSSL_PARAM_construct_octet_string("context-string",
			(void *)(uintptr_t)context.data, context.len);
	}
	*p = OSSL_PARAM_construct_end();
	ctx = EVP_MD_CTX_new();
	if (ctx != NULL)
		result = sign_with(ctx, pkey, in->name == NULL ? NULL : params,
			message, out, len);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return result;
}
