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
 *    request, revocation list, OCSP request and response, SPKAC, CMS
 *    attributes, CMP, PKINIT;
 *  - the start of a COSE Sig_structure (RFC 9052 §4.4, RFC 9338) or of a
 *    tagged COSE_Sign1 or COSE_Sign;
 *  - the start of what ssh-keygen (SSHSIG) or DSSE signs, or the end of what
 *    OpenPGP signs, which has its fixed bytes there;
 *  - the start of a TLS 1.2 client's transcript (transcript_starts());
 *  - something that holds any six consecutive bytes of spki, the
 *    SubjectPublicKeyInfo (DER) of the key that is asked to sign. A structure
 *    which binds that key to a name, such as a request, holds it or at least
 *    the octets of its algorithm's OBJECT IDENTIFIER (seven or more), which no
 *    encoding can divide; an honest server sends nothing of the kind;
 *  - a text: the client's random is UTF-8 without control characters, or 52
 *    bytes of both randoms are printable ASCII;
 *  - of a binary format with lengths or numbers of 32 or 64 bits, or a text in
 *    UTF-16: eight bytes of both randoms are zero; or
 *  - a web token (RFC 7515) for decoders that skip bytes which are not base64.
 * Of structures only the start is looked at, since parsers differ in what they
 * tolerate behind it. An honest handshake is hit once in 2^28 to 2^29, mostly
 * by structures that begin with a context-specific tag; each other pattern
 * matches one in 2^31 or fewer.
 *
 * It is not proof: docs/THREATS.md has what could still be found.
 */
bool confusable(struct view message, struct view spki);

/*
 * The same for a transcript, which has a start of its own: true if it is a web
 * token or ends as what OpenPGP signs. Of honest ones once in 2^31; where the
 * first label of the server's name happens to decode to a closing brace, once in
 * 2^26.
 */
bool confusable_transcript(struct view message);

#endif
