/* Messages between keyd's processes, and descriptors on the way. */
#include <criterion/criterion.h>

#include "wire/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VIEW(s)                                                                \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

struct message {
	const char *name;
	void (*make)(struct writer *w);
	int (*remake)(struct reader *r, struct writer *w);
};

static void
make_key(struct writer *w)
{
	boot_put_key(w, &(struct boot_key){ "www", 5, ENOENT, EACCES });
}

static int
remake_key(struct reader *r, struct writer *w)
{
	struct boot_key k;

	if (boot_get_key(r, &k) < 0)
		return -1;
	boot_put_key(w, &k);
	return 0;
}

static void
make_set(struct writer *w)
{
	boot_put_set(w, &(struct boot_set){ .nuids = 2,
				.ngids = 1,
				.nunits = 2,
				.ring_kind = BOOT_RING_SEALED,
				.ring_len = 4096,
				.keys = 3,
				.listeners = 5,
				.uids = { 33, 0 },
				.gids = { 1000 },
				.units = { "nginx.service", "a" } });
}

static int
remake_set(struct reader *r, struct writer *w)
{
	struct boot_set s;

	if (boot_get_set(r, &s) < 0)
		return -1;
	boot_put_set(w, &s);
	return 0;
}

static void
make_start(struct writer *w)
{
	boot_put_start(w, &(struct boot_start){ .number = 1ULL << 50,
				  .generation = 9,
				  .peer_pid = 4711,
				  .peer_uid = 33,
				  .peer_gid = 34,
				  .index_len = 52,
				  .nrings = 2,
				  .ring_len = { 100, BOOT_MAX_RING } });
}

static int
remake_start(struct reader *r, struct writer *w)
{
	struct boot_start s;

	if (boot_get_start(r, &s) < 0)
		return -1;
	boot_put_start(w, &s);
	return 0;
}

static void
make_description(struct writer *w)
{
	struct boot_description d = { .key_type = PROTO_KEY_RSA,
		.bits = 2048,
		.form = BOOT_FORM_SHELL,
		.name = VIEW("www"),
		.spki = VIEW("not looked into"),
		.certificate = 1,
		.use = PROTO_USE_TLS_SERVER,
		.certain = 1,
		.not_before = 1,
		.not_after = 1ULL << 40,
		.subject = VIEW("CN=www"),
		.why = VIEW("because") };

	memset(d.hash, 0x5a, sizeof(d.hash));
	boot_put_description(w, &d);
}

static int
remake_description(struct reader *r, struct writer *w)
{
	struct boot_description d;

	if (boot_get_description(r, &d) < 0)
		return -1;
	boot_put_description(w, &d);
	return 0;
}

static void
make_foreign(struct writer *w)
{
	boot_put_foreign(
		w, &(struct boot_foreign){ "/srv/tenant", 58200, 01777 });
}

static int
remake_foreign(struct reader *r, struct writer *w)
{
	struct boot_foreign f;

	if (boot_get_foreign(r, &f) < 0)
		return -1;
	boot_put_foreign(w, &f);
	return 0;
}

static const struct message messages[] = {
	{ "foreign", make_foreign, remake_foreign },
	{ "key", make_key, remake_key },
	{ "set", make_set, remake_set },
	{ "start", make_start, remake_start },
	{ "description", make_description, remake_description },
};

static size_t
make(const struct message *m, uint8_t *buf, size_t size)
{
	struct writer w = writer_init(buf, size);
	size_t len = 0;

	m->make(&w);
	cr_assert_eq(writer_finish(&w, &len), 0, "%s", m->name);
	return len;
}

static int
remake(const struct message *m, const uint8_t *in, size_t len, uint8_t *out,
	size_t size, size_t *out_len)
{
	struct reader r = reader_init(in, len);
	struct writer w = writer_init(out, size);

	if (m->remake(&r, &w) < 0)
		return -1;
	return writer_finish(&w, out_len);
}

Test(boot, every_message_comes_back_as_it_went)
{
	uint8_t in[512], out[512];
	size_t i, len, n;

	for (i = 0; i < COUNT(messages); i++) {
		len = make(&messages[i], in, sizeof(in));
		cr_assert_eq(
			remake(&messages[i], in, len, out, sizeof(out), &n), 0,
			"%s", messages[i].name);
		cr_assert_eq(n, len);
		cr_assert_arr_eq(in, out, len);
	}
}

