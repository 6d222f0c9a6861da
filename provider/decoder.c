/*
 * Shell files, DER to key object: provider-decoder(7). libcrypto runs every
 * decoder of PrivateKeyInfo on every PKCS#8 file: what is not a shell is not
 * our concern.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/dispatch.h"
#include "provider/errors.h"
#include "provider/key.h"

struct decoder {
	struct context *ctx;
	enum key_kind kind;
};

static OSSL_FUNC_decoder_freectx_fn freectx;
static OSSL_FUNC_decoder_does_selection_fn does_selection;
static OSSL_FUNC_decoder_decode_fn decode;

static void *
newctx(struct context *ctx, enum key_kind kind)
{
	struct decoder *d = OPENSSL_zalloc(sizeof(*d));

	if (d == NULL)
		return NULL;
	d->ctx = ctx;
	d->kind = kind;
	return d;
}

/* A decoder's table, and the only function that is not the same in all. */
#define DECODER(prefix, kind)                                                  \
	static OSSL_FUNC_decoder_newctx_fn prefix##_newctx;                    \
	static void *prefix##_newctx(void *provctx)                            \
	{                                                                      \
		return newctx(provctx, kind);                                  \
	}                                                                      \
	const OSSL_DISPATCH decoder_##prefix##_functions[] = {                 \
		DISPATCH(OSSL_FUNC_DECODER_NEWCTX, prefix##_newctx),           \
		DISPATCH(OSSL_FUNC_DECODER_FREECTX, freectx),                  \
		DISPATCH(OSSL_FUNC_DECODER_DOES_SELECTION, does_selection),    \
		DISPATCH(OSSL_FUNC_DECODER_DECODE, decode),                    \
		DISPATCH_END,                                                  \
	}

DECODER(rsa, KEY_RSA);
DECODER(rsa_pss, KEY_RSA_PSS);
DECODER(ec, KEY_EC);
DECODER(ed25519, KEY_ED25519);
DECODER(ed448, KEY_ED448);
DECODER(x25519, KEY_X25519);
DECODER(x448, KEY_X448);

static void
freectx(void *vctx)
{
	OPENSSL_free(vctx);
}

static int
does_selection(void *provctx, int selection)
{
	(void)provctx;
	return selection == 0 ||
	       (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

/* As many bytes as there are, up to want. */
static size_t
read_bytes(
	const struct core *core, OSSL_CORE_BIO *in, uint8_t *out, size_t want)
{
	size_t have = 0, n;

	while (have < want && core->bio_read(in, out + have, want - have, &n) &&
		n > 0)
		have += n;
	return have;
}

/*
 * One DER element, no byte more: what follows in a file is another reader's.
 * Returns the bytes read, fewer than announced if the file ends early;
 * 0 if it cannot be a shell.
 */
static size_t
read_element(const struct core *core, OSSL_CORE_BIO *in, uint8_t *out)
{
	size_t n = read_bytes(core, in, out, 4), body, head;

	if (n < 4 || out[0] != 0x30)
		return 0;
	if (out[1] < 0x80) {
		head = 2;
		body = out[1];
	} else if (out[1] == 0x81) {
		head = 3;
		body = out[2];
	} else if (out[1] == 0x82) {
		head = 4;
		body = (size_t)out[2] << 8 | out[3];
	} else {
		return 0;
	}
	if (body < 2 || body > SHELL_MAX - head)
		return 0;
	return n + read_bytes(core, in, out + n, head + body - n);
}

static int
decode(void *vctx, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *callback,
	void *arg, OSSL_PASSPHRASE_CALLBACK *pw, void *pwarg)
{
	const struct decoder *d = vctx;
	enum shell_error result;
	uint8_t der[SHELL_MAX];
	struct shell shell;
	struct key *key;
	size_t len;

	(void)selection;
	(void)pw;
	(void)pwarg;
	/*
	 * Returning 1 without an object lets the other decoders go on, and
	 * makes libcrypto forget every error. So a shell that cannot be used
	 * ends with 0: nobody else can read it, and the reason must be seen.
	 * Each decoder sees it, one of them shall say so.
	 */
	len = read_element(&d->ctx->core, in, der);
	if (len == 0 || kind_of_der(der, len) != d->kind)
		return 1;
	result = shell_decode(der, len, &shell);
	if (result == SHELL_FOREIGN)
		return 1;
	if (result != SHELL_OK) {
		errors_raise(d->ctx, ERROR_BAD_SHELL,
			"%s; write it again with: keydctl shell NAME",
			shell_error_text(result));
		return 0;
	}
	if (d->ctx->settings.problem[0] != '\0') {
		errors_raise(d->ctx, ERROR_BAD_SETTING,
			"key %s: %s in the provider's section of openssl.cnf",
			shell.name, d->ctx->settings.problem);
		return 0;
	}
	key = key_new_shell(d->ctx, d->kind, &shell);
	return key != NULL && key_give(key, callback, arg);
}
