/* RSA decryption: what must come out, and all that must not be told. */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "ring/ring.h"
#include "session/decrypt.h"
#include "session/library.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { SIZE = 256 };

static const char *const names[] = { NULL, "MD5", "SHA1", "SHA224", "SHA256",
	"SHA384", "SHA512", "SHA512-224", "SHA512-256", "SHA3-224", "SHA3-256",
	"SHA3-384", "SHA3-512", "MD5-SHA1", "RIPEMD160", "BLAKE2S-256",
	"BLAKE2B-512", "SM3" };

static const uint16_t versions[] = { 0x0301, 0x0302, 0x0303, 0xFEFF, 0xFEFD };

static uint8_t secret[RING_SECRET], cipher[SIZE], out[PROTO_MAX_OUTPUT];
static const struct view k = { secret, sizeof(secret) };
static EVP_PKEY *pkey;
static struct proto_key key;
static struct proto_decrypt m;
static size_t len;

static void
set_up(void)
{
	cr_assert_eq(library_init(), 0);
	pkey = EVP_RSA_gen(8 * SIZE);
	key.type = PROTO_KEY_RSA;
	key.bits = 8 * SIZE;
	memset(secret, 'K', sizeof(secret));
	m.data = (struct view){ cipher, SIZE };
}

static void
tear_down(void)
{
	EVP_PKEY_free(pkey);
}

TestSuite(decrypt, .init = set_up, .fini = tear_down, .timeout = 120);

/* The padding that libcrypto makes for m. */
static void
encrypt(int padding, const void *in, size_t n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	size_t size = SIZE;

	cr_assert_eq(EVP_PKEY_encrypt_init(ctx), 1);
	cr_assert_gt(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 0);
	if (padding == RSA_PKCS1_OAEP_PADDING) {
		cr_assert_gt(EVP_PKEY_CTX_set_rsa_oaep_md_name(
				     ctx, names[m.digest], NULL),
			0);
		cr_assert_gt(EVP_PKEY_CTX_set_rsa_mgf1_md_name(
				     ctx, names[m.mgf1], NULL),
			0);
		if (m.label.len > 0)
			cr_assert_gt(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx,
					     OPENSSL_memdup(
						     m.label.data, m.label.len),
					     (int)m.label.len),
				0);
	}
	cr_assert_eq(EVP_PKEY_encrypt(ctx, cipher, &size, in, n), 1, "%u %u",
		m.digest, m.mgf1);
	cr_assert_eq(size, SIZE);
	EVP_PKEY_CTX_free(ctx);
}

static enum proto_status
decrypt(uint16_t *detail)
{
	enum proto_status status;

	*detail = DETAIL_NONE;
	len = 0;
	status = decrypt_check(&key, &m, detail);
	if (status != PROTO_OK)
		return status;
	return decrypt_make(pkey, k, &m, out, &len, detail);
}

static void
expect_plain(const void *plain, size_t n)
{
	uint16_t detail;

	cr_assert_eq(decrypt(&detail), PROTO_OK, "%u %u", m.digest, m.mgf1);
	cr_assert_eq(len, n);
	cr_assert_arr_eq(out, plain, n);
}

static void
expect_refusal(enum proto_status status, uint16_t reason)
{
	uint16_t detail;

	cr_assert_eq(decrypt(&detail), status);
	cr_assert_eq(detail, reason);
}

/* ---- OAEP --------------------------------------------------------------- */

static void
use_oaep(uint8_t digest, uint8_t mgf1, const char *label)
{
	m.padding = PROTO_OAEP;
	m.version = 0;
	m.digest = digest;
	m.mgf1 = mgf1;
	m.label = (struct view){ (const uint8_t *)label, strlen(label) };
}

Test(decrypt, oaep_of_every_digest_mgf1_and_label)
{
	static char longest[PROTO_MAX_LABEL + 1];
	const char *const labels[] = { "", "L", longest };
	uint8_t d, g;
	size_t i;

	memset(longest, 'l', PROTO_MAX_LABEL);
	for (d = PROTO_MD5; d <= PROTO_SM3; d++)
		for (g = PROTO_MD5; g <= PROTO_SM3; g++)
			for (i = 0; i < ROWS(labels); i++) {
				use_oaep(d, g, labels[i]);
				encrypt(RSA_PKCS1_OAEP_PADDING, "text", 4);
				expect_plain("text", 4);
			}
}

