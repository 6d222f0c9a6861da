/* What keydctl knows of keys: their types as users write them, what it does
 * with public ones, the messages that it makes up. */
#include <criterion/criterion.h>

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "../support/make_key.h"
#include "ctl/keytype.h"
#include "ctl/made_up.h"
#include "ctl/pubkey.h"
#include "session/grammar.h"

static const struct {
	const char *text;
	uint8_t type;
	uint16_t bits;
} good_types[] = {
	{ "rsa:2048", PROTO_KEY_RSA, 2048 },
	{ "RSA:8192", PROTO_KEY_RSA, 8192 },
	{ "rsa-pss:3072", PROTO_KEY_RSA_PSS, 3072 },
	{ "ec:P-256", PROTO_KEY_P256, 256 },
	{ "ec:p-256", PROTO_KEY_P256, 256 },
	{ "ec:secp256r1", PROTO_KEY_P256, 256 },
	{ "ec:prime256v1", PROTO_KEY_P256, 256 },
	{ "ec:secp384r1", PROTO_KEY_P384, 384 },
	{ "EC:P-521", PROTO_KEY_P521, 521 },
	{ "ec:secp521r1", PROTO_KEY_P521, 521 },
	{ "ec:secp224r1", PROTO_KEY_P224, 224 },
	{ "ec:secp256k1", PROTO_KEY_SECP256K1, 256 },
	{ "ec:brainpoolp512T1", PROTO_KEY_BP512T1, 512 },
	{ "ed25519", PROTO_KEY_ED25519, 256 },
	{ "Ed448", PROTO_KEY_ED448, 456 },
	{ "X25519", PROTO_KEY_X25519, 253 },
	{ "x448", PROTO_KEY_X448, 448 },
};

Test(ctl_keytype, knows_types_under_their_usual_names)
{
	struct keytype t;
	struct fault f;
	size_t i;

	for (i = 0; i < sizeof(good_types) / sizeof(good_types[0]); i++) {
		cr_assert_eq(keytype_parse(good_types[i].text, &t, &f), 0, "%s",
			good_types[i].text);
		cr_assert_eq(t.kind->type, good_types[i].type);
		cr_assert_eq(t.bits, good_types[i].bits);
	}
}

Test(ctl_keytype, knows_every_type_of_the_table_and_says_so)
{
	const struct keykind *k;
	struct keytype t;
	struct fault f;
	char options[512], text[64];
	size_t i;

	(void)keytype_options(options, sizeof(options));
	cr_assert_lt(strlen(options), sizeof(options) - 1, "cut off");
	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		(void)snprintf(text, sizeof(text), "%s%s", k->option,
			keykind_is_rsa(k) ? ":2048" : "");
		if (keykind_is_weak(k, k->max_bits)) {
			cr_assert_eq(keytype_parse(text, &t, &f), -1);
			cr_assert_null(strstr(options, k->option));
			continue;
		}
		cr_assert_eq(keytype_parse(text, &t, &f), 0, "%s", text);
		cr_assert_eq(t.kind, k);
		cr_assert_not_null(strstr(options, k->option));
	}
}

Test(ctl_keytype, refuses_other_words)
{
	static const char *const words[] = { "", "rsa", "rsa:", "rsa:0",
		"rsa:2047", "rsa:8193", "rsa:65536", "rsa:67584", "rsa:-2048",
		"rsa:2048 ", "rsa-pss:1024", "rsapss:2048", "ec",
		"ec:", "ec:P-255", "ec:secp256r2", "P-256", "ed25519:256",
		"ed25519 ", "x25519x", "dsa:2048", "RSA-PSS" };
	struct keytype t;
	struct fault f;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		cr_assert_eq(
			keytype_parse(words[i], &t, &f), -1, "'%s'", words[i]);
		cr_assert_eq(f.code, FAULT_USAGE);
		cr_assert_not_null(
			strstr(f.text, "it is one of rsa:2048…8192"));
	}
}

static struct view
view(const void *data, size_t len)
{
	return (struct view){ data, len };
}

/* The public half alone, as keydctl has it. */
static EVP_PKEY *
public_of(EVP_PKEY *pkey)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	struct fault f;
	EVP_PKEY *pub = pubkey_read(view(der, (size_t)len), &f);

	cr_assert_not_null(pub);
	OPENSSL_free(der);
	return pub;
}

