#include <criterion/criterion.h>

#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <pthread.h>

#include "support/queue.h"
#include "support/scene.h"
#include "support/signing_keyd.h"
#include "wire/proto.h"

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

TestSuite(provider, .init = start, .fini = stop, .timeout = 60);

static void
assert_verifies(EVP_PKEY *key, OSSL_LIB_CTX *libctx, const char *md,
	int pss_salt, const void *sig, size_t siglen, const void *tbs,
	size_t len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;

	cr_assert_eq(
		EVP_DigestVerifyInit_ex(c, &pctx, md, libctx, NULL, key, NULL),
		1);
	if (pss_salt != -100) {
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(
				     pctx, RSA_PKCS1_PSS_PADDING),
			1);
		cr_assert_eq(
			EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, pss_salt), 1);
	}
	cr_assert_eq(EVP_DigestVerify(c, sig, siglen, tbs, len), 1);
	EVP_MD_CTX_free(c);
}

static void
sign_and_verify(enum scene_key k)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[512];
	size_t len = 0, size;

	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, scene_types[k].md, s.libctx,
			     NULL, s.shell[k], NULL),
		1);
	cr_assert_eq(
		EVP_DigestSign(c, NULL, &len, (const uint8_t *)"hello", 5), 1);
	size = len;
	cr_assert_eq((int)size, EVP_PKEY_get_size(s.key[k]));
	cr_assert_eq(
		EVP_DigestSign(c, sig, &len, (const uint8_t *)"hello", 5), 1);
	assert_no_errors();
	assert_verifies(s.key[k], s.plain, scene_types[k].md, -100, sig, len,
		"hello", 5);
	assert_verifies(s.shell[k], s.libctx, scene_types[k].md, -100, sig, len,
		"hello", 5);
	assert_no_errors();
	EVP_MD_CTX_free(c);
}

Test(provider, signs_a_message_with_keys_of_every_type)
{
	int k;

	for (k = 0; k < SCENE_SIGNERS; k++)
		sign_and_verify((enum scene_key)k);
}

Test(provider, says_what_keys_are)
{
	char group[32];
	size_t n;

	cr_assert_eq(EVP_PKEY_get_id(s.shell[SCENE_RSA]), EVP_PKEY_RSA);
	cr_assert_eq(EVP_PKEY_get_bits(s.shell[SCENE_RSA]), 2048);
	cr_assert_eq(EVP_PKEY_get_size(s.shell[SCENE_RSA]), 256);
	cr_assert_eq(EVP_PKEY_get_security_bits(s.shell[SCENE_RSA]), 112);
	cr_assert_eq(EVP_PKEY_get_id(s.shell[SCENE_P256]), EVP_PKEY_EC);
	cr_assert_eq(EVP_PKEY_get_group_name(
			     s.shell[SCENE_P256], group, sizeof(group), &n),
		1);
	cr_assert_str_eq(group, "prime256v1");
	cr_assert_eq(EVP_PKEY_get_default_digest_name(
			     s.shell[SCENE_P384], group, sizeof(group)),
		1);
	cr_assert_str_eq(group, "SHA256");
	assert_no_errors();
}

Test(provider, equals_its_public_key_in_both_orders)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		EVP_PKEY *pub = X509_get0_pubkey(s.cert[k]);

		cr_assert_eq(EVP_PKEY_eq(pub, s.shell[k]), 1);
		cr_assert_eq(EVP_PKEY_eq(s.shell[k], pub), 1);
		cr_assert_eq(X509_check_private_key(s.cert[k], s.shell[k]), 1);
		cr_assert_eq(EVP_PKEY_eq(s.key[k], s.shell[k]), 1);
		assert_no_errors();
		/* the RSA-PSS keys have the same numbers */
		pub = X509_get0_pubkey(s.cert[(k + 2) % SCENE_KEYS]);
		cr_assert_neq(EVP_PKEY_eq(pub, s.shell[k]), 1);
		cr_assert_neq(EVP_PKEY_eq(s.shell[k], pub), 1);
		ERR_clear_error();
	}
}