Test(decrypt, oaep_of_the_shortest_and_the_longest_text)
{
	uint8_t text[SIZE];

	memset(text, 't', sizeof(text));
	use_oaep(PROTO_SHA256, PROTO_SHA256, "");
	encrypt(RSA_PKCS1_OAEP_PADDING, text, SIZE - 2 * 32 - 2);
	expect_plain(text, SIZE - 2 * 32 - 2);
	encrypt(RSA_PKCS1_OAEP_PADDING, text, 0);
	expect_plain(text, 0);
}

Test(decrypt, wrong_oaep_is_told_in_one_way_only)
{
	uint8_t em[SIZE] = { 0 };
	size_t i;

	use_oaep(PROTO_SHA256, PROTO_SHA256, "right");
	encrypt(RSA_PKCS1_OAEP_PADDING, "text", 4);
	use_oaep(PROTO_SHA256, PROTO_SHA256, "wrong");
	expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
	use_oaep(PROTO_SHA256, PROTO_SHA256, "");
	expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
	use_oaep(PROTO_SHA384, PROTO_SHA256, "right");
	expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
	use_oaep(PROTO_SHA256, PROTO_SHA1, "right");
	expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
	use_oaep(PROTO_SHA256, PROTO_SHA256, "right");
	expect_plain("text", 4);
	encrypt(RSA_PKCS1_PADDING, "text", 4);
	expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
	/* Manger's question, is the first byte zero, and the like. */
	for (i = 0; i < SIZE; i += 15) {
		em[i] ^= 0x41;
		encrypt(RSA_NO_PADDING, em, SIZE);
		expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
	}
}

Test(decrypt, oaep_digests_must_be_known)
{
	use_oaep(PROTO_NO_DIGEST, PROTO_SHA256, "");
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
	use_oaep(PROTO_SHA256, PROTO_NO_DIGEST, "");
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
	use_oaep(PROTO_SM3 + 1, PROTO_SHA256, "");
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
	use_oaep(PROTO_SHA256, 255, "");
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
}

/* A digest for which the modulus has no room is no padding of any text. */
Test(decrypt, oaep_of_a_digest_too_long_for_the_key)
{
	EVP_PKEY_free(pkey);
	pkey = EVP_RSA_gen(512);
	m.data.len = 64;
	use_oaep(PROTO_SHA512, PROTO_SHA512, "");
	expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
}

/* ---- every padding ------------------------------------------------------ */

static void
set_to_modulus(int difference)
{
	BIGNUM *n = NULL;

	cr_assert_eq(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	if (difference < 0)
		cr_assert(BN_sub_word(n, 1));
	else if (difference > 0)
		cr_assert(BN_add_word(n, 1));
	cr_assert_eq(BN_bn2binpad(n, cipher, SIZE), SIZE);
	BN_free(n);
}

static void
use(uint8_t padding)
{
	if (padding == PROTO_OAEP)
		use_oaep(PROTO_SHA256, PROTO_SHA256, "");
	else
		m = (struct proto_decrypt){ .padding = padding,
			.data = { cipher, SIZE } };
	if (padding == PROTO_PREMASTER)
		m.version = 0x0303;
}

Test(decrypt, a_ciphertext_is_as_long_as_the_modulus_and_less_than_it)
{
	static uint8_t big[PROTO_MAX_CIPHERTEXT];
	static const size_t lengths[] = { 1, SIZE - 1, SIZE + 1, 2 * SIZE,
		PROTO_MAX_CIPHERTEXT };
	uint8_t p;
	size_t i;

	for (p = PROTO_OAEP; p <= PROTO_PREMASTER; p++) {
		if (p == PROTO_PKCS1 && !library_rejects_implicitly())
			continue;
		use(p);
		for (i = 0; i < ROWS(lengths); i++) {
			m.data = (struct view){ big, lengths[i] };
			expect_refusal(PROTO_BAD_PARAMETER, DETAIL_CIPHERTEXT);
		}
		m.data = (struct view){ cipher, SIZE };
		set_to_modulus(0);
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_CIPHERTEXT);
		set_to_modulus(1);
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_CIPHERTEXT);
		memset(cipher, 0xFF, SIZE);
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_CIPHERTEXT);
	}
	use(PROTO_PREMASTER);
	set_to_modulus(-1);
	cr_assert_eq(decrypt(&(uint16_t){ 0 }), PROTO_OK);
	use(PROTO_OAEP);
	expect_refusal(PROTO_NOT_DECRYPTED, DETAIL_NONE);
}

