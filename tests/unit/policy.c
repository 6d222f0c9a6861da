/* May this key sign this: uses, schemes, tls12, weak digests, leniency. */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "session/curve.h"
#include "session/policy.h"
#include "tests/support/messages.h"
#include "tests/support/transcripts.h"

enum {
	SERVER = PROTO_USE_TLS_SERVER,
	CSR = PROTO_USE_CSR,
	SIGN = PROTO_USE_SIGN,
	CLIENT = PROTO_USE_TLS_CLIENT,
};

static uint64_t seed = 88172645463325252U;
static struct message m, spki;
static struct transcript long_message;
static struct ring_entry key;
static struct proto_sign request;

static void
set_up(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	cr_assert_eq(curve_init(), 0);
	messages_spki(&spki, pkey);
	EVP_PKEY_free(pkey);
	key = (struct ring_entry){ .key = { .type = PROTO_KEY_P256,
					   .bits = 256,
					   .use = SERVER,
					   .tls12 = PROTO_TLS12_ANY },
		.tls12_groups = TLSGROUP_DEFAULT };
	request.scheme = (struct proto_scheme){ .algorithm = PROTO_ECDSA,
		.digest = PROTO_SHA256 };
}

TestSuite(policy, .init = set_up, .timeout = 120);

static uint16_t
check(void)
{
	key.key.spki = (struct view){ spki.data, spki.len };
	request.data = (struct view){ m.data, m.len };
	return policy_check(&key, &request, curve_has_point);
}

static void
tls13(const char *who)
{
	messages_verify(&m, who, 32, &seed);
}

static void
take_long(void)
{
	cr_assert_leq(long_message.len, sizeof(m.data));
	memcpy(m.data, long_message.data, long_message.len);
	m.len = long_message.len;
}

static void
dhe(void)
{
	transcripts_dhe(&long_message, 256, &seed);
	take_long();
}

static void
transcript(bool dtls)
{
	const struct transcripts_shape s = { .dtls = dtls, .raw_key = true };

	transcripts_make(&long_message, &s, &seed);
	take_long();
}

static void
request_for_key(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	messages_spki(&spki, pkey);
	messages_csr(&m, pkey);
	EVP_PKEY_free(pkey);
}

#define TLS13_SERVER "TLS 1.3, server CertificateVerify"
#define TLS13_CLIENT "TLS 1.3, client CertificateVerify"

Test(policy, a_server_key_signs_as_server_and_nothing_else)
{
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_NONE);
	messages_ske_group(&m, 29, &seed);
	cr_assert_eq(check(), DETAIL_NONE);
	tls13(TLS13_CLIENT);
	cr_assert_eq(check(), DETAIL_CLIENT_AUTH);
	tls13("TLS, server delegated credentials");
	cr_assert_eq(check(), DETAIL_DELEGATED_CREDENTIAL);
	request_for_key();
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
	m.len = 0;
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
}

Test(policy, a_client_key_signs_as_client_and_nothing_else)
{
	key.key.use = CLIENT;
	tls13(TLS13_CLIENT);
	cr_assert_eq(check(), DETAIL_NONE);
	transcript(false);
	cr_assert_eq(check(), DETAIL_NONE);
	transcript(true);
	cr_assert_eq(check(), DETAIL_NONE);
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_NOT_TLS_CLIENT);
	messages_ske_group(&m, 29, &seed);
	cr_assert_eq(check(), DETAIL_NOT_TLS_CLIENT);
	dhe();
	cr_assert_eq(check(), DETAIL_NOT_TLS_CLIENT);
	tls13("TLS, client delegated credentials");
	cr_assert_eq(check(), DETAIL_DELEGATED_CREDENTIAL);
	request_for_key();
	cr_assert_eq(check(), DETAIL_NOT_TLS_CLIENT);
	m.len = 0;
	cr_assert_eq(check(), DETAIL_NOT_TLS_CLIENT);
	tls13(TLS13_CLIENT);
	request.scheme.digest = PROTO_SHA384;
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
	request.scheme.digest = PROTO_SHA256;
	request.input = PROTO_INPUT_DIGEST;
	cr_assert_eq(check(), DETAIL_DIGEST_BLIND);
}