Test(boot, every_truncation_and_trailing_byte_is_refused)
{
	uint8_t in[513], out[513];
	size_t i, len, n, cut;

	for (i = 0; i < COUNT(messages); i++) {
		len = make(&messages[i], in, sizeof(in) - 1);
		for (cut = 0; cut < len; cut++)
			cr_assert_eq(remake(&messages[i], in, cut, out,
					     sizeof(out), &n),
				-1, "%s, %zu", messages[i].name, cut);
		for (cut = 0; cut < 256; cut++) {
			in[len] = (uint8_t)cut;
			cr_assert_eq(remake(&messages[i], in, len + 1, out,
					     sizeof(out), &n),
				-1, "%s", messages[i].name);
		}
	}
}

Test(boot, every_mutation_is_refused_or_comes_back_as_it_went)
{
	uint8_t in[512], out[512], good;
	size_t i, at, len, n;
	int byte;

	for (i = 0; i < COUNT(messages); i++) {
		len = make(&messages[i], in, sizeof(in));
		for (at = 0; at < len; at++) {
			good = in[at];
			for (byte = 0; byte < 256; byte++) {
				in[at] = (uint8_t)byte;
				if (remake(&messages[i], in, len, out,
					    sizeof(out), &n) < 0)
					continue;
				cr_assert_eq(n, len, "%s at %zu",
					messages[i].name, at);
				cr_assert_arr_eq(in, out, len);
			}
			in[at] = good;
		}
	}
}

/* Fields of the structures out of the bounds of §10 and §11. */
static int
put_and_get_set(const struct boot_set *s)
{
	uint8_t buf[2048];
	struct writer w = writer_init(buf, sizeof(buf));
	struct boot_set out;
	struct reader r;

	boot_put_set(&w, s);
	r = reader_init(buf, writer_len(&w));
	return boot_get_set(&r, &out);
}

Test(boot, sets_out_of_bounds_are_refused)
{
	struct boot_set good = { .nuids = BOOT_MAX_UIDS,
		.ngids = BOOT_MAX_GIDS,
		.nunits = BOOT_MAX_UNITS,
		.ring_kind = BOOT_RING_SECRET,
		.ring_len = BOOT_MAX_RING,
		.listeners = 1 };
	struct boot_set bad;
	uint8_t head[1024] = { BOOT_MAX_UIDS + 1, 0, 0, 1, 0, 0, 1, [12] = 1 };
	struct reader r;
	unsigned i;

	for (i = 0; i < BOOT_MAX_UNITS; i++)
		memset(good.units[i], 'u', BOOT_MAX_UNIT);
	cr_assert_eq(put_and_get_set(&good), 0);
	bad = good;
	bad.ring_len = BOOT_MAX_RING + 1;
	cr_assert_eq(put_and_get_set(&bad), -1);
	bad.ring_len = 0;
	cr_assert_eq(put_and_get_set(&bad), -1);
	for (i = 0; i < 256; i++) {
		bad = good;
		bad.ring_kind = (uint8_t)i;
		cr_assert_eq(put_and_get_set(&bad), i == 1 || i == 2 ? 0 : -1);
	}
	bad = good;
	bad.listeners = 0;
	cr_assert_eq(put_and_get_set(&bad), -1);
	bad = good;
	bad.units[7][0] = '\0';
	cr_assert_eq(put_and_get_set(&bad), -1);
	/* Counts that no structure can hold, with all the bytes for them. */
	r = reader_init(head, 16 + 4 * (BOOT_MAX_UIDS + 1));
	cr_assert_eq(boot_get_set(&r, &bad), -1);
	head[0] = 0;
	head[1] = BOOT_MAX_GIDS + 1;
	r = reader_init(head, 16 + 4 * (BOOT_MAX_GIDS + 1));
	cr_assert_eq(boot_get_set(&r, &bad), -1);
	head[1] = 0;
	head[2] = BOOT_MAX_UNITS + 1;
	for (i = 0; i < BOOT_MAX_UNITS + 1; i++)
		head[16 + 2 * i] = head[17 + 2 * i] = 1;
	r = reader_init(head, 16 + 2 * (BOOT_MAX_UNITS + 1));
	cr_assert_eq(boot_get_set(&r, &bad), -1);
	head[2] = BOOT_MAX_UNITS;
	r = reader_init(head, 16 + 2 * BOOT_MAX_UNITS);
	cr_assert_eq(boot_get_set(&r, &bad), 0);
	head[17] = 0; /* a zero in a name */
	r = reader_init(head, 16 + 2 * BOOT_MAX_UNITS);
	cr_assert_eq(boot_get_set(&r, &bad), -1);
}

