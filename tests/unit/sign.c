/* Signatures: every scheme verifies; what does not fit is refused. */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "session/library.h"
#include "session/sign.h"
#include "wire/keykind.h"

static const char *const names[] = { NULL, "MD5", "SHA1", "SHA224", "SHA256",
	"SHA384", "SHA512", "SHA512-224", "SHA512-256", "SHA3-224", "SHA3-256",
	"SHA3-384", "SHA3-512", "MD5-SHA1", "RIPEMD160", "BLAKE2S-256",
	"BLAKE2B-512", "SM3" };

static uint8_t data[200], sig[PROTO_MAX_SIGNATURE];
static size_t sig_len;
static struct proto_key key;
static struct proto_sign m;

static void
set_up(void)
{
	cr_assert_eq(library_init(), 0);
	memset(data, 'x', sizeof(data));
	m.data = (struct view){ data, sizeof(data) };
}

TestSuite(sign, .init = set_up, .timeout = 120);

/* Verified the way an application does it, from the message. */
static bool
verifies(EVP_PKEY *pkey)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p;
	bool ok;

	ok = EVP_DigestVerifyInit_ex(ctx, &p, names[m.scheme.digest], NULL,
		     NULL, pkey, NULL) == 1;
	if (ok && m.scheme.algorithm == PROTO_RSA_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) >
			     0 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md_name(
			     p, names[m.scheme.mgf1], NULL) > 0 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(p, m.scheme.salt) > 0;
	ok = ok && EVP_DigestVerify(ctx, sig, sig_len, data, sizeof(data)) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* The message as a digest, made by someone else. */
static void
use_digest(uint8_t hash[EVP_MAX_MD_SIZE])
{
	size_t len;

	cr_assert_eq(EVP_Q_digest(NULL, names[m.scheme.digest], NULL, data,
			     sizeof(data), hash, &len),
		1);
	m.input = PROTO_INPUT_DIGEST;
	m.data = (struct view){ hash, len };
}

static bool
is_ok(void)
{
	uint16_t detail;

	return sign_check(&key, &m, &detail) == PROTO_OK;
}

static void
expect_signature(EVP_PKEY *pkey)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0, "%u %u",
		m.scheme.algorithm, m.scheme.digest);
	cr_assert(verifies(pkey), "%u %u", m.scheme.algorithm, m.scheme.digest);
	use_digest(hash);
	cr_assert(is_ok());
	cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0);
	cr_assert(verifies(pkey));
	m.input = PROTO_INPUT_MESSAGE;
	m.data = (struct view){ data, sizeof(data) };
}

/* The curves that need no table: one key each, whatever the digest. */
Test(sign, every_digest_with_ecdsa_on_every_curve_verifies)
{
	static const uint8_t ecdsa[] = { PROTO_ECDSA,
		PROTO_ECDSA_DETERMINISTIC };
	unsigned made = 0, curves = 0;
	const struct keykind *kind;
	EVP_PKEY *pkey;
	size_t i, a;
	uint8_t d;

	for (i = 0; (kind = keykind_at(i)) != NULL; i++) {
		if (!keykind_is_ec(kind))
			continue;
		pkey = EVP_EC_gen(kind->group);
		key.type = kind->type;
		curves++;
		for (a = 0; a < 2; a++)
			for (d = 0; d < 20; d++) {
				m.scheme = (struct proto_scheme){
					.algorithm = ecdsa[a], .digest = d
				};
				if (!is_ok())
					continue;
				expect_signature(pkey);
				made++;
			}
		EVP_PKEY_free(pkey);
	}
	cr_assert_eq(curves, 19);
	/* Every digest that there is. */
	cr_assert_eq(made,
		19 * 17 * (library_signs(PROTO_ECDSA_DETERMINISTIC) ? 2 : 1));
}

Test(sign, every_digest_with_rsa_verifies)
{
	EVP_PKEY *pkey = EVP_RSA_gen(2048);
	unsigned made = 0;
	uint8_t a, d;

	key.type = PROTO_KEY_RSA;
	key.bits = 2048;
	for (a = PROTO_RSA_PKCS1; a <= PROTO_RSA_PSS; a++) {
		for (d = 0; d < 20; d++) {
			m.scheme = (struct proto_scheme){ .algorithm = a,
				.digest = d };
			if (a == PROTO_RSA_PSS) {
				m.scheme.mgf1 = d;
				m.scheme.salt = (uint16_t)proto_digest_len(d);
			}
			if (!is_ok())
				continue;
			expect_signature(pkey);
			made++;
		}
	}
	/* All but BLAKE2 and, before 3.4, SM3, with either padding. */
	cr_assert_eq(made, 2 * (library_signs_rsa_sm3() ? 15 : 14));
	EVP_PKEY_free(pkey);
}

