/*
 * Keys as files and text: provider-encoder(7). default writes the inner key,
 * and so all that is public and all of a pass-through key; where the private
 * key of a shell is asked for, the shell is written.
 *
 * libcrypto prefers these to any other provider's encoders, and what they
 * refuse stays refused. Left to export to default's, a key would lose the form
 * that was set for its points.
 */
#include "provider/encoder.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/encoder.h>
#include <openssl/params.h>

#include <string.h>

#include "provider/dispatch.h"
#include "provider/encoder_shell.h"

enum {
	UNSET = -1,
	PRIVATE = OSSL_KEYMGMT_SELECT_PRIVATE_KEY,
	PUBLIC = OSSL_KEYMGMT_SELECT_PUBLIC_KEY,
	PARAMETERS = OSSL_KEYMGMT_SELECT_ALL_PARAMETERS,
};

static OSSL_FUNC_encoder_freectx_fn freectx;
static OSSL_FUNC_encoder_settable_ctx_params_fn settable;
static OSSL_FUNC_encoder_set_ctx_params_fn set;
static OSSL_FUNC_encoder_encode_fn encode;

static void *
newctx(void *provctx, const struct encoder_form *form)
{
	struct encoder *e = OPENSSL_zalloc(sizeof(*e));

	if (e == NULL)
		return NULL;
	e->ctx = provctx;
	e->form = form;
	e->save_parameters = UNSET;
	e->encrypt_level = UNSET;
	return e;
}

static void
freectx(void *vctx)
{
	OPENSSL_free(vctx);
}

static const OSSL_PARAM *
settable(void *provctx)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_ENCODER_PARAM_CIPHER, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_ENCODER_PARAM_PROPERTIES, NULL, 0),
		OSSL_PARAM_int(OSSL_ENCODER_PARAM_SAVE_PARAMETERS, NULL),
		OSSL_PARAM_int(OSSL_ENCODER_PARAM_ENCRYPT_LEVEL, NULL),
		OSSL_PARAM_END,
	};

	(void)provctx;
	return params;
}

static int
set_cipher(struct encoder *e, const OSSL_PARAM *p)
{
	const char *name = NULL;

	if (!OSSL_PARAM_get_utf8_string_ptr(p, &name))
		return 0;
	e->is_encrypted = name != NULL;
	return name == NULL || OPENSSL_strlcpy(e->cipher, name,
				       ENCODER_MAX_CIPHER) < ENCODER_MAX_CIPHER;
}

/*
 * Property queries are not passed on: they are the application's, for its own
 * library context.
 */
static int
set(void *vctx, const OSSL_PARAM params[])
{
	struct encoder *e = vctx;
	const OSSL_PARAM *p;

	p = OSSL_PARAM_locate_const(params, OSSL_ENCODER_PARAM_CIPHER);
	if (p != NULL && !set_cipher(e, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_ENCODER_PARAM_SAVE_PARAMETERS);
	if (p != NULL && !OSSL_PARAM_get_int(p, &e->save_parameters))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_ENCODER_PARAM_ENCRYPT_LEVEL);
	return p == NULL || OSSL_PARAM_get_int(p, &e->encrypt_level);
}

/*
 * Each part includes those after it, and the first that is asked for decides;
 * parts: which there are in this form.
 */
static int
selects(int parts, int selection)
{
	static const int order[] = { PRIVATE, PUBLIC, PARAMETERS };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (selection & order[i])
			return (parts & order[i]) != 0;
	return 0;
}

/* Cipher, and other parameters that were set. */
static int
pass_params(const struct encoder *e, OSSL_ENCODER_CTX *to)
{
	int save = e->save_parameters, level = e->encrypt_level;
	OSSL_PARAM params[3], *p = params;

	if (save != UNSET)
		*p++ = OSSL_PARAM_construct_int(
			OSSL_ENCODER_PARAM_SAVE_PARAMETERS, &save);
	if (level != UNSET)
		*p++ = OSSL_PARAM_construct_int(
			OSSL_ENCODER_PARAM_ENCRYPT_LEVEL, &level);
	*p = OSSL_PARAM_construct_end();
	return OSSL_ENCODER_CTX_set_params(to, params) == 1 &&
	       (!e->is_encrypted ||
		       OSSL_ENCODER_CTX_set_cipher(to, e->cipher, NULL) == 1);
}

/* What default has of the key. */
static int
write_inner(const struct encoder *e, const struct key *key, int selection,
	OSSL_PASSPHRASE_CALLBACK *pw, void *pwarg, BIO *out)
{
	OSSL_ENCODER_CTX *to = OSSL_ENCODER_CTX_new_for_pkey(key->inner,
		selection, e->form->output, e->form->structure, NULL);
	int ok = to != NULL &&
		 (pw == NULL || OSSL_ENCODER_CTX_set_passphrase_cb(
					to, pw, pwarg) == 1) &&
		 pass_params(e, to) && OSSL_ENCODER_to_bio(to, out) == 1;

	OSSL_ENCODER_CTX_free(to);
	return ok;
}

/* What is complete, and nothing else, is given to the application. */
static int
pass_on(const struct core *core, BIO *from, OSSL_CORE_BIO *to)
{
	char *data;
	long len = BIO_get_mem_data(from, &data);
	size_t done = 0, n;

	while (done < (size_t)len) {
		if (!core->bio_write(to, data + done, (size_t)len - done, &n) ||
			n == 0)
			return 0;
		done += n;
	}
	return 1;
}

