/*
 * Public values of X25519 and X448 (RFC 7748), which come as they are sent: any
 * bytes are some point. libc only.
 */
#ifndef KEYD_SESSION_MONTGOMERY_H
#define KEYD_SESSION_MONTGOMERY_H

#include "wire/cursor.h"

/*
 * Are these 32 bytes a value of X25519, and none of small order, on the curve or
 * its twist, in whatever encoding? Of those the shared secret is zero whatever
 * the other side's key is (RFC 7748 §6.1). No honest key has one.
 */
bool montgomery_is_x25519(struct view value);

/* The same of 56 bytes and X448 (RFC 7748 §6.2). */
bool montgomery_is_x448(struct view value);

#endif