Test(sign, pss_takes_every_salt_up_to_the_keys_bound)
{
	static const unsigned bits[] = { 1024, 1025, 2048 };
	EVP_PKEY *pkey;
	uint16_t detail;
	unsigned most;
	size_t i;

	key.type = PROTO_KEY_RSA;
	for (i = 0; i < 3; i++) {
		pkey = EVP_RSA_gen(bits[i]);
		key.bits = (uint16_t)bits[i];
		most = (bits[i] - 1 + 7) / 8 - 32 - 2;
		m.scheme = (struct proto_scheme){ PROTO_RSA_PSS, PROTO_SHA256,
			PROTO_SHA1, (uint16_t)most };
		cr_assert(is_ok());
		expect_signature(pkey);
		m.scheme.salt = 0;
		expect_signature(pkey);
		m.scheme.salt = (uint16_t)(most + 1);
		cr_assert_eq(
			sign_check(&key, &m, &detail), PROTO_BAD_PARAMETER);
		cr_assert_eq(detail, DETAIL_SALT_LENGTH);
		m.scheme.salt = UINT16_MAX;
		cr_assert_not(is_ok());
		EVP_PKEY_free(pkey);
	}
}

static void
expect_refusal(enum proto_status status, uint16_t detail)
{
	uint16_t d = 99;

	cr_assert_eq(sign_check(&key, &m, &d), status);
	cr_assert_eq(d, detail);
}

Test(sign, algorithm_must_be_one_of_the_keys)
{
	m.scheme = (struct proto_scheme){ .algorithm = PROTO_ECDSA,
		.digest = PROTO_SHA256 };
	key.type = PROTO_KEY_RSA;
	key.bits = 2048;
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	key.type = PROTO_KEY_P256;
	m.scheme.algorithm = PROTO_RSA_PSS;
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	m.scheme.algorithm = 0;
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	m.scheme.algorithm = 255;
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	m.scheme.algorithm = PROTO_ECDSA;
	key.type = 255;
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	key.type = 0;
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
}

Test(sign, digest_must_be_known_and_fit)
{
	key.type = PROTO_KEY_RSA;
	key.bits = 2048;
	m.scheme = (struct proto_scheme){ .algorithm = PROTO_RSA_PKCS1 };
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
	m.scheme.digest = PROTO_SM3 + 1;
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
	m.scheme = (struct proto_scheme){ PROTO_RSA_PSS, PROTO_SHA256, 0, 32 };
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
	m.scheme.mgf1 = 255;
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
}

Test(sign, a_digest_must_have_its_length)
{
	uint8_t d;

	key.type = PROTO_KEY_RSA;
	key.bits = 2048;
	m.input = PROTO_INPUT_DIGEST;
	m.scheme.algorithm = PROTO_RSA_PKCS1;
	for (d = PROTO_MD5; d <= PROTO_MD5_SHA1; d++) {
		m.scheme.digest = d;
		m.data.len = proto_digest_len(d);
		cr_assert(is_ok());
		m.data.len++;
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH);
		m.data.len -= 2;
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH);
		m.data.len = 0;
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH);
	}
}

