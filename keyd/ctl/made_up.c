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
};

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
	/* RFC 8446 §4.1.3 */
	static const uint8_t sentinel[SENTINEL] = { 'D', 'O', 'W', 'N', 'G',
		'R', 'D', 1 };
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
