/*
 * What libssl's clients really sign: TLS 1.2, DTLS 1.2 and TLS 1.3 handshakes with
 * client certificates, watched from outside. The signed bytes are put
 * together from the messages, proved to be the right ones with the client's
 * signature, and shown to the grammar. So are finite-field key exchanges.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "session/curve.h"
#include "session/policy.h"

enum {
	HELLO_REQUEST = 0,
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	HELLO_VERIFY_REQUEST = 3,
	CERTIFICATE = 11,
	KEY_EXCHANGE = 12,
	CERTIFICATE_VERIFY = 15,
	CERTIFICATE_STATUS = 22,
	ROUNDS = 2000,
};

struct bytes {
	size_t len;
	uint8_t data[131072];
};

struct seen {
	struct bytes transcript;
	struct bytes exchange; /* the server's, as it is signed */
	struct bytes client;   /* what the client signed */
	struct bytes exchange_signature, client_signature;
	uint16_t exchange_scheme, client_scheme;
	uint8_t randoms[64];
	unsigned verifies;    /* CertificateVerify messages of the client */
	unsigned resets;      /* transcripts begun anew */
	unsigned status_seen; /* CertificateStatus */
	bool dtls, tls13;
};

static struct seen seen;

static void
append(struct bytes *b, const void *data, size_t len)
{
	cr_assert_leq(b->len + len, sizeof(b->data));
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void
put(struct bytes *b, const void *data, size_t len)
{
	b->len = 0;
	append(b, data, len);
}

static unsigned
u16(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static uint16_t
take_signature(struct bytes *out, const uint8_t *p, size_t len)
{
	cr_assert_geq(len, 4);
	cr_assert_eq(u16(p + 2), len - 4);
	put(out, p + 4, len - 4);
	return (uint16_t)u16(p);
}

static void
take_key_exchange(const uint8_t *body, size_t len)
{
	size_t n = 0, i;

	if (body[0] == 3 && u16(body + 1) < 256 && body[3] < 160) {
		n = 4U + body[3];
	} else {
		for (i = 0; i < 3; i++)
			n += 2 + u16(body + n);
	}
	put(&seen.exchange, seen.randoms, sizeof(seen.randoms));
	append(&seen.exchange, body, n);
	seen.exchange_scheme =
		take_signature(&seen.exchange_signature, body + n, len - n);
}

static void
finish_tls13(SSL *ssl)
{
	static const char text[] = "TLS 1.3, client CertificateVerify";
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len;

	cr_assert_eq(EVP_Digest(seen.transcript.data, seen.transcript.len, hash,
			     &len,
			     SSL_CIPHER_get_handshake_digest(
				     SSL_get_pending_cipher(ssl) != NULL
					     ? SSL_get_pending_cipher(ssl)
					     : SSL_get_current_cipher(ssl)),
			     NULL),
		1);
	seen.client.len = 64;
	memset(seen.client.data, ' ', 64);
	append(&seen.client, text, sizeof(text));
	append(&seen.client, hash, len);
}

static void
take_certificate_verify(SSL *ssl, const uint8_t *p, size_t len, size_t header)
{
	seen.verifies++;
	if (seen.tls13)
		finish_tls13(ssl);
	else
		seen.client = seen.transcript;
	seen.client_scheme = take_signature(
		&seen.client_signature, p + header, len - header);
}

/*
 * Called on both ends, and looks at what each receives: of what DTLS sends in
 * parts, the sender's buffer no longer has the whole.
 */
static void
on_message(int out, int version, int type, const void *data, size_t len,
	SSL *ssl, void *arg)
{
	const uint8_t *p = data;
	size_t header = seen.dtls ? 12 : 4;

	(void)version;
	(void)arg;
	if (out || type != SSL3_RT_HANDSHAKE || p[0] == HELLO_REQUEST)
		return;
	/* A new handshake, or the same again with a cookie. */
	if (p[0] == CLIENT_HELLO && seen.transcript.len > 0) {
		seen.transcript.len = 0;
		seen.resets++;
	}
	if (p[0] == HELLO_VERIFY_REQUEST)
		return;
	if (p[0] == CLIENT_HELLO)
		memcpy(seen.randoms, p + header + 2, 32);
	if (p[0] == SERVER_HELLO)
		memcpy(seen.randoms + 32, p + header + 2, 32);
	if (p[0] == KEY_EXCHANGE)
		take_key_exchange(p + header, len - header);
	if (p[0] == CERTIFICATE_STATUS)
		seen.status_seen++;
	if (p[0] == CERTIFICATE_VERIFY && SSL_is_server(ssl))
		take_certificate_verify(ssl, p, len, header);
	append(&seen.transcript, p, len);
}

#define GROUPS                                                                 \
	"X25519:P-256:P-384:P-521:P-224:secp256k1:brainpoolP256r1:"            \
	"brainpoolP384r1:brainpoolP512r1"

/* ---- two ends ---------------------------------------------------------- */

struct setting {
	int version; /* TLS1_2_VERSION, TLS1_3_VERSION, DTLS1_2_VERSION */
	const char *client_key, *server_key;
	const char *suites;  /* NULL: libssl's choice */
	const char *sigalgs; /* of the client's signature; NULL likewise */
	const char *group;   /* of DHE: "ffdhe3072" */
	size_t names;        /* certification authorities the server names */
	bool status, no_tickets, cookie, renegotiate, stale_ticket;
};

static EVP_PKEY *
make_pss(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	cr_assert_gt(EVP_PKEY_keygen_init(ctx), 0);
	cr_assert_gt(EVP_PKEY_keygen(ctx, &key), 0);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
make_key(const char *type)
{
	static struct {
		const char *type;
		EVP_PKEY *key;
	} made[16];
	size_t i;

	for (i = 0; made[i].type != NULL; i++)
		if (strcmp(made[i].type, type) == 0)
			return made[i].key;
	made[i].type = type;
	if (strcmp(type, "RSA") == 0)
		made[i].key = EVP_RSA_gen(2048);
	else if (strcmp(type, "RSA-PSS") == 0)
		made[i].key = make_pss();
	else if (strncmp(type, "ED", 2) == 0)
		made[i].key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	else
		made[i].key = EVP_EC_gen(type);
	cr_assert_not_null(made[i].key);
	return made[i].key;
}

/* With a large subject, so that a DTLS message takes several datagrams. */
static X509 *
certify(EVP_PKEY *key)
{
	bool pure = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ||
		    EVP_PKEY_get_id(key) == EVP_PKEY_ED448;
	unsigned char text[64];
	X509 *x = X509_new();
	int i;

	memset(text, 'x', sizeof(text));
	cr_assert(X509_set_version(x, 2));
	cr_assert(ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	for (i = 0; i < 30; i++)
		cr_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
			"OU", MBSTRING_ASC, text, sizeof(text), -1, 0));
	cr_assert(X509_set_pubkey(x, key));
	cr_assert_gt(X509_sign(x, key, pure ? NULL : EVP_sha256()), 0);
	return x;
}

static int
accept_any(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	(void)ctx;
	return 1;
}

static int
put_status(SSL *ssl, void *arg)
{
	static const unsigned char response[] = "no response, but stapled";
	unsigned char *copy = OPENSSL_memdup(response, sizeof(response));

	(void)arg;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, sizeof(response));
	return SSL_TLSEXT_ERR_OK;
}

static int
take_status(SSL *ssl, void *arg)
{
	(void)ssl;
	(void)arg;
	return 1;
}

static int
make_cookie(SSL *ssl, unsigned char *cookie, unsigned *len)
{
	(void)ssl;
	memset(cookie, 0xC0, 20);
	*len = 20;
	return 1;
}

static int
check_cookie(SSL *ssl, const unsigned char *cookie, unsigned len)
{
	(void)ssl;
	return len == 20 && cookie[19] == 0xC0;
}

static void
name_authorities(SSL_CTX *ctx, size_t n)
{
	unsigned char text[64];
	X509_NAME *name;
	size_t i;

	for (i = 0; i < n; i++) {
		name = X509_NAME_new();
		snprintf((char *)text, sizeof(text),
			"A certification authority of number %08zu", i);
		cr_assert(X509_NAME_add_entry_by_txt(
			name, "CN", MBSTRING_ASC, text, -1, -1, 0));
		cr_assert(sk_X509_NAME_push(
			(STACK_OF(X509_NAME) *)SSL_CTX_get_client_CA_list(ctx),
			name));
	}
}

static SSL_CTX *
make_context(const struct setting *s, bool server)
{
	bool dtls = s->version == DTLS1_2_VERSION;
	SSL_CTX *ctx = SSL_CTX_new(dtls ? DTLS_method() : TLS_method());
	EVP_PKEY *key = make_key(server ? s->server_key : s->client_key);
	X509 *cert = certify(key);

	cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, s->version), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, s->version), 1);
	cr_assert_eq(SSL_CTX_use_certificate(ctx, cert), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
	cr_assert_eq(SSL_CTX_set1_groups_list(ctx, GROUPS), 1);
	if (s->suites != NULL)
		cr_assert_eq(SSL_CTX_set_cipher_list(ctx, s->suites), 1);
	if (s->renegotiate)
		SSL_CTX_set_options(
			ctx, SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
	if (s->no_tickets)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_max_cert_list(ctx, 200000);
	SSL_CTX_set_msg_callback(ctx, on_message);
	cr_assert_eq(SSL_CTX_set_session_id_context(
			     ctx, (const unsigned char *)"test", 4),
		1);
	X509_free(cert);
	return ctx;
}

/* A named group, as a template for the server's own key. */
static EVP_PKEY *
make_group(const char *name)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)name, 0);
	cr_assert_gt(EVP_PKEY_fromdata_init(ctx), 0);
	cr_assert_gt(
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, params),
		0);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static SSL_CTX *
