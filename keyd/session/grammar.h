/*
 * What is this message? Recognises the messages that TLS and certificate
 * requests have signed (docs/DESIGN.md, "Policy"), so that a key can be kept
 * to one purpose. Shares nothing with OpenSSL's handshake code; libc only.
 *
 * The forms exclude each other, whatever a client sends:
 *  - TLS 1.3 messages and delegated credentials start with 64 blanks and
 *    differ from each other in the text behind them.
 *  - A ServerKeyExchange has 03 at byte 64, where those have 'T'.
 *  - A request is a DER SEQUENCE of exactly its length whose first element
 *    is an INTEGER of one byte. A ServerKeyExchange of that form is
 *    confusable, and never of form GRAMMAR_TLS12_SERVER with defect NONE.
 */
#ifndef KEYD_SESSION_GRAMMAR_H
#define KEYD_SESSION_GRAMMAR_H

#include "wire/cursor.h"

enum grammar_form {
	GRAMMAR_OTHER,
	GRAMMAR_TLS13_SERVER, /* CertificateVerify, RFC 8446 §4.4.3 */
	GRAMMAR_TLS13_CLIENT,
	GRAMMAR_DELEGATED,    /* delegated credential, RFC 9345 §4 */
	GRAMMAR_TLS12_SERVER, /* ECDHE ServerKeyExchange, RFC 8422 §5.4 */
	GRAMMAR_CSR,          /* CertificationRequestInfo, RFC 2986 §4.1 */
};

/* Why a message that has a ServerKeyExchange's outline is not accepted. */
enum grammar_defect {
	GRAMMAR_SOUND,
	GRAMMAR_GROUP,      /* not x25519, P-256 or P-384 */
	GRAMMAR_POINT,      /* not on the curve, compressed, or zero */
	GRAMMAR_CONFUSABLE, /* also the start of another format */
};

struct grammar_result {
	enum grammar_form form;
	enum grammar_defect defect; /* GRAMMAR_TLS12_SERVER only */
	bool sentinel;              /* downgrade sentinel, RFC 8446 §4.1.3 */
};

/* Named groups of the IANA registry "TLS Supported Groups". */
enum grammar_group {
	GRAMMAR_P256 = 23,
	GRAMMAR_P384 = 24,
	GRAMMAR_X25519 = 29,
};

/*
 * Is the uncompressed point (04 ‖ x ‖ y) on this curve? group is GRAMMAR_P256
 * or GRAMMAR_P384, len 65 or 97 to match.
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
