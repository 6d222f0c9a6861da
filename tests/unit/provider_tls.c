/* Handshakes of libssl with itself, in memory, in each order of providers. */
#include <criterion/criterion.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "support/scene.h"
#include "wire/proto.h"

static struct scene s;

static void
stop(void)
{
	scene_end(&s);
}

TestSuite(provider_tls, .fini = stop, .timeout = 120);

static void
assert_no_errors(const char *where)
{
	unsigned long e = ERR_peek_error();

	cr_assert_eq(e, 0, "left in the queue at %s: %s", where,
		ERR_error_string(e, NULL));
}

static SSL_CTX *
make_ctx(const SSL_METHOD *method, int version, const char *groups)
{
	SSL_CTX *c = SSL_CTX_new_ex(s.libctx, NULL, method);

	cr_assert_not_null(c);
	cr_assert_eq(SSL_CTX_set_min_proto_version(c, version), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(c, version), 1);
	cr_assert_eq(SSL_CTX_set1_groups_list(c, groups), 1);
	return c;
}

static void
use_shell(SSL_CTX *c, enum scene_key k)
{
	cr_assert_eq(SSL_CTX_use_certificate(c, s.cert[k]), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(c, s.shell[k]), 1);
	cr_assert_eq(SSL_CTX_check_private_key(c), 1);
}

/* Both sides take turns until both are done, or one has failed. */
static int
shake_hands(SSL_CTX *server_ctx, SSL_CTX *client_ctx)
{
	SSL *server = SSL_new(server_ctx), *client = SSL_new(client_ctx);
	BIO *a, *b;
	int turn, done = 0, n, e;

	cr_assert_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(server, a, a);
	SSL_set_bio(client, b, b);
	for (turn = 0; turn < 20 && done != 3; turn++) {
		SSL *side = turn % 2 ? server : client;

		n = turn % 2 ? SSL_accept(side) : SSL_connect(side);
		e = SSL_get_error(side, n);
		if (n == 1)
			done |= 1 << turn % 2;
		else if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
			break;
	}
	SSL_free(server);
	SSL_free(client);
	return done == 3;
}

static void
handshake(enum scene_key k, int version, const char *groups, int mutual)
{
	SSL_CTX *server = make_ctx(TLS_server_method(), version, groups);
	SSL_CTX *client = make_ctx(TLS_client_method(), version, groups);

	use_shell(server, k);
	SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
	cr_assert_eq(
		X509_STORE_add_cert(SSL_CTX_get_cert_store(client), s.cert[k]),
		1);
	if (mutual) {
		use_shell(client, k);
		SSL_CTX_set_verify(server,
			SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			NULL);
		cr_assert_eq(X509_STORE_add_cert(
				     SSL_CTX_get_cert_store(server), s.cert[k]),
			1);
	}
	assert_no_errors("set-up");
	cr_assert(shake_hands(server, client), "key %d version %x %s: %s", k,
		(unsigned)version, groups,
		ERR_error_string(ERR_peek_error(), NULL));
	assert_no_errors("the end");
	SSL_CTX_free(server);
	SSL_CTX_free(client);
}

/* Those that libssl 3.0 has a signature algorithm for. */
static const enum scene_key tls_keys[] = { SCENE_RSA, SCENE_P256, SCENE_P384,
	SCENE_P521, SCENE_PSS, SCENE_PSS256, SCENE_ED25519, SCENE_ED448 };

static bool
is_ed(enum scene_key k)
{
	return k == SCENE_ED25519 || k == SCENE_ED448;
}

static void
handshakes(enum scene_order order)
{
	/* each with the curves of all certificates, as TLS 1.2 wants it */
	static const char *const groups[] = { "X25519:P-256:P-384:P-521",
		"P-256:P-384:P-521", "X448:P-256:P-384:P-521",
		"P-521:P-256:P-384" };
	static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
	size_t k, v, g;

	scene_start(&s, order, "");
	scene_keyd(&s, 0, 0);
	for (k = 0; k < sizeof(tls_keys) / sizeof(tls_keys[0]); k++)
		for (v = 0; v < 2; v++)
			for (g = 0; g < 4; g++)
				if (v == 0 || !is_ed(tls_keys[k]))
					handshake(tls_keys[k], versions[v],
						groups[g], g == 1);
}

Test(provider_tls, shakes_hands_when_listed_last)
{
	handshakes(SCENE_LAST);
}

Test(provider_tls, shakes_hands_when_listed_first)
{
	handshakes(SCENE_FIRST);
}

Test(provider_tls, shakes_hands_when_preferred_by_property)
{
	handshakes(SCENE_PREFERRED);
}