make_server(const struct setting *s)
{
	SSL_CTX *ctx = make_context(s, true);

	if (!s->renegotiate)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
	SSL_CTX_set_client_CA_list(ctx, sk_X509_NAME_new_null());
	name_authorities(ctx, s->names);
	if (s->sigalgs != NULL)
		cr_assert_eq(
			SSL_CTX_set1_client_sigalgs_list(ctx, s->sigalgs), 1);
	if (s->status)
		SSL_CTX_set_tlsext_status_cb(ctx, put_status);
	if (s->cookie) {
		SSL_CTX_set_options(ctx, SSL_OP_COOKIE_EXCHANGE);
		SSL_CTX_set_cookie_generate_cb(ctx, make_cookie);
		SSL_CTX_set_cookie_verify_cb(ctx, check_cookie);
	}
	if (s->group != NULL)
		cr_assert_eq(
			SSL_CTX_set0_tmp_dh_pkey(ctx, make_group(s->group)), 1);
	return ctx;
}

static SSL *
make_end(SSL_CTX *ctx, int fd, bool dtls)
{
	SSL *ssl = SSL_new(ctx);
	BIO *bio = BIO_new_socket(fd, BIO_CLOSE);

	SSL_set_bio(ssl, bio, bio);
	if (dtls)
		cr_assert_eq(SSL_set_mtu(ssl, 600), 600);
	return ssl;
}

