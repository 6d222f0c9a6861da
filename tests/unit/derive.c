/* Shared secrets: RFC 7748's, libcrypto's own, and peers to be refused. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "session/derive.h"
#include "session/library.h"
#include "wire/keykind.h"

static uint8_t out[PROTO_MAX_OUTPUT];
static struct proto_key key;
static struct proto_derive m;
static size_t len;

static void
set_up(void)
{
	cr_assert_eq(library_init(), 0);
}

TestSuite(derive, .init = set_up, .timeout = 60);

static enum proto_status
derive(EVP_PKEY *pkey, uint16_t *detail)
{
	enum proto_status status;

	*detail = DETAIL_NONE;
	status = derive_check(&key, &m, detail);
	if (status != PROTO_OK)
		return status;
	return derive_make(pkey, &key, &m, out, &len, detail);
}

static void
expect_refusal(EVP_PKEY *pkey, uint16_t reason, const char *what)
{
	uint16_t detail;

	cr_assert_eq(derive(pkey, &detail), PROTO_BAD_PARAMETER, "%s", what);
	cr_assert_eq(detail, reason, "%s: %u", what, detail);
}

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

/* RFC 7748 §6.1 and §6.2, both sides of each. */
static const struct {
	uint8_t type;
	const char *private_key, *peer, *secret;
} vectors[] = {
	{ PROTO_KEY_X25519,
		"77076d0a7318a57d3c16c17251b26645"
		"df4c2f87ebc0992ab177fba51db92c2a",
		"de9edb7d7b7dc1b4d35b61c2ece43537"
		"3f8343c85b78674dadfc7e146f882b4f",
		"4a5d9d5ba4ce2de1728e3bf480350f25"
		"e07e21c947d19e3376f09b3c1e161742" },
	{ PROTO_KEY_X25519,
		"5dab087e624a8a4b79e17f8b83800ee6"
		"6f3bb1292618b6fd1c2f8b27ff88e0eb",
		"8520f0098930a754748b7ddcb43ef75a"
		"0dbf3a0d26381af4eba4a98eaa9b4e6a",
		"4a5d9d5ba4ce2de1728e3bf480350f25"
		"e07e21c947d19e3376f09b3c1e161742" },
	{ PROTO_KEY_X448,
		"9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28d"
		"d9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
		"3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b430"
		"27d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
		"07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282b"
		"b60c0b56fd2464c335543936521c24403085d59a449a5037514a879d" },
	{ PROTO_KEY_X448,
		"1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d"
		"6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
		"9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c"
		"22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
		"07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282b"
		"b60c0b56fd2464c335543936521c24403085d59a449a5037514a879d" },
};

Test(derive, gives_the_secrets_of_rfc_7748)
{
	uint8_t number[64], peer[64], secret[64];
	uint16_t detail;
	EVP_PKEY *pkey;
	size_t i, n;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		key.type = vectors[i].type;
		n = from_hex(vectors[i].private_key, number);
		pkey = EVP_PKEY_new_raw_private_key_ex(NULL,
			keykind_by_type(key.type)->algorithm, NULL, number, n);
		m.peer = (struct view){ peer, from_hex(vectors[i].peer, peer) };
		cr_assert_eq(derive(pkey, &detail), PROTO_OK);
		cr_assert_eq(len, from_hex(vectors[i].secret, secret));
		cr_assert_arr_eq(out, secret, len);
		EVP_PKEY_free(pkey);
	}
}

static EVP_PKEY *
make(const struct keykind *kind)
{
	return kind->group != NULL
		       ? EVP_EC_gen(kind->group)
		       : EVP_PKEY_Q_keygen(NULL, NULL, kind->algorithm);
}

static size_t
get_point(EVP_PKEY *pkey, uint8_t buf[PROTO_MAX_PEER])
{
	uint8_t *point = NULL;
	size_t n = EVP_PKEY_get1_encoded_public_key(pkey, &point);

	cr_assert(n > 0 && n <= PROTO_MAX_PEER);
	memcpy(buf, point, n);
	OPENSSL_free(point);
	return n;
}

/* Secrets that begin with a zero are as long as any: there is one in 256. */
Test(derive, both_sides_agree_on_every_curve)
{
	uint8_t ours[PROTO_MAX_PEER], theirs[PROTO_MAX_PEER], first[128];
	const struct keykind *kind;
	EVP_PKEY *a, *b;
	uint16_t detail;
	unsigned n = 0, round;
	size_t i;

	for (i = 0; (kind = keykind_at(i)) != NULL; i++) {
		if (keykind_is_rsa(kind) ||
			(kind->uses & PROTO_USE_DECRYPT) == 0)
			continue;
		key.type = kind->type;
		for (round = 0;
			round < (kind->type == PROTO_KEY_P256 ? 600 : 2);
			round++) {
			a = make(kind);
			b = make(kind);
			m.peer = (struct view){ theirs, get_point(b, theirs) };
			cr_assert_eq(
				derive(a, &detail), PROTO_OK, "%s", kind->name);
			cr_assert_eq(len, (kind->max_bits + 7U) / 8U);
			memcpy(first, out, len);
			m.peer = (struct view){ ours, get_point(a, ours) };
			cr_assert_eq(derive(b, &detail), PROTO_OK);
			cr_assert_arr_eq(out, first, len);
			EVP_PKEY_free(a);
			EVP_PKEY_free(b);
		}
		n++;
	}
	cr_assert_eq(n, 21);
}

/* ---- refusals ----------------------------------------------------------- */