/* The counterpart: what fails without keyd. */
Test(provider_tls, fails_without_keyd_and_says_why)
{
	SSL_CTX *server, *client;
	const char *data;
	int flags, said = 0;

	scene_start(&s, SCENE_LAST, "timeout = 200");
	server = make_ctx(TLS_server_method(), TLS1_3_VERSION, "P-256");
	client = make_ctx(TLS_client_method(), TLS1_3_VERSION, "P-256");
	use_shell(server, SCENE_P256);
	cr_assert(!shake_hands(server, client));
	while (ERR_get_error_all(NULL, NULL, NULL, &data, &flags) != 0)
		said += (flags & ERR_TXT_STRING) && strstr(data, s.socket);
	cr_assert_eq(said, 1);
	scene_keyd(&s, PROTO_USE_REFUSED, DETAIL_TLS12_OFF);
	while (ERR_get_error() != 0)
		;
	cr_assert(!shake_hands(server, client));
	ERR_clear_error();
	SSL_CTX_free(server);
	SSL_CTX_free(client);
}

static void
exchange_by_rsa(const SSL_METHOD *server_method,
	const SSL_METHOD *client_method, int version)
{
	/* TLS 1.0 and 1.1 sign with MD5 and SHA-1. */
	static const char ciphers[] = "kRSA:@SECLEVEL=0";
	SSL_CTX *server = make_ctx(server_method, version, "P-256");
	SSL_CTX *client = make_ctx(client_method, version, "P-256");

	use_shell(server, SCENE_RSA);
	SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
	cr_assert_eq(X509_STORE_add_cert(
			     SSL_CTX_get_cert_store(client), s.cert[SCENE_RSA]),
		1);
	cr_assert_eq(SSL_CTX_set_cipher_list(client, ciphers), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(server, ciphers), 1);
	cr_assert(shake_hands(server, client), "version %x: %s",
		(unsigned)version, ERR_error_string(ERR_peek_error(), NULL));
	assert_no_errors("the end");
	SSL_CTX_free(server);
	SSL_CTX_free(client);
}

static void
exchanges_by_rsa(enum scene_order order)
{
	scene_start(&s, order, "");
	scene_keyd(&s, 0, 0);
	exchange_by_rsa(TLS_server_method(), TLS_client_method(), TLS1_VERSION);
	exchange_by_rsa(
		TLS_server_method(), TLS_client_method(), TLS1_1_VERSION);
	exchange_by_rsa(
		TLS_server_method(), TLS_client_method(), TLS1_2_VERSION);
	exchange_by_rsa(
		DTLS_server_method(), DTLS_client_method(), DTLS1_VERSION);
	exchange_by_rsa(
		DTLS_server_method(), DTLS_client_method(), DTLS1_2_VERSION);
}

Test(provider_tls, exchanges_keys_by_rsa_when_listed_last)
{
	exchanges_by_rsa(SCENE_LAST);
}

Test(provider_tls, exchanges_keys_by_rsa_when_listed_first)
{
	exchanges_by_rsa(SCENE_FIRST);
}

Test(provider_tls, a_refused_key_exchange_says_which_setting_allows_it)
{
	SSL_CTX *server, *client;
	const char *data;
	int flags, said = 0;

	scene_start(&s, SCENE_LAST, "");
	scene_keyd(&s, PROTO_USE_REFUSED, DETAIL_RSA_KX_OFF);
	server = make_ctx(TLS_server_method(), TLS1_2_VERSION, "P-256");
	client = make_ctx(TLS_client_method(), TLS1_2_VERSION, "P-256");
	use_shell(server, SCENE_RSA);
	cr_assert_eq(SSL_CTX_set_cipher_list(client, "kRSA"), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(server, "kRSA"), 1);
	cr_assert(!shake_hands(server, client));
	while (ERR_get_error_all(NULL, NULL, NULL, &data, &flags) != 0)
		said += (flags & ERR_TXT_STRING) &&
			strstr(data, "use = tls-rsa-kx") != NULL;
	cr_assert_eq(said, 1);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
}

/* ServerKeyExchange signed under MD5-SHA1, or SHA-1 (ECDSA). */
Test(provider_tls, shakes_hands_by_old_versions_where_keyd_lets_them)
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION };
	static const enum scene_key keys[] = { SCENE_RSA, SCENE_P256 };
	SSL_CTX *server, *client;
	size_t v, k;

	scene_start(&s, SCENE_LAST, "");
	scene_keyd(&s, 0, 0);
	for (v = 0; v < 2; v++)
		for (k = 0; k < 2; k++) {
			server = make_ctx(
				TLS_server_method(), versions[v], "P-256");
			client = make_ctx(
				TLS_client_method(), versions[v], "P-256");
			SSL_CTX_set_security_level(server, 0);
			SSL_CTX_set_security_level(client, 0);
			use_shell(server, keys[k]);
			cr_assert(shake_hands(server, client), "%x: %s",
				(unsigned)versions[v],
				ERR_error_string(ERR_peek_error(), NULL));
			assert_no_errors("the end");
			SSL_CTX_free(server);
			SSL_CTX_free(client);
		}
}

