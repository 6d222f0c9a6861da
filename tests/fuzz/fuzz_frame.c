/*
 * Frames and messages. The first byte chooses: what a client sends, through
 * the session's whole dispatch; or what any other decoder gets.
 */
#include "fuzz.h"

#include <string.h>

#include "session/answer.h"
#include "session/curve.h"
#include "session/library.h"
#include "wire/boot.h"
#include "wire/status.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct session session;

/* What is private in a key of nonsense: an operation ends where libcrypto
 * begins. */
static const uint8_t nonsense[] = "made up";

/* RSA of 512 bits and X25519, real, so that what follows libcrypto is met. */
static const uint8_t rsa[] = {
	0x30,
	0x82,
	0x01,
	0x56,
	0x02,
	0x01,
	0x00,
	0x30,
	0x0D,
	0x06,
	0x09,
	0x2A,
	0x86,
	0x48,
	0x86,
	0xF7,
	0x0D,
	0x01,
	0x01,
	0x01,
	0x05,
	0x00,
	0x04,
	0x82,
	0x01,
	0x40,
	0x30,
	0x82,
	0x01,
	0x3C,
	0x02,
	0x01,
	0x00,
	0x02,
	0x41,
	0x00,
	0xD1,
	0x66,
	0xE4,
	0x07,
	0x22,
	0x53,
	0xA3,
	0xF6,
	0xFC,
	0x09,
	0x5E,
	0x99,
	0x0D,
	0x69,
	0x8B,
	0xEB,
	0x0A,
	0x41,
	0x08,
	0x6C,
	0xE7,
	0xE1,
	0x91,
	0xF1,
	0x19,
	0x22,
	0xF8,
	0x71,
	0xCE,
	0xCF,
	0x1C,
	0x00,
	0xC8,
	0x2C,
	0xE0,
	0x44,
	0xBB,
	0x1B,
	0x55,
	0xBC,
	0x9C,
	0x60,
	0x1A,
	0x20,
	0x52,
	0x31,
	0x90,
	0xC1,
	0x68,
	0xFC,
	0x43,
	0x7D,
	0x5B,
	0x3D,
	0x71,
	0xD2,
	0xB9,
	0x62,
	0xCA,
	0xA2,
	0x93,
	0x86,
	0x52,
	0x61,
	0x02,
	0x03,
	0x01,
	0x00,
	0x01,
	0x02,
	0x41,
	0x00,
	0xCF,
	0x5A,
	0x93,
	0x72,
	0x7D,
	0x0B,
	0x55,
	0xD1,
	0xBC,
	0xC1,
	0x8A,
	0x6B,
	0x04,
	0x5C,
	0xFF,
	0xB0,
	0x3E,
	0xF7,
	0x26,
	0xE0,
	0xB0,
	0xBD,
	0x2D,
	0x47,
	0x11,
	0x1D,
	0x0F,
	0xE7,
	0xA2,
	0x62,
	0x73,
	0xD6,
	0x87,
	0xB9,
	0x6B,
	0xEA,
	0xA1,
	0x44,
	0x86,
	0xFE,
	0xF7,
	0x6E,
	0xC4,
	0x4B,
	0xA9,
	0x52,
	0x45,
	0xE2,
	0x57,
	0x55,
	0xD0,
	0xEA,
	0x16,
	0x12,
	0xE3,
	0xE5,
	0x72,
	0xF3,
	0x73,
	0x4F,
	0x19,
	0xC0,
	0x4E,
	0x01,
	0x02,
	0x21,
	0x00,
	0xEC,
	0xD2,
	0x56,
	0xC8,
	0x83,
	0x49,
	0xFE,
	0x0F,
	0x6A,
	0xEA,
	0xB8,
	0xA8,
	0x84,
	0x16,
	0xD8,
	0x4D,
	0x6C,
	0xE9,
	0x91,
	0xA8,
	0x86,
	0xF1,
	0xF8,
	0xEF,
	0xCA,
	0xFC,
	0x18,
	0x98,
	0xEF,
	0x40,
	0xBC,
	0x73,
	0x02,
	0x21,
	0x00,
	0xE2,
	0x5C,
	0x19,
	0xC0,
	0xD6,
	0x2E,
	0x17,
	0x48,
	0xB7,
	0xD7,
	0x9B,
	0x4D,
	0xF7,
	0xE5,
	0x43,
	0x9B,
	0x41,
	0x06,
	0xEC,
	0x26,
	0xBA,
	0x0C,
	0xE2,
	0x72,
	0x7E,
	0x75,
	0xF1,
	0xE6,
	0xBF,
	0xFB,
	0x74,
	0xDB,
	0x02,
	0x21,
	0x00,
	0x8D,
	0x9F,
	0x5B,
	0xF6,
	0x9D,
	0x4C,
	0xEA,
	0x7A,
	0x1D,
	0xDE,
	0x30,
	0x7F,
	0xD6,
	0x3E,
	0x33,
	0x2C,
	0x5A,
	0x2D,
	0x73,
	0xC5,
	0xEC,
	0xAD,
	0x57,
	0xC9,
	0x4F,
	0x02,
	0x63,
	0x53,
	0x52,
	0x00,
	0xCC,
	0xB1,
	0x02,
	0x20,
	0x2C,
	0x7D,
	0x6F,
	0xAE,
	0x60,
	0x2A,
	0x64,
	0xF7,
	0x2C,
	0xF3,
	0x1A,
	0x9A,
	0x43,
	0x7B,
	0xF3,
	0x42,
	0xC3,
	0x90,
	0x29,
	0xC0,
	0x1E,
	0xD7,
	0x43,
	0x76,
	0xBF,
	0x76,
	0x4D,
	0x1A,
	0x4E,
	0x67,
	0x8C,
	0xFB,
	0x02,
	0x21,
	0x00,
	0xD3,
	0x7B,
	0x63,
	0x4E,
	0xF3,
	0x33,
	0x7C,
	0xB8,
	0x67,
	0x43,
	0x07,
	0x2A,
	0xA7,
	0xEB,
	0xAF,
	0xBE,
	0x18,
	0x30,
	0x55,
	0xB6,
	0x3D,
	0xD4,
	0x4F,
	0xDE,
	0x39,
	0xE7,
	0x92,
	0xDA,
	0x38,
	0x48,
	0x84,
	0x5E,
};
static const uint8_t x25519[] = { 0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B,
	0x65, 0x6E, 4, 0x22, 4, 0x20, 'a', ' ', 'p', 'r', 'i', 'v', 'a', 't',
	'e', ' ', 'n', 'u', 'm', 'b', 'e', 'r', ',', ' ', 'o', 'f', ' ', '3',
	'2', ' ', 'b', 'y', 't', 'e', 's', ' ', ' ', '.' };

