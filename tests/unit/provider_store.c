/* keyd: URIs, as applications open them. */
#include <criterion/criterion.h>

#include <openssl/err.h>
#include <openssl/store.h>
#include <openssl/x509.h>

#include "support/scene.h"
#include "support/signing_keyd.h"
#include "support/told_keys.h"

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

TestSuite(provider_store, .init = start, .fini = stop, .timeout = 60);

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

static OSSL_STORE_CTX *
open_uri(const char *uri)
{
	return OSSL_STORE_open_ex(
		uri, s.libctx, NULL, NULL, NULL, NULL, NULL, NULL);
}

/* The one object of a URI, as it is when this type is expected (0: any). */
static OSSL_STORE_INFO *
load(const char *uri, int expected)
{
	OSSL_STORE_CTX *store = open_uri(uri);
	OSSL_STORE_INFO *info;

	cr_assert_not_null(store, "%s", uri);
	cr_assert(expected == 0 || OSSL_STORE_expect(store, expected) == 1);
	info = OSSL_STORE_load(store);
	cr_assert_null(OSSL_STORE_load(store));
	cr_assert_eq(OSSL_STORE_eof(store), 1);
	cr_assert_eq(OSSL_STORE_error(store), 0);
	cr_assert_eq(OSSL_STORE_close(store), 1);
	return info;
}

static void
refuses(const char *uri, const char *says)
{
	cr_assert_null(open_uri(uri), "%s", uri);
	assert_error_says(says);
}

/* Loads it, and sees that it is the whole key of this shell. */
static void
finds(int k, const char *uri, int expected)
{
	OSSL_STORE_INFO *info = load(uri, expected);
	unsigned char *der = NULL;
	EVP_PKEY *key;
	int n;

	cr_assert_not_null(info);
	cr_assert_eq(OSSL_STORE_INFO_get_type(info), OSSL_STORE_INFO_PKEY);
	key = OSSL_STORE_INFO_get0_PKEY(info);
	cr_assert_eq(EVP_PKEY_eq(key, s.key[k]), 1);
	n = i2d_PrivateKey(key, &der);
	cr_assert_eq(n, (int)s.der_len[k]);
	cr_assert_eq(memcmp(der, s.der[k], (size_t)n), 0);
	assert_no_errors();
	OPENSSL_free(der);
	OSSL_STORE_INFO_free(info);
}

/* keyd:sha256=HEX of a key. */
static const char *
uri_of(int k)
{
	static char uri[80];
	unsigned char *spki = NULL, md[32];
	int n = i2d_PUBKEY(s.key[k], &spki), i;

	cr_assert(EVP_Digest(spki, (size_t)n, md, NULL, EVP_sha256(), NULL));
	OPENSSL_free(spki);
	strcpy(uri, "keyd:sha256=");
	for (i = 0; i < 32; i++)
		(void)snprintf(uri + 12 + 2 * i, 3, "%02x", md[i]);
	return uri;
}

Test(provider_store, finds_keys_by_name_and_by_hash)
{
	char uri[80];
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		(void)snprintf(
			uri, sizeof(uri), "keyd:%s", scene_types[k].name);
		finds(k, uri, 0);
		finds(k, uri, OSSL_STORE_INFO_PKEY);
		finds(k, uri_of(k), 0);
	}
	finds(SCENE_RSA, "KEYD:rsa", 0);
}

Test(provider_store, a_key_that_was_found_signs)
{
	OSSL_STORE_INFO *info = load("keyd:p256", OSSL_STORE_INFO_PKEY);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[128];
	size_t len = sizeof(sig);

	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     OSSL_STORE_INFO_get0_PKEY(info), NULL),
		1);
	cr_assert_eq(
		EVP_DigestSign(c, sig, &len, (const uint8_t *)"hello", 5), 1);
	assert_no_errors();
	EVP_MD_CTX_free(c);
	OSSL_STORE_INFO_free(info);
}

