#include "provider/digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

static EVP_MD *
fetch(const struct context *ctx, const char *name)
{
	EVP_MD *md;

	ERR_set_mark();
	md = EVP_MD_fetch(ctx->libctx, name, NULL);
	ERR_pop_to_mark();
	return md;
}

uint8_t
digest_number(const struct context *ctx, const char *name)
{
	uint8_t number = proto_digest_number(name);
	EVP_MD *md;

	if (number != 0)
		return number;
	md = fetch(ctx, name);
	if (md == NULL)
		return 0;
	number = proto_digest_number(EVP_MD_get0_name(md));
	EVP_MD_free(md);
	return number;
}

const char *
digest_name(const struct context *ctx, uint8_t digest, char *out, size_t size)
{
	const char *name = proto_digest_name(digest);
	EVP_MD *md = name == NULL ? NULL : fetch(ctx, name);

	(void)OPENSSL_strlcpy(
		out, md == NULL ? "" : EVP_MD_get0_name(md), size);
	EVP_MD_free(md);
	return out;
}