Test(provider, never_gives_a_private_part)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		OSSL_PARAM *params = NULL;
		BIGNUM *bn = NULL;

		cr_assert_eq(
			EVP_PKEY_todata(s.shell[k], EVP_PKEY_KEYPAIR, &params),
			0);
		assert_no_errors();
		cr_assert_eq(EVP_PKEY_todata(s.shell[k],
				     OSSL_KEYMGMT_SELECT_PRIVATE_KEY, &params),
			0);
		cr_assert_eq(EVP_PKEY_get_bn_param(
				     s.shell[k], OSSL_PKEY_PARAM_RSA_D, &bn),
			0);
		cr_assert_eq(EVP_PKEY_get_bn_param(
				     s.shell[k], OSSL_PKEY_PARAM_PRIV_KEY, &bn),
			0);
		ERR_clear_error();
	}
}

Test(provider, gives_its_public_key)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		unsigned char *a = NULL, *b = NULL;
		int n = i2d_PUBKEY(s.shell[k], &a);

		cr_assert_gt(n, 0);
		cr_assert_eq(i2d_PUBKEY(s.key[k], &b), n);
		cr_assert_arr_eq(a, b, (size_t)n);
		assert_no_errors();
		OPENSSL_free(a);
		OPENSSL_free(b);
	}
}

Test(provider, loads_a_shell_on_every_path)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		const unsigned char *p = s.der[k];
		PKCS8_PRIV_KEY_INFO *p8;
		STACK_OF(X509_INFO) * infos;
		OSSL_LIB_CTX *was;
		EVP_PKEY *key;
		BIO *b;

		key = d2i_AutoPrivateKey_ex(
			NULL, &p, (long)s.der_len[k], s.libctx, NULL);
		cr_assert_eq(EVP_PKEY_eq(key, s.key[k]), 1);
		EVP_PKEY_free(key);
		p = s.der[k];
		p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)s.der_len[k]);
		key = EVP_PKCS82PKEY_ex(p8, s.libctx, NULL);
		cr_assert_eq(EVP_PKEY_eq(key, s.key[k]), 1);
		EVP_PKEY_free(key);
		PKCS8_PRIV_KEY_INFO_free(p8);
		b = scene_pem(&s, (enum scene_key)k);
		/* 3.0 forgets the context on the way: make it the default. */
		was = OSSL_LIB_CTX_set0_default(s.libctx);
		infos = PEM_X509_INFO_read_bio_ex(
			b, NULL, NULL, NULL, s.libctx, NULL);
		(void)OSSL_LIB_CTX_set0_default(was);
		cr_assert_eq(sk_X509_INFO_num(infos), 1);
		key = sk_X509_INFO_value(infos, 0)->x_pkey->dec_pkey;
		cr_assert_eq(EVP_PKEY_eq(key, s.key[k]), 1);
		sk_X509_INFO_pop_free(infos, X509_INFO_free);
		BIO_free(b);
		b = BIO_new_mem_buf(s.der[k], (int)s.der_len[k]);
		key = d2i_PrivateKey_ex_bio(b, NULL, s.libctx, NULL);
		cr_assert_eq(EVP_PKEY_eq(key, s.key[k]), 1);
		EVP_PKEY_free(key);
		BIO_free(b);
		assert_no_errors();
	}
}