/* As keyd would. */
static size_t
sign(EVP_PKEY *pkey, const struct proto_scheme *s, struct view message,
	uint8_t *out, size_t size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;

	cr_assert_eq(
		EVP_DigestSignInit_ex(md, &ctx, proto_digest_name(s->digest),
			NULL, NULL, pkey, NULL),
		1);
	if (s->algorithm == PROTO_RSA_PSS) {
		cr_assert_gt(EVP_PKEY_CTX_set_rsa_padding(
				     ctx, RSA_PKCS1_PSS_PADDING),
			0);
		cr_assert_gt(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt), 0);
	}
	cr_assert_eq(
		EVP_DigestSign(md, out, &size, message.data, message.len), 1);
	EVP_MD_CTX_free(md);
	return size;
}

static void
assert_signs(const struct keykind *k, EVP_PKEY *pkey)
{
	static const char message[] = "a message";
	struct view m = view(message, sizeof(message));
	EVP_PKEY *pub = public_of(pkey), *other = make_key_of(k);
	struct proto_scheme s;
	uint8_t sig[2048], der[256];
	const unsigned char *p = der;
	X509_ALGOR *alg;
	struct fault f;
	size_t len;

	cr_assert_eq(pubkey_scheme(pub, k, &s, &f), 0, "%s", k->name);
	cr_assert_neq(k->algorithms & 1U << s.algorithm, 0);
	len = sign(pkey, &s, m, sig, sizeof(sig));
	cr_assert(pubkey_verify(pub, &s, m, view(sig, len)), "%s", k->name);
	cr_assert_not(pubkey_verify(other, &s, m, view(sig, len)));
	cr_assert_not(pubkey_verify(pub, &s, view(message, 3), view(sig, len)));
	cr_assert_not(pubkey_verify(pub, &s, m, view(sig, len - 1)));
	sig[len / 2] ^= 1;
	cr_assert_not(pubkey_verify(pub, &s, m, view(sig, len)));
	len = pubkey_algorithm(pub, &s, der, sizeof(der));
	alg = d2i_X509_ALGOR(NULL, &p, (long)len);
	cr_assert_not_null(alg, "%s", k->name);
	cr_assert_eq(p, der + len);
	cr_assert_eq(pubkey_algorithm(pub, &s, der, 3), 0);
	X509_ALGOR_free(alg);
	EVP_PKEY_free(other);
	EVP_PKEY_free(pub);
}

Test(ctl_pubkey, verifies_what_a_key_of_each_type_signs_and_nothing_else)
{
	const struct keykind *k;
	struct proto_scheme s;
	struct fault f;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		EVP_PKEY *pkey = make_key_of(k);

		if ((k->uses & PROTO_USE_SIGN) != 0) {
			assert_signs(k, pkey);
		} else {
			cr_assert_eq(pubkey_scheme(pkey, k, &s, &f), -1);
			cr_assert_not_null(strstr(f.text, "cannot sign"));
		}
		EVP_PKEY_free(pkey);
	}
}

Test(ctl_pubkey, takes_the_digest_that_tls_binds_to_a_curve)
{
	static const struct {
		uint8_t type, digest;
	} rows[] = {
		{ PROTO_KEY_P224, PROTO_SHA256 },
		{ PROTO_KEY_P256, PROTO_SHA256 },
		{ PROTO_KEY_P384, PROTO_SHA384 },
		{ PROTO_KEY_P521, PROTO_SHA512 },
		{ PROTO_KEY_BP256R1, PROTO_SHA256 },
		{ PROTO_KEY_BP384R1, PROTO_SHA384 },
		{ PROTO_KEY_BP512R1, PROTO_SHA512 },
		{ PROTO_KEY_ED25519, PROTO_NO_DIGEST },
		{ PROTO_KEY_RSA, PROTO_SHA256 },
	};
	struct proto_scheme s;
	struct fault f;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(pubkey_scheme(NULL, keykind_by_type(rows[i].type),
				     &s, &f),
			0);
		cr_assert_eq(s.digest, rows[i].digest, "%u", rows[i].type);
	}
}

static void
decrypt(EVP_PKEY *pkey, int padding, struct view in, struct view expected)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	uint8_t out[512];
	size_t len = sizeof(out);

	cr_assert_eq(EVP_PKEY_decrypt_init(ctx), 1);
	cr_assert_gt(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 0);
	if (padding == RSA_PKCS1_OAEP_PADDING)
		cr_assert_gt(
			EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "sha256", NULL),
			0);
	cr_assert_eq(EVP_PKEY_decrypt(ctx, out, &len, in.data, in.len), 1);
	cr_assert_eq(len, expected.len);
	cr_assert_arr_eq(out, expected.data, len);
	EVP_PKEY_CTX_free(ctx);
}

