/*
 * May this key sign this? Policy of docs/DESIGN.md and docs/PROTOCOL.md §13.
 * libc only: libcrypto comes in through on_curve.
 */
#ifndef KEYD_SESSION_POLICY_H
#define KEYD_SESSION_POLICY_H

#include "ring/ring.h"
#include "session/grammar.h"

/*
 * Checks m, whose scheme is known to fit the key, against the key's policy.
 * Returns DETAIL_NONE if it may be signed, else the rule that forbids it.
 * A key with several uses may sign what any of them allows; the detail is then
 * that of the use which the message resembles most.
 */
uint16_t policy_check(const struct ring_entry *key, const struct proto_sign *m,
	grammar_on_curve_fn *on_curve);

/*
 * Is a refusal only recorded for now (`enforce = log until …`)? now: seconds
 * since 1970.
 */
bool policy_is_lenient(const struct ring_entry *key, uint64_t now);

#endif