Test(provider, loads_a_shell_through_a_store)
{
	OSSL_STORE_CTX *store;
	OSSL_STORE_INFO *info;
	EVP_PKEY *key = NULL;

	scene_write(&s, SCENE_P256, "a");
	store = OSSL_STORE_open_ex(scene_path(&s, "a.key"), s.libctx, NULL,
		NULL, NULL, NULL, NULL, NULL);
	cr_assert_not_null(store);
	while (key == NULL && !OSSL_STORE_eof(store)) {
		info = OSSL_STORE_load(store);
		if (info != NULL)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
	cr_assert_eq(EVP_PKEY_eq(key, s.key[SCENE_P256]), 1);
	EVP_PKEY_free(key);
}

Test(provider, loads_a_shell_into_an_ssl_ctx)
{
	int k;

	for (k = 0; k < SCENE_SIGNERS; k++) {
		SSL_CTX *c = SSL_CTX_new_ex(s.libctx, NULL, TLS_method());
		FILE *f;

		scene_write(&s, (enum scene_key)k, "a");
		cr_assert_eq(SSL_CTX_use_certificate_file(c,
				     scene_path(&s, "a.pem"), SSL_FILETYPE_PEM),
			1);
		cr_assert_eq(SSL_CTX_use_PrivateKey_file(c,
				     scene_path(&s, "a.key"), SSL_FILETYPE_PEM),
			1);
		cr_assert_eq(SSL_CTX_check_private_key(c), 1);
		f = fopen(scene_path(&s, "a.der"), "w");
		cr_assert_eq(
			fwrite(s.der[k], 1, s.der_len[k], f), s.der_len[k]);
		fclose(f);
		cr_assert_eq(
			SSL_CTX_use_PrivateKey_file(
				c, scene_path(&s, "a.der"), SSL_FILETYPE_ASN1),
			1);
		cr_assert_eq(SSL_CTX_check_private_key(c), 1);
		assert_no_errors();
		SSL_CTX_free(c);
	}
}

/* In a bundle, text, certificate and another key may come first. */
Test(provider, loads_a_shell_from_a_bundle)
{
	BIO *b = BIO_new(BIO_s_mem()), *pem = scene_pem(&s, SCENE_RSA);
	EVP_PKEY *key;
	char *data;
	long n = BIO_get_mem_data(pem, &data);

	BIO_puts(b, "This is not a key.\n");
	cr_assert_eq(PEM_write_bio_X509(b, s.cert[SCENE_RSA]), 1);
	cr_assert_eq(BIO_write(b, data, (int)n), (int)n);
	key = PEM_read_bio_PrivateKey_ex(b, NULL, NULL, NULL, s.libctx, NULL);
	cr_assert_eq(EVP_PKEY_eq(key, s.key[SCENE_RSA]), 1);
	assert_no_errors();
	EVP_PKEY_free(key);
	BIO_free(pem);
	BIO_free(b);
}

Test(provider, leaves_other_keys_alone)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		BIO *b = BIO_new(BIO_s_mem());
		EVP_PKEY *key;

		cr_assert_eq(PEM_write_bio_PrivateKey(
				     b, s.key[k], NULL, NULL, 0, NULL, NULL),
			1);
		key = PEM_read_bio_PrivateKey_ex(
			b, NULL, NULL, NULL, s.libctx, NULL);
		cr_assert_eq(EVP_PKEY_eq(key, s.key[k]), 1);
		cr_assert_str_eq(
			OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key)),
			"default");
		assert_no_errors();
		EVP_PKEY_free(key);
		BIO_free(b);
	}
}

static EVP_PKEY *
load_der(const void *der, size_t len)
{
	BIO *b = BIO_new(BIO_s_mem());
	EVP_PKEY *key;

	cr_assert_gt(PEM_write_bio(b, "PRIVATE KEY", "", der, (long)len), 0);
	key = PEM_read_bio_PrivateKey_ex(b, NULL, NULL, NULL, s.libctx, NULL);
	BIO_free(b);
	return key;
}

Test(provider, says_that_a_shell_is_truncated)
{
	/* Newer ones parse PKCS#8 themselves before any decoder is asked. */
	if (OPENSSL_version_major() > 3 || OPENSSL_version_minor() > 0)
		cr_skip_test("before OpenSSL 3.1 only");
	cr_assert_null(load_der(s.der[SCENE_RSA], s.der_len[SCENE_RSA] - 9));
	assert_error_says("cut short");
	cr_assert_null(load_der(s.der[SCENE_P256], s.der_len[SCENE_P256] - 9));
	assert_error_says("cut short");
}

Test(provider, says_that_a_shells_public_key_is_bad)
{
	/* the last byte is of the point's y */
	s.der[SCENE_P256][s.der_len[SCENE_P256] - 1] ^= 1;
	cr_assert_null(load_der(s.der[SCENE_P256], s.der_len[SCENE_P256]));
	assert_error_says("its public key cannot be read");
}

