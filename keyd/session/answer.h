/*
 * One request in, one reply out: decode, policy, operation, audit. No
 * system call but for audit records and the random numbers of a signature.
 */
#ifndef KEYD_SESSION_ANSWER_H
#define KEYD_SESSION_ANSWER_H

#include "session/keys.h"
#include "session/record.h"

struct session {
	struct keys *keys;
	struct record audit;
	uint64_t generation;
	uint32_t layers; /* in force, bits of docs/PROTOCOL.md §11 */
};

enum answer_next {
	ANSWER_STAY,
	ANSWER_CLOSE, /* after the reply: the peer broke the protocol */
};

/*
 * Answers the datagram data, whatever is in it: always writes a reply of
 * *reply_len bytes. Each refusal and failure is also recorded.
 */
MUST_USE enum answer_next answer(struct session *s, const void *data,
	size_t len, uint8_t reply[PROTO_MAX_REPLY], size_t *reply_len);

/*
 * The same for what cannot be answered from its bytes: PROTO_MALFORMED (the
 * datagram did not fit) or PROTO_IDENTITY, with the sender's pid and uid.
 */
void answer_error(struct session *s, enum proto_status status, size_t len,
	uint32_t pid, uint32_t uid, uint8_t reply[PROTO_MAX_REPLY],
	size_t *reply_len);

#endif