Test(decrypt, other_keys_than_rsa_do_not)
{
	static const uint8_t types[] = { 0, PROTO_KEY_RSA_PSS, PROTO_KEY_P256,
		PROTO_KEY_ED25519, PROTO_KEY_X25519, 255 };
	size_t i;
	uint8_t p;

	for (p = PROTO_OAEP; p <= PROTO_PREMASTER; p++)
		for (i = 0; i < ROWS(types); i++) {
			use(p);
			key.type = types[i];
			expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
		}
}

Test(decrypt, other_paddings_are_unsupported)
{
	use(0);
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_NONE);
	use(4);
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_NONE);
	use(255);
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_NONE);
}

/* ---- PKCS#1 ------------------------------------------------------------- */

/* Anything but an error, the same each time: there is no oracle. */
Test(decrypt, pkcs1_is_refused_or_never_fails)
{
	uint8_t first[SIZE];
	uint16_t detail;
	size_t i, n;

	use(PROTO_PKCS1);
	encrypt(RSA_PKCS1_PADDING, "text", 4);
	if (!library_rejects_implicitly()) {
		expect_refusal(PROTO_UNSUPPORTED, DETAIL_PKCS1_DECRYPTION);
		return;
	}
	expect_plain("text", 4);
	for (i = 0; i < 50; i++) {
		memset(cipher, (int)i, SIZE);
		cr_assert_eq(decrypt(&detail), PROTO_OK);
		memcpy(first, out, len);
		n = len;
		cr_assert_eq(decrypt(&detail), PROTO_OK);
		cr_assert_eq(len, n);
		cr_assert_arr_eq(out, first, n);
	}
}

/* ---- the premaster ------------------------------------------------------ */

/* 00 02, ones, 00, version, 'p'. */
static void
make_em(uint8_t em[SIZE], uint16_t version)
{
	memset(em, 1, SIZE);
	em[0] = 0;
	em[1] = 2;
	em[SIZE - 49] = 0;
	em[SIZE - 48] = (uint8_t)(version >> 8);
	em[SIZE - 47] = (uint8_t)version;
	memset(em + SIZE - 46, 'p', 46);
}

/* docs/PROTOCOL.md §3, computed here in another way. */
static void
make_up(uint8_t expected[48])
{
	static const char label[] = "openssl-keyd premaster";
	uint8_t text[sizeof(label) - 1 + 2 + SIZE], mac[48];
	size_t n = sizeof(label) - 1;

	memcpy(text, label, n);
	text[n++] = (uint8_t)(m.version >> 8);
	text[n++] = (uint8_t)m.version;
	memcpy(text + n, cipher, SIZE);
	cr_assert_not_null(HMAC(EVP_sha384(), secret, sizeof(secret), text,
		sizeof(text), mac, NULL));
	expected[0] = (uint8_t)(m.version >> 8);
	expected[1] = (uint8_t)m.version;
	memcpy(expected + 2, mac, 46);
}

/* The same each time. */
static void
expect_made_up(const char *what)
{
	uint8_t expected[48];
	uint16_t detail;
	int i;

	make_up(expected);
	for (i = 0; i < 2; i++) {
		cr_assert_eq(decrypt(&detail), PROTO_OK, "%s", what);
		cr_assert_eq(detail, DETAIL_NONE);
		cr_assert_eq(len, 48);
		cr_assert_arr_eq(out, expected, 48, "%s", what);
	}
}

Test(decrypt, a_premaster_comes_out_in_every_version)
{
	uint8_t em[SIZE];
	size_t v;

	use(PROTO_PREMASTER);
	for (v = 0; v < ROWS(versions); v++) {
		m.version = versions[v];
		make_em(em, versions[v]);
		encrypt(RSA_NO_PADDING, em, SIZE);
		expect_plain(em + SIZE - 48, 48);
		encrypt(RSA_PKCS1_PADDING, em + SIZE - 48, 48);
		expect_plain(em + SIZE - 48, 48);
	}
}