Test(provider, says_once_what_is_wrong_with_a_shell)
{
	const char *data;
	int flags, n = 0;

	s.der[SCENE_P256][s.der_len[SCENE_P256] - 1] ^= 1;
	cr_assert_null(load_der(s.der[SCENE_P256], s.der_len[SCENE_P256]));
	while (ERR_get_error_all(NULL, NULL, NULL, &data, &flags) != 0)
		n += (flags & ERR_TXT_STRING) && strstr(data, "keydctl");
	cr_assert_eq(n, 1);
}

Test(provider, signs_a_streamed_message)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[512];
	size_t len = sizeof(sig), i;

	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_P256], NULL),
		1);
	for (i = 0; i < 5; i++)
		cr_assert_eq(EVP_DigestSignUpdate(c, &"hello"[i], 1), 1);
	cr_assert_eq(EVP_DigestSignFinal(c, sig, &len), 1);
	assert_verifies(s.key[SCENE_P256], s.plain, "SHA256", -100, sig, len,
		"hello", 5);
	assert_no_errors();
	EVP_MD_CTX_free(c);
}

static void
sign_long(size_t total, size_t part)
{
	unsigned char *data = calloc(1, total), sig[512];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t len = sizeof(sig), at, n;

	data[total / 2] = 7;
	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	for (at = 0; at < total; at += n) {
		n = total - at < part ? total - at : part;
		cr_assert_eq(EVP_DigestSignUpdate(c, data + at, n), 1);
	}
	cr_assert_eq(EVP_DigestSignFinal(c, sig, &len), 1);
	assert_verifies(s.key[SCENE_RSA], s.plain, "SHA256", -100, sig, len,
		data, total);
	len = sizeof(sig);
	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	cr_assert_eq(EVP_DigestSign(c, sig, &len, data, total), 1);
	assert_verifies(s.key[SCENE_RSA], s.plain, "SHA256", -100, sig, len,
		data, total);
	assert_no_errors();
	EVP_MD_CTX_free(c);
	free(data);
}

Test(provider, signs_a_message_of_the_largest_size)
{
	sign_long(PROTO_MAX_DATA, 4096);
}

Test(provider, signs_a_message_longer_than_the_largest)
{
	sign_long(PROTO_MAX_DATA + 1, PROTO_MAX_DATA);
	sign_long(1000000, 4099);
}

Test(provider, a_copied_context_goes_its_own_way)
{
	static const size_t sizes[] = { 3, PROTO_MAX_DATA + 3 };
	size_t i;

	for (i = 0; i < 2; i++) {
		unsigned char *data = calloc(1, sizes[i] + 1), sig[512];
		EVP_MD_CTX *a = EVP_MD_CTX_new(), *b = EVP_MD_CTX_new();
		size_t len = sizeof(sig);

		cr_assert_eq(EVP_DigestSignInit_ex(a, NULL, "SHA256", s.libctx,
				     NULL, s.shell[SCENE_P256], NULL),
			1);
		cr_assert_eq(EVP_DigestSignUpdate(a, data, sizes[i]), 1);
		cr_assert_eq(EVP_MD_CTX_copy_ex(b, a), 1);
		cr_assert_eq(EVP_DigestSignUpdate(b, "x", 1), 1);
		cr_assert_eq(EVP_DigestSignFinal(a, sig, &len), 1);
		assert_verifies(s.key[SCENE_P256], s.plain, "SHA256", -100, sig,
			len, data, sizes[i]);
		len = sizeof(sig);
		cr_assert_eq(EVP_DigestSignFinal(b, sig, &len), 1);
		data[sizes[i]] = 'x';
		assert_verifies(s.key[SCENE_P256], s.plain, "SHA256", -100, sig,
			len, data, sizes[i] + 1);
		EVP_MD_CTX_free(a);
		EVP_MD_CTX_free(b);
		free(data);
	}
	assert_no_errors();
}

