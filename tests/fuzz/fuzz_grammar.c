/*
 * The grammar against an oracle: what is accepted for a use has exactly the
 * form it should have, reads as no message of another use (as leniently as
 * other programs might read), and a server's is nothing that libcrypto would
 * read as a certificate, request or revocation list. The first byte chooses
 * whether the rest is a message as it stands, or the start and the end of one
 * around a ServerKeyExchange's header.
 */
#include "fuzz.h"

#include <ctype.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "session/policy.h"

/* A P-256 key that nobody has: the form is all that counts. */
static uint8_t spki[91] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86,
	0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
	0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };

/* The curve is tested elsewhere: here every second point is on it. */
static bool
on_curve(uint16_t group, const uint8_t *point, size_t len)
{
	const struct tlsgroup *g = tlsgroup_by_number(group);

	must(g != NULL && g->curve != NULL);
	must(len == g->point && point[0] == 4);
	return (point[len - 1] & 1) == 0;
}

static uint16_t
check(uint32_t use, struct view m)
{
	const struct ring_entry key = {
		.key = { .type = PROTO_KEY_P256,
			.bits = 256,
			.use = use,
			.tls12 = PROTO_TLS12_ANY,
			.spki = { spki, sizeof(spki) } },
		.tls12_groups = TLSGROUP_ALL
	};
	const struct proto_sign s = { .scheme = { .algorithm = PROTO_ECDSA,
					      .digest = PROTO_SHA256 },
		.data = m };
	uint16_t d = policy_check(&key, &s, on_curve);

	/* The mistake: as if nothing had ever been thought of confusions. */
	return PLANTED && d == DETAIL_CONFUSABLE ? DETAIL_NONE : d;
}

/* SEQUENCE { message, ecdsa-with-SHA256, BIT STRING } as a file would be. */
static size_t
wrap(struct view m, uint8_t *out)
{
	static const uint8_t tail[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
		0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x03, 0x02, 0x00, 0x55 };
	size_t len = m.len + sizeof(tail);

	out[0] = 0x30;
	out[1] = 0x82;
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	memcpy(out + 4, m.data, m.len);
	memcpy(out + 4 + m.len, tail, sizeof(tail));
	return 4 + len;
}

/* How many bytes of the randoms are from low to high? */
static size_t
count(struct view m, uint8_t low, uint8_t high)
{
	size_t i, n = 0;

	for (i = 0; i < 64; i++)
		n += m.data[i] >= low && m.data[i] <= high;
	return n;
}

/* As Python's urlsafe_b64decode and json.loads read a header, or nearly. */
static bool
reads_as_token(struct view m)
{
	const uint8_t *dot = memchr(m.data, '.', m.len);
	size_t len = dot == NULL ? 0 : (size_t)(dot - m.data), i, n = 0;
	char text[4096 + 4], json[4096];
	int got;

	for (i = 0; i < len && m.data[i] != '=' && n < 4096; i++)
		if (isalnum(m.data[i]) ||
			strchr("-_+/", m.data[i] | !m.data[i]))
			text[n++] = m.data[i] == '-'   ? '+'
				    : m.data[i] == '_' ? '/'
						       : (char)m.data[i];
	while (n % 4 != 0)
		text[n++] = '=';
	got = n == 0 ? 0
		     : EVP_DecodeBlock(
			       (uint8_t *)json, (uint8_t *)text, (int)n);
	/* What was padded decodes to zeros at the end. */
	while (got > 0 && json[got - 1] == 0)
		got--;
	return got > 8 && json[0] == '{' && json[got - 1] == '}' &&
	       memmem(json, (size_t)got, "\"alg\"", 5) != NULL;
}