/* The same key with one CRT exponent wrong, as after a fault in memory. */
static EVP_PKEY *
faulty_copy(EVP_PKEY *pkey)
{
	static const char *const parts[] = { OSSL_PKEY_PARAM_RSA_N,
		OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *n[8] = { NULL };
	EVP_PKEY *copy = NULL;
	OSSL_PARAM *params;
	size_t i;

	for (i = 0; i < 8; i++) {
		cr_assert(EVP_PKEY_get_bn_param(pkey, parts[i], &n[i]));
		if (i == 5)
			cr_assert(BN_sub_word(n[i], 2));
		cr_assert(OSSL_PARAM_BLD_push_BN(b, parts[i], n[i]));
	}
	params = OSSL_PARAM_BLD_to_param(b);
	cr_assert_eq(EVP_PKEY_fromdata_init(ctx), 1);
	cr_assert_eq(
		EVP_PKEY_fromdata(ctx, &copy, EVP_PKEY_KEYPAIR, params), 1);
	for (i = 0; i < 8; i++)
		BN_free(n[i]);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	return copy;
}

/*
 * One signature with a wrong half gives the factors away (Boneh, DeMillo,
 * Lipton). libcrypto must notice, and it must not leave us.
 */
Test(sign, a_fault_in_crt_never_leaves)
{
	EVP_PKEY *pkey = EVP_RSA_gen(2048), *bad = faulty_copy(pkey);

	key.type = PROTO_KEY_RSA;
	key.bits = 2048;
	m.scheme = (struct proto_scheme){ .algorithm = PROTO_RSA_PKCS1,
		.digest = PROTO_SHA256 };
	if (sign_make(bad, &m, sig, &sig_len) == 0)
		cr_assert(verifies(pkey));
	EVP_PKEY_free(bad);
	EVP_PKEY_free(pkey);
}

/* A weak key may be too small for a long digest: that is no failure. */
Test(sign, a_digest_that_has_no_room_is_refused)
{
	EVP_PKEY *pkey = EVP_RSA_gen(512);
	uint8_t d;

	key.type = PROTO_KEY_RSA;
	key.bits = 512;
	for (d = PROTO_MD5; d <= PROTO_MD5_SHA1; d++) {
		m.scheme = (struct proto_scheme){ .algorithm = PROTO_RSA_PKCS1,
			.digest = d };
		if (is_ok())
			expect_signature(pkey);
		else
			expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
		cr_assert_eq(is_ok(),
			proto_digest_len(d) <= 32 || d == PROTO_MD5_SHA1);
	}
	EVP_PKEY_free(pkey);
}

/* ---- digests of no named kind ------------------------------------------- */

static void
use_nameless(uint8_t algorithm, size_t len)
{
	m.scheme = (struct proto_scheme){ .algorithm = algorithm };
	m.input = PROTO_INPUT_DIGEST;
	m.data.len = len;
}

static bool
verifies_nameless(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = EVP_PKEY_verify_init(ctx) == 1 &&
		  EVP_PKEY_verify(ctx, sig, sig_len, data, m.data.len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

Test(sign, pkcs1_encloses_what_is_given)
{
	EVP_PKEY *pkey = EVP_RSA_gen(1024);
	size_t i, lengths[] = { 1, 36, 50, 128 - 11 };

	key.type = PROTO_KEY_RSA;
	key.bits = 1024;
	for (i = 0; i < 4; i++) {
		use_nameless(PROTO_RSA_PKCS1, lengths[i]);
		cr_assert(is_ok());
		cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0);
		cr_assert(verifies_nameless(pkey));
	}
	/* Of nothing at all libcrypto makes a signature, and verifies none. */
	use_nameless(PROTO_RSA_PKCS1, 0);
	cr_assert(is_ok());
	cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0);
	use_nameless(PROTO_RSA_PKCS1, 128 - 10);
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH);
	use_nameless(PROTO_RSA_PKCS1, SIZE_MAX);
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH);
	EVP_PKEY_free(pkey);
}

Test(sign, ecdsa_takes_1_to_64_bytes_of_no_named_digest)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	size_t n;

	key.type = PROTO_KEY_P256;
	for (n = 1; n <= 64; n++) {
		use_nameless(PROTO_ECDSA, n);
		cr_assert(is_ok());
		cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0);
		cr_assert(verifies_nameless(pkey));
	}
	use_nameless(PROTO_ECDSA, 0);
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH);
	use_nameless(PROTO_ECDSA, 65);
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_DIGEST_LENGTH);
	EVP_PKEY_free(pkey);
}

/* As a message it would have to be digested; PSS and RFC 6979 need to know. */
Test(sign, no_digest_is_for_pkcs1_and_ecdsa_alone)
{
	key.type = PROTO_KEY_P256;
	use_nameless(PROTO_ECDSA, 32);
	m.input = PROTO_INPUT_MESSAGE;
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
	use_nameless(PROTO_ECDSA_DETERMINISTIC, 32);
	expect_refusal(PROTO_UNSUPPORTED,
		library_signs(PROTO_ECDSA_DETERMINISTIC) ? DETAIL_DIGEST
							 : DETAIL_LIBRARY);
	key.type = PROTO_KEY_RSA;
	key.bits = 2048;
	use_nameless(PROTO_RSA_PSS, 32);
	m.scheme.mgf1 = PROTO_SHA256;
	expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
}

