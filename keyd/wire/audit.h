/* The audit record: docs/PROTOCOL.md §9. */
#ifndef KEYD_WIRE_AUDIT_H
#define KEYD_WIRE_AUDIT_H

#include "proto.h"

enum {
	AUDIT_LEN = 160,
	AUDIT_VERSION = 1,
};

enum audit_kind {
	AUDIT_REFUSED = 1,
	AUDIT_WOULD_REFUSE = 2,
	AUDIT_FAILED = 3,
	AUDIT_SESSION_START = 16,
	AUDIT_SESSION_END = 17,
	AUDIT_TURNED_AWAY = 18,
};

struct audit {
	uint8_t kind, type, algorithm, digest, input;
	uint16_t status, detail, salt;
	uint32_t lost, pid, peer_pid, peer_uid, peer_gid, length, code;
	uint64_t generation;
	uint8_t hash[PROTO_HASH_LEN];
	char name[64]; /* terminated; any bytes before that when decoded */
};

void audit_encode(const struct audit *a, uint8_t out[AUDIT_LEN]);

/* -1: wrong length or version, unknown kind, reserved bytes. The name is terminated, not
 * otherwise checked: the logger escapes. */
MUST_USE int audit_decode(const void *data, size_t len, struct audit *out);

#endif