static void
must_be_nothing_else(struct view m)
{
	uint8_t der[8192];
	const uint8_t *p = der;
	size_t len;
	X509_REQ *req;
	X509 *cert;
	X509_CRL *crl;

	must(m.len < sizeof(der) - 64);
	len = wrap(m, der);
	req = d2i_X509_REQ(NULL, &p, (long)len);
	p = der;
	cert = d2i_X509(NULL, &p, (long)len);
	p = der;
	crl = d2i_X509_CRL(NULL, &p, (long)len);
	must(req == NULL && cert == NULL && crl == NULL);
	ERR_clear_error();
	/* COSE: an array, a text of nine bytes or more, "Signature". */
	must(m.data[0] < 0x80 || m.data[0] > 0x97 || m.data[1] < 0x69 ||
		m.data[1] > 0x77 || memcmp(m.data + 2, "Signature", 9) != 0);
	must(count(m, 0, 0) < 8 && count(m, ' ', '~') < 52);
	must(memcmp(m.data, "DSSEv1 ", 7) != 0);
	must(!reads_as_token(m));
	/* SEQUENCE of this length (in short form) { INTEGER of one byte, */
	must(m.data[0] != 0x30 || m.data[1] >= 0x80 || m.data[1] != m.len - 2 ||
		m.data[2] != 0x02 || m.data[3] != 0x01);
}

/* ---- once more, from the RFCs, in another way than the grammar's --------- */

static size_t
number(const uint8_t *d, size_t bytes)
{
	size_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *d++;
	return v;
}

static bool
is_tls13(struct view m, const char *who)
{
	char start[98];

	memset(start, ' ', 64);
	memcpy(start + 64, "TLS 1.3, ...... CertificateVerify", 34);
	memcpy(start + 73, who, 6);
	return m.len > 98 && memcmp(m.data, start, 98) == 0;
}

/* randoms, p, g, Ys: where each ends, 0 if they do not end where m does. */
static size_t
dhe_end(struct view m, size_t parts)
{
	size_t at = 64, i;

	for (i = 0; i < parts; i++) {
		if (m.len < at + 2)
			return 0;
		at += 2 + number(m.data + at, 2);
	}
	return at;
}

static bool
reads_as_dhe(struct view m)
{
	size_t p = dhe_end(m, 1), g = dhe_end(m, 2), y = dhe_end(m, 3);

	return y != 0 && y == m.len && p >= 66 + 64 && p <= 66 + 2048 &&
	       m.data[p - 1] % 2 == 1 && g - p > 2 && g - p <= p - 64 &&
	       y - g > 2 && y - g <= p - 64;
}

static bool
reads_as_server(struct view m)
{
	const uint8_t *d = m.data;

	return is_tls13(m, "server") || reads_as_dhe(m) ||
	       (m.len > 68 && d[64] == 3 && d[65] == 0 && d[67] == m.len - 68);
}

/* Handshake messages from the first byte to the last, as a server adds up. */
static bool
reads_as_client(struct view m)
{
	const uint8_t *d = m.data;
	size_t header, at = 0, count = 0;
	uint8_t last = 0;

	if (is_tls13(m, "client"))
		return true;
	if (m.len < 16 || d[0] != 1)
		return false;
	if (d[4] == 3 && d[5] == 3)
		header = 4;
	else if (d[12] == 0xFE && d[13] == 0xFD)
		header = 12;
	else
		return false;
	while (at + header <= m.len) {
		last = d[at];
		at += header + number(d + at + 1, 3);
		count++;
	}
	return at == m.len && last == 16 && count >= 7;
}

static bool
reads_as_request(struct view m)
{
	const uint8_t *d = m.data;
	size_t at;

	if (m.len < 8 || d[0] != 0x30)
		return false;
	at = d[1] < 0x80 ? 2 : 2 + (d[1] & 3U);
	return number(d + (at > 2 ? 2 : 1), at > 2 ? at - 2 : 1) ==
		       m.len - at &&
	       memcmp(d + at, (uint8_t[]){ 2, 1, 0 }, 3) == 0 &&
	       memmem(d, m.len, spki, sizeof(spki)) != NULL;
}