static void
shake(SSL *client, SSL *server)
{
	int i, a = 0, b = 0;

	for (i = 0; i < ROUNDS && (a != 1 || b != 1); i++) {
		a = SSL_do_handshake(client);
		b = SSL_do_handshake(server);
	}
	cr_assert(a == 1 && b == 1, "no handshake");
}

static void
pump(SSL *client, SSL *server)
{
	unsigned char byte;
	int i;

	for (i = 0; i < ROUNDS && seen.verifies == 0; i++) {
		(void)SSL_read(client, &byte, 1);
		(void)SSL_read(server, &byte, 1);
	}
}

static void
ask_again(SSL *client, SSL *server)
{
	cr_assert_eq(seen.verifies, 0);
	SSL_set_verify(server, SSL_VERIFY_PEER, accept_any);
	cr_assert_eq(SSL_renegotiate(server), 1);
	cr_assert_eq(SSL_do_handshake(server), 1);
	pump(client, server);
}

static void
connect_once(const struct setting *s, SSL_CTX *cctx, SSL_SESSION **session)
{
	bool dtls = s->version == DTLS1_2_VERSION;
	SSL_CTX *sctx = make_server(s);
	SSL *client, *server;
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX,
			     (dtls ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK,
			     0, fds),
		0);
	memset(&seen, 0, sizeof(seen));
	seen.dtls = dtls;
	seen.tls13 = s->version == TLS1_3_VERSION;
	client = make_end(cctx, fds[0], dtls);
	server = make_end(sctx, fds[1], dtls);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	if (s->status)
		SSL_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
	if (*session != NULL)
		cr_assert_eq(SSL_set_session(client, *session), 1);
	shake(client, server);
	cr_assert_not(SSL_session_reused(client));
	if (s->renegotiate)
		ask_again(client, server);
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(client);
	/* Else the session counts as broken off. */
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(sctx);
}