Test(provider_store, gives_the_public_part_alone_where_that_is_expected)
{
	OSSL_STORE_INFO *info = load("keyd:p256", OSSL_STORE_INFO_PUBKEY);
	EVP_PKEY *key;

	cr_assert_not_null(info);
	cr_assert_eq(OSSL_STORE_INFO_get_type(info), OSSL_STORE_INFO_PUBKEY);
	key = OSSL_STORE_INFO_get0_PUBKEY(info);
	cr_assert_eq(EVP_PKEY_eq(key, s.key[SCENE_P256]), 1);
	assert_no_errors();
	cr_assert_leq(i2d_PrivateKey(key, NULL), 0);
	ERR_clear_error();
	OSSL_STORE_INFO_free(info);
}

Test(provider_store, has_no_certificates_nor_parameters)
{
	cr_assert_null(load("keyd:p256", OSSL_STORE_INFO_CERT));
	cr_assert_null(load("keyd:p256", OSSL_STORE_INFO_CRL));
	cr_assert_null(load("keyd:p256", OSSL_STORE_INFO_PARAMS));
	cr_assert_null(load("keyd:", OSSL_STORE_INFO_CERT));
	assert_no_errors();
}

Test(provider_store, lists_the_keys_as_uris)
{
	OSSL_STORE_CTX *store = open_uri("keyd:");
	OSSL_STORE_INFO *info;
	char uri[80];
	int k;

	cr_assert_not_null(store);
	cr_assert_eq(OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY), 1);
	for (k = 0; k < SCENE_KEYS; k++) {
		cr_assert_eq(OSSL_STORE_eof(store), 0);
		info = OSSL_STORE_load(store);
		cr_assert_not_null(info);
		cr_assert_eq(
			OSSL_STORE_INFO_get_type(info), OSSL_STORE_INFO_NAME);
		(void)snprintf(
			uri, sizeof(uri), "keyd:%s", scene_types[k].name);
		cr_assert_str_eq(OSSL_STORE_INFO_get0_NAME(info), uri);
		cr_assert_str_eq(
			OSSL_STORE_INFO_get0_NAME_description(info), uri_of(k));
		OSSL_STORE_INFO_free(info);
	}
	cr_assert_eq(OSSL_STORE_eof(store), 1);
	cr_assert_null(OSSL_STORE_load(store));
	cr_assert_eq(OSSL_STORE_close(store), 1);
	assert_no_errors();
}