/* pkeyutl, cms without attributes */
Test(provider, signs_a_digest)
{
	static const unsigned char digest[64] = { 1 };
	int k;

	for (k = 0; k < SCENE_P521; k++) {
		EVP_PKEY_CTX *c =
			EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[k], NULL);
		EVP_PKEY_CTX *v =
			EVP_PKEY_CTX_new_from_pkey(s.plain, s.key[k], NULL);
		unsigned char sig[512];
		size_t len = sizeof(sig);

		cr_assert_eq(EVP_PKEY_sign_init(c), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_signature_md(c, EVP_sha384()), 1);
		cr_assert_eq(EVP_PKEY_sign(c, sig, &len, digest, 48), 1);
		cr_assert_eq(EVP_PKEY_verify_init(v), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_signature_md(v, EVP_sha384()), 1);
		cr_assert_eq(EVP_PKEY_verify(v, sig, len, digest, 48), 1);
		assert_no_errors();
		len = sizeof(sig);
		cr_assert_neq(EVP_PKEY_sign(c, sig, &len, digest, 47), 1);
		assert_error_says("are not a digest of sha384");
		EVP_PKEY_CTX_free(c);
		EVP_PKEY_CTX_free(v);
	}
}

Test(provider, refuses_raw_rsa_in_words)
{
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[SCENE_RSA], NULL);
	unsigned char sig[512], data[256] = { 0 };
	size_t len = sizeof(sig);

	cr_assert_eq(EVP_PKEY_sign_init(c), 1);
	cr_assert_neq(EVP_PKEY_sign(c, sig, &len, data, 246), 1);
	assert_error_says("at most 245");
	cr_assert_neq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
	assert_error_says("PKCS#1 v1.5 or PSS");
	len = sizeof(sig);
	cr_assert_neq(EVP_PKEY_sign(c, sig, &len, data, sizeof(data)), 1);
	assert_error_says("PKCS#1 v1.5 or PSS");
	cr_assert_neq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_X931_PADDING), 1);
	ERR_clear_error();
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()), 1);
	cr_assert_neq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_X931_PADDING), 1);
	assert_error_says("PKCS#1 v1.5 or PSS");
	cr_assert_neq(
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	ERR_clear_error();
	EVP_PKEY_CTX_free(c);
}

/* The same data signed without the name of a digest, and verified. */
static int
sign_raw(enum scene_key k, size_t n)
{
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[k], NULL);
	EVP_PKEY_CTX *v = EVP_PKEY_CTX_new_from_pkey(s.plain, s.key[k], NULL);
	unsigned char sig[512], data[300];
	size_t len = sizeof(sig);
	int ok;

	memset(data, 0x5a, sizeof(data));
	cr_assert_eq(EVP_PKEY_sign_init(c), 1);
	ok = EVP_PKEY_sign(c, sig, &len, data, n);
	if (ok == 1) {
		cr_assert_eq(EVP_PKEY_verify_init(v), 1);
		cr_assert_eq(EVP_PKEY_verify(v, sig, len, data, n), 1);
		assert_no_errors();
	}
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_CTX_free(v);
	return ok == 1;
}

Test(provider, signs_what_is_no_digest_of_any_name)
{
	size_t n;

	for (n = 1; n <= 64; n++)
		cr_assert(sign_raw(SCENE_P256, n), "%zu", n);
	/* longer than the order: its first bits */
	cr_assert(sign_raw(SCENE_P256, 65));
	cr_assert(sign_raw(SCENE_BP512, 200));
	cr_assert(sign_raw(SCENE_P521, 64));
	cr_assert(!sign_raw(SCENE_P521, 66));
	assert_error_says("1 to 64 bytes, not of 66");
	cr_assert(!sign_raw(SCENE_P256, 0));
	assert_error_says("not of 0");
	cr_assert(sign_raw(SCENE_RSA, 1));
	cr_assert(sign_raw(SCENE_RSA, 36));
	cr_assert(sign_raw(SCENE_RSA, 245));
}