/* stale_ticket: the second server cannot read the ticket of the first. */
static void
handshake(const struct setting *s)
{
	SSL_CTX *cctx = make_context(s, false);
	SSL_SESSION *session = NULL;

	SSL_CTX_set_tlsext_status_cb(cctx, take_status);
	connect_once(s, cctx, &session);
	if (s->stale_ticket)
		connect_once(s, cctx, &session);
	SSL_SESSION_free(session);
	SSL_CTX_free(cctx);
}

/* ---- what was signed --------------------------------------------------- */

static bool
is_signed(const char *key, uint16_t scheme, const struct bytes *data,
	const struct bytes *signature)
{
	static const char *const digests[] = { NULL, "MD5", "SHA1", "SHA224",
		"SHA256", "SHA384", "SHA512" };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p;
	bool pss = scheme >> 8 == 8 && (scheme & 0xFF) != 7 &&
		   (scheme & 0xFF) != 8;
	/* rsa_pss_rsae 0804…, rsa_pss_pss 0809…, Ed 0807 and 0808 */
	unsigned digest = scheme >> 8;
	bool ok;

	if (scheme >> 8 == 8) {
		digest = scheme & 0xFF;
		digest = digest >= 9 ? digest - 5 : digest >= 7 ? 0 : digest;
	}
	cr_assert_lt(digest, 7);
	ok = EVP_DigestVerifyInit_ex(ctx, &p, digests[digest], NULL, NULL,
		     make_key(key), NULL) == 1;
	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) >
			     0 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(
			     p, RSA_PSS_SALTLEN_DIGEST) > 0;
	ok = ok && EVP_DigestVerify(ctx, signature->data, signature->len,
			   data->data, data->len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static struct grammar_result
classify(const struct bytes *b, size_t len)
{
	static const uint8_t spki[] = "no key's, but long enough";

	return grammar_classify((struct view){ b->data, len },
		(struct view){ spki, sizeof(spki) }, curve_has_point);
}

static bool
is_sound(const struct bytes *b, size_t len, enum grammar_form form)
{
	struct grammar_result g = classify(b, len);

	return g.form == form && g.defect == GRAMMAR_SOUND;
}

static const struct {
	const char *name;
	uint8_t type;
} types[] = {
	{ "RSA", PROTO_KEY_RSA },
	{ "RSA-PSS", PROTO_KEY_RSA_PSS },
	{ "P-224", PROTO_KEY_P224 },
	{ "P-256", PROTO_KEY_P256 },
	{ "P-384", PROTO_KEY_P384 },
	{ "P-521", PROTO_KEY_P521 },
	{ "secp256k1", PROTO_KEY_SECP256K1 },
	{ "brainpoolP256r1", PROTO_KEY_BP256R1 },
	{ "brainpoolP384r1", PROTO_KEY_BP384R1 },
	{ "brainpoolP512r1", PROTO_KEY_BP512R1 },
	{ "ED25519", PROTO_KEY_ED25519 },
	{ "ED448", PROTO_KEY_ED448 },
};

static uint8_t
type_of(const char *name)
{
	size_t i = 0;

	while (strcmp(types[i].name, name) != 0)
		i++;
	return types[i].type;
}

/* The scheme of a TLS SignatureScheme number, for a key of this type. */
static struct proto_scheme
scheme_of(uint16_t number, uint8_t type)
{
	struct proto_scheme s = { .digest = (uint8_t)(number >> 8) };

	if (number >> 8 != 8) {
		s.algorithm =
			(number & 0xFF) == 1 ? PROTO_RSA_PKCS1 : PROTO_ECDSA;
	} else if (type == PROTO_KEY_ED25519 || type == PROTO_KEY_ED448) {
		s.algorithm =
			type == PROTO_KEY_ED25519 ? PROTO_ED25519 : PROTO_ED448;
		s.digest = PROTO_NO_DIGEST;
	} else {
		s.algorithm = PROTO_RSA_PSS;
		s.digest = (uint8_t)((number & 0xFF) - (number & 8 ? 5 : 0));
		s.mgf1 = s.digest;
		s.salt = (uint16_t)proto_digest_len(s.digest);
	}
	return s;
}

static uint16_t
check_policy(const char *key_name, uint32_t use, uint16_t scheme,
	const struct bytes *b)
{
	static const uint8_t spki[] = "no key's, but long enough";
	const struct ring_entry key = {
		.key = { .type = type_of(key_name),
			.use = use,
			.tls12 = PROTO_TLS12_ANY,
			.spki = { spki, sizeof(spki) } },
		.tls12_groups = TLSGROUP_DEFAULT
	};
	const struct proto_sign m = { .scheme = scheme_of(scheme, key.key.type),
		.data = { b->data, b->len } };

	return policy_check(&key, &m, curve_has_point);
}

static void
check_client(const struct setting *s, size_t row)
{
	enum grammar_form form = s->version == TLS1_3_VERSION
					 ? GRAMMAR_TLS13_CLIENT
					 : GRAMMAR_TLS12_CLIENT;

	handshake(s);
	cr_assert_eq(seen.verifies, 1, "row %zu", row);
	cr_assert(is_signed(s->client_key, seen.client_scheme, &seen.client,
			  &seen.client_signature),
		"row %zu: scheme %04x", row, seen.client_scheme);
	cr_assert(
		is_sound(&seen.client, seen.client.len, form), "row %zu", row);
	cr_assert_eq(check_policy(s->client_key, PROTO_USE_TLS_CLIENT,
			     seen.client_scheme, &seen.client),
		DETAIL_NONE, "row %zu", row);
	cr_assert_eq(check_policy(s->client_key,
			     PROTO_USE_TLS_SERVER | PROTO_USE_TLS_DHE |
				     PROTO_USE_CSR,
			     seen.client_scheme, &seen.client),
		DETAIL_CLIENT_AUTH, "row %zu", row);
}

TestSuite(clients, .timeout = 120);

#define ECDHE "ECDHE-RSA-AES128-GCM-SHA256"
#define DHE   "DHE-RSA-AES128-GCM-SHA256"
#define PLAIN "AES128-GCM-SHA256"

/* clang-format off */
static const struct setting rows[] = {
	{ .client_key = "RSA", .server_key = "RSA" },
	{ .client_key = "P-256", .server_key = "P-256" },
	{ .client_key = "P-384", .server_key = "RSA" },
	{ .client_key = "P-521", .server_key = "RSA" },
	{ .client_key = "RSA-PSS", .server_key = "RSA" },
	{ .client_key = "P-224", .server_key = "RSA", .sigalgs = "ECDSA+SHA224" },
	{ .client_key = "secp256k1", .server_key = "RSA", .sigalgs = "ECDSA+SHA256" },
	{ .client_key = "brainpoolP256r1", .server_key = "RSA", .sigalgs = "ECDSA+SHA256" },
	{ .client_key = "brainpoolP384r1", .server_key = "RSA", .sigalgs = "ECDSA+SHA384" },
	{ .client_key = "brainpoolP512r1", .server_key = "RSA", .sigalgs = "ECDSA+SHA512" },
	{ .client_key = "RSA", .server_key = "RSA", .suites = ECDHE, .sigalgs = "RSA+SHA256" },
	{ .client_key = "RSA", .server_key = "RSA", .suites = DHE, .group = "ffdhe2048", .sigalgs = "RSA+SHA512" },
	{ .client_key = "RSA", .server_key = "RSA", .suites = PLAIN, .sigalgs = "rsa_pss_rsae_sha384" },
	{ .client_key = "P-256", .server_key = "RSA", .suites = PLAIN, .sigalgs = "ECDSA+SHA384" },
	{ .client_key = "P-256", .server_key = "P-256", .status = true },
	{ .client_key = "P-256", .server_key = "P-256", .no_tickets = true },
	{ .client_key = "P-256", .server_key = "P-256", .stale_ticket = true },
	{ .client_key = "P-256", .server_key = "P-256", .renegotiate = true },
	{ .client_key = "RSA", .server_key = "P-256", .renegotiate = true, .status = true },
	{ .client_key = "P-256", .server_key = "P-256", .names = 40 },
	{ .client_key = "P-256", .server_key = "P-256", .names = 1040 },
};
/* clang-format on */

static void
check_rows(int version)
{
	struct setting s;
	size_t i;

	cr_assert_eq(curve_init(), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s = rows[i];
		s.version = version;
		check_client(&s, i);
		cr_assert_eq(seen.status_seen > 0, s.status, "row %zu", i);
		if (s.renegotiate)
			cr_assert_gt(seen.resets, 0);
		/* A list of names as large as it can be. */
		if (s.names > 1000)
			cr_assert_gt(seen.client.len, 65536);
	}
}

Test(clients, tls12_clients_are_recognised)
{
	check_rows(TLS1_2_VERSION);
}

Test(clients, dtls12_clients_are_recognised)
{
	check_rows(DTLS1_2_VERSION);
}

/* After a cookie, the handshake starts with number 1 instead of 0. */
Test(clients, dtls12_clients_are_recognised_after_a_cookie)
{
	const struct setting s = { .version = DTLS1_2_VERSION,
		.client_key = "RSA",
		.server_key = "RSA",
		.cookie = true };

	cr_assert_eq(curve_init(), 0);
	check_client(&s, 0);
	cr_assert_eq(seen.resets, 1);
	cr_assert_eq(u16(seen.client.data + 4), 1);
}

Test(clients, tls13_clients_are_recognised)
{
	static const char *const keys[] = { "RSA", "RSA-PSS", "P-256", "P-384",
		"P-521", "ED25519", "ED448" };
	struct setting s = { .version = TLS1_3_VERSION, .server_key = "P-256" };
	size_t i;

	cr_assert_eq(curve_init(), 0);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		s.client_key = keys[i];
		check_client(&s, i);
	}
}