Test(derive, keys_that_only_sign_or_decrypt_have_no_peer)
{
	static const uint8_t types[] = { 0, PROTO_KEY_RSA, PROTO_KEY_RSA_PSS,
		PROTO_KEY_ED25519, PROTO_KEY_ED448, PROTO_KEY_BP192T1 + 1,
		255 };
	static const uint8_t peer[32] = { 9 };
	uint16_t detail;
	size_t i;

	m.peer = (struct view){ peer, sizeof(peer) };
	for (i = 0; i < sizeof(types); i++) {
		key.type = types[i];
		detail = DETAIL_NONE;
		cr_assert_eq(
			derive_check(&key, &m, &detail), PROTO_BAD_PARAMETER);
		cr_assert_eq(detail, DETAIL_KEY_TYPE);
	}
}

/* A point off the curve gives the private number away, bit by bit. */
Test(derive, points_that_are_not_on_the_curve_are_refused)
{
	const struct keykind *kind;
	uint8_t point[PROTO_MAX_PEER];
	EVP_PKEY *pkey, *peer;
	size_t i, n;

	for (i = 0; (kind = keykind_at(i)) != NULL; i++) {
		if (!keykind_is_ec(kind))
			continue;
		key.type = kind->type;
		pkey = make(kind);
		peer = make(kind);
		n = get_point(peer, point);
		m.peer = (struct view){ point, n };
		point[n - 1] ^= 1;
		expect_refusal(pkey, DETAIL_PEER_KEY, kind->name);
		point[n - 1] ^= 1;
		point[1] ^= 0x80;
		expect_refusal(pkey, DETAIL_PEER_KEY, kind->name);
		memset(point + 1, 0, n - 1);
		expect_refusal(pkey, DETAIL_PEER_KEY, "0, 0");
		memset(point + 1, 0xFF, n - 1);
		expect_refusal(pkey, DETAIL_PEER_KEY, "over the field");
		EVP_PKEY_free(pkey);
		EVP_PKEY_free(peer);
	}
}

Test(derive, other_forms_of_a_point_are_refused)
{
	uint8_t point[PROTO_MAX_PEER + 1];
	EVP_PKEY *pkey = EVP_EC_gen("P-256"), *peer = EVP_EC_gen("P-256");
	size_t n = get_point(peer, point);

	key.type = PROTO_KEY_P256;
	m.peer = (struct view){ point, n };
	point[0] = 6 + (point[n - 1] & 1); /* hybrid */
	expect_refusal(pkey, DETAIL_PEER_KEY, "hybrid");
	point[0] = 2 + (point[n - 1] & 1); /* compressed */
	expect_refusal(pkey, DETAIL_PEER_KEY, "compressed, long");
	m.peer.len = 33;
	expect_refusal(pkey, DETAIL_PEER_KEY, "compressed");
	point[0] = 0;
	m.peer.len = 1;
	expect_refusal(pkey, DETAIL_PEER_KEY, "infinity");
	m.peer.len = n;
	expect_refusal(pkey, DETAIL_PEER_KEY, "infinity, long");
	point[0] = 4;
	m.peer.len = n - 1;
	expect_refusal(pkey, DETAIL_PEER_KEY, "short");
	m.peer.len = n + 1;
	expect_refusal(pkey, DETAIL_PEER_KEY, "long");
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(peer);
}

/* P-256, secp256k1 and two brainpool curves have points of the same length. */
Test(derive, points_of_another_curve_are_refused)
{
	static const uint8_t types[] = { PROTO_KEY_P256, PROTO_KEY_SECP256K1,
		PROTO_KEY_BP256R1, PROTO_KEY_BP256T1 };
	uint8_t point[PROTO_MAX_PEER];
	EVP_PKEY *pkey, *peer;
	size_t i, j;

	for (i = 0; i < sizeof(types); i++)
		for (j = 0; j < sizeof(types); j++) {
			if (i == j)
				continue;
			pkey = make(keykind_by_type(types[i]));
			peer = make(keykind_by_type(types[j]));
			key.type = types[i];
			m.peer = (struct view){ point, get_point(peer, point) };
			expect_refusal(pkey, DETAIL_PEER_KEY, "curve");
			EVP_PKEY_free(pkey);
			EVP_PKEY_free(peer);
		}
}

/* RFC 7748 §6, and the other points of small order on the first curve. */
Test(derive, peers_that_leave_no_secret_are_refused)
{
	static const char *const small[] = {
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"e0eb7a7c3b41b8ae1656e3faf19fc46a"
		"da098deb9c32b1fd866205165f49b800",
	};
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	uint8_t point[56];
	size_t i;

	key.type = PROTO_KEY_X25519;
	for (i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		m.peer = (struct view){ point, from_hex(small[i], point) };
		expect_refusal(pkey, DETAIL_PEER_KEY, small[i]);
	}
	EVP_PKEY_free(pkey);
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "X448");
	key.type = PROTO_KEY_X448;
	memset(point, 0, sizeof(point));
	m.peer = (struct view){ point, sizeof(point) };
	expect_refusal(pkey, DETAIL_PEER_KEY, "0");
	point[0] = 1;
	expect_refusal(pkey, DETAIL_PEER_KEY, "1");
	EVP_PKEY_free(pkey);
}

Test(derive, peers_of_another_length_are_refused)
{
	static const size_t lengths[] = { 1, 31, 33, 55, 56, 57, 65 };
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	uint8_t point[65] = { 9 };
	size_t i;

	key.type = PROTO_KEY_X25519;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		m.peer = (struct view){ point, lengths[i] };
		expect_refusal(pkey, DETAIL_PEER_KEY, "length");
	}
	EVP_PKEY_free(pkey);
}
