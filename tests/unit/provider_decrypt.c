/* Decryption, key agreement and encapsulation with shells. */
#include <criterion/criterion.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>

#include "support/queue.h"
#include "support/scene.h"
#include "support/signing_keyd.h"
#include "wire/proto.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

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

TestSuite(provider_decrypt, .init = start, .fini = stop, .timeout = 60);

static EVP_PKEY_CTX *
begin(enum scene_key k, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[k], NULL);

	cr_assert_eq(init(c), 1);
	assert_no_errors();
	return c;
}

struct oaep {
	const char *md, *mgf1, *label;
};

static int
set_oaep(EVP_PKEY_CTX *c, const struct oaep *o)
{
	char *label;

	if (EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) != 1)
		return 0;
	if (o->md != NULL &&
		EVP_PKEY_CTX_set_rsa_oaep_md_name(c, o->md, NULL) != 1)
		return 0;
	if (o->mgf1 != NULL &&
		EVP_PKEY_CTX_set_rsa_mgf1_md_name(c, o->mgf1, NULL) != 1)
		return 0;
	if (o->label == NULL)
		return 1;
	label = OPENSSL_strdup(o->label);
	return EVP_PKEY_CTX_set0_rsa_oaep_label(c, label, (int)strlen(label)) ==
	       1;
}

static size_t
encrypt(int padding, const struct oaep *o, const void *in, size_t n,
	unsigned char *out)
{
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.plain, s.key[SCENE_RSA], NULL);
	size_t len = 256;

	cr_assert_eq(EVP_PKEY_encrypt_init(c), 1);
	if (o != NULL)
		cr_assert_eq(set_oaep(c, o), 1);
	else
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(c, padding), 1);
	cr_assert_eq(EVP_PKEY_encrypt(c, out, &len, in, n), 1);
	cr_assert_eq(len, 256);
	EVP_PKEY_CTX_free(c);
	return len;
}

Test(provider_decrypt, decrypts_every_form_of_oaep)
{
	static const struct oaep forms[] = {
		{ NULL, NULL, NULL },
		{ "SHA256", NULL, NULL },
		{ "SHA2-384", "SHA1", NULL },
		{ "SHA3-256", "SHA512-224", "a label" },
		{ NULL, "SHA512", "another" },
	};
	unsigned char in[256], out[256];
	EVP_PKEY_CTX *c, *d;
	size_t i, n;

	for (i = 0; i < ROWS(forms); i++) {
		(void)encrypt(0, &forms[i], "secret", 6, in);
		c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
		cr_assert_eq(set_oaep(c, &forms[i]), 1);
		cr_assert_eq(EVP_PKEY_decrypt(c, NULL, &n, in, 256), 1);
		cr_assert_eq(n, 256);
		cr_assert_eq(
			EVP_PKEY_decrypt(c, out, &n, in, 256), 1, "%zu", i);
		cr_assert_eq(n, 6);
		cr_assert_arr_eq(out, "secret", 6);
		d = EVP_PKEY_CTX_dup(c);
		n = sizeof(out);
		cr_assert_eq(EVP_PKEY_decrypt(d, out, &n, in, 256), 1);
		cr_assert_eq(n, 6);
		assert_no_errors();
		EVP_PKEY_CTX_free(c);
		EVP_PKEY_CTX_free(d);
	}
}

Test(provider_decrypt, says_only_that_what_is_no_oaep_is_none)
{
	static const struct oaep other = { "SHA256", NULL, NULL };
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	unsigned char in[256], out[256];
	size_t n = sizeof(out);

	(void)encrypt(0, &other, "secret", 6, in);
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), 45);
	assert_error_says("cannot be decrypted");
	EVP_PKEY_CTX_free(c);
}

/* As `default`: whose first bytes are zeros may come without them. */
Test(provider_decrypt, takes_a_ciphertext_without_its_leading_zeros)
{
	static const struct oaep oaep = { "SHA256", NULL, NULL };
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	unsigned char in[256], out[256];
	size_t n = sizeof(out);

	do
		(void)encrypt(0, &oaep, "secret", 6, in);
	while (in[0] != 0);
	cr_assert_eq(set_oaep(c, &oaep), 1);
	cr_assert_eq(EVP_PKEY_decrypt(c, out, &n, in + 1, 255), 1);
	cr_assert_eq(n, 6);
	cr_assert_arr_eq(out, "secret", 6);
	assert_no_errors();
	/* It is another number without the last byte. */
	n = sizeof(out);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 255), 1);
	assert_error_says("cannot be decrypted");
	EVP_PKEY_CTX_free(c);
}

