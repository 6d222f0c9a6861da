/*
 * Is a message also the start of a format that other programs verify
 * signatures over? Whoever asks for a TLS 1.2 signature chooses both randoms
 * and most of the point or group, so a ServerKeyExchange can be built that is
 * at once a certificate request, a COSE structure or what a TLS client signs.
 * libc only.
 */
#ifndef KEYD_SESSION_CONFUSABLE_H
#define KEYD_SESSION_CONFUSABLE_H

#include "wire/cursor.h"

/*
 * True if a ServerKeyExchange, by the start of message or its end, is also
 *  - the start of a BER or DER structure of exactly the message's length
 *    which begins as do those that are signed in practice: certificate,
 *    request, revocation list, OCSP response, SPKAC, CMS attributes, CMP;
 *  - the start of a COSE Sig_structure (RFC 9052 §4.4, RFC 9338) or of a
 *    tagged COSE_Sign1 or COSE_Sign;
 *  - the start of what ssh-keygen signs (SSHSIG), or the end of what OpenPGP
 *    signs, which has its fixed bytes there;
 *  - the start of a TLS 1.2 client's transcript (transcript_starts());
 *  - something that holds any six consecutive bytes of spki, the
 *    SubjectPublicKeyInfo (DER) of the key that is asked to sign. A structure
 *    which binds that key to a name, such as a request, holds it or at least
 *    the octets of its algorithm's OBJECT IDENTIFIER (seven or more), which no
 *    encoding can divide; an honest server sends nothing of the kind; or
 *  - a text: the client's random is printable ASCII. That is how web tokens
 *    (RFC 7515, RFC 7797), DSSE and most documents start.
 * Of structures only the start is looked at, since parsers differ in what they
 * tolerate behind it. Each pattern matches 31 bits or more, so that an honest
 * handshake with random bytes is hit about once in a thousand million.
 */
bool confusable(struct view message, struct view spki);

#endif