Test(provider, signs_pss_with_every_form_of_salt_length)
{
	/* 3.1 has another default */
	const bool is_new =
		OPENSSL_version_major() > 3 || OPENSSL_version_minor() > 0;
	const struct {
		const char *text;
		int set, is;
	} forms[] = {
		{ NULL, 0, 0 },
		{ NULL, 17, 17 },
		{ NULL, 222, 222 },
		{ NULL, RSA_PSS_SALTLEN_DIGEST, 32 },
		{ NULL, RSA_PSS_SALTLEN_MAX, 222 },
		{ NULL, RSA_PSS_SALTLEN_AUTO, 222 },
		{ "digest", 0, 32 },
		{ "max", 0, 222 },
		{ "auto", 0, 222 },
		{ "20", 0, 20 },
		{ "-1", 0, 32 },
		{ "default", 0, is_new ? 32 : 222 },
	};
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
		unsigned char sig[512];
		size_t len = sizeof(sig);
		EVP_PKEY_CTX *p;

		cr_assert_eq(EVP_DigestSignInit_ex(c, &p, "SHA256", s.libctx,
				     NULL, s.shell[SCENE_RSA], NULL),
			1);
		cr_assert_eq(
			EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING),
			1);
		if (forms[i].text == NULL) {
			cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(
					     p, forms[i].set),
				1);
		} else if (strcmp(forms[i].text, "default") != 0) {
			params[0] = OSSL_PARAM_construct_utf8_string(
				OSSL_SIGNATURE_PARAM_PSS_SALTLEN,
				(char *)(uintptr_t)forms[i].text, 0);
			cr_assert_eq(EVP_PKEY_CTX_set_params(p, params), 1);
		}
		cr_assert_eq(
			EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1),
			1);
		assert_verifies(s.key[SCENE_RSA], s.plain, "SHA256",
			forms[i].is, sig, len, "x", 1);
		assert_no_errors();
		EVP_MD_CTX_free(c);
	}
}

Test(provider, refuses_a_salt_that_does_not_fit)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[512];
	size_t len = sizeof(sig);
	EVP_PKEY_CTX *p;

	cr_assert_eq(EVP_DigestSignInit_ex(c, &p, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(p, 223), 1);
	cr_assert_neq(EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1), 1);
	assert_error_says("at most 222 bytes");
	EVP_MD_CTX_free(c);
}

static void
sign_certificate(enum scene_key k, int pss)
{
	X509 *x = X509_dup(s.cert[k]);
	X509_REQ *req = X509_REQ_new();
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p;

	cr_assert_eq(EVP_DigestSignInit_ex(c, &p, scene_types[k].md, s.libctx,
			     NULL, s.shell[k], NULL),
		1);
	if (pss) {
		cr_assert_eq(
			EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING),
			1);
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(p, pss), 1);
	}
	cr_assert_gt(X509_sign_ctx(x, c), 0);
	cr_assert_eq(X509_verify(x, s.key[k]), 1);
	if (pss)
		cr_assert_eq(X509_get_signature_nid(x), NID_rsassaPss);
	X509_free(x);
	cr_assert_eq(X509_REQ_set_version(req, X509_REQ_VERSION_1), 1);
	cr_assert_eq(X509_REQ_set_pubkey(req, s.shell[k]), 1);
	cr_assert_gt(X509_REQ_sign(req, s.shell[k], EVP_sha256()), 0);
	cr_assert_eq(X509_REQ_verify(req, s.key[k]), 1);
	assert_no_errors();
	X509_REQ_free(req);
	EVP_MD_CTX_free(c);
}

Test(provider, signs_certificates_and_requests)
{
	sign_certificate(SCENE_RSA, 0);
	sign_certificate(SCENE_P256, 0);
	sign_certificate(SCENE_P384, 0);
}

Test(provider, signs_certificates_with_pss)
{
	sign_certificate(SCENE_RSA, 32);
	sign_certificate(SCENE_RSA, 20);
	sign_certificate(SCENE_RSA, RSA_PSS_SALTLEN_MAX);
}

Test(provider, a_duplicate_signs_too)
{
	EVP_PKEY *was = s.shell[SCENE_P256];

	s.shell[SCENE_P256] = EVP_PKEY_dup(was);
	cr_assert_not_null(s.shell[SCENE_P256]);
	EVP_PKEY_free(was);
	sign_and_verify(SCENE_P256);
}

