/* Points of curves, for the policy's grammar. */
#ifndef KEYD_SESSION_CURVE_H
#define KEYD_SESSION_CURVE_H

#include "session/grammar.h"

/* Before the system-call filter. 0, or -1 if libcrypto has not the curves of
 * TLSGROUP_DEFAULT; others may be missing. */
MUST_USE int curve_init(void);

/* A grammar_on_curve_fn. False for all before curve_init(), and on a curve that
 * libcrypto has not. */
bool curve_has_point(uint16_t group, const uint8_t *point, size_t len);

#endif
