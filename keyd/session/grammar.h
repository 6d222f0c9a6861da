/*
 * What is this message? Recognises the messages that TLS and certificate
 * requests have signed (docs/DESIGN.md, "Policy"), so that a key can be kept
 * to one purpose. Shares nothing with OpenSSL's handshake code; libc only.
 *
 * No message is acceptable in two forms, whatever a client sends. For every
 * pair of what one use takes and another does not:
 *  - TLS 1.3 server and client, delegated credential: 64 blanks, then texts
 *    that differ.
 *  - Any of these and a request or a client's transcript: these start with a
 *    blank, a request with 30, a transcript with 01.
 *  - Any of these and a ServerKeyExchange: at byte 64 these have 'T'. There an
 *    ECDHE one has 03, and a sound DHE one the high byte of p's length: 01 to
 *    04, as p has 256 to 1024 bytes.
 *  - A request and a transcript: 30 and 01 at byte 0.
 *  - A request and a ServerKeyExchange, of either kind: a request is a DER
 *    SEQUENCE of exactly its length whose first element is an INTEGER of one
 *    byte. A ServerKeyExchange of that form is confusable. The other way round,
 *    so is a request that some client could take for a ServerKeyExchange: what
 *    is both is accepted as neither.
 *  - A transcript and a ServerKeyExchange, of either kind: a transcript passes
 *    transcript_starts(). A ServerKeyExchange that does is confusable. The other
 *    way round, a transcript is longer than any ECDHE one, and confusable like
 *    a request.
 *  - ECDHE and DHE: the former has at most 64 + 4 + 255 bytes, a sound one of
 *    the latter at least 64 + 2 + 256 + 3 + 3.
 * tests/fuzz/fuzz_grammar.c tries to find a message that refutes this.
 */
#ifndef KEYD_SESSION_GRAMMAR_H
#define KEYD_SESSION_GRAMMAR_H

#include "wire/cursor.h"
#include "wire/tlsgroup.h"

enum grammar_form {
	GRAMMAR_OTHER,
	GRAMMAR_TLS13_SERVER, /* CertificateVerify, RFC 8446 §4.4.3 */
	GRAMMAR_TLS13_CLIENT,
	GRAMMAR_DELEGATED,    /* delegated credential, RFC 9345 §4 */
	GRAMMAR_TLS12_SERVER, /* ECDHE ServerKeyExchange, RFC 8422 §5.4 */
	GRAMMAR_TLS12_DHE,    /* DHE ServerKeyExchange, RFC 5246 §7.4.3 */
	GRAMMAR_TLS12_CLIENT, /* CertificateVerify, RFC 5246 §7.4.8 */
	GRAMMAR_CSR,          /* CertificationRequestInfo, RFC 2986 §4.1 */
};

/* Why a message that has the outline of such a form is not accepted. */
enum grammar_defect {
	GRAMMAR_SOUND,
	GRAMMAR_GROUP,      /* ECDHE: none of tlsgroup.h */
	GRAMMAR_POINT,      /* ECDHE: not on the curve, compressed, or of small
			       order */
	GRAMMAR_DHE_GROUP,  /* DHE: no sound group, or no element of it */
	GRAMMAR_CONFUSABLE, /* also the start of another format */
};

struct grammar_result {
	enum grammar_form form;
	enum grammar_defect defect; /* of the last four */
	bool sentinel;              /* of a server's: RFC 8446 §4.1.3 */
	uint16_t groups;            /* ECDHE: the bit of its group, or 0 */
};

/*
 * Is the uncompressed point (04 ‖ x ‖ y) on this curve? group is the number of
 * one with a curve in tlsgroup.h, len that of its points.
 */
typedef bool
grammar_on_curve_fn(uint16_t group, const uint8_t *point, size_t len);

/*
 * Classifies message. spki is the SubjectPublicKeyInfo (DER) of the key that
 * is asked to sign: a request counts as one only with this very key inside.
 */
struct grammar_result grammar_classify(
	struct view message, struct view spki, grammar_on_curve_fn *on_curve);

#endif