Test(provider, a_shell_cannot_be_given_another_public_key)
{
	unsigned char *pub = NULL;
	size_t n = EVP_PKEY_get1_encoded_public_key(s.key[SCENE_P256], &pub);

	cr_assert_gt(n, 0);
	cr_assert_neq(
		EVP_PKEY_set1_encoded_public_key(s.shell[SCENE_P256], pub, n),
		1);
	assert_error_says("cannot be changed");
	OPENSSL_free(pub);
}

Test(provider, checks_the_public_part_of_a_shell)
{
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[SCENE_P256], NULL);

	cr_assert_eq(EVP_PKEY_public_check(c), 1);
	cr_assert_eq(EVP_PKEY_check(c), 1);
	cr_assert_eq(EVP_PKEY_param_check(c), 1);
	assert_no_errors();
	EVP_PKEY_CTX_free(c);
}

static int
try_to_sign(enum scene_key k)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[512];
	size_t len = sizeof(sig);
	int ok;

	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[k], NULL),
		1);
	assert_no_errors();
	ok = EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1);
	EVP_MD_CTX_free(c);
	return ok == 1;
}

static void
assert_refusal(unsigned short status, unsigned short detail, int reason,
	const char *says)
{
	scene_keyd(&s, status, detail);
	cr_assert(!try_to_sign(SCENE_P256));
	cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), reason);
	assert_error_says(says);
}

Test(provider, reports_each_refusal_with_a_reason_of_its_own)
{
	assert_refusal(PROTO_UNKNOWN_KEY, 0, 9, "p256");
	assert_refusal(PROTO_NOT_PERMITTED, 0, 10, "p256");
	assert_refusal(
		PROTO_USE_REFUSED, DETAIL_NOT_TLS_SERVER, 11, "use = sign");
	assert_refusal(PROTO_INTERNAL, 0, 15, "p256");
	assert_refusal(999, 0, 7, "999");
	scene_keyd(&s, 0, 0);
	cr_assert(try_to_sign(SCENE_P256));
	assert_no_errors();
}

/* Else whoever answers could write over the application's memory. */
Test(provider, refuses_a_signature_longer_than_the_keys)
{
	assert_refusal(SIGNING_KEYD_TOO_LONG, 0, 4, "not a signature of this");
}

Test(provider, refuses_what_has_not_the_form_of_a_signature)
{
	assert_refusal(SIGNING_KEYD_TOO_SHORT, 0, 4, "not a signature of this");
	ERR_clear_error();
	cr_assert_not(try_to_sign(SCENE_RSA));
	assert_error_says("not a signature of this");
}

enum {
	STACK = 256 * 1024,
	ASYNC_STACK = 32 * 1024, /* libcrypto's, of an ASYNC job */
};

struct attempt {
	enum scene_key key;
	int ok;
};

static void *
sign_in_thread(void *arg)
{
	struct attempt *a = arg;

	a->ok = try_to_sign(a->key);
	return NULL;
}

static size_t
stack_used(enum scene_key k)
{
	static _Alignas(4096) uint8_t stack[STACK];
	struct attempt a = { .key = k };
	pthread_attr_t attr;
	pthread_t thread;
	size_t unused = 0;

	memset(stack, 0xa5, sizeof(stack));
	cr_assert_eq(pthread_attr_init(&attr), 0);
	cr_assert_eq(pthread_attr_setstack(&attr, stack, sizeof(stack)), 0);
	cr_assert_eq(pthread_create(&thread, &attr, sign_in_thread, &a), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert(a.ok);
	while (unused < STACK && stack[unused] == 0xa5)
		unused++;
	return STACK - unused;
}

/* libssl runs a whole handshake on such a stack. */
Test(provider, needs_half_the_stack_of_an_async_job)
{
	static const enum scene_key keys[] = { SCENE_RSA, SCENE_PSS256,
		SCENE_P256 };
	size_t i, used;

	scene_keyd(&s, 0, 0);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		cr_assert(try_to_sign(keys[i]));
		used = stack_used(keys[i]);
		cr_assert_lt(used, ASYNC_STACK / 2, "%s: %zu bytes",
			scene_types[keys[i]].name, used);
	}
}

