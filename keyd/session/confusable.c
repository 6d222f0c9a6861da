#include "confusable.h"

#include "transcript.h"

#include <string.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum {
	BER_INTEGER = 0x02,
	BER_BIT_STRING = 0x03,
	BER_OCTET_STRING = 0x04,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
	BER_CONSTRUCTED = 0x20,
	BER_NUMBER = 0x1F, /* of a tag; all ones: it follows */
	BER_MORE = 0x80,
	BER_CONTEXT = 0xA0,    /* of [0], constructed */
	BER_CONTEXT_FIRST = 4, /* an outer one's highest number */
	BER_CONTEXT_INNER = 8, /* of those inside: GeneralName's */
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
	/* Manifest (RPKI): INTEGER, GeneralizedTime */
	{ BER_SEQUENCE, BER_INTEGER, 0x18 },
	/* TBSCertList v1: AlgorithmIdentifier; PublicKeyAndChallenge: its
	 * SubjectPublicKeyInfo; ProtectedPart (CMP): its header */
	{ BER_SEQUENCE, BER_SEQUENCE, 0x06 },
	{ BER_SEQUENCE, BER_SEQUENCE, BER_SEQUENCE },
	{ BER_SEQUENCE, BER_SEQUENCE, BER_INTEGER },
	/* DVCSRequest: ENUMERATED */
	{ BER_SEQUENCE, BER_SEQUENCE, 0x0A },
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

/*
 * [0] to [4] around an element as they are around in what is signed. As first
 * of a SEQUENCE: TBSCertificate v2 and v3 ([0] INTEGER), ResponseData and
 * TBSRequest of OCSP ([0] INTEGER, [1] Name, [1] GeneralName, [2] OCTET
 * STRING), AuthPack and ReplyKeyPack of PKINIT ([0] SEQUENCE), KDCDHKeyInfo
 * ([0] BIT STRING), POPOSigningKeyInput ([0] GeneralName).
 */
