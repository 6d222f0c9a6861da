/* How keys are written: shells, what is public, and keys of default's. */
#include <criterion/criterion.h>

#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "support/scene.h"

static struct scene s;

static void
start(void)
{
	scene_start(&s, SCENE_LAST, "");
	scene_keyd(&s, 0, 0);
}

static void
stop(void)
{
	scene_end(&s);
}

TestSuite(provider_encode, .init = start, .fini = stop, .timeout = 60);

static void
assert_no_errors(void)
{
	unsigned long e = ERR_peek_error();

	cr_assert_eq(e, 0, "left in the queue: %s", ERR_error_string(e, NULL));
}

static void
assert_error_says(const char *what)
{
	const char *data;
	int flags;

	while (ERR_get_error_all(NULL, NULL, NULL, &data, &flags) != 0)
		if ((flags & ERR_TXT_STRING) && strstr(data, what) != NULL) {
			ERR_clear_error();
			return;
		}
	cr_assert_fail("no error says: %s", what);
}

/* The whole content of a memory BIO, as text; frees it. */
static char *
take_text(BIO *b)
{
	static char text[16384];
	int n = BIO_read(b, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	BIO_free(b);
	return text;
}

static void
assert_is_shell(int k, const void *der, size_t len)
{
	cr_assert_eq(len, s.der_len[k]);
	cr_assert_eq(memcmp(der, s.der[k], len), 0);
	assert_no_errors();
}

/* Is what was written the PEM of the shell and nothing else? Frees it. */
static void
assert_is_pem(int k, BIO *b)
{
	BIO *want = scene_pem(&s, (enum scene_key)k);
	char *a, *z;
	long n = BIO_get_mem_data(want, &a), m = BIO_get_mem_data(b, &z);

	cr_assert_eq(n, m);
	cr_assert_eq(memcmp(a, z, (size_t)n), 0);
	assert_no_errors();
	BIO_free(want);
	BIO_free(b);
}

/* Nothing was written, and this was said. Frees it. */
static void
assert_refused(BIO *b, const char *says)
{
	cr_assert_eq(BIO_pending(b), 0);
	assert_error_says(says);
	BIO_free(b);
}

Test(provider_encode, writes_the_shell_where_a_private_key_is_asked_for)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		BIO *b = BIO_new(BIO_s_mem());
		PKCS8_PRIV_KEY_INFO *p8;
		unsigned char *der = NULL;
		char *data;
		long n;

		n = i2d_PrivateKey(s.shell[k], &der);
		cr_assert_gt(n, 0);
		assert_is_shell(k, der, (size_t)n);
		OPENSSL_free(der);
		p8 = EVP_PKEY2PKCS8(s.shell[k]);
		der = NULL;
		n = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
		assert_is_shell(k, der, (size_t)n);
		OPENSSL_free(der);
		PKCS8_PRIV_KEY_INFO_free(p8);
		cr_assert_eq(i2d_PKCS8PrivateKey_bio(
				     b, s.shell[k], NULL, NULL, 0, NULL, NULL),
			1);
		n = BIO_get_mem_data(b, &data);
		assert_is_shell(k, data, (size_t)n);
		(void)BIO_reset(b);
		cr_assert_eq(PEM_write_bio_PrivateKey(
				     b, s.shell[k], NULL, NULL, 0, NULL, NULL),
			1);
		assert_is_pem(k, b);
		b = BIO_new(BIO_s_mem());
		cr_assert_eq(PEM_write_bio_PKCS8PrivateKey(
				     b, s.shell[k], NULL, NULL, 0, NULL, NULL),
			1);
		assert_is_pem(k, b);
	}
}

static int
encode(EVP_PKEY *key, int selection, const char *output, const char *structure,
	const char *cipher, BIO *out)
{
	OSSL_ENCODER_CTX *c = OSSL_ENCODER_CTX_new_for_pkey(
		key, selection, output, structure, NULL);
	int ok;

	if (cipher != NULL) {
		cr_assert_eq(OSSL_ENCODER_CTX_set_cipher(c, cipher, NULL), 1);
		cr_assert_eq(OSSL_ENCODER_CTX_set_passphrase(
				     c, (const unsigned char *)"geheim", 6),
			1);
	}
	ok = OSSL_ENCODER_to_bio(c, out);
	OSSL_ENCODER_CTX_free(c);
	return ok;
}