static void
must_be_servers(struct view m)
{
	/* P-256 to P-521, brainpool, x25519, x448 */
	static const size_t points[] = { 65, 97, 133, 65, 97, 129, 32, 56 };
	const uint8_t *d = m.data;
	size_t p;

	if (is_tls13(m, "server")) {
		must(m.len == 130 || m.len == 146);
		return;
	}
	if (m.len < 324) {
		must(d[64] == 3 && d[65] == 0 && d[67] == m.len - 68);
		must(d[66] >= 23 && d[66] <= 30);
		must(m.len == 68 + points[d[66] - 23]);
		must(d[66] >= 29 || d[68] == 4);
		must(memcmp(d, "SSHSIG", 6) != 0);
	} else {
		must(reads_as_dhe(m));
		p = number(d + 64, 2);
		must(p >= 256 && p <= 1024 && d[66] >= (p == 256 ? 128 : 1));
	}
	must_be_nothing_else(m);
}

/* Of a client's: 1.3, or all that must come, and certificates that are some. */
static void
must_be_clients(struct view m)
{
	if (is_tls13(m, "client"))
		must(m.len == 130 || m.len == 146);
	else
		must(m.len > 323 && m.data[1] == 0);
}

static bool
accepts(uint32_t use, struct view m)
{
	return check(use, m) == DETAIL_NONE;
}

static void
check_all(struct view m)
{
	const uint32_t servers = PROTO_USE_TLS_SERVER | PROTO_USE_TLS_DHE;
	bool server = accepts(servers, m);
	bool client = accepts(PROTO_USE_TLS_CLIENT, m);
	bool csr = accepts(PROTO_USE_CSR, m);
	bool all = accepts(servers | PROTO_USE_TLS_CLIENT | PROTO_USE_CSR, m);

	must(server + client + csr <= 1);
	must(all == (server || client || csr));
	must(server == (accepts(PROTO_USE_TLS_SERVER, m) ||
			       accepts(PROTO_USE_TLS_DHE, m)));
	must(!server || (reads_as_server(m) && !reads_as_client(m) &&
				!reads_as_request(m)));
	must(!client || (reads_as_client(m) && !reads_as_server(m) &&
				!reads_as_request(m)));
	must(!csr || (reads_as_request(m) && !reads_as_server(m) &&
			     !reads_as_client(m)));
	if (server)
		must_be_servers(m);
	if (client)
		must_be_clients(m);
}

/* start over the randoms, and the rest over the point's end */
static void
around_header(uint8_t choice, const uint8_t *data, size_t size)
{
	static const struct {
		uint8_t group, len;
	} shapes[] = { { 29, 32 }, { 23, 65 }, { 24, 97 }, { 25, 133 },
		{ 30, 56 }, { 26, 65 }, { 27, 97 }, { 28, 129 } };
	uint8_t group = shapes[choice % 8].group, len = shapes[choice % 8].len;
	size_t start = size < 64 ? size : 64;
	uint8_t m[68 + 133];

	memset(m, 0x42, sizeof(m));
	memcpy(m, data, start);
	memcpy(m + 64, (uint8_t[]){ 3, 0, group, len, 4 }, 5);
	size = size - start < len ? size - start : len;
	memcpy(m + 68 + len - size, data + start, size);
	check_all((struct view){ m, 68U + len });
}

/*
 * Lengths of a p of 256 bytes or a few more, of g, and of a Ys up to the end, over
 * data that may be a message of any kind.
 */
static void
around_group(uint8_t choice, const uint8_t *data, size_t size)
{
	size_t p = 256 + choice % 64U, g = 1 + choice % 5U * 60;
	size_t ys_at = 68 + p + g;
	uint8_t m[2048];

	if (size > sizeof(m) || size < ys_at + 3 || size - ys_at - 2 > p)
		return;
	memcpy(m, data, size);
	m[64] = (uint8_t)(p >> 8);
	m[65] = (uint8_t)p;
	m[66] |= 0x80;
	m[65 + p] |= 1;
	m[66 + p] = (uint8_t)(g >> 8);
	m[67 + p] = (uint8_t)g;
	m[ys_at] = (uint8_t)((size - ys_at - 2) >> 8);
	m[ys_at + 1] = (uint8_t)(size - ys_at - 2);
	check_all((struct view){ m, size });
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] < 128)
		check_all((struct view){ data + 1, size - 1 });
	else if (data[0] < 192)
		around_header(data[0], data + 1, size - 1);
	else
		around_group(data[0], data + 1, size - 1);
	return 0;
}