Test(policy, a_client_message_names_the_setting_for_other_keys)
{
	static const uint32_t others[] = { SERVER, CSR, PROTO_USE_TLS_DHE,
		SERVER | CSR | PROTO_USE_TLS_DHE, PROTO_USE_DECRYPT, 0 };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		key.key.use = others[i];
		tls13(TLS13_CLIENT);
		cr_assert_eq(check(), DETAIL_CLIENT_AUTH);
		transcript(false);
		cr_assert_eq(check(), DETAIL_CLIENT_AUTH);
		transcript(true);
		cr_assert_eq(check(), DETAIL_CLIENT_AUTH);
	}
}

Test(policy, finite_field_key_exchange_needs_its_use)
{
	dhe();
	cr_assert_eq(check(), DETAIL_DHE_OFF);
	key.key.use = SERVER | CSR | CLIENT;
	cr_assert_eq(check(), DETAIL_DHE_OFF);
	key.key.use = CSR;
	cr_assert_eq(check(), DETAIL_NOT_CSR);
	key.key.use = PROTO_USE_TLS_DHE;
	cr_assert_eq(check(), DETAIL_NONE);
	key.key.use = SERVER | PROTO_USE_TLS_DHE;
	cr_assert_eq(check(), DETAIL_NONE);
	/* It is of use for nothing else. */
	key.key.use = PROTO_USE_TLS_DHE;
	messages_ske_group(&m, 29, &seed);
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
	request_for_key();
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
}

Test(policy, a_csr_key_signs_requests_and_nothing_else)
{
	key.key.use = CSR;
	request_for_key();
	cr_assert_eq(check(), DETAIL_NONE);
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_NOT_CSR);
	messages_ske_group(&m, 23, &seed);
	cr_assert_eq(check(), DETAIL_NOT_CSR);
	tls13(TLS13_CLIENT);
	cr_assert_eq(check(), DETAIL_CLIENT_AUTH);
}

Test(policy, two_uses_allow_what_either_allows)
{
	key.key.use = SERVER | CSR;
	request_for_key();
	cr_assert_eq(check(), DETAIL_NONE);
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_NONE);
	messages_ske_group(&m, 29, &seed);
	cr_assert_eq(check(), DETAIL_NONE);
	key.key.tls12 = PROTO_TLS12_NO;
	cr_assert_eq(check(), DETAIL_TLS12_OFF);
	m.len = 3;
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
}

Test(policy, a_sign_key_signs_anything_also_a_digest)
{
	key.key.use = SIGN;
	m.len = 32;
	cr_assert_eq(check(), DETAIL_NONE);
	tls13(TLS13_CLIENT);
	cr_assert_eq(check(), DETAIL_NONE);
	request.input = PROTO_INPUT_DIGEST;
	cr_assert_eq(check(), DETAIL_NONE);
}

Test(policy, a_digest_is_signed_blindly_by_sign_keys_only)
{
	uint32_t use;

	request.input = PROTO_INPUT_DIGEST;
	m.len = 32;
	for (use = 0; use < SIGN; use++) {
		key.key.use = use;
		cr_assert_eq(check(), DETAIL_DIGEST_BLIND);
	}
	/* Whatever it looks like. */
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_DIGEST_BLIND);
}

Test(policy, a_key_without_a_known_use_signs_nothing)
{
	key.key.use = 0;
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
	key.key.use = 1U << 20;
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
	request_for_key();
	cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
}

Test(policy, weak_digests_need_their_setting_for_every_use)
{
	static const uint8_t weak[] = { PROTO_MD5, PROTO_SHA1, PROTO_MD5_SHA1,
		PROTO_RIPEMD160 };
	size_t i;
	uint32_t use;

	tls13(TLS13_SERVER);
	for (i = 0; i < 4; i++) {
		for (use = 1; use <= (SERVER | CSR | SIGN); use++) {
			key.key.use = use;
			request.scheme.digest = weak[i];
			key.key.flags = 0;
			cr_assert_eq(check(), DETAIL_WEAK_DIGEST);
		}
		key.key.use = SIGN;
		key.key.flags = PROTO_KEY_WEAK_DIGESTS;
		cr_assert_eq(check(), DETAIL_NONE);
	}
}

static void
blind(uint8_t algorithm, const void *data, size_t len)
{
	request.scheme = (struct proto_scheme){ .algorithm = algorithm };
	request.input = PROTO_INPUT_DIGEST;
	key.key.use = SIGN;
	m.len = len;
	memcpy(m.data, data, len);
}