Test(clients, no_part_of_a_transcript_is_one)
{
	struct setting s = {
		.client_key = "P-256", .server_key = "P-256", .status = true
	};
	size_t i, len, right;

	cr_assert_eq(curve_init(), 0);
	for (i = 0; i < 2; i++) {
		s.version = i == 0 ? TLS1_2_VERSION : DTLS1_2_VERSION;
		check_client(&s, i);
		right = seen.client.len;
		for (len = 0; len < right + 600; len++)
			cr_assert_eq(is_sound(&seen.client, len,
					     GRAMMAR_TLS12_CLIENT),
				len == right, "row %zu length %zu", i, len);
	}
}

/* ---- finite-field key exchanges ---------------------------------------- */

Test(clients, finite_field_key_exchanges_are_recognised)
{
	static const char *const groups[] = { "ffdhe2048", "ffdhe3072",
		"ffdhe4096", "ffdhe6144", "ffdhe8192", "modp_2048",
		"modp_4096" };
	struct setting s = { .version = TLS1_2_VERSION,
		.client_key = "RSA",
		.server_key = "RSA",
		.suites = DHE };
	size_t i, len, right;

	cr_assert_eq(curve_init(), 0);
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		s.group = groups[i];
		s.version = i % 2 == 0 ? TLS1_2_VERSION : DTLS1_2_VERSION;
		handshake(&s);
		cr_assert(is_signed("RSA", seen.exchange_scheme, &seen.exchange,
				  &seen.exchange_signature),
			"%s", groups[i]);
		cr_assert_eq(check_policy("RSA", PROTO_USE_TLS_DHE,
				     seen.exchange_scheme, &seen.exchange),
			DETAIL_NONE, "%s", groups[i]);
		right = seen.exchange.len;
		cr_assert(is_sound(&seen.exchange, right, GRAMMAR_TLS12_DHE),
			"%s", groups[i]);
		for (len = 0; len < right + 600; len++)
			cr_assert_eq(is_sound(&seen.exchange, len,
					     GRAMMAR_TLS12_DHE),
				len == right, "%s %zu", groups[i], len);
	}
}