Test(boot, starts_out_of_bounds_are_refused)
{
	uint8_t buf[512] = { 0 };
	struct boot_start s = { .index_len = 1, .nrings = BOOT_MAX_RINGS };
	struct boot_start out = { .number = 77 };
	struct writer w = writer_init(buf, sizeof(buf));
	struct reader r;
	unsigned i;

	for (i = 0; i < BOOT_MAX_RINGS; i++)
		s.ring_len[i] = 1;
	boot_put_start(&w, &s);
	r = reader_init(buf, writer_len(&w));
	cr_assert_eq(boot_get_start(&r, &out), 0);
	out.number = 77;
	buf[31] = 0; /* the index's length */
	r = reader_init(buf, writer_len(&w));
	cr_assert_eq(boot_get_start(&r, &out), -1);
	buf[31] = 1;
	buf[28] = 0x80;
	r = reader_init(buf, writer_len(&w));
	cr_assert_eq(boot_get_start(&r, &out), -1);
	buf[28] = 0;
	buf[writer_len(&w) - 1] = 0; /* a ring's */
	r = reader_init(buf, writer_len(&w));
	cr_assert_eq(boot_get_start(&r, &out), -1);
	buf[writer_len(&w) - 4] = 0x80;
	r = reader_init(buf, writer_len(&w));
	cr_assert_eq(boot_get_start(&r, &out), -1);
	buf[writer_len(&w) - 4] = 0;
	buf[writer_len(&w) - 1] = 1;
	buf[32] = BOOT_MAX_RINGS + 1;
	buf[writer_len(&w) + 3] = 1;
	r = reader_init(buf, writer_len(&w) + 4);
	cr_assert_eq(boot_get_start(&r, &out), -1);
	cr_assert_eq(out.number, 77);
}

static int pair[2];

static void
open_pair(void)
{
	cr_assert_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

/* How many descriptors are open. */
static int
count_open(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

Test(boot, datagrams_carry_descriptors, .init = open_pair)
{
	int fds[2] = { 0, 1 }, got[BOOT_MAX_RINGS + 2];
	char buf[8];
	size_t n;

	cr_assert_eq(boot_send(pair[0], "hello", 5, fds, 2), 0);
	cr_assert_eq(boot_recv(pair[1], buf, sizeof(buf), got,
			     BOOT_MAX_RINGS + 2, &n),
		5);
	cr_assert_eq(n, 2);
	cr_assert_eq(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fcntl(got[1], F_GETFD), FD_CLOEXEC);
	cr_assert_eq(close(pair[0]), 0);
	cr_assert_eq(boot_recv(pair[1], buf, sizeof(buf), got, 2, &n), 0);
	cr_assert_eq(n, 0);
	cr_assert_eq(boot_send(pair[1], "x", 1, NULL, 0), -1);
	cr_assert_eq(errno, EPIPE);
}

Test(boot, what_does_not_fit_is_refused_and_leaves_no_descriptor,
	.init = open_pair)
{
	int fds[BOOT_MAX_RINGS + 3] = { 0 }, got[BOOT_MAX_RINGS + 2];
	int before = count_open();
	char buf[4];
	size_t n = 7;

	cr_assert_eq(boot_send(pair[0], "x", 1, fds, BOOT_MAX_RINGS + 3), -1);
	cr_assert_eq(boot_send(pair[0], "x", 1, fds, BOOT_MAX_RINGS + 2), 0);
	cr_assert_eq(boot_recv(pair[1], buf, sizeof(buf), got, 2, &n), -1);
	cr_assert_eq(errno, EBADMSG);
	cr_assert_eq(n, 0);
	cr_assert_eq(boot_send(pair[0], "too long", 8, fds, 2), 0);
	cr_assert_eq(boot_recv(pair[1], buf, sizeof(buf), got, 2, &n), -1);
	cr_assert_eq(errno, EBADMSG);
	cr_assert_eq(count_open(), before);
	cr_assert_eq(boot_send(pair[0], "x", 1, fds, BOOT_MAX_RINGS + 2), 0);
	cr_assert_eq(boot_recv(pair[1], buf, sizeof(buf), got,
			     BOOT_MAX_RINGS + 2, &n),
		1);
	cr_assert_eq(n, BOOT_MAX_RINGS + 2);
}