Test(policy, a_digest_of_no_kind_is_weak_if_it_may_be_a_weak_one)
{
	static const uint8_t any[512] = { 1 };
	uint16_t detail;
	size_t len;

	for (len = 1; len <= 64; len++) {
		detail = len < 28 ? DETAIL_SHORT_DATA : DETAIL_NONE;
		blind(PROTO_ECDSA, any, len);
		cr_assert_eq(check(), detail);
		blind(PROTO_ECDSA_DETERMINISTIC, any, len);
		cr_assert_eq(check(), detail);
		blind(PROTO_RSA_PKCS1, any, len);
		cr_assert_eq(check(), len == 36 ? DETAIL_WEAK_DIGEST : detail);
	}
	key.key.flags = PROTO_KEY_WEAK_DIGESTS;
	blind(PROTO_RSA_PKCS1, any, 36);
	cr_assert_eq(check(), DETAIL_NONE);
	blind(PROTO_RSA_PKCS1, any, 1);
	cr_assert_eq(check(), DETAIL_NONE);
}

/* Also without the parameters, and with a length that DER would not have. */
Test(policy, an_encoding_that_names_a_weak_digest_is_weak)
{
	static const struct {
		const char *start;
		size_t len;
		bool weak;
	} forms[] = {
#define FORM(text, weak) { text, sizeof(text) - 1, weak }
		FORM("\x30\x20\x30\x0C\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x02"
		     "\x05\x00\x04\x10",
			true),
		FORM("\x30\x20\x30\x0C\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x04"
		     "\x05\x00\x04\x10",
			true),
		FORM("\x30\x20\x30\x0C\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x05"
		     "\x05\x00\x04\x10",
			true),
		FORM("\x30\x1C\x30\x08\x06\x04\x55\x08\x03\x65\x05\x00\x04\x10",
			true),
		FORM("\x30\x21\x30\x09\x06\x05\x2B\x0E\x03\x02\x1A\x05\x00\x04"
		     "\x14",
			true),
		FORM("\x30\x1F\x30\x07\x06\x05\x2B\x0E\x03\x02\x1A\x04\x14",
			true),
		FORM("\x30\x80\x30\x0B\x06\x82\x00\x05\x2B\x0E\x03\x02\x1A\x05"
		     "\x00\x04\x14",
			true),
		FORM("\x30\x21\x30\x09\x06\x05\x2B\x24\x03\x02\x01\x05\x00\x04"
		     "\x14",
			true),
		/* SHA-256, and SHA-1's name in no encoding at all */
		FORM("\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"
		     "\x01\x05\x00\x04\x20",
			false),
		FORM("\x31\x21\x30\x09\x06\x05\x2B\x0E\x03\x02\x1A\x05\x00\x04"
		     "\x14",
			false),
#undef FORM
	};
	uint8_t data[60];
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(data, 0xAA, sizeof(data));
		memcpy(data, forms[i].start, forms[i].len);
		blind(PROTO_RSA_PKCS1, data,
			forms[i].len + (forms[i].weak ? 20 : 32));
		cr_assert_eq(check(),
			forms[i].weak ? DETAIL_WEAK_DIGEST : DETAIL_NONE,
			"form %zu", i);
	}
	/* At the very end, where a search might run over. */
	memset(data, 0xAA, sizeof(data));
	data[0] = 0x30;
	memcpy(data + 54, "\x05\x2B\x0E\x03\x02\x1A", 6);
	blind(PROTO_RSA_PKCS1, data, 60);
	cr_assert_eq(check(), DETAIL_WEAK_DIGEST);
	blind(PROTO_RSA_PKCS1, data, 59);
	cr_assert_eq(check(), DETAIL_NONE);
}

Test(policy, decryption_needs_the_use_of_its_padding)
{
	static const uint8_t paddings[] = { PROTO_OAEP, PROTO_PKCS1,
		PROTO_PREMASTER, 0, 77 };
	uint32_t use;
	size_t i;
	bool kx;

	for (use = 0; use <= PROTO_USE_ALL; use++) {
		key.key.use = use;
		for (i = 0; i < sizeof(paddings); i++) {
			kx = paddings[i] == PROTO_PREMASTER;
			cr_assert_eq(policy_check_decrypt(&key, paddings[i]),
				kx && (use & PROTO_USE_TLS_RSA_KX) == 0
					? DETAIL_RSA_KX_OFF
				: !kx && (use & PROTO_USE_DECRYPT) == 0
					? DETAIL_DECRYPT_OFF
					: DETAIL_NONE);
		}
		cr_assert_eq(policy_check_derive(&key),
			(use & PROTO_USE_DECRYPT) != 0 ? DETAIL_NONE
						       : DETAIL_DECRYPT_OFF);
	}
}