/* `openssl rsa` and `openssl ec` ask for these. */
Test(provider_encode, writes_the_shell_in_place_of_older_forms)
{
	static const struct {
		int key;
		const char *structure;
	} rows[] = { { SCENE_RSA, "type-specific" }, { SCENE_RSA, "rsa" },
		{ SCENE_RSA, "pkcs1" }, { SCENE_PSS, "pkcs1" },
		{ SCENE_P256, "type-specific" }, { SCENE_P384, "ec" },
		{ SCENE_P256, "X9.62" } };
	size_t i;
	char *data;
	long n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BIO *b = BIO_new(BIO_s_mem());

		cr_assert_eq(encode(s.shell[rows[i].key], EVP_PKEY_KEYPAIR,
				     "DER", rows[i].structure, NULL, b),
			1);
		n = BIO_get_mem_data(b, &data);
		assert_is_shell(rows[i].key, data, (size_t)n);
		(void)BIO_reset(b);
		cr_assert_eq(encode(s.shell[rows[i].key], EVP_PKEY_KEYPAIR,
				     "PEM", rows[i].structure, NULL, b),
			1);
		assert_is_pem(rows[i].key, b);
	}
}

Test(provider_encode, a_written_shell_signs)
{
	BIO *b = BIO_new(BIO_s_mem());
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[256];
	size_t len = sizeof(sig);
	EVP_PKEY *key;

	cr_assert_eq(PEM_write_bio_PrivateKey(
			     b, s.shell[SCENE_P256], NULL, NULL, 0, NULL, NULL),
		1);
	key = PEM_read_bio_PrivateKey_ex(b, NULL, NULL, NULL, s.libctx, NULL);
	cr_assert_eq(EVP_DigestSignInit_ex(
			     c, NULL, "SHA256", s.libctx, NULL, key, NULL),
		1);
	cr_assert_eq(
		EVP_DigestSign(c, sig, &len, (const uint8_t *)"hello", 5), 1);
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(c);
	BIO_free(b);
}

Test(provider_encode, refuses_to_encrypt_a_shell_in_words)
{
	const EVP_CIPHER *aes = EVP_aes_128_cbc();
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		BIO *b = BIO_new(BIO_s_mem());

		cr_assert_neq(PEM_write_bio_PrivateKey(b, s.shell[k], aes, NULL,
				      0, NULL, (char[]){ "geheim" }),
			1);
		assert_refused(b, "holds no secret");
		b = BIO_new(BIO_s_mem());
		cr_assert_neq(i2d_PKCS8PrivateKey_bio(b, s.shell[k], aes, NULL,
				      0, NULL, (char[]){ "geheim" }),
			1);
		assert_refused(b, "holds no secret");
		b = BIO_new(BIO_s_mem());
		cr_assert_neq(
			encode(s.shell[k], EVP_PKEY_KEYPAIR, "PEM",
				"EncryptedPrivateKeyInfo", "AES-256-CBC", b),
			1);
		assert_refused(b, "write it without one");
	}
	for (k = SCENE_RSA; k <= SCENE_P256; k++) {
		BIO *b = BIO_new(BIO_s_mem());

		cr_assert_neq(encode(s.shell[k], EVP_PKEY_KEYPAIR, "DER",
				      "type-specific", "AES-256-CBC", b),
			1);
		assert_refused(b, "write it without one");
	}
}

Test(provider_encode, refuses_forms_without_room_for_a_shell)
{
	BIO *b = BIO_new(BIO_s_mem());

	cr_assert_neq(encode(s.shell[SCENE_RSA], EVP_PKEY_KEYPAIR, "MSBLOB",
			      NULL, NULL, b),
		1);
	assert_refused(b, "as msblob: write PEM or DER");
	b = BIO_new(BIO_s_mem());
	cr_assert_neq(encode(s.shell[SCENE_RSA], EVP_PKEY_KEYPAIR, "PVK", NULL,
			      NULL, b),
		1);
	assert_refused(b, "as pvk: write PEM or DER");
	/* libcrypto does not even ask */
	b = BIO_new(BIO_s_mem());
	cr_assert_neq(PEM_write_bio_PrivateKey_traditional(
			      b, s.shell[SCENE_RSA], NULL, NULL, 0, NULL, NULL),
		1);
	cr_assert_eq(BIO_pending(b), 0);
	cr_assert_neq(ERR_peek_error(), 0);
	ERR_clear_error();
	BIO_free(b);
}

