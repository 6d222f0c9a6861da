/*
 * May this key do this? Policy of docs/DESIGN.md and docs/PROTOCOL.md §13.
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
 * May this key decrypt with this padding (enum proto_padding)? DETAIL_NONE,
 * DETAIL_RSA_KX_OFF or DETAIL_DECRYPT_OFF. The digests of OAEP are no
 * matter of `weak-digests`: nothing there rests on collisions, and SHA-1 is
 * the default everywhere.
 */
uint16_t policy_check_decrypt(const struct ring_entry *key, uint8_t padding);

/* May this key derive a secret? DETAIL_NONE or DETAIL_DECRYPT_OFF. */
uint16_t policy_check_derive(const struct ring_entry *key);

/*
 * Is a refusal only recorded for now (`enforce = log until …`)? now: seconds
 * since 1970.
 */
bool policy_is_lenient(const struct ring_entry *key, uint64_t now);

#endif
