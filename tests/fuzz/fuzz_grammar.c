/*
 * The grammar against an oracle: what is accepted as a server's message has
 * exactly the form it should have, and is nothing that libcrypto would read as
 * a certificate, request or revocation list. The first byte chooses whether the
 * rest is a message as it stands, or the start and the end of one around a
 * ServerKeyExchange's header.
 */
#include "fuzz.h"

#include <string.h>

#include <openssl/err.h>
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
	must(len == (group == GRAMMAR_P256 ? 65 : 97) && point[0] == 4);
	must(group == GRAMMAR_P256 || group == GRAMMAR_P384);
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
			.spki = { spki, sizeof(spki) } }
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

static void
must_be_nothing_else(struct view m)
{
	uint8_t der[512];
	size_t len = wrap(m, der);
	const uint8_t *p = der;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)len);
	X509 *cert;
	X509_CRL *crl;

	p = der;
	cert = d2i_X509(NULL, &p, (long)len);
	p = der;
	crl = d2i_X509_CRL(NULL, &p, (long)len);
	must(req == NULL && cert == NULL && crl == NULL);
	ERR_clear_error();
	/* COSE: an array, a text of nine bytes or more, "Signature". */
	must(m.data[0] < 0x80 || m.data[0] > 0x97 || m.data[1] < 0x69 ||
		m.data[1] > 0x77 || memcmp(m.data + 2, "Signature", 9) != 0);
	/* SEQUENCE of this length (in short form) { INTEGER of one byte, */
	must(m.data[0] != 0x30 || m.data[1] >= 0x80 || m.data[1] != m.len - 2 ||
		m.data[2] != 0x02 || m.data[3] != 0x01);
}

/* Written once more, from the RFCs, in another way than the grammar's. */
static void
must_be_servers(struct view m)
{
	const uint8_t *d = m.data;

	if (m.len == 130 || m.len == 146) {
		static const char text[] = "                                "
					   "                                "
					   "TLS 1.3, server CertificateVerify";

		must(memcmp(d, text, sizeof(text)) == 0);
		return;
	}
	must(m.len == 100 || m.len == 133 || m.len == 165);
	must(d[64] == 3 && d[65] == 0 && d[67] == m.len - 68);
	must(d[66] == (m.len == 100 ? 29 : m.len == 133 ? 23 : 24));
	must(m.len == 100 || d[68] == 4);
	must_be_nothing_else(m);
}

static void
check_all(struct view m)
{
	bool server = check(PROTO_USE_TLS_SERVER, m) == DETAIL_NONE;
	bool csr = check(PROTO_USE_CSR, m) == DETAIL_NONE;
	bool both =
		check(PROTO_USE_TLS_SERVER | PROTO_USE_CSR, m) == DETAIL_NONE;

	must(!(server && csr));
	must(both == (server || csr));
	if (server)
		must_be_servers(m);
	if (csr)
		must(m.len > sizeof(spki) && m.data[0] == 0x30 &&
			memmem(m.data, m.len, spki, sizeof(spki)) != NULL);
}

/* start over the randoms, and the rest over the point's end */
static void
around_header(uint8_t choice, const uint8_t *data, size_t size)
{
	static const struct {
		uint8_t group, len;
	} shapes[] = { { 29, 32 }, { 23, 65 }, { 24, 97 } };
	uint8_t group = shapes[choice % 3].group, len = shapes[choice % 3].len;
	size_t start = size < 64 ? size : 64;
	uint8_t m[165];

	memset(m, 0x42, sizeof(m));
	memcpy(m, data, start);
	memcpy(m + 64, (uint8_t[]){ 3, 0, group, len, 4 }, 5);
	size = size - start < len ? size - start : len;
	memcpy(m + 68 + len - size, data + start, size);
	check_all((struct view){ m, 68U + len });
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] < 128)
		check_all((struct view){ data + 1, size - 1 });
	else
		around_header(data[0], data + 1, size - 1);
	return 0;
}
