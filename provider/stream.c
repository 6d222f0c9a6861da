#include "provider/stream.h"

#include <openssl/crypto.h>

#include <string.h>

enum {
	FIRST_SIZE = 1024,
};

static int
grow(struct stream *s, size_t need)
{
	size_t size = s->size == 0 ? FIRST_SIZE : s->size;
	uint8_t *data;

	while (size < need)
		size *= 2;
	data = OPENSSL_clear_realloc(s->data, s->size, size);
	if (data == NULL)
		return -1;
	s->data = data;
	s->size = size;
	return 0;
}

/* From keeping to digesting. */
static int
start_digest(struct stream *s, OSSL_LIB_CTX *libctx, const char *digest)
{
	EVP_MD *type = EVP_MD_fetch(libctx, digest, NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (type == NULL || md == NULL ||
		EVP_DigestInit_ex(md, type, NULL) != 1 ||
		EVP_DigestUpdate(md, s->data, s->len) != 1) {
		EVP_MD_CTX_free(md);
		EVP_MD_free(type);
		return -1;
	}
	EVP_MD_free(type);
	stream_clear(s);
	s->md = md;
	return 0;
}

int
stream_add(struct stream *s, OSSL_LIB_CTX *libctx, const char *digest,
	const void *data, size_t len)
{
	if (len == 0)
		return 0;
	if (s->md == NULL && len > PROTO_MAX_DATA - s->len &&
		start_digest(s, libctx, digest) < 0)
		return -1;
	if (s->md != NULL)
		return EVP_DigestUpdate(s->md, data, len) == 1 ? 0 : -1;
	if (len > s->size - s->len && grow(s, s->len + len) < 0)
		return -1;
	memcpy(s->data + s->len, data, len);
	s->len += len;
	return 0;
}

int
stream_end(const struct stream *s, uint8_t *digest, struct view *data,
	enum proto_input *input)
{
	EVP_MD_CTX *md;
	unsigned len;
	int ok;

	if (s->md == NULL) {
		*data = (struct view){ .data = s->data, .len = s->len };
		*input = PROTO_INPUT_MESSAGE;
		return 0;
	}
	md = EVP_MD_CTX_new();
	ok = md != NULL && EVP_MD_CTX_copy_ex(md, s->md) == 1 &&
	     EVP_DigestFinal_ex(md, digest, &len) == 1;
	EVP_MD_CTX_free(md);
	if (!ok)
		return -1;
	*data = (struct view){ .data = digest, .len = len };
	*input = PROTO_INPUT_DIGEST;
	return 0;
}

bool
stream_is_empty(const struct stream *s)
{
	return s->len == 0 && s->md == NULL;
}

int
stream_copy(struct stream *to, const struct stream *from)
{
	if (from->md != NULL) {
		to->md = EVP_MD_CTX_new();
		if (to->md != NULL && EVP_MD_CTX_copy_ex(to->md, from->md) == 1)
			return 0;
		stream_clear(to);
		return -1;
	}
	if (from->len == 0)
		return 0;
	if (grow(to, from->len) < 0)
		return -1;
	memcpy(to->data, from->data, from->len);
	to->len = from->len;
	return 0;
}

void
stream_clear(struct stream *s)
{
	EVP_MD_CTX_free(s->md);
	OPENSSL_clear_free(s->data, s->size);
	memset(s, 0, sizeof(*s));
}