Test(provider_decrypt, refuses_bad_sizes_and_paddings_in_words)
{
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	unsigned char in[257] = { 0 }, out[256];
	size_t n = 255;

	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("may need 256 bytes, there are 255");
	n = sizeof(out);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 257), 1);
	assert_error_says("257 bytes are not a ciphertext");
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
	n = sizeof(out);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("OAEP or PKCS#1 v1.5");
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_oaep_md_name(c, "SHAKE-128", NULL), 1);
	n = sizeof(out);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("is not one that keyd uses for OAEP");
	EVP_PKEY_CTX_free(c);
}

Test(provider_decrypt, refuses_a_label_longer_than_a_request_holds)
{
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	unsigned char in[256] = { 0 }, out[256];
	void *label = OPENSSL_zalloc(PROTO_MAX_LABEL + 1);
	size_t n = sizeof(out);

	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	cr_assert_eq(
		EVP_PKEY_CTX_set0_rsa_oaep_label(c, label, PROTO_MAX_LABEL + 1),
		1);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("at most 2048 bytes, this one has 2049");
	EVP_PKEY_CTX_free(c);
}

/* Without a padding set it is PKCS#1. */
Test(provider_decrypt, decrypts_pkcs1_only_with_implicit_rejection)
{
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	unsigned char in[256], out[256];
	size_t n = sizeof(out);

	(void)encrypt(RSA_PKCS1_PADDING, NULL, "secret", 6, in);
	if (OPENSSL_version_major() > 3 || OPENSSL_version_minor() >= 2) {
		cr_assert_eq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
		cr_assert_arr_eq(out, "secret", 6);
		assert_no_errors();
	} else {
		cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
		assert_error_says("implicit rejection");
	}
	EVP_PKEY_CTX_free(c);
}

static void
set_client_version(EVP_PKEY_CTX *c, unsigned version)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_uint(
			OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &version),
		OSSL_PARAM_END
	};

	cr_assert_eq(EVP_PKEY_CTX_set_params(c, params), 1);
}

Test(provider_decrypt, decrypts_the_premaster_of_tls)
{
	unsigned char secret[48] = { 3, 3, 7 }, in[256], out[48];
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	size_t n;

	(void)encrypt(RSA_PKCS1_PADDING, NULL, secret, 48, in);
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_WITH_TLS_PADDING), 1);
	cr_assert_eq(EVP_PKEY_decrypt(c, NULL, &n, in, 256), 1);
	cr_assert_eq(n, 48);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("version is not set");
	set_client_version(c, 0x10303);
	n = sizeof(out);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("version is not set");
	set_client_version(c, 0x0303);
	n = 47;
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	ERR_clear_error();
	n = sizeof(out);
	cr_assert_eq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	cr_assert_eq(n, 48);
	cr_assert_arr_eq(out, secret, 48);
	/* Of another version it is another secret, and no error. */
	set_client_version(c, 0x0302);
	cr_assert_eq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	cr_assert_eq(n, 48);
	cr_assert_arr_neq(out + 2, secret + 2, 46);
	assert_no_errors();
	EVP_PKEY_CTX_free(c);
}

Test(provider_decrypt, refuses_more_than_was_asked_for)
{
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	EVP_PKEY_CTX *d = begin(SCENE_P256, EVP_PKEY_derive_init);
	unsigned char in[256] = { 0 }, out[1024];
	size_t n = 256;

	scene_keyd(&s, SIGNING_KEYD_TOO_LONG, 0);
	memset(out, 0x33, sizeof(out));
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("do not fit into 256 bytes");
	cr_assert_eq(EVP_PKEY_derive_set_peer(d, s.shell[SCENE_P256]), 1);
	n = sizeof(out);
	cr_assert_neq(EVP_PKEY_derive(d, out, &n), 1);
	assert_error_says("not a shared secret");
	scene_keyd(&s, SIGNING_KEYD_TOO_SHORT, 0);
	cr_assert_neq(EVP_PKEY_derive(d, out, &n), 1);
	assert_error_says("not a shared secret");
	cr_assert_eq(out[0], 0x33);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_CTX_free(d);
}

Test(provider_decrypt, does_not_decrypt_with_a_key_for_signatures)
{
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[SCENE_PSS], NULL);

	cr_assert_neq(EVP_PKEY_decrypt_init(c), 1);
	ERR_clear_error();
	EVP_PKEY_CTX_free(c);
}

static const enum scene_key agreeing[] = { SCENE_P256, SCENE_P384, SCENE_P521,
	SCENE_P224, SCENE_K256, SCENE_BP512, SCENE_X25519, SCENE_X448 };

