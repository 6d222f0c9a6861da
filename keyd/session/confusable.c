#include "confusable.h"

#include "transcript.h"

#include <string.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum {
	BER_INTEGER = 0x02,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
	BER_CONSTRUCTED = 0x20,
	BER_NUMBER = 0x1F, /* of a tag; all ones: it follows */
	BER_MORE = 0x80,
};

/*
 * How signed structures begin: the outer tag, the first element's tag, and the
 * tag next to come: inside the first element if that is constructed, behind it
 * otherwise.
 */
static const struct {
	int outer, first, next;
} starts[] = {
	/* CertificationRequestInfo, TBSCertificate v1, TBSCertList v2,
	 * AttributeCertificateInfo, CertRequest: INTEGER, SEQUENCE */
	{ BER_SEQUENCE, BER_INTEGER, BER_SEQUENCE },
	/* TBSCertificate v2 and v3, ResponseData: [0] INTEGER */
	{ BER_SEQUENCE, 0xA0, BER_INTEGER },
	/* ResponseData: responderID [1] Name, [2] OCTET STRING */
	{ BER_SEQUENCE, 0xA1, BER_SEQUENCE },
	{ BER_SEQUENCE, 0xA2, 0x04 },
	/* TBSCertList v1: AlgorithmIdentifier; PublicKeyAndChallenge: its
	 * SubjectPublicKeyInfo; ProtectedPart (CMP): its header */
	{ BER_SEQUENCE, BER_SEQUENCE, 0x06 },
	{ BER_SEQUENCE, BER_SEQUENCE, BER_SEQUENCE },
	{ BER_SEQUENCE, BER_SEQUENCE, BER_INTEGER },
	/* SignedAttributes (CMS): SET OF Attribute */
	{ BER_SET, BER_SEQUENCE, 0x06 },
};

/* An element's tag and where its content lies. */
struct element {
	uint8_t tag;
	bool indefinite;
	size_t len; /* of the content; what is left if indefinite */
};

/*
 * Reads a tag, also one that is spelled out though it would fit one octet (3F 10
 * is a SEQUENCE, and 3F 80 10 too): libcrypto and others take both. Larger
 * numbers than 30 count as 31, which nothing here is.
 */
static uint8_t
read_tag(struct reader *r)
{
	uint8_t first = reader_u8(r), octet;
	uint32_t number = 0;

	if ((first & BER_NUMBER) != BER_NUMBER)
		return first;
	do {
		octet = reader_u8(r);
		if (number < BER_NUMBER)
			number = number << 7 | (octet & (BER_MORE - 1U));
	} while ((octet & BER_MORE) != 0);
	if (number > BER_NUMBER)
		number = BER_NUMBER;
	return (uint8_t)((first & 0xE0U) | number);
}

/*
 * Reads tag and length in any form that BER allows, long lengths with leading
 * zeros too. False if the content would not fit.
 */
static bool
read_element(struct reader *r, struct element *e)
{
	uint8_t n, first;
	uint64_t len = 0;

	e->tag = read_tag(r);
	first = reader_u8(r);
	e->indefinite = first == 0x80;
	if (e->indefinite) {
		e->len = reader_left(r);
		return !r->failed;
	}
	if (first < 0x80) {
		len = first;
	} else {
		for (n = first & 0x7F; n > 0 && !r->failed; n--) {
			if (len > UINT32_MAX)
				return false;
			len = len << 8 | reader_u8(r);
		}
	}
	if (r->failed || len > reader_left(r))
		return false;
	e->len = (size_t)len;
	return true;
}

static bool
is_signed_ber(struct view m)
{
	struct reader r = reader_init(m.data, m.len);
	struct element outer, first;
	size_t i, content;
	int next;

	if (!read_element(&r, &outer) || outer.len != reader_left(&r))
		return false;
	if (outer.indefinite &&
		(m.len < 4 || m.data[m.len - 1] != 0 || m.data[m.len - 2] != 0))
		return false;
	content = reader_left(&r);
	if (!read_element(&r, &first))
		return false;
	/* A version number is signed as such, whatever follows. */
	if (outer.tag == BER_SEQUENCE && first.tag == BER_INTEGER &&
		first.len == 1)
		return true;
	if ((first.tag & BER_CONSTRUCTED) == 0)
		(void)reader_bytes(&r, first.len);
	if (content == 0 || reader_left(&r) == 0)
		return false;
	next = read_tag(&r);
	for (i = 0; i < ROWS(starts); i++)
		if (outer.tag == starts[i].outer &&
			first.tag == starts[i].first && next == starts[i].next)
			return true;
	return false;
}