Test(provider, the_digest_of_a_message_cannot_change)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	char name[] = "SHA384", same[] = "SHA2-256";
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(
					 OSSL_SIGNATURE_PARAM_DIGEST, name, 0),
		OSSL_PARAM_END };
	EVP_PKEY_CTX *p;

	cr_assert_eq(EVP_DigestSignInit_ex(c, &p, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	cr_assert_neq(EVP_PKEY_CTX_set_params(p, params), 1);
	assert_error_says("cannot become another");
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_SIGNATURE_PARAM_DIGEST, same, 0);
	cr_assert_eq(EVP_PKEY_CTX_set_params(p, params), 1);
	assert_no_errors();
	EVP_MD_CTX_free(c);
}

/* dgst and cms ask for what they have set. */
Test(provider, tells_the_parameters_that_are_set)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	const EVP_MD *md;
	EVP_PKEY_CTX *p;
	int padding, salt;

	cr_assert_eq(EVP_DigestSignInit_ex(c, &p, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	cr_assert_gt(EVP_PKEY_CTX_get_rsa_padding(p, &padding), 0);
	cr_assert_eq(padding, RSA_PKCS1_PADDING);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(p, EVP_sha512()), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(p, 21), 1);
	cr_assert_gt(EVP_PKEY_CTX_get_rsa_padding(p, &padding), 0);
	cr_assert_eq(padding, RSA_PKCS1_PSS_PADDING);
	cr_assert_gt(EVP_PKEY_CTX_get_rsa_pss_saltlen(p, &salt), 0);
	cr_assert_eq(salt, 21);
	cr_assert_gt(EVP_PKEY_CTX_get_rsa_mgf1_md(p, &md), 0);
	cr_assert_eq(EVP_MD_get_type(md), NID_sha512);
	cr_assert_gt(EVP_PKEY_CTX_get_signature_md(p, &md), 0);
	cr_assert_eq(EVP_MD_get_type(md), NID_sha256);
	assert_no_errors();
	EVP_MD_CTX_free(c);
}

Test(provider, signs_pss_with_another_digest_for_mgf1)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new(), *v = EVP_MD_CTX_new();
	unsigned char sig[512];
	size_t len = sizeof(sig);
	EVP_PKEY_CTX *p;

	cr_assert_eq(EVP_DigestSignInit_ex(c, &p, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(p, EVP_sha512()), 1);
	cr_assert_eq(EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1), 1);
	cr_assert_eq(EVP_DigestVerifyInit_ex(v, &p, "SHA256", s.plain, NULL,
			     s.key[SCENE_RSA], NULL),
		1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(p, EVP_sha512()), 1);
	cr_assert_eq(EVP_DigestVerify(v, sig, len, (const uint8_t *)"x", 1), 1);
	assert_no_errors();
	EVP_MD_CTX_free(c);
	EVP_MD_CTX_free(v);
}

/* Verifying must find what is wrong, too. */
Test(provider, does_not_verify_a_wrong_signature)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[512];
	size_t len = sizeof(sig);

	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	cr_assert_eq(EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1), 1);
	cr_assert_eq(EVP_DigestVerifyInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	cr_assert_neq(
		EVP_DigestVerify(c, sig, len, (const uint8_t *)"y", 1), 1);
	ERR_clear_error();
	EVP_MD_CTX_free(c);
}

static void
start_alone(void)
{
	scene_start(&s, SCENE_LAST, "timeout = 300");
}

TestSuite(provider_alone, .init = start_alone, .fini = stop, .timeout = 60);

Test(provider_alone, reports_an_unreachable_daemon_once)
{
	cr_assert(!try_to_sign(SCENE_RSA));
	cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), 1);
	cr_assert_eq(ERR_peek_error(), ERR_peek_last_error());
	assert_error_says(s.socket);
}