static bool
is_context(const struct element *e, struct reader r)
{
	struct reader content;
	struct element inner;
	uint8_t tag;

	if (e->tag < BER_CONTEXT || e->tag > BER_CONTEXT + BER_CONTEXT_FIRST)
		return false;
	content = reader_init(r.pos, e->len);
	if (!read_element(&content, &inner))
		return false;
	tag = inner.tag | BER_CONSTRUCTED;
	return inner.tag == BER_SEQUENCE || inner.tag == BER_INTEGER ||
	       inner.tag == BER_BIT_STRING || inner.tag == BER_OCTET_STRING ||
	       (tag >= BER_CONTEXT && tag <= BER_CONTEXT + BER_CONTEXT_INNER);
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
	if (outer.tag == BER_SEQUENCE && is_context(&first, r))
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

/* Texts at the very start: PROTOCOL.sshsig of OpenSSH, and DSSE's PAE. */
static const char *const magics[] = { "SSHSIG", "DSSEv1 " };

static bool
has_magic(struct view m)
{
	size_t i, n;

	for (i = 0; i < ROWS(magics); i++) {
		n = strlen(magics[i]);
		if (m.len >= n && memcmp(m.data, magics[i], n) == 0)
			return true;
	}
	return false;
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
	RANDOMS = 64,
	PLAIN = 52, /* of the randoms, to be a text with a few changed bytes */
	ZEROS = 8,  /* of the randoms, to be binary or UTF-16 */
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

static bool
is_plain(uint8_t c)
{
	return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' || c == '\r';
}

/* How many bytes follow one that starts a character of UTF-8; -1 if none. */
static int
utf8_more(uint8_t c)
{
	if (is_plain(c))
		return 0;
	if (c < 0xC2 || c > 0xF4)
		return -1;
	return c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
}

/* Is the client's random UTF-8, perhaps but for its last character's end? */
static bool
starts_as_text(struct view m)
{
	int more = 0;
	size_t i;

	for (i = 0; i < RANDOM; i++) {
		if (more > 0 && (m.data[i] & 0xC0) == 0x80) {
			more--;
			continue;
		}
		if (more > 0)
			return false;
		more = utf8_more(m.data[i]);
		if (more < 0)
			return false;
	}
	return true;
}

/*
 * By chance, with 56 bytes that are random and the sentinel: UTF-8 once in
 * 2^34, as many plain bytes once in 2^32, as many zeros once in 2^33 (without a
 * sentinel 2^32).
 */
static bool
is_text_or_binary(struct view m)
{
	size_t i, plain = 0, zeros = 0;

	if (m.len < RANDOMS)
		return false;
	for (i = 0; i < RANDOMS; i++) {
		plain += is_plain(m.data[i]);
		zeros += m.data[i] == 0;
	}
	return plain >= PLAIN || zeros >= ZEROS || starts_as_text(m);
}

/*
 * What base64 decodes to, as far as it tells a JOSE header. Zeros are left out,
 * so that UTF-16 and UTF-32 are as UTF-8.
 */
struct header {
	uint32_t bits;  /* of the characters so far; the lowest count */
	unsigned count; /* how many of them are no whole byte yet */
	uint32_t tail;  /* the last four bytes */
	uint8_t first, last;
	bool has_alg; /* or a name that is written with escapes */
};

enum {
	ALG = 'a' << 16 | 'l' << 8 | 'g',
	ESCAPED = '\\' << 24 | 'u' << 16 | '0' << 8 | '0',
};

/* White space of JSON, and the bytes of a byte order mark. */
static bool
is_blank(uint8_t c)
{
	return c != 0 && strchr(" \t\n\r\xEF\xBB\xBF\xFE\xFF", c) != NULL;
}

static void
take_byte(struct header *h, uint8_t c)
{
	if (c == 0)
		return;
	h->tail = h->tail << 8 | c;
	if ((h->tail & 0xFFFFFF) == ALG || h->tail == ESCAPED)
		h->has_alg = true;
	if (is_blank(c))
		return;
	if (h->first == 0)
		h->first = c;
	h->last = c;
}

static void
take_sextet(struct header *h, unsigned v)
{
	h->bits = h->bits << 6 | v;
	h->count += 6;
	if (h->count >= 8) {
		h->count -= 8;
		take_byte(h, (uint8_t)(h->bits >> h->count));
	}
}

/* The value of a character of base64, the last two being of these; -1: none. */
static int
sextet(uint8_t c, const char *last)
{
	const char *at;

	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	at = c == 0 ? NULL : strchr(last, c);
	return at == NULL ? -1 : 62 + (int)((at - last) % 2);
}

/* Up to the first dot; a decoder may also end at any = before, or skip it. */
static bool
starts_as_token(struct view m, const char *last)
{
	struct header h = { 0 };
	size_t i;
	int v;

	for (i = 0; i < m.len; i++) {
		v = sextet(m.data[i], last);
		if (v >= 0)
			take_sextet(&h, (unsigned)v);
		else if ((m.data[i] == '.' || m.data[i] == '=') && h.has_alg &&
			 h.first == '{' && h.last == '}')
			return true;
		if (m.data[i] == '.')
			return false;
	}
	return false;
}

/*
 * A web token for the most lenient of readers: they skip what is not in their
 * alphabet, which is one of three. A JOSE header is an object with a member
 * "alg" (RFC 7515 §4.1.1), whatever else the reader of JSON tolerates.
 */
static bool
is_token(struct view m)
{
	return starts_as_token(m, "-_+/") || starts_as_token(m, "-_") ||
	       starts_as_token(m, "+/");
}

bool
confusable(struct view message, struct view spki)
{
	return holds_key(message, spki) || is_text_or_binary(message) ||
	       is_signed_ber(message) || is_sig_structure(message) ||
	       is_tagged_cose(message) || has_magic(message) ||
	       is_openpgp(message) || is_token(message) ||
	       transcript_starts(message);
}

bool
confusable_transcript(struct view message)
{
	return is_token(message) || is_openpgp(message);
}
