/*
 * What libssl really has signed: handshakes in memory, watched from outside.
 * The signed bytes are put together from the messages on the wire, proved to be
 * the right ones with the server's signature, and shown to the grammar.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "session/curve.h"
#include "session/grammar.h"

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE = 11,
	KEY_EXCHANGE = 12,
	CERTIFICATE_VERIFY = 15,
	HEADER = 4,
	RANDOM_AT = HEADER + 2,
};

struct bytes {
	size_t len;
	uint8_t data[16384];
};

/* What the client saw, in order. */
struct capture {
	struct bytes transcript; /* up to and with the server's Certificate */
	struct bytes signed_data;
	struct bytes signature;
	uint8_t randoms[64];
	uint16_t scheme;
	bool certificate_seen;
};

static struct capture seen;

static void
append(struct bytes *b, const void *data, size_t len)
{
	cr_assert_leq(b->len + len, sizeof(b->data));
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

/* scheme, length, signature */
static void
take_signature(const uint8_t *p, size_t len)
{
	cr_assert_geq(len, 4);
	seen.scheme = (uint16_t)(p[0] << 8 | p[1]);
	cr_assert_eq((size_t)(p[2] << 8 | p[3]), len - 4);
	append(&seen.signature, p + 4, len - 4);
}

static void
take_key_exchange(const uint8_t *p, size_t len)
{
	size_t params = 4U + p[HEADER + 3];

	append(&seen.signed_data, seen.randoms, 64);
	append(&seen.signed_data, p + HEADER, params);
	take_signature(p + HEADER + params, len - HEADER - params);
}

static void
take_certificate_verify(const uint8_t *p, size_t len)
{
	static const char text[] = "TLS 1.3, server CertificateVerify";

	memset(seen.signed_data.data, ' ', 64);
	seen.signed_data.len = 64;
	append(&seen.signed_data, text, sizeof(text));
	take_signature(p + HEADER, len - HEADER);
}

static void
on_message(int out, int version, int type, const void *data, size_t len,
	SSL *ssl, void *arg)
{
	const uint8_t *p = data;

	(void)out;
	(void)version;
	(void)ssl;
	(void)arg;
	if (type != SSL3_RT_HANDSHAKE)
		return;
	if (p[0] == CLIENT_HELLO)
		memcpy(seen.randoms, p + RANDOM_AT, 32);
	if (p[0] == SERVER_HELLO)
		memcpy(seen.randoms + 32, p + RANDOM_AT, 32);
	if (!seen.certificate_seen)
		append(&seen.transcript, p, len);
	if (p[0] == CERTIFICATE)
		seen.certificate_seen = true;
	if (p[0] == KEY_EXCHANGE)
		take_key_exchange(p, len);
	if (p[0] == CERTIFICATE_VERIFY)
		take_certificate_verify(p, len);
}

/* A key's own certificate, as far as libssl needs one. */
static X509 *
certify(EVP_PKEY *key)
{
	X509 *x = X509_new();

	cr_assert(X509_set_version(x, 2));
	cr_assert(ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	cr_assert(X509_set_pubkey(x, key));
	cr_assert_gt(X509_sign(x, key, EVP_sha256()), 0);
	return x;
}

static SSL *
make_end(SSL_CTX *ctx, int version, const char *group, const char *sigalgs)
{
	static const char *const curves[] = { "P-256", "P-384" };
	char groups[64];
	size_t i;
	SSL *s;

	/* The group first; the certificate's curve must be there as well. */
	snprintf(groups, sizeof(groups), "%s", group);
	for (i = 0; i < 2; i++)
		if (strcmp(group, curves[i]) != 0)
			strcat(strcat(groups, ":"), curves[i]);
	cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, version), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, version), 1);
	cr_assert_eq(SSL_CTX_set1_groups_list(ctx, groups), 1);
	if (sigalgs != NULL)
		cr_assert_eq(SSL_CTX_set1_sigalgs_list(ctx, sigalgs), 1);
	s = SSL_new(ctx);
	cr_assert_not_null(s);
	return s;
}

static void
connect_ends(SSL *client, SSL *server)
{
	BIO *a, *b;
	int i, done = 0;

	cr_assert_eq(BIO_new_bio_pair(&a, 65536, &b, 65536), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (i = 0; i < 20 && done != 2; i++)
		done = (SSL_do_handshake(client) == 1) +
		       (SSL_do_handshake(server) == 1);
	cr_assert_eq(done, 2);
}

static void
finish_tls13(SSL *client)
{
	const EVP_MD *md =
		SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(client));
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len;

	cr_assert_eq(EVP_Digest(seen.transcript.data, seen.transcript.len, hash,
			     &len, md, NULL),
		1);
	append(&seen.signed_data, hash, len);
}

static void
handshake(EVP_PKEY *key, int version, const char *group, const char *sigalgs)
{
	SSL_CTX *cctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX *sctx = SSL_CTX_new(TLS_server_method());
	X509 *cert = certify(key);
	SSL *client, *server;

	memset(&seen, 0, sizeof(seen));
	SSL_CTX_set_msg_callback(cctx, on_message);
	cr_assert_eq(SSL_CTX_use_certificate(sctx, cert), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(sctx, key), 1);
	client = make_end(cctx, version, group, sigalgs);
	server = make_end(sctx, version, group, NULL);
	connect_ends(client, server);
	if (version == TLS1_3_VERSION)
		finish_tls13(client);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(cctx);
	SSL_CTX_free(sctx);
	X509_free(cert);
}