/* A CBOR head of the given major type (RFC 8949 §3): its argument, or -1. */
static int
read_cbor(struct reader *r, unsigned major)
{
	uint8_t head = reader_u8(r);

	if (r->failed || head >> 5 != major)
		return -1;
	head &= 0x1F;
	if (head < 24)
		return head;
	if (head == 24)
		return reader_u8(r);
	if (head == 25) {
		unsigned v = reader_u16(r);

		return v > 0xFF ? -1 : (int)v;
	}
	return -1;
}

enum {
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_MAP = 5,
	CBOR_TAG = 6,
	COSE_SIGN1 = 18,
	COSE_SIGN = 98,
	COSE_ALG = 1,
};

/* Every context of a Sig_structure starts with one of these. */
static const char *const contexts[] = { "Signature", "CounterSignature" };

static bool
is_sig_structure(struct view m)
{
	struct reader r = reader_init(m.data, m.len);
	int elements = read_cbor(&r, CBOR_ARRAY);
	int len = read_cbor(&r, CBOR_TEXT);
	struct view text;
	size_t i, n;

	if (elements < 0 || len < 0)
		return false;
	text = reader_bytes(&r, (size_t)len);
	if (r.failed)
		return false;
	for (i = 0; i < ROWS(contexts); i++) {
		n = strlen(contexts[i]);
		if (text.len >= n && memcmp(text.data, contexts[i], n) == 0)
			return true;
	}
	return false;
}

/* Tag, array, protected header { 1: … }, as some sign it whole. */
static bool
is_tagged_cose(struct view m)
{
	struct reader r = reader_init(m.data, m.len);
	int tag = read_cbor(&r, CBOR_TAG);

	return (tag == COSE_SIGN1 || tag == COSE_SIGN) &&
	       read_cbor(&r, CBOR_ARRAY) == 4 &&
	       read_cbor(&r, CBOR_BYTES) >= 0 && read_cbor(&r, CBOR_MAP) >= 0 &&
	       reader_u8(&r) == COSE_ALG && !r.failed;
}

/* What ssh-keygen -Y signs: PROTOCOL.sshsig of OpenSSH. */
static bool
is_sshsig(struct view m)
{
	static const char magic[] = "SSHSIG";

	return m.len >= sizeof(magic) - 1 &&
	       memcmp(m.data, magic, sizeof(magic) - 1) == 0;
}

/*
 * Any document, and behind it what OpenPGP hashes last: version, FF, and the
 * length of what it hashed before, in four bytes (RFC 9580 §5.2.4) or eight
 * (version 5 of LibrePGP).
 */
static bool
is_openpgp(struct view m)
{
	static const struct {
		uint8_t version, length;
	} trailers[] = { { 4, 4 }, { 5, 8 }, { 6, 4 } };
	struct reader r;
	uint64_t hashed;
	size_t i, n;

	for (i = 0; i < ROWS(trailers); i++) {
		n = 2U + trailers[i].length;
		if (m.len < n)
			continue;
		r = reader_init(m.data + m.len - n, n);
		if (reader_u8(&r) != trailers[i].version ||
			reader_u8(&r) != 0xFF)
			continue;
		hashed = trailers[i].length == 8 ? reader_u64(&r)
						 : reader_u32(&r);
		if (hashed <= m.len - n)
			return true;
	}
	return false;
}

enum {
	RUN = 6,
	RANDOM = 32,
};

/* Any RUN bytes of the key's, in whatever structure they may stand. */
static bool
holds_key(struct view m, struct view spki)
{
	size_t i;

	for (i = 0; i + RUN <= spki.len; i++)
		if (memmem(m.data, m.len, spki.data + i, RUN) != NULL)
			return true;
	return false;
}

/* The client's random, if it is the start of a text. */
static bool
is_text(struct view m)
{
	size_t i;
	uint8_t c;

	for (i = 0; i < RANDOM && i < m.len; i++) {
		c = m.data[i];
		if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c > '~')
			return false;
	}
	return i == RANDOM;
}

bool
confusable(struct view message, struct view spki)
{
	return holds_key(message, spki) || is_text(message) ||
	       is_signed_ber(message) || is_sig_structure(message) ||
	       is_tagged_cose(message) || is_sshsig(message) ||
	       is_openpgp(message) || transcript_starts(message);
}