/* Where libcrypto encrypts by itself, as `openssl pkcs8 -topk8` lets it. */
Test(provider_encode, loads_a_shell_that_libcrypto_encrypted)
{
	BIO *b = BIO_new(BIO_s_mem());
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(s.shell[SCENE_RSA]);
	X509_SIG *sealed = PKCS8_encrypt_ex(-1, EVP_aes_128_cbc(), "geheim", 6,
		NULL, 0, 0, p8, s.plain, NULL);
	unsigned char *der = NULL;
	EVP_PKEY *key;
	int n;

	cr_assert_eq(PEM_write_bio_PKCS8(b, sealed), 1);
	key = PEM_read_bio_PrivateKey_ex(
		b, NULL, NULL, (char[]){ "geheim" }, s.libctx, NULL);
	cr_assert_not_null(key);
	n = i2d_PrivateKey(key, &der);
	assert_is_shell(SCENE_RSA, der, (size_t)n);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(p8);
	BIO_free(b);
}

Test(provider_encode, prints_where_the_private_key_is_and_the_public_one)
{
	char public[8192], hash[65];
	unsigned char *spki = NULL, md[32];
	const char *text;
	int k, n;
	BIO *b;

	for (k = 0; k < SCENE_KEYS; k++) {
		b = BIO_new(BIO_s_mem());
		cr_assert_eq(EVP_PKEY_print_public(b, s.key[k], 0, NULL), 1);
		(void)strcpy(public, take_text(b));
		b = BIO_new(BIO_s_mem());
		cr_assert_eq(EVP_PKEY_print_public(b, s.shell[k], 0, NULL), 1);
		cr_assert_str_eq(take_text(b), public);
		b = BIO_new(BIO_s_mem());
		cr_assert_eq(EVP_PKEY_print_private(b, s.shell[k], 0, NULL), 1);
		text = take_text(b);
		assert_no_errors();
		n = i2d_PUBKEY(s.key[k], &spki);
		cr_assert(EVP_Digest(
			spki, (size_t)n, md, NULL, EVP_sha256(), NULL));
		OPENSSL_free(spki);
		spki = NULL;
		for (n = 0; n < 32; n++)
			(void)snprintf(hash + 2 * n, 3, "%02x", md[n]);
		cr_assert_not_null(strstr(text, scene_types[k].name));
		cr_assert_not_null(strstr(text, "kept by keyd"));
		cr_assert_not_null(strstr(text, hash));
		cr_assert_str_eq(strchr(text, '\n') + 1, public);
	}
}

Test(provider_encode, writes_public_keys_as_default_does)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		X509 *x = X509_new_ex(s.libctx, NULL);
		X509_REQ *r = X509_REQ_new_ex(s.libctx, NULL);
		unsigned char *a = NULL, *b = NULL;
		int n = i2d_PUBKEY(s.key[k], &a);

		cr_assert_eq(i2d_PUBKEY(s.shell[k], &b), n);
		cr_assert_eq(memcmp(a, b, (size_t)n), 0);
		OPENSSL_free(a);
		OPENSSL_free(b);
		cr_assert_eq(X509_set_pubkey(x, s.shell[k]), 1);
		cr_assert_eq(EVP_PKEY_eq(X509_get0_pubkey(x), s.key[k]), 1);
		cr_assert_eq(X509_REQ_set_pubkey(r, s.shell[k]), 1);
		cr_assert_eq(EVP_PKEY_eq(X509_REQ_get0_pubkey(r), s.key[k]), 1);
		X509_free(x);
		X509_REQ_free(r);
	}
	assert_no_errors();
}

/* Those that a type has, in the same bytes, and no others. */
static void
assert_same(int k, int (*i2d)(const EVP_PKEY *, unsigned char **))
{
	unsigned char *a = NULL, *b = NULL;
	int n = i2d(s.key[k], &a), m;

	ERR_clear_error();
	m = i2d(s.shell[k], &b);
	if (n > 0)
		assert_no_errors();
	ERR_clear_error();
	cr_assert_eq(n, m, "%s: %d, %d", scene_types[k].name, n, m);
	cr_assert(n <= 0 || memcmp(a, b, (size_t)n) == 0);
	OPENSSL_free(a);
	OPENSSL_free(b);
}

