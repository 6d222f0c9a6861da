#include <criterion/criterion.h>

#include "wire/audit.h"

#include <string.h>

static struct audit
sample(void)
{
	struct audit a = { .kind = AUDIT_REFUSED,
		.type = 4,
		.algorithm = 2,
		.digest = 3,
		.input = 1,
		.status = 0x0102,
		.detail = 0x0304,
		.salt = 0x0506,
		.lost = 0x10111213,
		.pid = 0x14151617,
		.peer_pid = 0x18191a1b,
		.peer_uid = 0x1c1d1e1f,
		.peer_gid = 0x20212223,
		.length = 0x24252627,
		.code = 0x28292a2b,
		.generation = 0x2c2d2e2f30313233,
		.name = "www.example.org" };

	memset(a.hash, 0xaa, sizeof(a.hash));
	return a;
}

Test(audit, comes_back_as_it_went)
{
	struct audit a = sample(), b;
	uint8_t buf[AUDIT_LEN], again[AUDIT_LEN];

	audit_encode(&a, buf);
	cr_assert_eq(audit_decode(buf, sizeof(buf), &b), 0);
	audit_encode(&b, again);
	cr_assert_arr_eq(buf, again, sizeof(buf));
	cr_assert_eq(memcmp(b.hash, a.hash, sizeof(a.hash)), 0);
	cr_assert_str_eq(b.name, a.name);
	cr_assert(b.kind == a.kind && b.type == a.type && b.code == a.code &&
		  b.generation == a.generation && b.peer_gid == a.peer_gid);
}

/* docs/PROTOCOL.md §9: offset and first byte of each field of the sample. */
static const struct {
	size_t at;
	uint8_t value;
} layout[] = {
	{ 0, 1 },
	{ 1, AUDIT_REFUSED },
	{ 2, 4 },
	{ 3, 2 },
	{ 4, 3 },
	{ 5, 1 },
	{ 6, 0x01 },
	{ 8, 0x03 },
	{ 10, 0x05 },
	{ 12, 0x10 },
	{ 16, 0x14 },
	{ 20, 0x18 },
	{ 24, 0x1c },
	{ 28, 0x20 },
	{ 32, 0x24 },
	{ 36, 0x28 },
	{ 40, 0x2c },
	{ 48, 0xaa },
	{ 79, 0xaa },
	{ 80, 'w' },
	{ 95, 0 },
	{ 143, 0 },
	{ 144, 0 },
	{ 159, 0 },
};

Test(audit, fields_lie_where_the_specification_says)
{
	struct audit a = sample();
	uint8_t buf[AUDIT_LEN];
	size_t i;

	audit_encode(&a, buf);
	for (i = 0; i < sizeof(layout) / sizeof(layout[0]); i++)
		cr_assert_eq(buf[layout[i].at], layout[i].value, "at %zu",
			layout[i].at);
}

Test(audit, only_its_own_length_is_accepted)
{
	struct audit a = sample(), b = { .pid = 77 };
	uint8_t buf[AUDIT_LEN + 1] = { 0 };
	size_t len;

	audit_encode(&a, buf);
	for (len = 0; len <= sizeof(buf); len++)
		cr_assert_eq(
			audit_decode(buf, len, &b), len == AUDIT_LEN ? 0 : -1);
	b.pid = 77;
	cr_assert_eq(audit_decode(buf, 1, &b), -1);
	cr_assert_eq(b.pid, 77);
}

Test(audit, unknown_versions_kinds_and_reserved_bytes_are_refused)
{
	struct audit a = sample(), b;
	uint8_t buf[AUDIT_LEN];
	size_t at;
	int v;

	audit_encode(&a, buf);
	for (v = 0; v < 256; v++) {
		buf[0] = (uint8_t)v;
		cr_assert_eq(
			audit_decode(buf, sizeof(buf), &b), v == 1 ? 0 : -1);
	}
	buf[0] = 1;
	for (v = 0; v < 256; v++) {
		buf[1] = (uint8_t)v;
		cr_assert_eq(audit_decode(buf, sizeof(buf), &b),
			(v >= 1 && v <= 3) || (v >= 16 && v <= 18) ? 0 : -1,
			"kind %d", v);
	}
	buf[1] = AUDIT_FAILED;
	for (at = 144; at < AUDIT_LEN; at++) {
		buf[at] = 1;
		cr_assert_eq(audit_decode(buf, sizeof(buf), &b), -1);
		buf[at] = 0;
	}
}

Test(audit, a_name_without_end_is_given_one)
{
	struct audit a = sample(), b;
	uint8_t buf[AUDIT_LEN];

	memset(a.name, 'x', sizeof(a.name));
	audit_encode(&a, buf);
	cr_assert_eq(buf[80 + 62], 'x');
	cr_assert_eq(buf[80 + 63], 0);
	memset(buf + 80, 0xff, 64);
	cr_assert_eq(audit_decode(buf, sizeof(buf), &b), 0);
	cr_assert_eq(strlen(b.name), 63);
}
