/* EdDSA as in RFC 8032 and ECDSA as in RFC 6979: the answers are known. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "session/eddsa.h"
#include "session/library.h"
#include "session/sign.h"
#include "wire/keykind.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static uint8_t data[PROTO_MAX_DATA], sig[PROTO_MAX_SIGNATURE];
static size_t sig_len;
static struct proto_key key;
static struct proto_sign m;

static void
set_up(void)
{
	cr_assert_eq(library_init(), 0);
}

TestSuite(eddsa, .init = set_up, .timeout = 60);

static size_t
from_hex(const char *hex, uint8_t *buf)
{
	size_t n = strlen(hex) / 2, i;
	unsigned byte;

	for (i = 0; i < n; i++) {
		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
		buf[i] = (uint8_t)byte;
	}
	return n;
}

/* RFC 8032 §7.1 to §7.5; data is with the context as the request has it. */
static const struct vector {
	uint8_t type, algorithm;
	const char *private_key, *data, *signature;
} vectors[] = {
	{ PROTO_KEY_ED25519, PROTO_ED25519,
		"9d61b19deffd5a60ba844af492ec2cc4"
		"4449c5697b326919703bac031cae7f60",
		"",
		"e5564300c360ac729086e2cc806e828a"
		"84877f1eb8e5d974d873e06522490155"
		"5fb8821590a33bacc61e39701cf9b46b"
		"d25bf5f0595bbe24655141438e7a100b" },
	{ PROTO_KEY_ED25519, PROTO_ED25519,
		"4ccd089b28ff96da9db6c346ec114e0f"
		"5b8a319f35aba624da8cf6ed4fb8a6fb",
		"72",
		"92a009a9f0d4cab8720e820b5f642540"
		"a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c"
		"387b2eaeb4302aeeb00d291612bb0c00" },
	{ PROTO_KEY_ED25519, PROTO_ED25519CTX,
		"0305334e381af78f141cb666f6199f57"
		"bc3495335a256a95bd2a55bf546663f6",
		"03666f6f"
		"f726936d19c800494e3fdaff20b276a8",
		"55a4cc2f70a54e04288c5f4cd1e45a7b"
		"b520b36292911876cada7323198dd87a"
		"8b36950b95130022907a7fb7c4e9b2d5"
		"f6cca685a587b4b21f4b888e4e7edb0d" },
	{ PROTO_KEY_ED25519, PROTO_ED25519PH,
		"833fe62409237b9d62ec77587520911e"
		"9a759cec1d19755b7da901b96dca3d42",
		"00616263",
		"98a70222f0b8121aa9d30f813d683f80"
		"9e462b469c7ff87639499bb94e6dae41"
		"31f85042463c2a355a2003d062adf5aa"
		"a10b8c61e636062aaad11c2a26083406" },
	{ PROTO_KEY_ED448, PROTO_ED448,
		"c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00ac"
		"da2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a1227"
		"4e",
		"03",
		"26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd008"
		"7810f4352541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779"
		"805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7"
		"e0a6472905e799f1953d2a0ff3348ab21aa4adafd1d234441cf807c0"
		"3a00" },
	{ PROTO_KEY_ED448, PROTO_ED448CTX,
		"c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00ac"
		"da2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a1227"
		"4e",
		"03666f6f03",
		"d4f8f6131770dd46f40867d6fd5d5055de43541f8c5e35abbcd001b3"
		"2a89f7d2151f7647f11d8ca2ae279fb842d607217fce6e042f6815ea"
		"000c85741de5c8da1144a6a1aba7f96de42505d7a7298524fda538fc"
		"cbbb754f578c1cad10d54d0d5428407e85dcbc98a49155c13764e66c"
		"3c00" },
	{ PROTO_KEY_ED448, PROTO_ED448PH,
		"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b9"
		"6dca3d42ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c"
		"49",
		"00616263",
		"822f6901f7480f3d5f562c592994d9693602875614483256505600bb"
		"c281ae381f54d6bce2ea911574932f52a4e6cadd78769375ec3ffd1b"
		"801a0d9b3f4030cd433964b6457ea39476511214f97469b57dd32dbc"
		"560a9a94d00bff07620464a3ad203df7dc7ce360c3cd3696d9d9fab9"
		"0f00" },
};

static EVP_PKEY *
use(const struct vector *v)
{
	uint8_t number[64];
	size_t n = from_hex(v->private_key, number);

	key.type = v->type;
	m.scheme = (struct proto_scheme){ .algorithm = v->algorithm };
	m.data = (struct view){ data, from_hex(v->data, data) };
	return EVP_PKEY_new_raw_private_key_ex(
		NULL, keykind_by_type(v->type)->algorithm, NULL, number, n);
}

static void
expect_refusal(enum proto_status status, uint16_t reason)
{
	uint16_t detail = 99;

	cr_assert_eq(sign_check(&key, &m, &detail), status);
	cr_assert_eq(detail, reason);
}