Test(provider_encode, writes_older_public_forms_and_parameters_of_a_type)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		assert_same(k, i2d_PublicKey);
		assert_same(k, i2d_KeyParams);
	}
	cr_assert_gt(i2d_PublicKey(s.shell[SCENE_RSA], NULL), 0);
	cr_assert_gt(i2d_PublicKey(s.shell[SCENE_P256], NULL), 0);
	cr_assert_gt(i2d_KeyParams(s.shell[SCENE_P256], NULL), 0);
}

/* Where no structure is named, that of public EC keys is the only one. */
Test(provider_encode, chooses_a_form_that_has_the_part_asked_for)
{
	BIO *b = BIO_new(BIO_s_mem()), *want = BIO_new(BIO_s_mem());
	char text[1024];

	cr_assert_eq(encode(s.shell[SCENE_P256], EVP_PKEY_PUBLIC_KEY, "PEM",
			     NULL, NULL, b),
		1);
	cr_assert_eq(PEM_write_bio_PUBKEY(want, s.key[SCENE_P256]), 1);
	(void)strcpy(text, take_text(want));
	cr_assert_str_eq(take_text(b), text);
	assert_no_errors();
}

/* As default does, if it is asked for more than there is room for. */
Test(provider_encode, writes_a_public_form_whatever_else_is_asked_for)
{
	OSSL_ENCODER_CTX *c = OSSL_ENCODER_CTX_new_for_pkey(s.shell[SCENE_P256],
		EVP_PKEY_PUBLIC_KEY, "DER", "SubjectPublicKeyInfo", NULL);
	unsigned char *a = NULL, *b = NULL;
	size_t len = 0;

	cr_assert_eq(OSSL_ENCODER_CTX_set_selection(c, EVP_PKEY_KEYPAIR), 1);
	cr_assert_eq(OSSL_ENCODER_to_data(c, &a, &len), 1);
	cr_assert_eq((int)len, i2d_PUBKEY(s.key[SCENE_P256], &b));
	cr_assert_eq(memcmp(a, b, len), 0);
	assert_no_errors();
	OPENSSL_free(a);
	OPENSSL_free(b);
	OSSL_ENCODER_CTX_free(c);
}

Test(provider_encode, the_form_of_points_is_of_the_public_key_alone)
{
	EVP_PKEY *key = s.shell[SCENE_P256], *other = EVP_PKEY_dup(key);
	unsigned char *der = NULL;
	int n, whole = i2d_PUBKEY(key, NULL);

	cr_assert_eq(EVP_PKEY_set_utf8_string_param(key,
			     OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			     "compressed"),
		1);
	cr_assert_eq(i2d_PUBKEY(key, NULL), whole - 32);
	cr_assert_eq(i2d_PUBKEY(other, NULL), whole);
	cr_assert_eq(EVP_PKEY_eq(key, s.key[SCENE_P256]), 1);
	n = i2d_PrivateKey(key, &der);
	assert_is_shell(SCENE_P256, der, (size_t)n);
	OPENSSL_free(der);
	der = NULL;
	n = i2d_PrivateKey(other, &der);
	assert_is_shell(SCENE_P256, der, (size_t)n);
	OPENSSL_free(der);
	EVP_PKEY_free(other);
}

/* A context that does not have the provider takes the key with the shell. */
Test(provider_encode, a_shell_serves_a_context_of_another_library_context)
{
	SSL_CTX *c = SSL_CTX_new_ex(s.plain, NULL, TLS_server_method());

	cr_assert_eq(SSL_CTX_use_PrivateKey(c, s.shell[SCENE_P256]), 1);
	cr_assert_eq(SSL_CTX_use_certificate(c, s.cert[SCENE_P256]), 1);
	cr_assert_eq(SSL_CTX_check_private_key(c), 1);
	assert_no_errors();
	SSL_CTX_free(c);
}

TestSuite(provider_encode_first, .fini = stop, .timeout = 60);

static void
assert_is_ours(EVP_PKEY *key)
{
	cr_assert_str_eq(
		OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key)), "keyd");
}

