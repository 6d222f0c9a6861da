/*
 * Finite-field Diffie-Hellman parameters of a TLS 1.2 ServerKeyExchange
 * (RFC 5246 §7.4.3). libc only.
 */
#ifndef KEYD_SESSION_DHE_H
#define KEYD_SESSION_DHE_H

#include "wire/cursor.h"

enum dhe {
	DHE_NONE,
	DHE_OUTLINE, /* but no group that any client would take */
	DHE_WEAK,    /* one that some client might take */
	DHE_SOUND,   /* one that keyd signs */
};

/*
 * Looks at params: dh_p, dh_g and dh_Ys, each with a length of 16 bits, and
 * nothing more; none is empty, none is longer than p.
 *
 * Weak: p is odd and has 64 to 2048 bytes. Sound: p has 2048 to 8192 bits and
 * no leading zero byte, 2 <= g <= p - 2 and 2 <= Ys <= p - 2 (RFC 7919 §5.1).
 * Whether p is a prime is not looked at: who chooses Ys knows the secret in
 * any group.
 */
enum dhe dhe_look(struct view params);

#endif