static int
encode(void *vctx, OSSL_CORE_BIO *out, const void *obj,
	const OSSL_PARAM abstract[], int selection,
	OSSL_PASSPHRASE_CALLBACK *pw, void *pwarg)
{
	const struct encoder *e = vctx;
	const struct key *key = obj;
	BIO *text;
	int ok;

	if (abstract != NULL || key == NULL || key->inner == NULL)
		return 0;
	/* Wiped when it is freed. */
	text = BIO_new(BIO_s_mem());
	if (text == NULL)
		return 0;
	if (key->is_shell && (selection & PRIVATE) &&
		e->form->write_shell != NULL)
		ok = e->form->write_shell(e, key, text);
	else if (key->is_shell)
		ok = write_inner(e, key, selection & ~PRIVATE, pw, pwarg, text);
	else
		ok = write_inner(e, key, selection, pw, pwarg, text);
	ok = ok && pass_on(&e->ctx->core, text, out);
	BIO_free(text);
	return ok;
}

/* A form, with the dispatch table of its encoder. */
#define FORM(name, output, structure, parts, write_shell)                      \
	static const struct encoder_form name##_form = { output, structure,    \
		write_shell };                                                 \
	static void *name##_newctx(void *provctx)                              \
	{                                                                      \
		return newctx(provctx, &name##_form);                          \
	}                                                                      \
	static int name##_does_selection(void *provctx, int selection)         \
	{                                                                      \
		(void)provctx;                                                 \
		return selects(parts, selection);                              \
	}                                                                      \
	static const OSSL_DISPATCH name[] = {                                  \
		DISPATCH(OSSL_FUNC_ENCODER_NEWCTX, name##_newctx),             \
		DISPATCH(OSSL_FUNC_ENCODER_FREECTX, freectx),                  \
		DISPATCH(OSSL_FUNC_ENCODER_SETTABLE_CTX_PARAMS, settable),     \
		DISPATCH(OSSL_FUNC_ENCODER_SET_CTX_PARAMS, set),               \
		DISPATCH(OSSL_FUNC_ENCODER_DOES_SELECTION,                     \
			name##_does_selection),                                \
		DISPATCH(OSSL_FUNC_ENCODER_ENCODE, encode),                    \
		DISPATCH_END,                                                  \
	};
/* The same as PEM and as DER. */
#define FORMS(name, structure, parts, pem, der)                                \
	FORM(name##_pem, "pem", structure, parts, pem)                         \
	FORM(name##_der, "der", structure, parts, der)

FORM(text, "text", NULL, PRIVATE | PUBLIC | PARAMETERS, encoder_shell_text)
FORMS(pkcs8, "PrivateKeyInfo", PRIVATE, encoder_shell_pem, encoder_shell_der)
FORMS(encrypted, "EncryptedPrivateKeyInfo", PRIVATE,
	encoder_shell_refuse_cipher, encoder_shell_refuse_cipher)
FORMS(spki, "SubjectPublicKeyInfo", PUBLIC, NULL, NULL)
FORMS(rsa, "type-specific", PRIVATE | PUBLIC, encoder_shell_pem,
	encoder_shell_der)
FORMS(pkcs1, "pkcs1", PRIVATE | PUBLIC, encoder_shell_pem, encoder_shell_der)
FORMS(ec, "type-specific", PRIVATE | PARAMETERS, encoder_shell_pem,
	encoder_shell_der)
FORM(blob, "blob", NULL, PUBLIC, NULL)
FORM(msblob, "msblob", NULL, PRIVATE | PUBLIC, encoder_shell_refuse_form)
FORM(pvk, "pvk", NULL, PRIVATE, encoder_shell_refuse_form)

#define ROW(names, output, form)                                               \
	{                                                                      \
		names, "provider=keyd,output=" output, form,                   \
			"key or shell of keyd"                                 \
	}
#define ROWS(names, structure, form)                                           \
	ROW(names, "pem,structure=" structure, form##_pem),                    \
		ROW(names, "der,structure=" structure, form##_der)
/* Of every type of key. */
#define COMMON(names)                                                          \
	ROW(names, "text", text), ROWS(names, "PrivateKeyInfo", pkcs8),        \
		ROWS(names, "EncryptedPrivateKeyInfo", encrypted),             \
		ROWS(names, "SubjectPublicKeyInfo", spki)

/* The forms that default has of each type; those it lacks stay lacking. */
const OSSL_ALGORITHM encoder_algorithms[] = {
	COMMON(KIND_NAMES_RSA),
	ROWS(KIND_NAMES_RSA, "type-specific", rsa),
	ROWS(KIND_NAMES_RSA, "rsa", rsa),
	ROWS(KIND_NAMES_RSA, "pkcs1", pkcs1),
	ROW(KIND_NAMES_RSA, "msblob", msblob),
	ROW(KIND_NAMES_RSA, "pvk", pvk),
	COMMON(KIND_NAMES_RSA_PSS),
	ROWS(KIND_NAMES_RSA_PSS, "pkcs1", pkcs1),
	COMMON(KIND_NAMES_EC),
	ROWS(KIND_NAMES_EC, "type-specific", ec),
	ROWS(KIND_NAMES_EC, "ec", ec),
	ROWS(KIND_NAMES_EC, "X9.62", ec),
	ROW(KIND_NAMES_EC, "blob", blob),
	COMMON(KIND_NAMES_ED25519),
	COMMON(KIND_NAMES_ED448),
	COMMON(KIND_NAMES_X25519),
	COMMON(KIND_NAMES_X448),
	{ NULL, NULL, NULL, NULL },
};