Test(provider_store, refuses_what_is_not_a_uri_of_its_own)
{
	static const char *const uris[] = { "keyd:-x", "keyd:a/b",
		"keyd:///rsa", "keyd:a b", "keyd:rsa?x=y", "keyd:rsa ",
		"keyd:sha256=", "keyd:sha256=00",
		"keyd:sha256=00000000000000000000000000000000"
		"0000000000000000000000000000000g",
		"keyd:sha256=00000000000000000000000000000000"
		"000000000000000000000000000000000",
		"keyd:sha256=00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
		"00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00",
		/* 64 digits and more; 64 characters, but fewer digits */
		"keyd:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000000g",
		"keyd:sha256=00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
		"00:00:00:00:0000",
		"keyd:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000000:",
		"keyd:sha1=00",
		/* 64 */
		"keyd:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	size_t i;

	for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		refuses(uris[i], "is not a key's URI: write keyd:NAME");
}

Test(provider_store, says_why_a_key_is_not_found)
{
	char zeros[80];

	refuses("keyd:nobodys", "keyd has no key of this name that this user");
	(void)snprintf(zeros, sizeof(zeros), "keyd:sha256=%064d", 0);
	refuses(zeros, "keyd does not have this key");
	scene_keyd(&s, PROTO_NOT_PERMITTED, 0);
	refuses(uri_of(SCENE_RSA), "add the user to `allow`");
	refuses("keyd:rsa", "add the user to `allow`");
	refuses("keyd:", "add the user to `allow`");
	signing_keyd_stop(s.keyd);
	s.keyd = 0;
	refuses("keyd:rsa", "is keyd running?");
	refuses("keyd:", "is keyd running?");
}

Test(provider_store, believes_no_description_of_another_key)
{
	static const enum told_lie by_name[] = { TOLD_OTHER_KEY,
		TOLD_OTHER_NAME, TOLD_OTHER_HASH, TOLD_OTHER_SPKI, TOLD_LONG };
	static const enum told_lie by_hash[] = { TOLD_OTHER_KEY,
		TOLD_OTHER_HASH, TOLD_OTHER_SPKI, TOLD_BAD_SPKI, TOLD_LONG };
	size_t i;

	for (i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++) {
		scene_keyd(&s, (unsigned short)(SIGNING_KEYD_LIES + by_name[i]),
			0);
		refuses("keyd:p384", "does not describe this key");
	}
	for (i = 0; i < sizeof(by_hash) / sizeof(by_hash[0]); i++) {
		scene_keyd(&s, (unsigned short)(SIGNING_KEYD_LIES + by_hash[i]),
			0);
		refuses(uri_of(SCENE_P384), "does not describe this key");
	}
	/* The right hash of something else. */
	scene_keyd(&s, SIGNING_KEYD_LIES + TOLD_BAD_SPKI, 0);
	refuses("keyd:p384", "its public key cannot be read");
}

Test(provider_store, believes_no_list_that_does_not_end_well)
{
	static const enum told_lie lies[] = { TOLD_EMPTY, TOLD_CUT,
		TOLD_BAD_NAME };
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		scene_keyd(
			&s, (unsigned short)(SIGNING_KEYD_LIES + lies[i]), 0);
		refuses("keyd:", "not a list of keys");
	}
}

static void
ends_after_a_page(enum told_lie lie, const char *says)
{
	OSSL_STORE_CTX *store;
	OSSL_STORE_INFO *info;
	int n = 0;

	scene_keyd(&s, (unsigned short)(SIGNING_KEYD_LIES + lie), 0);
	store = open_uri("keyd:");
	cr_assert_not_null(store);
	while ((info = OSSL_STORE_load(store)) != NULL) {
		OSSL_STORE_INFO_free(info);
		n++;
	}
	cr_assert_eq(n, TOLD_PAGE);
	cr_assert_eq(OSSL_STORE_error(store), 1);
	cr_assert_eq(OSSL_STORE_eof(store), 1);
	assert_error_says(says);
	(void)OSSL_STORE_close(store);
}

Test(provider_store, ends_a_list_that_does_not_go_on_well)
{
	ends_after_a_page(TOLD_ONE_PAGE, "keyd does not have this key");
	ends_after_a_page(TOLD_STUCK, "not a list of keys");
}

Test(provider_store, cannot_be_searched_and_says_so)
{
	OSSL_STORE_CTX *store = open_uri("keyd:");
	OSSL_STORE_SEARCH *search = OSSL_STORE_SEARCH_by_alias("rsa");

	cr_assert_neq(OSSL_STORE_find(store, search), 1);
	assert_error_says("cannot be searched for");
	OSSL_STORE_SEARCH_free(search);
	(void)OSSL_STORE_close(store);
}

TestSuite(provider_store_alone, .fini = stop, .timeout = 60);

Test(provider_store_alone, gives_whole_keys_when_listed_first)
{
	scene_start(&s, SCENE_FIRST, "");
	scene_keyd(&s, 0, 0);
	finds(SCENE_RSA, "keyd:rsa", OSSL_STORE_INFO_PKEY);
	finds(SCENE_ED25519, uri_of(SCENE_ED25519), 0);
}

Test(provider_store_alone, says_what_is_wrong_with_a_setting)
{
	scene_start(&s, SCENE_LAST, "timeout = wrong\n");
	scene_keyd(&s, 0, 0);
	refuses("keyd:rsa", "timeout");
	refuses("keyd:", "timeout");
}