Test(ctl_pubkey, encrypts_what_the_private_key_decrypts)
{
	EVP_PKEY *pkey = make_key("RSA:2048"), *pub = public_of(pkey);
	struct view plain =
		view("forty-eight bytes, which a premaster must have.", 48);
	uint8_t data[1024];
	size_t len = sizeof(data);

	cr_assert_eq(pubkey_encrypt(pub, PROTO_OAEP, plain, data, &len), 0);
	decrypt(pkey, RSA_PKCS1_OAEP_PADDING, view(data, len), plain);
	len = sizeof(data);
	cr_assert_eq(
		pubkey_encrypt(pub, PROTO_PREMASTER, plain, data, &len), 0);
	decrypt(pkey, RSA_PKCS1_PADDING, view(data, len), plain);
	len = 255;
	cr_assert_eq(pubkey_encrypt(pub, PROTO_OAEP, plain, data, &len), -1);
	EVP_PKEY_free(pub);
	EVP_PKEY_free(pkey);
}

/* The same secret from the other side. */
static void
assert_agrees(const struct keykind *k)
{
	EVP_PKEY *pkey = make_key_of(k), *pub = public_of(pkey), *peer;
	uint8_t point[256], secret[1024], own[1024];
	size_t point_len = sizeof(point), len = sizeof(secret),
	       own_len = sizeof(own);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	cr_assert_eq(pubkey_agree(pub, point, &point_len, secret, &len), 0,
		"%s", k->name);
	peer = EVP_PKEY_new();
	cr_assert_eq(EVP_PKEY_copy_parameters(peer, pub), 1);
	cr_assert_eq(
		EVP_PKEY_set1_encoded_public_key(peer, point, point_len), 1);
	cr_assert_neq(EVP_PKEY_eq(peer, pub), 1);
	cr_assert_eq(EVP_PKEY_derive_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	cr_assert_eq(EVP_PKEY_derive(ctx, own, &own_len), 1);
	cr_assert_eq(own_len, len);
	cr_assert_arr_eq(own, secret, len);
	point_len = 16;
	cr_assert_eq(pubkey_agree(pub, point, &point_len, secret, &len), -1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(pub);
	EVP_PKEY_free(pkey);
}

Test(ctl_pubkey, agrees_on_the_secret_that_the_private_key_derives)
{
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++)
		if (!keykind_is_rsa(k) && (k->uses & PROTO_USE_DECRYPT) != 0)
			assert_agrees(k);
}

static bool
on_curve(uint16_t group, const uint8_t *point, size_t len)
{
	(void)group;
	(void)point;
	(void)len;
	return true;
}

static void
assert_form(const uint8_t *message, size_t len, enum grammar_form form)
{
	struct grammar_result g =
		grammar_classify(view(message, len), view("spki", 4), on_curve);

	cr_assert_eq(g.form, form);
	cr_assert_eq(g.defect, GRAMMAR_SOUND);
	cr_assert_eq(g.sentinel,
		form == GRAMMAR_TLS12_SERVER || form == GRAMMAR_TLS12_DHE);
}

/* What a signature made for a proof could be used for: nothing else, and, in
 * TLS 1.2, not with a client that has 1.3. */
Test(ctl_made_up, messages_are_what_keyd_takes_them_for)
{
	uint8_t one[MADE_UP_MAX], two[MADE_UP_MAX];
	size_t len;

	len = made_up_verify(false, one);
	cr_assert_eq(len, 130);
	assert_form(one, len, GRAMMAR_TLS13_SERVER);
	cr_assert_eq(made_up_verify(false, two), len);
	cr_assert_arr_neq(one, two, len);
	len = made_up_verify(true, one);
	assert_form(one, len, GRAMMAR_TLS13_CLIENT);
	len = made_up_exchange(false, one);
	cr_assert_eq(len, 100);
	assert_form(one, len, GRAMMAR_TLS12_SERVER);
	len = made_up_exchange(true, one);
	cr_assert_eq(len, 583);
	assert_form(one, len, GRAMMAR_TLS12_DHE);
	len = made_up_transcript(one);
	assert_form(one, len, GRAMMAR_TLS12_CLIENT);
}