/* ---- RSA-PSS keys ------------------------------------------------------- */

/* digest, MGF1 and salt: NULL and -1 leave libcrypto's default. */
static EVP_PKEY *
make_pss(const char *digest, const char *mgf1, int salt)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *pkey = NULL;

	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_assert_gt(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 1024), 0);
	if (digest != NULL)
		cr_assert_gt(EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(
				     ctx, digest, NULL),
			0);
	if (mgf1 != NULL)
		cr_assert_gt(
			EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(ctx, mgf1),
			0);
	if (salt >= 0)
		cr_assert_gt(
			EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, salt), 0);
	cr_assert_eq(EVP_PKEY_generate(ctx, &pkey), 1);
	EVP_PKEY_CTX_free(ctx);
	key.type = PROTO_KEY_RSA_PSS;
	key.bits = 1024;
	return pkey;
}

static void
use_pss(uint8_t digest, uint8_t mgf1, uint16_t salt)
{
	m.scheme = (struct proto_scheme){ PROTO_RSA_PSS, digest, mgf1, salt };
}

static void
expect_restricted(EVP_PKEY *pkey)
{
	uint16_t detail = 99;

	cr_assert(is_ok());
	cr_assert_eq(sign_check_restrictions(pkey, &m.scheme, &detail),
		PROTO_BAD_PARAMETER);
	cr_assert_eq(detail, DETAIL_RESTRICTED);
	/* libcrypto would have refused as well. */
	cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), -1);
}

static void
expect_unrestricted(EVP_PKEY *pkey)
{
	uint16_t detail = 99;

	cr_assert(is_ok());
	cr_assert_eq(
		sign_check_restrictions(pkey, &m.scheme, &detail), PROTO_OK);
	expect_signature(pkey);
}

Test(sign, a_pss_key_without_restrictions_signs_with_every_digest)
{
	EVP_PKEY *pkey = make_pss(NULL, NULL, -1);
	uint8_t d;

	for (d = PROTO_MD5; d < PROTO_MD5_SHA1; d++) {
		use_pss(d, d, 7);
		expect_unrestricted(pkey);
		use_pss(d, PROTO_SHA1, 0);
		expect_unrestricted(pkey);
	}
	m.scheme = (struct proto_scheme){ .algorithm = PROTO_RSA_PKCS1,
		.digest = PROTO_SHA256 };
	expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	EVP_PKEY_free(pkey);
}

Test(sign, a_restricted_pss_key_keeps_to_its_parameters)
{
	EVP_PKEY *pkey = make_pss("SHA384", "SHA256", 24);

	use_pss(PROTO_SHA384, PROTO_SHA256, 24);
	expect_unrestricted(pkey);
	use_pss(PROTO_SHA384, PROTO_SHA256, 60);
	expect_unrestricted(pkey);
	use_pss(PROTO_SHA384, PROTO_SHA256, 23);
	expect_restricted(pkey);
	use_pss(PROTO_SHA256, PROTO_SHA256, 24);
	expect_restricted(pkey);
	use_pss(PROTO_SHA384, PROTO_SHA384, 24);
	expect_restricted(pkey);
	EVP_PKEY_free(pkey);
}

/* Of the default of RFC 4055 libcrypto tells nothing: SHA-1, SHA-1, 20. */
Test(sign, a_pss_key_may_be_restricted_to_the_default)
{
	EVP_PKEY *pkey = make_pss("SHA1", "SHA1", 20);

	use_pss(PROTO_SHA1, PROTO_SHA1, 20);
	expect_unrestricted(pkey);
	use_pss(PROTO_SHA256, PROTO_SHA1, 20);
	expect_restricted(pkey);
	use_pss(PROTO_SHA1, PROTO_SHA256, 20);
	expect_restricted(pkey);
	use_pss(PROTO_SHA1, PROTO_SHA1, 19);
	expect_restricted(pkey);
	EVP_PKEY_free(pkey);
}

Test(sign, other_keys_have_no_restrictions)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	uint16_t detail;

	m.scheme = (struct proto_scheme){ .algorithm = PROTO_ECDSA };
	cr_assert_eq(
		sign_check_restrictions(pkey, &m.scheme, &detail), PROTO_OK);
	EVP_PKEY_free(pkey);
}