enum {
	SERVER = PROTO_USE_TLS_SERVER | PROTO_USE_CSR | PROTO_USE_TLS_CLIENT,
	KEYS = 9,
};

/* Their hashes are of one letter each, 'A' and so on. */
static const struct {
	uint8_t type;
	uint16_t bits;
	uint32_t use;
	const uint8_t *private_key;
	size_t len;
} made[KEYS] = {
	{ PROTO_KEY_RSA, 2048, SERVER | PROTO_USE_TLS_DHE, nonsense,
		sizeof(nonsense) },
	{ PROTO_KEY_P256, 256, SERVER, nonsense, sizeof(nonsense) },
	{ PROTO_KEY_ED25519, 256, SERVER, nonsense, sizeof(nonsense) },
	{ PROTO_KEY_ED448, 456, PROTO_USE_SIGN, nonsense, sizeof(nonsense) },
	{ PROTO_KEY_RSA_PSS, 2048, PROTO_USE_SIGN, nonsense, sizeof(nonsense) },
	{ PROTO_KEY_P521, 521, PROTO_USE_SIGN | PROTO_USE_DECRYPT, nonsense,
		sizeof(nonsense) },
	{ PROTO_KEY_RSA, 512, PROTO_USE_TLS_RSA_KX | PROTO_USE_DECRYPT, rsa,
		sizeof(rsa) },
	{ PROTO_KEY_X25519, 253, PROTO_USE_DECRYPT, x25519, sizeof(x25519) },
	{ PROTO_KEY_X448, 448, PROTO_USE_DECRYPT, nonsense, sizeof(nonsense) },
};

/* And one hash more that is in the index alone. */
static void
make_keys(void)
{
	static const uint8_t secret[RING_SECRET] = "K";
	static uint8_t ring[4096], index[512];
	static struct ring_entry e[KEYS];
	uint8_t hashes[KEYS + 1][PROTO_HASH_LEN];
	struct keys_map r, i;
	size_t n;

	for (n = 0; n < KEYS + 1; n++)
		memset(hashes[n], (int)('A' + n), PROTO_HASH_LEN);
	for (n = 0; n < KEYS; n++) {
		e[n].key = (struct proto_key){ .type = made[n].type,
			.name = { (const uint8_t *)"abcdefghi" + n, 1 },
			.bits = made[n].bits,
			.use = made[n].use,
			.tls12 = PROTO_TLS12_SENTINEL,
			.spki = { nonsense, sizeof(nonsense) } };
		memcpy(e[n].key.hash, hashes[n], PROTO_HASH_LEN);
		e[n].private_key =
			(struct view){ made[n].private_key, made[n].len };
		e[n].secrets =
			(struct view){ secret, ring_secret_len(&e[n].key) };
		e[n].tls12_groups = TLSGROUP_ALL;
	}
	r = (struct keys_map){ ring, ring_size(e, KEYS) };
	i = (struct keys_map){ index, ring_index_size(KEYS + 1) };
	must(ring_write(e, KEYS, ring, r.len) == 0);
	must(ring_index_write((const uint8_t(*)[PROTO_HASH_LEN])hashes,
		     KEYS + 1, index, i.len) == 0);
	must(keys_new(i, &r, 1, &session.keys) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(library_init() == 0 && curve_init() == 0);
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

/* A size that follows from the key alone, but for a decrypted padding. */
static void
check_output(struct view body, struct proto_reply r)
{
	struct proto_decrypt d;
	struct proto_derive e;
	struct view out;

	must(proto_get_output(r.body, &out) == 0);
	if (r.type == PROTO_DERIVE) {
		must(proto_get_derive(body, &e) == 0);
		must(e.peer.len == 32 && out.len == 32);
		return;
	}
	must(proto_get_decrypt(body, &d) == 0 && d.data.len == 64);
	must(out.len <= 64 - 11);
	if (d.padding == PROTO_PREMASTER)
		must(out.len == PROTO_PREMASTER_LEN &&
			out.data[0] == d.version >> 8 &&
			out.data[1] == (uint8_t)d.version);
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
	if (r.status == PROTO_OK &&
		(r.type == PROTO_DECRYPT || r.type == PROTO_DERIVE))
		check_output(q.body, r);
	/* What is sealed in a bad padding is told of OAEP alone. */
	must(r.status != PROTO_NOT_DECRYPTED ||
		(r.type == PROTO_DECRYPT && r.detail == DETAIL_NONE &&
			q.body.data[PROTO_HASH_LEN] == PROTO_OAEP));
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
		(void)!proto_get_output(v, &out.view);
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
