#include "made_up.h"

#include <string.h>
#include <sys/random.h>

#include <openssl/bn.h>

enum {
	BLANKS = 64,
	HASH = 32,
	RANDOM = 32,
	SENTINEL = 8,
	X25519 = 29, /* IANA "TLS Supported Groups" */
	X25519_LEN = 32,
	NAMED_CURVE = 3,
	PRIME_LEN = 256,
	TLS12 = 0x0303,
	SUITE = 0x002f,  /* TLS_RSA_WITH_AES_128_CBC_SHA */
	SCHEME = 0x0401, /* rsa_pkcs1_sha256 */
	RSA_SIGN = 1,    /* a type of client certificates */
	MAX_BODY = 300,
};

/* RFC 5246 §7.4 */
enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE = 11,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CLIENT_KEY_EXCHANGE = 16,
};

/* RFC 8446 §4.1.3 */
static const uint8_t sentinel[SENTINEL] = { 'D', 'O', 'W', 'N', 'G', 'R', 'D',
	1 };

static void
put_random(struct writer *w, size_t len)
{
	uint8_t bytes[PRIME_LEN];

	if (len > sizeof(bytes) || getrandom(bytes, len, 0) != (ssize_t)len)
		w->failed = true;
	else
		writer_bytes(w, bytes, len);
}

static size_t
end(const struct writer *w)
{
	size_t len;

	return writer_finish(w, &len) < 0 ? 0 : len;
}

size_t
made_up_verify(bool client, uint8_t out[MADE_UP_MAX])
{
	static const char server_text[] = "TLS 1.3, server CertificateVerify";
	static const char client_text[] = "TLS 1.3, client CertificateVerify";
	struct writer w = writer_init(out, MADE_UP_MAX);
	uint8_t blanks[BLANKS];

	memset(blanks, ' ', sizeof(blanks));
	writer_bytes(&w, blanks, sizeof(blanks));
	/* With the zero at the end of the text. */
	writer_bytes(
		&w, client ? client_text : server_text, sizeof(server_text));
	put_random(&w, HASH);
	return end(&w);
}

/* p of RFC 3526 §3, g = 2, and a public number far below p. */
static void
put_dhe(struct writer *w)
{
	static const uint8_t generator[] = { 2 };
	uint8_t prime[PRIME_LEN];
	BIGNUM *p = BN_get_rfc3526_prime_2048(NULL);

	if (p == NULL || BN_bn2binpad(p, prime, PRIME_LEN) != PRIME_LEN)
		w->failed = true;
	else
		writer_vec16(w, prime, PRIME_LEN);
	writer_vec16(w, generator, sizeof(generator));
	writer_u16(w, PRIME_LEN);
	writer_u8(w, 1);
	put_random(w, PRIME_LEN - 1);
	BN_free(p);
}

size_t
made_up_exchange(bool dhe, uint8_t out[MADE_UP_MAX])
{
	struct writer w = writer_init(out, MADE_UP_MAX);

	put_random(&w, 2 * RANDOM - SENTINEL);
	writer_bytes(&w, sentinel, sizeof(sentinel));
	if (dhe) {
		put_dhe(&w);
	} else {
		writer_u8(&w, NAMED_CURVE);
		writer_u16(&w, X25519);
		writer_u8(&w, X25519_LEN);
		put_random(&w, X25519_LEN);
	}
	return end(&w);
}

static void
put_u24(struct writer *w, size_t n)
{
	writer_u8(w, (uint8_t)(n >> 16));
	writer_u16(w, (uint16_t)n);
}

static void
put_client_hello(struct writer *w)
{
	writer_u16(w, TLS12);
	put_random(w, RANDOM);
	writer_u8(w, 0);  /* no session */
	writer_u16(w, 2); /* bytes of suites */
	writer_u16(w, SUITE);
	writer_u16(w, 0x0100); /* one compression: none */
}

static void
put_server_hello(struct writer *w)
{
	writer_u16(w, TLS12);
	put_random(w, RANDOM - SENTINEL);
	writer_bytes(w, sentinel, SENTINEL);
	writer_u8(w, 0); /* no session */
	writer_u16(w, SUITE);
	writer_u8(w, 0); /* no compression */
}

/* A list of one certificate, of which there is no more than the start. */
static void
put_certificate(struct writer *w)
{
	put_u24(w, 5);
	put_u24(w, 2);
	writer_u16(w, 0x3000);
}

static void
put_certificate_request(struct writer *w)
{
	writer_u8(w, 1);
	writer_u8(w, RSA_SIGN);
	writer_u16(w, 2); /* bytes of schemes */
	writer_u16(w, SCHEME);
	writer_u16(w, 0); /* no names */
}

static void
put_nothing(struct writer *w)
{
	(void)w;
}

static void
put_client_key_exchange(struct writer *w)
{
	writer_u16(w, PRIME_LEN);
	put_random(w, PRIME_LEN);
}

static const struct {
	uint8_t type;
	void (*put)(struct writer *w);
} handshake[] = {
	{ CLIENT_HELLO, put_client_hello },
	{ SERVER_HELLO, put_server_hello },
	{ CERTIFICATE, put_certificate },
	{ CERTIFICATE_REQUEST, put_certificate_request },
	{ SERVER_HELLO_DONE, put_nothing },
	{ CERTIFICATE, put_certificate },
	{ CLIENT_KEY_EXCHANGE, put_client_key_exchange },
};

size_t
made_up_transcript(uint8_t out[MADE_UP_MAX])
{
	struct writer w = writer_init(out, MADE_UP_MAX), b;
	uint8_t body[MAX_BODY];
	size_t i, len = 0;

	for (i = 0; i < sizeof(handshake) / sizeof(handshake[0]); i++) {
		b = writer_init(body, sizeof(body));
		handshake[i].put(&b);
		if (writer_finish(&b, &len) < 0)
			w.failed = true;
		writer_u8(&w, handshake[i].type);
		put_u24(&w, len);
		writer_bytes(&w, body, len);
	}
	return end(&w);
}
