/*
 * Is a message also the start of a format that other programs verify
 * signatures over? Whoever asks for a TLS 1.2 signature chooses both randoms
 * and most of the point, so a ServerKeyExchange can be built that is at once
 * a certificate request or a COSE structure. libc only.
 */
#ifndef KEYD_SESSION_CONFUSABLE_H
#define KEYD_SESSION_CONFUSABLE_H

#include "wire/cursor.h"

/*
 * True if message is
 *  - the start of a BER or DER structure of exactly the message's length
 *    which begins as do those that are signed in practice: certificate,
 *    request, revocation list, OCSP response, SPKAC, CMS attributes, CMP; or
 *  - the start of a COSE Sig_structure (RFC 9052 §4.4, RFC 9338) or of a
 *    tagged COSE_Sign1 or COSE_Sign.
 * Only the start is looked at, since parsers differ in what they tolerate
 * behind it. Each pattern matches 31 bits or more, so that an honest handshake
 * with random bytes is hit about once in a thousand million.
 */
bool confusable(struct view message);

#endif