/* The signature on the wire is one over the bytes that we put together. */
static bool
is_signature_over_data(EVP_PKEY *key)
{
	static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool pss = seen.scheme >> 8 == 8;
	/* rsa_pss 0804…, others 04xx…: the digest counts from SHA-256. */
	unsigned digest = (pss ? seen.scheme & 0xFF : seen.scheme >> 8) - 4U;
	EVP_PKEY_CTX *p;
	bool ok;

	cr_assert_lt(digest, 3);
	ok = EVP_DigestVerifyInit_ex(
		     ctx, &p, digests[digest], NULL, NULL, key, NULL) == 1;
	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) >
			     0 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(
			     p, RSA_PSS_SALTLEN_DIGEST) > 0;
	ok = ok &&
	     EVP_DigestVerify(ctx, seen.signature.data, seen.signature.len,
		     seen.signed_data.data, seen.signed_data.len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static struct grammar_result
classify(void)
{
	static const uint8_t spki[] = "no key's";

	return grammar_classify(
		(struct view){ seen.signed_data.data, seen.signed_data.len },
		(struct view){ spki, sizeof(spki) }, curve_has_point);
}

static const struct {
	const char *group;
	const char *sigalgs; /* NULL: libssl's choice */
} rows[] = {
	{ "X25519", NULL },
	{ "P-256", NULL },
	{ "P-384", NULL },
	{ "P-521", NULL },
	{ "X448", NULL },
	{ "brainpoolP256r1", NULL },
	{ "brainpoolP384r1", NULL },
	{ "brainpoolP512r1", NULL },
	{ "X25519", "RSA+SHA256:ECDSA+SHA512" },
	{ "P-256", "RSA+SHA512:ECDSA+SHA384" },
	{ "P-384", "rsa_pss_rsae_sha384:ECDSA+SHA256" },
};

static const char *const keys[] = { "RSA", "P-256", "P-384" };

static EVP_PKEY *
make_key(const char *type)
{
	return strcmp(type, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen(type);
}

Test(handshakes, tls13_servers_are_recognised, .timeout = 120)
{
	struct grammar_result g;
	EVP_PKEY *key;
	size_t k, r;

	cr_assert_eq(curve_init(), 0);
	for (k = 0; k < 3; k++) {
		key = make_key(keys[k]);
		for (r = 0; r < 3; r++) {
			handshake(key, TLS1_3_VERSION, rows[r].group, NULL);
			cr_assert(is_signature_over_data(key));
			g = classify();
			cr_assert_eq(g.form, GRAMMAR_TLS13_SERVER);
		}
		EVP_PKEY_free(key);
	}
}

Test(handshakes, tls12_servers_are_recognised, .timeout = 120)
{
	struct grammar_result g;
	EVP_PKEY *key;
	size_t k, r;

	cr_assert_eq(curve_init(), 0);
	for (k = 0; k < 3; k++) {
		key = make_key(keys[k]);
		for (r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			handshake(key, TLS1_2_VERSION, rows[r].group,
				rows[r].sigalgs);
			cr_assert(is_signature_over_data(key), "%s %zu",
				keys[k], r);
			g = classify();
			cr_assert_eq(g.form, GRAMMAR_TLS12_SERVER);
			cr_assert_eq(g.defect, GRAMMAR_SOUND);
			/* This server speaks no TLS 1.3: no sentinel. */
			cr_assert_not(g.sentinel);
		}
		EVP_PKEY_free(key);
	}
}

/* What libssl has besides is named. */
Test(handshakes, other_groups_are_named, .timeout = 120)
{
	static const char *const groups[] = { "P-224", "secp256k1" };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct grammar_result g;
	size_t i;

	cr_assert_eq(curve_init(), 0);
	for (i = 0; i < 2; i++) {
		handshake(key, TLS1_2_VERSION, groups[i], NULL);
		g = classify();
		cr_assert_eq(g.form, GRAMMAR_TLS12_SERVER);
		cr_assert_eq(g.defect, GRAMMAR_GROUP);
	}
	EVP_PKEY_free(key);
}

/* A server that could do TLS 1.3 says so in its random. */
Test(handshakes, the_downgrade_sentinel_is_seen, .timeout = 120)
{
	SSL_CTX *cctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX *sctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certify(key);
	SSL *client, *server;

	cr_assert_eq(curve_init(), 0);
	memset(&seen, 0, sizeof(seen));
	SSL_CTX_set_msg_callback(cctx, on_message);
	cr_assert_eq(SSL_CTX_use_certificate(sctx, cert), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(sctx, key), 1);
	client = make_end(cctx, TLS1_2_VERSION, "X25519", NULL);
	server = SSL_new(sctx);
	connect_ends(client, server);
	cr_assert(is_signature_over_data(key));
	cr_assert(classify().sentinel);
	cr_assert_eq(classify().defect, GRAMMAR_SOUND);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(cctx);
	SSL_CTX_free(sctx);
	X509_free(cert);
	EVP_PKEY_free(key);
}