Test(policy, even_with_weak_digests_tls_gets_sha1_in_tls12_only)
{
	key.key.flags = PROTO_KEY_WEAK_DIGESTS;
	request.scheme.digest = PROTO_SHA1;
	messages_ske_group(&m, 29, &seed);
	cr_assert_eq(check(), DETAIL_NONE);
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
	key.key.type = PROTO_KEY_RSA;
	request.scheme.algorithm = PROTO_RSA_PKCS1;
	messages_ske_group(&m, 29, &seed);
	cr_assert_eq(check(), DETAIL_NONE);
	request.scheme.digest = PROTO_MD5_SHA1;
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
	request.scheme.digest = PROTO_MD5;
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
}

/* All that TLS allows; every other combination must be refused. */
struct allowed {
	uint8_t key, algorithm, digest;
	bool tls12, tls13;
};

/* clang-format off */
static const struct allowed allowed[] = {
	{ PROTO_KEY_RSA, PROTO_RSA_PSS, PROTO_SHA256, true, true },
	{ PROTO_KEY_RSA, PROTO_RSA_PSS, PROTO_SHA384, true, true },
	{ PROTO_KEY_RSA, PROTO_RSA_PSS, PROTO_SHA512, true, true },
	{ PROTO_KEY_RSA_PSS, PROTO_RSA_PSS, PROTO_SHA256, true, true },
	{ PROTO_KEY_RSA_PSS, PROTO_RSA_PSS, PROTO_SHA384, true, true },
	{ PROTO_KEY_RSA_PSS, PROTO_RSA_PSS, PROTO_SHA512, true, true },
	{ PROTO_KEY_RSA, PROTO_RSA_PKCS1, PROTO_SHA224, true, false },
	{ PROTO_KEY_RSA, PROTO_RSA_PKCS1, PROTO_SHA256, true, false },
	{ PROTO_KEY_RSA, PROTO_RSA_PKCS1, PROTO_SHA384, true, false },
	{ PROTO_KEY_RSA, PROTO_RSA_PKCS1, PROTO_SHA512, true, false },
	{ PROTO_KEY_P256, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_P256, PROTO_ECDSA, PROTO_SHA256, true, true },
	{ PROTO_KEY_P256, PROTO_ECDSA, PROTO_SHA384, true, false },
	{ PROTO_KEY_P256, PROTO_ECDSA, PROTO_SHA512, true, false },
	{ PROTO_KEY_P384, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_P384, PROTO_ECDSA, PROTO_SHA256, true, false },
	{ PROTO_KEY_P384, PROTO_ECDSA, PROTO_SHA384, true, true },
	{ PROTO_KEY_P384, PROTO_ECDSA, PROTO_SHA512, true, false },
	{ PROTO_KEY_P521, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_P521, PROTO_ECDSA, PROTO_SHA256, true, false },
	{ PROTO_KEY_P521, PROTO_ECDSA, PROTO_SHA384, true, false },
	{ PROTO_KEY_P521, PROTO_ECDSA, PROTO_SHA512, true, true },
	{ PROTO_KEY_BP256R1, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_BP256R1, PROTO_ECDSA, PROTO_SHA256, true, true },
	{ PROTO_KEY_BP256R1, PROTO_ECDSA, PROTO_SHA384, true, false },
	{ PROTO_KEY_BP256R1, PROTO_ECDSA, PROTO_SHA512, true, false },
	{ PROTO_KEY_BP384R1, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_BP384R1, PROTO_ECDSA, PROTO_SHA256, true, false },
	{ PROTO_KEY_BP384R1, PROTO_ECDSA, PROTO_SHA384, true, true },
	{ PROTO_KEY_BP384R1, PROTO_ECDSA, PROTO_SHA512, true, false },
	{ PROTO_KEY_BP512R1, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_BP512R1, PROTO_ECDSA, PROTO_SHA256, true, false },
	{ PROTO_KEY_BP512R1, PROTO_ECDSA, PROTO_SHA384, true, false },
	{ PROTO_KEY_BP512R1, PROTO_ECDSA, PROTO_SHA512, true, true },
	{ PROTO_KEY_P224, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_P224, PROTO_ECDSA, PROTO_SHA256, true, false },
	{ PROTO_KEY_P224, PROTO_ECDSA, PROTO_SHA384, true, false },
	{ PROTO_KEY_P224, PROTO_ECDSA, PROTO_SHA512, true, false },
	{ PROTO_KEY_SECP256K1, PROTO_ECDSA, PROTO_SHA224, true, false },
	{ PROTO_KEY_SECP256K1, PROTO_ECDSA, PROTO_SHA256, true, false },
	{ PROTO_KEY_SECP256K1, PROTO_ECDSA, PROTO_SHA384, true, false },
	{ PROTO_KEY_SECP256K1, PROTO_ECDSA, PROTO_SHA512, true, false },
	{ PROTO_KEY_ED25519, PROTO_ED25519, PROTO_NO_DIGEST, false, true },
	{ PROTO_KEY_ED448, PROTO_ED448, PROTO_NO_DIGEST, false, true },
};
/* clang-format on */