/* Keys that default made for us, since the provider is listed first. */
static EVP_PKEY *
generate(const char *type)
{
	EVP_PKEY *key =
		strcmp(type, "RSA") == 0
			? EVP_PKEY_Q_keygen(s.libctx, NULL, "RSA", (size_t)1024)
			: EVP_PKEY_Q_keygen(s.libctx, NULL, "EC", "P-256");

	cr_assert_not_null(key);
	assert_is_ours(key);
	return key;
}

/* What default writes and reads; the same key in its own context. */
static EVP_PKEY *
reread(EVP_PKEY *key, const char *cipher)
{
	BIO *b = BIO_new(BIO_s_mem());
	EVP_PKEY *out;

	cr_assert_eq(encode(key, EVP_PKEY_KEYPAIR, "PEM", "PrivateKeyInfo",
			     cipher, b),
		1);
	out = PEM_read_bio_PrivateKey_ex(
		b, NULL, NULL, (char[]){ "geheim" }, s.plain, NULL);
	cr_assert_not_null(out);
	BIO_free(b);
	return out;
}

static char *
private_text(EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());

	cr_assert_eq(EVP_PKEY_print_private(b, key, 0, NULL), 1);
	return take_text(b);
}

Test(provider_encode_first, writes_keys_of_default_as_default_does)
{
	static const char *const types[] = { "RSA", "EC" };
	char text[8192];
	size_t i;

	scene_start(&s, SCENE_FIRST, "");
	for (i = 0; i < 2; i++) {
		EVP_PKEY *key = generate(types[i]);
		EVP_PKEY *plain = reread(key, NULL);
		EVP_PKEY *sealed = reread(key, "AES-256-CBC");
		unsigned char *a = NULL, *b = NULL;
		int n;

		(void)strcpy(text, private_text(plain));
		cr_assert_str_eq(private_text(key), text);
		cr_assert_str_eq(private_text(sealed), text);
		n = i2d_PrivateKey(plain, &a);
		cr_assert_gt(n, 0);
		cr_assert_eq(i2d_PrivateKey(key, &b), n);
		cr_assert_eq(memcmp(a, b, (size_t)n), 0);
		assert_no_errors();
		OPENSSL_free(a);
		OPENSSL_free(b);
		EVP_PKEY_free(key);
		EVP_PKEY_free(plain);
		EVP_PKEY_free(sealed);
	}
}

Test(provider_encode_first, writes_nothing_when_there_is_no_such_cipher)
{
	OSSL_ENCODER_CTX *c;
	EVP_PKEY *key;
	BIO *b = BIO_new(BIO_s_mem());

	scene_start(&s, SCENE_FIRST, "");
	key = generate("EC");
	c = OSSL_ENCODER_CTX_new_for_pkey(
		key, EVP_PKEY_KEYPAIR, "PEM", "PrivateKeyInfo", NULL);
	/* whoever ignores that this fails */
	cr_assert_neq(
		OSSL_ENCODER_CTX_set_cipher(c, "no-such-cipher", NULL), 1);
	cr_assert_neq(OSSL_ENCODER_to_bio(c, b), 1);
	cr_assert_eq(BIO_pending(b), 0);
	ERR_clear_error();
	OSSL_ENCODER_CTX_free(c);
	BIO_free(b);
	EVP_PKEY_free(key);
}

Test(provider_encode_first, a_public_key_is_never_written_as_a_private_one)
{
	EVP_PKEY *key, *public = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *c;
	BIO *b = BIO_new(BIO_s_mem());

	scene_start(&s, SCENE_FIRST, "");
	key = generate("EC");
	cr_assert_eq(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1);
	c = EVP_PKEY_CTX_new_from_name(s.libctx, "EC", NULL);
	cr_assert_eq(EVP_PKEY_fromdata_init(c), 1);
	cr_assert_eq(
		EVP_PKEY_fromdata(c, &public, EVP_PKEY_PUBLIC_KEY, params), 1);
	assert_is_ours(public);
	cr_assert_neq(
		PEM_write_bio_PrivateKey(b, public, NULL, NULL, 0, NULL, NULL),
		1);
	cr_assert_eq(BIO_pending(b), 0);
	ERR_clear_error();
	cr_assert_eq(PEM_write_bio_PUBKEY(b, public), 1);
	BIO_free(b);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(public);
	EVP_PKEY_free(key);
}