/* Keys that are no shells, with this provider asked before default. */
static EVP_PKEY *
generate(const char *type, const char *group)
{
	EVP_PKEY_CTX *c;
	EVP_PKEY *key = NULL;

	if (strcmp(type, "EC") == 0)
		return EVP_PKEY_Q_keygen(s.libctx, NULL, type, group);
	c = EVP_PKEY_CTX_new_from_name(s.libctx, type, NULL);
	cr_assert_eq(EVP_PKEY_keygen_init(c), 1);
	cr_assert_eq(EVP_PKEY_generate(c, &key), 1);
	EVP_PKEY_CTX_free(c);
	return key;
}

static void
use_pass_through(const char *type, const char *group)
{
	EVP_PKEY *key = generate(type, group), *back, *copy;
	const char *md = strncmp(type, "ED", 2) == 0 ? NULL : "SHA256";
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	BIO *b = BIO_new(BIO_s_mem());
	unsigned char sig[1024];
	size_t len = sizeof(sig);

	cr_assert_not_null(key);
	cr_assert_str_eq(
		OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key)), "keyd");
	cr_assert_eq(
		EVP_DigestSignInit_ex(c, NULL, md, s.libctx, NULL, key, NULL),
		1);
	cr_assert_eq(EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1), 1);
	cr_assert_eq(
		EVP_DigestVerifyInit_ex(c, NULL, md, s.libctx, NULL, key, NULL),
		1);
	cr_assert_eq(EVP_DigestVerify(c, sig, len, (const uint8_t *)"x", 1), 1);
	cr_assert_eq(
		PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL), 1);
	back = PEM_read_bio_PrivateKey_ex(b, NULL, NULL, NULL, s.libctx, NULL);
	cr_assert_eq(EVP_PKEY_eq(key, back), 1);
	cr_assert_eq(EVP_PKEY_eq(back, key), 1);
	copy = EVP_PKEY_dup(key);
	cr_assert_eq(EVP_PKEY_eq(key, copy), 1);
	assert_no_errors(type);
	EVP_PKEY_free(copy);
	EVP_PKEY_free(back);
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(c);
	BIO_free(b);
}

Test(provider_tls, passes_other_keys_through_when_listed_first)
{
	scene_start(&s, SCENE_FIRST, "");
	use_pass_through("RSA", NULL);
	use_pass_through("EC", "P-256");
	use_pass_through("EC", "P-521");
	use_pass_through("EC", "secp256k1");
	use_pass_through("RSA-PSS", NULL);
	use_pass_through("ED25519", NULL);
	use_pass_through("ED448", NULL);
}

static void
agree(const char *type, const char *group, size_t len)
{
	EVP_PKEY *a, *b, *pub;
	unsigned char *point = NULL, one[72], two[72];
	size_t n, n1 = sizeof(one), n2 = sizeof(two);
	EVP_PKEY_CTX *c;

	a = generate(type, group);
	b = generate(type, group);
	n = EVP_PKEY_get1_encoded_public_key(a, &point);
	cr_assert_gt(n, 0);
	pub = EVP_PKEY_new();
	cr_assert_eq(EVP_PKEY_copy_parameters(pub, b), 1);
	cr_assert_eq(EVP_PKEY_set1_encoded_public_key(pub, point, n), 1);
	OPENSSL_free(point);
	cr_assert_eq(EVP_PKEY_eq(pub, a), 1);
	cr_assert_eq(EVP_PKEY_get_bits(pub), EVP_PKEY_get_bits(a));
	c = EVP_PKEY_CTX_new_from_pkey(s.libctx, b, NULL);
	cr_assert_eq(EVP_PKEY_derive_init(c), 1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(c, pub), 1);
	cr_assert_eq(EVP_PKEY_derive(c, one, &n1), 1);
	EVP_PKEY_CTX_free(c);
	c = EVP_PKEY_CTX_new_from_pkey(s.libctx, a, NULL);
	cr_assert_eq(EVP_PKEY_derive_init(c), 1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(c, b), 1);
	cr_assert_eq(EVP_PKEY_derive(c, two, &n2), 1);
	EVP_PKEY_CTX_free(c);
	cr_assert_eq(n1, len);
	cr_assert_arr_eq(one, two, n1);
	assert_no_errors("agreement");
	EVP_PKEY_free(pub);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

Test(provider_tls, passes_key_agreement_through_when_listed_first)
{
	scene_start(&s, SCENE_FIRST, "");
	agree("EC", "P-521", 66);
	agree("X25519", NULL, 32);
	agree("X448", NULL, 56);
}