/* What this libcrypto does not have is refused as such, not as a failure. */
Test(eddsa, gives_the_signatures_of_rfc_8032)
{
	uint8_t expected[114];
	const struct vector *v;
	uint16_t detail;
	EVP_PKEY *pkey;
	size_t i;

	for (i = 0; i < ROWS(vectors); i++) {
		v = &vectors[i];
		pkey = use(v);
		if (!library_signs(v->algorithm)) {
			cr_assert_gt(v->algorithm, PROTO_ED448);
			expect_refusal(PROTO_UNSUPPORTED, DETAIL_LIBRARY);
			EVP_PKEY_free(pkey);
			continue;
		}
		cr_assert_eq(sign_check(&key, &m, &detail), PROTO_OK);
		cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0);
		cr_assert_eq(sig_len, from_hex(v->signature, expected));
		cr_assert_arr_eq(sig, expected, sig_len, "%zu", i);
		EVP_PKEY_free(pkey);
	}
}

Test(eddsa, signs_the_longest_message)
{
	EVP_PKEY *pkey = use(&vectors[0]);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	m.data.len = sizeof(data);
	cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0);
	cr_assert_eq(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey), 1);
	cr_assert_eq(
		EVP_DigestVerify(ctx, sig, sig_len, data, sizeof(data)), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

Test(eddsa, takes_no_digest_in_place_of_the_message)
{
	size_t i;

	for (i = 0; i < ROWS(vectors); i++) {
		if (!library_signs(vectors[i].algorithm))
			continue;
		EVP_PKEY_free(use(&vectors[i]));
		m.scheme.digest = PROTO_SHA512;
		expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
		m.scheme.digest = PROTO_NO_DIGEST;
		m.input = PROTO_INPUT_DIGEST;
		expect_refusal(PROTO_UNSUPPORTED, DETAIL_DIGEST);
		m.input = PROTO_INPUT_MESSAGE;
	}
}

Test(eddsa, is_for_keys_of_its_own_curve)
{
	static const uint8_t types[] = { PROTO_KEY_RSA, PROTO_KEY_P256,
		PROTO_KEY_X25519, PROTO_KEY_X448 };
	size_t i, j;

	for (i = 0; i < ROWS(vectors); i++) {
		EVP_PKEY_free(use(&vectors[i]));
		for (j = 0; j < sizeof(types); j++) {
			key.type = types[j];
			expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
		}
		key.type = vectors[i].type == PROTO_KEY_ED448
				   ? PROTO_KEY_ED25519
				   : PROTO_KEY_ED448;
		expect_refusal(PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	}
}

static void
expect_no_context(size_t len)
{
	uint16_t detail = 99;

	m.data.len = len;
	cr_assert_eq(eddsa_check(&m, &detail), PROTO_BAD_PARAMETER);
	cr_assert_eq(detail, DETAIL_CONTEXT);
}

/* Of the algorithms with a context, whether the library has them or not. */
Test(eddsa, context_must_be_whole_and_there_where_it_is_needed)
{
	uint16_t detail;
	size_t i;

	for (i = 0; i < ROWS(vectors); i++) {
		if (vectors[i].algorithm <= PROTO_ED448)
			continue;
		EVP_PKEY_free(use(&vectors[i]));
		cr_assert_eq(eddsa_check(&m, &detail), PROTO_OK);
		expect_no_context(0);
		data[0] = 10;
		expect_no_context(10);
		data[0] = 0;
		if (vectors[i].algorithm == PROTO_ED25519PH ||
			vectors[i].algorithm == PROTO_ED448PH)
			cr_assert_eq(eddsa_check(&m, &detail), PROTO_OK);
		else
			expect_no_context(10);
	}
}

/* RFC 6979 §A.2.5: P-256, SHA-256, "sample". */
static EVP_PKEY *
make_p256(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	uint8_t point[65];
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params;
	BIGNUM *x = NULL;

	cr_assert_gt(BN_hex2bn(&x, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB"
				   "36E89B127B8A622B120F6721"),
		0);
	from_hex("0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60"
		 "F29FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C2"
		 "94D4462299",
		point);
	cr_assert(OSSL_PARAM_BLD_push_utf8_string(
			  b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
		  OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, x) &&
		  OSSL_PARAM_BLD_push_octet_string(
			  b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)));
	params = OSSL_PARAM_BLD_to_param(b);
	cr_assert_eq(EVP_PKEY_fromdata_init(ctx), 1);
	cr_assert_eq(
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	BN_free(x);
	return pkey;
}

Test(eddsa, deterministic_ecdsa_gives_the_signature_of_rfc_6979)
{
	EVP_PKEY *pkey = make_p256();
	const uint8_t *p = sig;
	ECDSA_SIG *got;
	BIGNUM *r = NULL;

	key.type = PROTO_KEY_P256;
	m.scheme =
		(struct proto_scheme){ .algorithm = PROTO_ECDSA_DETERMINISTIC,
			.digest = PROTO_SHA256 };
	m.data = (struct view){ (const uint8_t *)"sample", 6 };
	if (!library_signs(PROTO_ECDSA_DETERMINISTIC)) {
		expect_refusal(PROTO_UNSUPPORTED, DETAIL_LIBRARY);
		EVP_PKEY_free(pkey);
		return;
	}
	cr_assert_eq(sign_make(pkey, &m, sig, &sig_len), 0);
	got = d2i_ECDSA_SIG(NULL, &p, (long)sig_len);
	cr_assert_not_null(got);
	cr_assert_gt(BN_hex2bn(&r, "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B"
				   "56AAF991C34D0EA84EAF3716"),
		0);
	cr_assert_eq(BN_cmp(r, ECDSA_SIG_get0_r(got)), 0);
	BN_free(r);
	ECDSA_SIG_free(got);
	EVP_PKEY_free(pkey);
}
