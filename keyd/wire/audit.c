#include "audit.h"

#include <string.h>

void
audit_encode(const struct audit *a, uint8_t out[AUDIT_LEN])
{
	struct writer w = writer_init(out, AUDIT_LEN);

	memset(out, 0, AUDIT_LEN);
	writer_u8(&w, AUDIT_VERSION);
	writer_u8(&w, a->kind);
	writer_u8(&w, a->type);
	writer_u8(&w, a->algorithm);
	writer_u8(&w, a->digest);
	writer_u8(&w, a->input);
	writer_u16(&w, a->status);
	writer_u16(&w, a->detail);
	writer_u16(&w, a->salt);
	writer_u32(&w, a->lost);
	writer_u32(&w, a->pid);
	writer_u32(&w, a->peer_pid);
	writer_u32(&w, a->peer_uid);
	writer_u32(&w, a->peer_gid);
	writer_u32(&w, a->length);
	writer_u32(&w, a->code);
	writer_u64(&w, a->generation);
	writer_bytes(&w, a->hash, sizeof(a->hash));
	writer_bytes(&w, a->name, strnlen(a->name, sizeof(a->name) - 1));
}

static bool
is_kind(uint8_t kind)
{
	return (kind >= AUDIT_REFUSED && kind <= AUDIT_FAILED) ||
	       (kind >= AUDIT_SESSION_START && kind <= AUDIT_TURNED_AWAY);
}

int
audit_decode(const void *data, size_t len, struct audit *out)
{
	struct reader r = reader_init(data, len);
	static const uint8_t zeros[16];
	uint8_t reserved[sizeof(zeros)];
	struct audit a = { 0 };
	uint8_t version = reader_u8(&r);

	a.kind = reader_u8(&r);
	a.type = reader_u8(&r);
	a.algorithm = reader_u8(&r);
	a.digest = reader_u8(&r);
	a.input = reader_u8(&r);
	a.status = reader_u16(&r);
	a.detail = reader_u16(&r);
	a.salt = reader_u16(&r);
	a.lost = reader_u32(&r);
	a.pid = reader_u32(&r);
	a.peer_pid = reader_u32(&r);
	a.peer_uid = reader_u32(&r);
	a.peer_gid = reader_u32(&r);
	a.length = reader_u32(&r);
	a.code = reader_u32(&r);
	a.generation = reader_u64(&r);
	reader_copy(&r, a.hash, sizeof(a.hash));
	reader_copy(&r, a.name, sizeof(a.name));
	reader_copy(&r, reserved, sizeof(reserved));
	if (reader_finish(&r) < 0 || version != AUDIT_VERSION ||
		!is_kind(a.kind) || memcmp(reserved, zeros, sizeof(zeros)) != 0)
		return -1;
	a.name[sizeof(a.name) - 1] = '\0';
	*out = a;
	return 0;
}