static const struct {
	const char *what;
	size_t at;
	uint8_t value;
} bad[] = {
	{ "a first byte of 1", 0, 1 },
	{ "block type 1", 1, 1 },
	{ "block type 0", 1, 0 },
	{ "a zero at once", 2, 0 },
	{ "a zero within the first eight", 9, 0 },
	{ "a zero behind the first eight", 10, 0 },
	{ "a length of 49", SIZE - 50, 0 },
	{ "no zero at all", SIZE - 49, 1 },
	{ "a major version of 2", SIZE - 48, 2 },
	{ "a minor version of 9", SIZE - 47, 9 },
};

Test(decrypt, every_bad_premaster_is_made_up_in_every_version)
{
	uint8_t em[SIZE];
	size_t v, i;

	use(PROTO_PREMASTER);
	for (v = 0; v < ROWS(versions); v++) {
		m.version = versions[v];
		for (i = 0; i < ROWS(bad); i++) {
			make_em(em, versions[v]);
			em[bad[i].at] = bad[i].value;
			encrypt(RSA_NO_PADDING, em, SIZE);
			expect_made_up(bad[i].what);
		}
		/* Of another length, or for another version than offered. */
		make_em(em, versions[(v + 1) % ROWS(versions)]);
		encrypt(RSA_NO_PADDING, em, SIZE);
		expect_made_up("another version");
		make_em(em, versions[v]);
		encrypt(RSA_PKCS1_PADDING, em + SIZE - 48, 47);
		expect_made_up("47 bytes");
		encrypt(RSA_PKCS1_PADDING, em + SIZE - 48, 0);
		expect_made_up("nothing");
		use_oaep(PROTO_SHA1, PROTO_SHA1, "");
		encrypt(RSA_PKCS1_OAEP_PADDING, em + SIZE - 48, 48);
		use(PROTO_PREMASTER);
		m.version = versions[v];
		expect_made_up("OAEP");
	}
	memset(cipher, 0, SIZE);
	expect_made_up("the number 0");
	cipher[SIZE - 1] = 1;
	expect_made_up("the number 1");
	set_to_modulus(-1);
	expect_made_up("the modulus less one");
}

/* What another key of ours, or this one for another version, would make up. */
Test(decrypt, what_is_made_up_depends_on_key_version_and_ciphertext)
{
	uint8_t first[48];
	uint16_t detail;

	use(PROTO_PREMASTER);
	memset(cipher, 0x11, SIZE);
	cr_assert_eq(decrypt(&detail), PROTO_OK);
	memcpy(first, out, 48);
	secret[31] ^= 1;
	cr_assert_eq(decrypt(&detail), PROTO_OK);
	cr_assert_neq(memcmp(first + 2, out + 2, 46), 0);
	secret[31] ^= 1;
	m.version = 0xFEFD;
	cr_assert_eq(decrypt(&detail), PROTO_OK);
	cr_assert_neq(memcmp(first + 2, out + 2, 46), 0);
	m.version = 0x0303;
	cipher[SIZE - 1] ^= 1;
	cr_assert_eq(decrypt(&detail), PROTO_OK);
	cr_assert_neq(memcmp(first + 2, out + 2, 46), 0);
	cipher[SIZE - 1] ^= 1;
	cr_assert_eq(decrypt(&detail), PROTO_OK);
	cr_assert_arr_eq(out, first, 48);
}

Test(decrypt, other_versions_are_refused)
{
	static const uint16_t others[] = { 0, 0x0002, 0x0300, 0x0304, 0x0305,
		0x0200, 0xFEFE, 0xFEFC, 0x0100, 0xFFFF };
	size_t i;

	use(PROTO_PREMASTER);
	for (i = 0; i < ROWS(others); i++) {
		m.version = others[i];
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_TLS_VERSION);
	}
}

/* Better none than one that anybody could compute. */
Test(decrypt, without_its_secret_there_is_no_premaster)
{
	uint16_t detail = DETAIL_NONE;

	use(PROTO_PREMASTER);
	cr_assert_eq(decrypt_make(pkey, (struct view){ NULL, 0 }, &m, out, &len,
			     &detail),
		PROTO_INTERNAL);
	cr_assert_eq(decrypt_make(pkey, (struct view){ secret, 31 }, &m, out,
			     &len, &detail),
		PROTO_INTERNAL);
}