static EVP_PKEY *
make_peer(enum scene_key k)
{
	const struct scene_type *t = &scene_types[k];

	return EVP_PKEY_Q_keygen(s.plain, NULL, t->type, t->group);
}

/* The other side's. */
static size_t
derive_plain(EVP_PKEY *peer, enum scene_key k, int kdf, unsigned char *out)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(s.plain, peer, NULL);
	size_t n = 128;

	cr_assert_eq(EVP_PKEY_derive_init(c), 1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(c, s.key[k]), 1);
	if (kdf) {
		cr_assert_eq(EVP_PKEY_CTX_set_ecdh_kdf_type(
				     c, EVP_PKEY_ECDH_KDF_X9_63),
			1);
		cr_assert_eq(EVP_PKEY_CTX_set_ecdh_kdf_md(c, EVP_sha384()), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_ecdh_kdf_outlen(c, 100), 1);
		cr_assert_eq(EVP_PKEY_CTX_set0_ecdh_kdf_ukm(
				     c, OPENSSL_memdup("ukm", 3), 3),
			1);
	}
	cr_assert_eq(EVP_PKEY_derive(c, out, &n), 1);
	EVP_PKEY_CTX_free(c);
	return n;
}

Test(provider_decrypt, agrees_on_a_secret_with_every_group)
{
	unsigned char ours[128], theirs[128];
	EVP_PKEY_CTX *c, *d;
	EVP_PKEY *peer;
	size_t i, n, want;

	for (i = 0; i < ROWS(agreeing); i++) {
		peer = make_peer(agreeing[i]);
		want = derive_plain(peer, agreeing[i], 0, theirs);
		c = begin(agreeing[i], EVP_PKEY_derive_init);
		cr_assert_eq(EVP_PKEY_derive_set_peer(c, peer), 1);
		cr_assert_eq(EVP_PKEY_derive(c, NULL, &n), 1);
		cr_assert_eq(n, want);
		d = EVP_PKEY_CTX_dup(c);
		cr_assert_eq(EVP_PKEY_derive(c, ours, &n), 1);
		cr_assert_eq(n, want);
		cr_assert_arr_eq(ours, theirs, n);
		cr_assert_eq(EVP_PKEY_derive(d, ours, &n), 1);
		cr_assert_arr_eq(ours, theirs, want);
		assert_no_errors();
		EVP_PKEY_CTX_free(c);
		EVP_PKEY_CTX_free(d);
		EVP_PKEY_free(peer);
	}
}

/* As cms does for ECDH recipients. */
Test(provider_decrypt, agrees_through_the_kdf_of_cms)
{
	unsigned char ours[128], theirs[128];
	EVP_PKEY *peer = make_peer(SCENE_P384);
	EVP_PKEY_CTX *c = begin(SCENE_P384, EVP_PKEY_derive_init), *d;
	size_t n = sizeof(ours);

	(void)derive_plain(peer, SCENE_P384, 1, theirs);
	cr_assert_eq(EVP_PKEY_derive_set_peer(c, peer), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_ecdh_cofactor_mode(c, 1), 1);
	cr_assert_eq(
		EVP_PKEY_CTX_set_ecdh_kdf_type(c, EVP_PKEY_ECDH_KDF_X9_63), 1);
	cr_assert_neq(EVP_PKEY_derive(c, ours, &n), 1);
	ERR_clear_error();
	cr_assert_eq(EVP_PKEY_CTX_set_ecdh_kdf_md(c, EVP_sha384()), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_ecdh_kdf_outlen(c, 100), 1);
	cr_assert_eq(
		EVP_PKEY_CTX_set0_ecdh_kdf_ukm(c, OPENSSL_memdup("ukm", 3), 3),
		1);
	cr_assert_eq(EVP_PKEY_derive(c, NULL, &n), 1);
	cr_assert_eq(n, 100);
	n = 99;
	cr_assert_neq(EVP_PKEY_derive(c, ours, &n), 1);
	assert_error_says("to 100 bytes");
	d = EVP_PKEY_CTX_dup(c);
	n = sizeof(ours);
	cr_assert_eq(EVP_PKEY_derive(c, ours, &n), 1);
	cr_assert_eq(n, 100);
	cr_assert_arr_eq(ours, theirs, 100);
	n = sizeof(ours);
	cr_assert_eq(EVP_PKEY_derive(d, ours, &n), 1);
	cr_assert_arr_eq(ours, theirs, 100);
	assert_no_errors();
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_CTX_free(d);
	EVP_PKEY_free(peer);
}

