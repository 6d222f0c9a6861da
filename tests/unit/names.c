/* Numbers of the protocol as words, statuses and details as sentences. */
#include <criterion/criterion.h>

#include "wire/keykind.h"
#include "wire/status.h"

#include <string.h>

Test(names, every_digest_has_length_and_name_and_is_found_by_it)
{
	static const size_t lengths[] = { 0, 16, 20, 28, 32, 48, 64, 28, 32, 28,
		32, 48, 64, 36, 20, 32, 64, 32, 0 };
	uint8_t d;

	for (d = PROTO_MD5; d <= PROTO_SM3; d++) {
		cr_assert_eq(proto_digest_len(d), lengths[d], "%d", d);
		cr_assert_eq(proto_digest_number(proto_digest_name(d)), d);
	}
	for (d = PROTO_SM3 + 1; d != 1; d++) {
		cr_assert_eq(proto_digest_len(d), 0);
		cr_assert_null(proto_digest_name(d));
	}
}

Test(names, digests_are_known_as_openssl_and_people_write_them)
{
	static const struct {
		const char *name;
		uint8_t number;
	} rows[] = {
		{ "SHA2-256", PROTO_SHA256 },
		{ "sha256", PROTO_SHA256 },
		{ "SHA-256", PROTO_SHA256 },
		{ "SHA1", PROTO_SHA1 },
		{ "SHA-1", PROTO_SHA1 },
		{ "SHA2-512/256", PROTO_SHA512_256 },
		{ "SHA512-224", PROTO_SHA512_224 },
		{ "SHA3-384", PROTO_SHA3_384 },
		{ "MD5-SHA1", PROTO_MD5_SHA1 },
		{ "MD5", PROTO_MD5 },
		{ "RIPEMD-160", PROTO_RIPEMD160 },
		{ "BLAKE2B-512", PROTO_BLAKE2B512 },
		{ "", 0 },
		{ "SHA2-", 0 },
		{ "SHA-257", 0 },
		{ "SHAKE-256", 0 },
		{ "RSA-SHA256", 0 },
		{ "sha256sha256sha256sha256sha256", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_eq(proto_digest_number(rows[i].name), rows[i].number,
			"%s", rows[i].name);
}

Test(names, schemes_have_their_iana_names)
{
	static const struct {
		struct proto_scheme scheme;
		const char *name;
	} rows[] = {
		{ { PROTO_RSA_PKCS1, PROTO_SHA256, 0, 0 }, "rsa_pkcs1_sha256" },
		{ { PROTO_RSA_PKCS1, PROTO_MD5, 0, 0 }, "rsa-pkcs1 md5" },
		{ { PROTO_RSA_PSS, PROTO_SHA256, PROTO_SHA256, 32 },
			"rsa_pss_rsae_sha256" },
		{ { PROTO_RSA_PSS, PROTO_SHA512, PROTO_SHA512, 64 },
			"rsa_pss_rsae_sha512" },
		{ { PROTO_RSA_PSS, PROTO_SHA256, PROTO_SHA256, 20 },
			"rsa-pss sha256 salt 20" },
		{ { PROTO_RSA_PSS, PROTO_SHA256, PROTO_SHA1, 32 },
			"rsa-pss sha256 mgf1 sha1 salt 32" },
		{ { PROTO_RSA_PSS, PROTO_SHA256, 99, 32 },
			"rsa-pss sha256 mgf1 unknown-digest salt 32" },
		{ { PROTO_RSA_PSS, PROTO_SHA1, PROTO_SHA1, 20 },
			"rsa-pss sha1 salt 20" },
		{ { PROTO_ECDSA, PROTO_SHA256, 0, 0 },
			"ecdsa_secp256r1_sha256" },
		{ { PROTO_ECDSA, PROTO_SHA3_256, 0, 0 }, "ecdsa sha3-256" },
		{ { PROTO_ED25519, 0, 0, 0 }, "ed25519" },
		{ { PROTO_ED25519PH, 0, 0, 0 }, "ed25519ph no-digest" },
		{ { PROTO_RSA_PKCS1, 0, 0, 0 }, "rsa-pkcs1 no-digest" },
		{ { PROTO_ECDSA_DETERMINISTIC, PROTO_SHA384, 0, 0 },
			"ecdsa-deterministic sha384" },
		{ { 99, 99, 0, 0 }, "unknown-algorithm unknown-digest" },
	};
	char buf[64];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_str_eq(
			proto_scheme_name(&rows[i].scheme, buf, sizeof(buf)),
			rows[i].name);
	cr_assert_str_eq(proto_scheme_name(&rows[0].scheme, buf, 4), "rsa");
}

Test(names, types_keys_uses_and_tls12_have_names)
{
	char buf[32];

	cr_assert_str_eq(proto_type_name(PROTO_SIGN), "sign");
	cr_assert_str_eq(proto_type_name(PROTO_STATUS), "status");
	cr_assert_str_eq(proto_type_name(8), "unknown");
	cr_assert_str_eq(proto_key_type_name(PROTO_KEY_P384), "P-384");
	cr_assert_str_eq(proto_key_type_name(255), "unknown");
	cr_assert_str_eq(proto_tls12_name(PROTO_TLS12_ANY), "any");
	cr_assert_str_eq(proto_tls12_name(3), "unknown");
	cr_assert_str_eq(
		proto_use_names(7, buf, sizeof(buf)), "tls-server csr sign");
	cr_assert_str_eq(
		proto_use_names(PROTO_USE_SIGN, buf, sizeof(buf)), "sign");
	cr_assert_str_eq(proto_use_names(0, buf, sizeof(buf)), "");
	cr_assert_str_eq(proto_use_names(7, buf, 5), "tls-");
	cr_assert_str_eq(proto_padding_name(PROTO_OAEP), "oaep");
	cr_assert_str_eq(proto_padding_name(9), "unknown");
}

Test(names, a_use_has_the_number_of_its_name)
{
	char buf[32];
	uint32_t use;

	for (use = 1; (use & PROTO_USE_ALL) != 0; use <<= 1)
		cr_assert_eq(proto_use_number(
				     proto_use_names(use, buf, sizeof(buf))),
			use);
	cr_assert_eq(proto_use_number("tls"), 0);
	cr_assert_eq(proto_use_number(""), 0);
}

Test(names, key_kinds_are_found_by_type_and_by_algorithm)
{
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		cr_assert_eq(keykind_by_type(k->type), k);
		cr_assert_eq(keykind_by_algorithm(k->algorithm, k->group), k);
		cr_assert_eq(k->uses & ~(uint32_t)PROTO_USE_ALL, 0);
		cr_assert_neq(k->uses, 0);
		cr_assert_leq(k->min_bits, k->max_bits);
	}
	cr_assert_eq(i, PROTO_KEY_BP192T1);
	cr_assert_null(keykind_by_type(0));
	cr_assert_null(keykind_by_type(PROTO_KEY_BP192T1 + 1));
	cr_assert_null(keykind_by_algorithm("EC", NULL));
	cr_assert_null(keykind_by_algorithm("EC", "secp192k1"));
	cr_assert_null(keykind_by_algorithm("DSA", NULL));
	cr_assert_eq(
		keykind_by_algorithm("ed25519", NULL)->type, PROTO_KEY_ED25519);
	cr_assert(keykind_is_rsa(keykind_by_type(PROTO_KEY_RSA_PSS)));
	cr_assert_not(keykind_is_rsa(keykind_by_type(PROTO_KEY_ED448)));
	cr_assert(keykind_is_ec(keykind_by_type(PROTO_KEY_BP256T1)));
	cr_assert_not(keykind_is_ec(keykind_by_type(PROTO_KEY_X25519)));
}

Test(names, every_status_has_a_name_and_words_of_its_own)
{
	uint16_t a, b;

	for (a = PROTO_OK; a <= PROTO_NOBODY; a++) {
		cr_assert_not_null(status_name(a), "%d", a);
		cr_assert_neq(status_text(a)[0], '\0');
		for (b = 0; b < a; b++) {
			cr_assert_str_neq(status_name(a), status_name(b));
			cr_assert_str_neq(status_text(a), status_text(b));
		}
	}
	cr_assert_null(status_name(a));
	cr_assert_null(status_name(65535));
	cr_assert_str_eq(status_text(65535), status_text(a));
}

/* docs/PROTOCOL.md §4: which details a setting would allow. */
static const uint64_t with_setting =
	1U << DETAIL_NOT_TLS_SERVER | 1U << DETAIL_TLS12_OFF |
	1U << DETAIL_NO_SENTINEL | UINT64_C(1) << DETAIL_SHORT_DATA |
	UINT64_C(1) << DETAIL_TLS_GROUP_OFF | 1U << DETAIL_NOT_CSR |
	1U << DETAIL_DIGEST_BLIND | 1U << DETAIL_WEAK_DIGEST |
	1U << DETAIL_CLIENT_AUTH | 1U << DETAIL_DELEGATED_CREDENTIAL |
	1U << DETAIL_SESSIONS | 1U << DETAIL_SESSIONS_USER |
	1U << DETAIL_DHE_OFF | 1U << DETAIL_NOT_TLS_CLIENT |
	1U << DETAIL_RSA_KX_OFF | 1U << DETAIL_DECRYPT_OFF;

Test(names, every_detail_has_words_and_its_setting)
{
	uint16_t a, b;

	cr_assert_str_eq(detail_text(DETAIL_NONE), "");
	for (a = 1; a <= DETAIL_LISTENER; a++) {
		cr_assert_neq(detail_text(a)[0], '\0', "%d", a);
		cr_assert_eq(detail_setting(a) != NULL,
			(with_setting >> a & 1) != 0, "%d", a);
		cr_assert(detail_setting(a) == NULL || detail_advice(a) == NULL,
			"%d", a);
		for (b = 0; b < a; b++)
			cr_assert_str_neq(detail_text(a), detail_text(b));
	}
	cr_assert_neq(detail_text(a)[0], '\0');
	cr_assert_null(detail_setting(a));
	cr_assert_null(detail_setting(65535));
	cr_assert_null(detail_advice(65535));
}

/* Nor is what an honest server never sends. */
Test(names, the_sign_of_an_attack_is_no_reason_to_sign_everything)
{
	static const uint16_t attacks[] = { DETAIL_CONFUSABLE, DETAIL_TLS_POINT,
		DETAIL_DHE_GROUP };
	size_t i;

	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		cr_assert_null(detail_setting(attacks[i]));
		cr_assert_not_null(strstr(detail_advice(attacks[i]),
			"who controls the application"));
		cr_assert_not_null(
			strstr(detail_advice(attacks[i]), "`tls12 = no`"));
		cr_assert_null(strstr(detail_advice(attacks[i]), "use = "));
	}
}

/* It would give up all protection for a mistake in the server's settings. */
Test(names, a_scheme_of_another_version_is_no_reason_to_sign_everything)
{
	const char *advice = detail_advice(DETAIL_TLS_SCHEME);

	cr_assert_null(detail_setting(DETAIL_TLS_SCHEME));
	cr_assert_not_null(strstr(advice, "nginx: ssl_protocols TLSv1.3"));
	cr_assert_not_null(strstr(advice, "MinProtocol = TLSv1.3"));
	cr_assert_null(strstr(advice, "use = "));
}