static bool
is_allowed(bool version13)
{
	uint8_t algorithm = request.scheme.algorithm;
	size_t i;

	if (algorithm == PROTO_ECDSA_DETERMINISTIC)
		algorithm = PROTO_ECDSA;
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (allowed[i].key == key.key.type &&
			allowed[i].algorithm == algorithm &&
			allowed[i].digest == request.scheme.digest)
			return version13 ? allowed[i].tls13 : allowed[i].tls12;
	return false;
}

static void
check_scheme(uint8_t type, uint8_t algorithm, uint8_t digest, bool version13)
{
	key.key.type = type;
	request.scheme = (struct proto_scheme){ .algorithm = algorithm,
		.digest = digest };
	if (algorithm == PROTO_RSA_PSS) {
		request.scheme.mgf1 = digest;
		request.scheme.salt = (uint16_t)proto_digest_len(digest);
	}
	cr_assert_eq(check() == DETAIL_NONE, is_allowed(version13),
		"key %u algorithm %u digest %u tls13 %d", type, algorithm,
		digest, version13);
}

/* m, for a key of every type and one beyond, by every algorithm and digest. */
static void
check_schemes(bool version13)
{
	uint8_t type, algorithm, digest;

	for (type = 0; type < 34; type++)
		for (algorithm = 0; algorithm < 12; algorithm++)
			for (digest = 0; digest < 20; digest++)
				check_scheme(
					type, algorithm, digest, version13);
}

Test(policy, tls_servers_sign_exactly_by_the_schemes_of_version_and_key)
{
	tls13(TLS13_SERVER);
	check_schemes(true);
	messages_ske_group(&m, 24, &seed);
	check_schemes(false);
	key.key.use = PROTO_USE_TLS_DHE;
	dhe();
	check_schemes(false);
}

Test(policy, tls_clients_sign_exactly_by_the_schemes_of_version_and_key)
{
	key.key.use = CLIENT;
	tls13(TLS13_CLIENT);
	check_schemes(true);
	transcript(false);
	check_schemes(false);
	transcript(true);
	check_schemes(false);
}

/* RFC 8422 has them in TLS 1.2, docs/DESIGN.md has why we do not. */
Test(policy, edwards_keys_sign_tls13_only_and_say_so)
{
	static const uint8_t types[] = { PROTO_KEY_ED25519, PROTO_KEY_ED448 };
	static const uint8_t algorithms[] = { PROTO_ED25519, PROTO_ED448 };
	size_t i;

	for (i = 0; i < 2; i++) {
		key.key.type = types[i];
		request.scheme =
			(struct proto_scheme){ .algorithm = algorithms[i] };
		key.key.use = SERVER | PROTO_USE_TLS_DHE;
		messages_ske_group(&m, 29, &seed);
		cr_assert_eq(check(), DETAIL_TLS_SCHEME);
		dhe();
		cr_assert_eq(check(), DETAIL_TLS_SCHEME);
		tls13(TLS13_SERVER);
		cr_assert_eq(check(), DETAIL_NONE);
		key.key.use = CLIENT;
		transcript(false);
		cr_assert_eq(check(), DETAIL_TLS_SCHEME);
		tls13(TLS13_CLIENT);
		cr_assert_eq(check(), DETAIL_NONE);
	}
}