Test(provider_decrypt, agrees_with_a_key_that_is_written_compressed)
{
	unsigned char ours[128], theirs[128];
	EVP_PKEY *peer = make_peer(SCENE_P256);
	EVP_PKEY_CTX *c = begin(SCENE_P256, EVP_PKEY_derive_init);
	size_t n = sizeof(ours);

	(void)derive_plain(peer, SCENE_P256, 0, theirs);
	cr_assert_eq(EVP_PKEY_set_utf8_string_param(peer,
			     OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			     "compressed"),
		1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(c, peer), 1);
	cr_assert_eq(EVP_PKEY_derive(c, ours, &n), 1);
	cr_assert_arr_eq(ours, theirs, n);
	assert_no_errors();
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(peer);
}

/* `default` cuts an ECDH secret off, but no other. */
Test(provider_decrypt, treats_short_buffers_as_default_does)
{
	unsigned char ours[64], theirs[128];
	EVP_PKEY *peer = make_peer(SCENE_P256);
	EVP_PKEY_CTX *c = begin(SCENE_P256, EVP_PKEY_derive_init);
	size_t n = 20;

	(void)derive_plain(peer, SCENE_P256, 0, theirs);
	cr_assert_eq(EVP_PKEY_derive_set_peer(c, peer), 1);
	cr_assert_eq(EVP_PKEY_derive(c, ours, &n), 1);
	cr_assert_eq(n, 20);
	cr_assert_arr_eq(ours, theirs, 20);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(peer);
	peer = make_peer(SCENE_X25519);
	c = begin(SCENE_X25519, EVP_PKEY_derive_init);
	cr_assert_eq(EVP_PKEY_derive_set_peer(c, peer), 1);
	n = 31;
	cr_assert_neq(EVP_PKEY_derive(c, ours, &n), 1);
	assert_error_says("32 bytes, there are 31");
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(peer);
}

Test(provider_decrypt, refuses_peers_of_another_group_and_none)
{
	EVP_PKEY_CTX *c = begin(SCENE_P256, EVP_PKEY_derive_init);
	unsigned char out[64];
	size_t n = sizeof(out);

	cr_assert_neq(EVP_PKEY_derive(c, out, &n), 1);
	assert_error_says("other side's public key");
	cr_assert_neq(EVP_PKEY_derive_set_peer(c, s.key[SCENE_P384]), 1);
	ERR_clear_error();
	cr_assert_neq(EVP_PKEY_derive_set_peer(c, s.key[SCENE_K256]), 1);
	ERR_clear_error();
	cr_assert_neq(EVP_PKEY_derive_set_peer(c, s.key[SCENE_X25519]), 1);
	ERR_clear_error();
	EVP_PKEY_CTX_free(c);
}

Test(provider_decrypt, encapsulates_for_a_shell_and_refuses_to_decapsulate)
{
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[SCENE_RSA], NULL);
	EVP_PKEY_CTX *d =
		EVP_PKEY_CTX_new_from_pkey(s.plain, s.key[SCENE_RSA], NULL);
	unsigned char out[256], secret[256], got[256];
	size_t n = sizeof(out), m = sizeof(secret), len = sizeof(got);

	cr_assert_eq(EVP_PKEY_encapsulate_init(c, NULL), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_kem_op(c, "RSASVE"), 1);
	cr_assert_eq(EVP_PKEY_encapsulate(c, out, &n, secret, &m), 1);
	cr_assert_eq(EVP_PKEY_decapsulate_init(d, NULL), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_kem_op(d, "RSASVE"), 1);
	cr_assert_eq(EVP_PKEY_decapsulate(d, got, &len, out, n), 1);
	cr_assert_eq(len, m);
	cr_assert_arr_eq(got, secret, len);
	assert_no_errors();
	cr_assert_neq(EVP_PKEY_decapsulate_init(c, NULL), 1);
	assert_error_says("RSA without padding");
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_CTX_free(d);
}

Test(provider_decrypt, reports_a_refusal_with_its_reason)
{
	EVP_PKEY_CTX *c = begin(SCENE_RSA, EVP_PKEY_decrypt_init);
	unsigned char in[256] = { 0 }, out[256];
	size_t n = sizeof(out);

	scene_keyd(&s, PROTO_USE_REFUSED, DETAIL_DECRYPT_OFF);
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	cr_assert_neq(EVP_PKEY_decrypt(c, out, &n, in, 256), 1);
	assert_error_says("use = decrypt");
	EVP_PKEY_CTX_free(c);
}
