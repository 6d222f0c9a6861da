/*
 * Frames and messages. The first byte chooses: what a client sends, through
 * the session's whole dispatch; or what any other decoder gets.
 */
#include "fuzz.h"

#include <string.h>

#include "session/answer.h"
#include "session/curve.h"
#include "session/sign.h"
#include "wire/boot.h"
#include "wire/status.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct session session;

/* Two keys with a hash of one letter; what is private in them is nonsense, so
 * that an operation ends where libcrypto begins. */
static void
make_keys(void)
{
	static const uint8_t bytes[] = "made up";
	static uint8_t ring[4096], index[256];
	static struct ring_entry e[2];
	uint8_t hashes[3][PROTO_HASH_LEN];
	struct keys_map r, i;
	size_t n;

	for (n = 0; n < 3; n++)
		memset(hashes[n], (int)('A' + n), PROTO_HASH_LEN);
	for (n = 0; n < 2; n++) {
		e[n].key = (struct proto_key){ .type = n == 0 ? PROTO_KEY_RSA
							      : PROTO_KEY_P256,
			.name = { (const uint8_t *)(n == 0 ? "a" : "b"), 1 },
			.bits = n == 0 ? 2048 : 256,
			.use = PROTO_USE_TLS_SERVER | PROTO_USE_CSR,
			.tls12 = PROTO_TLS12_SENTINEL,
			.spki = { bytes, sizeof(bytes) } };
		memcpy(e[n].key.hash, hashes[n], PROTO_HASH_LEN);
		e[n].private_key = (struct view){ bytes, sizeof(bytes) };
	}
	r = (struct keys_map){ ring, ring_size(e, 2) };
	i = (struct keys_map){ index, ring_index_size(3) };
	must(ring_write(e, 2, ring, r.len) == 0);
	must(ring_index_write((const uint8_t(*)[PROTO_HASH_LEN])hashes, 3,
		     index, i.len) == 0);
	must(keys_new(i, &r, 1, &session.keys) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(sign_init() == 0 && curve_init() == 0);
	session.audit.fd = -1;
	session.generation = session.audit.generation = 5;
	make_keys();
	return 0;
}

/* Reads one byte behind the data of a request that is hard to come by. */
static void
plant(const uint8_t *data, size_t size)
{
	struct proto_request q;
	struct proto_sign m;
	volatile uint8_t sink;

	if (PLANTED && proto_decode_request(data, size, &q) == 0 &&
		q.type == PROTO_SIGN && proto_get_sign(q.body, &m) == 0 &&
		m.scheme.mgf1 != m.scheme.digest && m.scheme.mgf1 != 0) {
		sink = m.data.data[m.data.len];
		(void)sink;
	}
}

static void
as_request(const uint8_t *data, size_t size)
{
	static uint8_t reply[PROTO_MAX_REPLY];
	enum answer_next next;
	struct proto_request q;
	struct proto_reply r;
	size_t len = 0;

	plant(data, size);
	next = answer(&session, data, size, reply, &len);
	must(len > 0 && len <= sizeof(reply));
	must(proto_decode_reply(reply, len, &r) == 0);
	must(status_name(r.status) != NULL);
	must((next == ANSWER_CLOSE) ==
		(r.status == PROTO_MALFORMED || r.status == PROTO_BAD_VERSION));
	if (proto_decode_request(data, size, &q) == 0) {
		must(r.id == q.id);
		must(next == ANSWER_CLOSE || r.type == q.type);
	}
	/* No key here can sign: nothing comes out. */
	must(r.type != PROTO_SIGN || r.status != PROTO_OK);
}

static void
read_list(struct view v)
{
	uint8_t hash[PROTO_HASH_LEN];
	struct view name;
	uint32_t next;
	uint16_t count;
	struct reader r = proto_read_list(v, &next, &count);

	while (count-- > 0 && !r.failed)
		proto_read_list_entry(&r, hash, &name);
	(void)!reader_finish(&r);
}

static void
as_body(unsigned which, struct view v)
{
	union {
		struct proto_hello hello;
		struct proto_key key;
		struct proto_status_reply status;
		struct audit audit;
		struct boot_set set;
		struct boot_start start;
		struct boot_description description;
		struct proto_reply reply;
		struct view view;
	} out;
	struct reader r = reader_init(v.data, v.len);
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t n;

	switch (which % 11) {
	case 0:
		(void)!proto_get_hello(v, &out.hello);
		break;
	case 1:
		(void)!proto_get_key(v, &out.key);
		break;
	case 2:
		(void)!proto_get_status(v, &out.status);
		break;
	case 3:
		(void)!audit_decode(v.data, v.len, &out.audit);
		break;
	case 4:
		(void)!boot_get_set(&r, &out.set);
		break;
	case 5:
		(void)!boot_get_start(&r, &out.start);
		break;
	case 6:
		(void)!boot_get_description(&r, &out.description);
		break;
	case 7:
		(void)!proto_decode_reply(v.data, v.len, &out.reply);
		break;
	case 8:
		(void)!proto_get_signature(v, &out.view);
		break;
	case 9:
		read_list(v);
		break;
	default:
		if (ring_open(v.data, v.len, &c, &n) == 0)
			while (ring_next(&c, &e) > 0)
				must(e.private_key.len > 0);
		(void)!ring_index_check(v.data, v.len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] < 128)
		as_request(data + 1, size - 1);
	else
		as_body(data[0], (struct view){ data + 1, size - 1 });
	return 0;
}