/* There the data is a context and then a message, not a message. */
Test(policy, algorithms_with_a_context_sign_for_no_protocol)
{
	uint8_t algorithm;
	uint32_t use = SERVER | CLIENT | CSR | PROTO_USE_TLS_DHE;

	key.key.type = PROTO_KEY_ED25519;
	for (algorithm = PROTO_ED25519CTX; algorithm <= PROTO_ED448PH;
		algorithm++) {
		request_for_key();
		request.scheme =
			(struct proto_scheme){ .algorithm = algorithm };
		key.key.use = CSR;
		cr_assert_eq(check(), DETAIL_NOT_CSR);
		key.key.use = use;
		cr_assert_neq(check(), DETAIL_NONE);
		tls13(TLS13_SERVER);
		cr_assert_eq(check(), DETAIL_NOT_TLS_SERVER);
		key.key.use = SIGN;
		cr_assert_eq(check(), DETAIL_NONE);
	}
}

Test(policy, tls_takes_rsa_pss_with_salt_and_mgf1_of_the_digest_only)
{
	struct proto_scheme *s = &request.scheme;

	key.key.type = PROTO_KEY_RSA;
	tls13(TLS13_SERVER);
	*s = (struct proto_scheme){ PROTO_RSA_PSS, PROTO_SHA256, PROTO_SHA256,
		32 };
	cr_assert_eq(check(), DETAIL_NONE);
	s->salt = 31;
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
	s->salt = 222;
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
	s->salt = 32;
	s->mgf1 = PROTO_SHA1;
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
	messages_ske_group(&m, 23, &seed);
	cr_assert_eq(check(), DETAIL_TLS_SCHEME);
	key.key.use = SIGN;
	cr_assert_eq(check(), DETAIL_NONE);
}

static void
put_sentinel(void)
{
	memcpy(m.data + 56, "DOWNGRD\x01", 8);
}

Test(policy, tls12_setting_decides_on_key_exchanges)
{
	messages_ske_group(&m, 29, &seed);
	cr_assert_eq(check(), DETAIL_NONE);
	key.key.tls12 = PROTO_TLS12_SENTINEL;
	cr_assert_eq(check(), DETAIL_NO_SENTINEL);
	put_sentinel();
	cr_assert_eq(check(), DETAIL_NONE);
	key.key.tls12 = PROTO_TLS12_NO;
	cr_assert_eq(check(), DETAIL_TLS12_OFF);
	/* A value of a later loader's counts as no. */
	key.key.tls12 = 3;
	cr_assert_eq(check(), DETAIL_TLS12_OFF);
	tls13(TLS13_SERVER);
	cr_assert_eq(check(), DETAIL_NONE);
}

Test(policy, tls12_setting_decides_on_finite_field_key_exchanges)
{
	key.key.use = SERVER | PROTO_USE_TLS_DHE;
	key.key.tls12 = PROTO_TLS12_SENTINEL;
	dhe();
	cr_assert_eq(check(), DETAIL_NO_SENTINEL);
	put_sentinel();
	cr_assert_eq(check(), DETAIL_NONE);
	key.key.tls12 = PROTO_TLS12_NO;
	cr_assert_eq(check(), DETAIL_TLS12_OFF);
}

/* The sentinel is a server's word to a client: no client can make it. */
Test(policy, tls12_setting_switches_clients_off_but_asks_no_sentinel_of_them)
{
	int dtls;

	key.key.use = CLIENT;
	for (dtls = 0; dtls < 2; dtls++) {
		transcript(dtls);
		key.key.tls12 = PROTO_TLS12_ANY;
		cr_assert_eq(check(), DETAIL_NONE);
		key.key.tls12 = PROTO_TLS12_SENTINEL;
		cr_assert_eq(check(), DETAIL_NONE);
		key.key.tls12 = PROTO_TLS12_NO;
		cr_assert_eq(check(), DETAIL_TLS12_OFF);
		key.key.tls12 = 3;
		cr_assert_eq(check(), DETAIL_TLS12_OFF);
	}
	tls13(TLS13_CLIENT);
	cr_assert_eq(check(), DETAIL_NONE);
}

/* Each group needs its own bit, and no other helps. */
Test(policy, signs_for_the_groups_of_the_setting_only)
{
	const struct tlsgroup *g;
	size_t i;

	for (i = 0; (g = tlsgroup_at(i)) != NULL; i++) {
		messages_ske_group(&m, g->number, &seed);
		key.tls12_groups = TLSGROUP_DEFAULT;
		cr_assert_eq(check(),
			(g->bit & TLSGROUP_DEFAULT) != 0 ? DETAIL_NONE
							 : DETAIL_TLS_GROUP_OFF,
			"%s", g->name);
		key.tls12_groups = g->bit;
		cr_assert_eq(check(), DETAIL_NONE, "%s", g->name);
		key.tls12_groups = (uint16_t)(TLSGROUP_ALL ^ g->bit);
		cr_assert_eq(check(), DETAIL_TLS_GROUP_OFF, "%s", g->name);
		key.tls12_groups = 0;
		cr_assert_eq(check(), DETAIL_TLS_GROUP_OFF, "%s", g->name);
		/* No reason to sign it for another use. */
		key.key.use = CLIENT | CSR | PROTO_USE_TLS_DHE;
		cr_assert_neq(check(), DETAIL_NONE, "%s", g->name);
		key.key.use = SERVER;
		/* What the setting does not mend goes first. */
		key.key.tls12 = PROTO_TLS12_NO;
		cr_assert_eq(check(), DETAIL_TLS12_OFF);
		key.key.tls12 = PROTO_TLS12_ANY;
	}
	/* A curve's certificate verification is not of the setting. */
	tls13("TLS 1.3, server CertificateVerify");
	cr_assert_eq(check(), DETAIL_NONE);
}

/* Ed25519 signs the message in one piece: no group makes that good. */
Test(policy, ed_keys_sign_no_group_of_tls12)
{
	const struct tlsgroup *g;
	size_t i;

	key.key.type = PROTO_KEY_ED25519;
	key.tls12_groups = TLSGROUP_ALL;
	request.scheme = (struct proto_scheme){ .algorithm = PROTO_ED25519 };
	for (i = 0; (g = tlsgroup_at(i)) != NULL; i++) {
		messages_ske_group(&m, g->number, &seed);
		cr_assert_eq(check(), DETAIL_TLS_SCHEME, "%s", g->name);
	}
}

Test(policy, names_what_is_wrong_with_a_key_exchange)
{
	uint8_t zero[32] = { 0 };

	messages_ske(&m, 29, zero, 32, &seed);
	cr_assert_eq(check(), DETAIL_TLS_POINT);
	messages_ske(&m, 31, zero, 32, &seed);
	cr_assert_eq(check(), DETAIL_TLS_GROUP);
	messages_ske_group(&m, 29, &seed);
	memcpy(m.data, "\x30\x62\x02\x01\x00\x30", 6);
	cr_assert_eq(check(), DETAIL_CONFUSABLE);
	put_sentinel();
	cr_assert_eq(check(), DETAIL_CONFUSABLE);
	key.key.use = SERVER | PROTO_USE_TLS_DHE;
	dhe();
	m.data[321] ^= 1; /* the last byte of p */
	cr_assert_eq(check(), DETAIL_DHE_GROUP);
	m.data[321] ^= 1;
	memcpy(m.data, "\x01\x00\x01\x00\x03\x03", 6);
	cr_assert_eq(check(), DETAIL_CONFUSABLE);
}

/* Also where the request is for this very key. */
Test(policy, no_message_is_good_for_server_and_request)
{
	size_t i;

	for (i = 0; i < 20000; i++) {
		if (i % 4 == 0)
			request_for_key();
		else if (i % 4 == 1)
			tls13(TLS13_SERVER);
		else
			messages_ske_group(&m, i % 8 < 4 ? 29 : 23, &seed);
		if (m.len > 0 && i % 3 == 0)
			m.data[messages_random(&seed) % m.len] ^=
				(uint8_t)messages_random(&seed);
		key.key.use = SERVER;
		if (check() != DETAIL_NONE)
			continue;
		key.key.use = CSR;
		cr_assert_neq(check(), DETAIL_NONE);
	}
}

Test(policy, log_only_lasts_until_its_day)
{
	key.key.flags = PROTO_KEY_ENFORCE_LOG;
	key.enforce_from = 1000;
	cr_assert(policy_is_lenient(&key, 0));
	cr_assert(policy_is_lenient(&key, 999));
	cr_assert_not(policy_is_lenient(&key, 1000));
	cr_assert_not(policy_is_lenient(&key, UINT64_MAX));
	key.enforce_from = 0;
	cr_assert_not(policy_is_lenient(&key, 0));
	key.key.flags = 0;
	key.enforce_from = 1000;
	cr_assert_not(policy_is_lenient(&key, 0));
}
