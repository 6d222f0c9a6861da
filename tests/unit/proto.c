/* Frames and messages: round trips, and every way of being malformed. */
#include <criterion/criterion.h>

#include "wire/proto.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VIEW(s)                                                                \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

static const uint8_t hash[PROTO_HASH_LEN] = { 1, 2, 3, [31] = 0xff };

/*
 * A message: make writes its body, remake decodes a body and writes what it
 * understood. What comes out must be what went in.
 */
struct message {
	const char *name;
	void (*make)(struct writer *w);
	int (*remake)(struct view body, struct writer *w);
};

static void
make_hello(struct writer *w)
{
	proto_put_hello(
		w, &(struct proto_hello){ 1, 3, 132096, 0x9e, 1ULL << 40 });
}

static int
remake_hello(struct view body, struct writer *w)
{
	struct proto_hello m;

	if (proto_get_hello(body, &m) < 0)
		return -1;
	proto_put_hello(w, &m);
	return 0;
}

static void
make_find_hash(struct writer *w)
{
	struct proto_find m = { .by = PROTO_BY_HASH };

	memcpy(m.hash, hash, sizeof(hash));
	proto_put_find(w, &m);
}

static void
make_find_name(struct writer *w)
{
	proto_put_find(w, &(struct proto_find){ .by = PROTO_BY_NAME,
				  .name = VIEW("www.example_1-a") });
}

static int
remake_find(struct view body, struct writer *w)
{
	struct proto_find m;

	if (proto_get_find(body, &m) < 0)
		return -1;
	proto_put_find(w, &m);
	return 0;
}

static void
make_key(struct writer *w)
{
	struct proto_key m = { .name = VIEW("www"),
		.type = PROTO_KEY_P384,
		.bits = 384,
		.use = PROTO_USE_CSR | PROTO_USE_SIGN,
		.tls12 = PROTO_TLS12_SENTINEL,
		.flags = PROTO_KEY_ENFORCE_LOG,
		.spki = VIEW("not looked into") };

	memcpy(m.hash, hash, sizeof(hash));
	proto_put_key(w, &m);
}

static int
remake_key(struct view body, struct writer *w)
{
	struct proto_key m;

	if (proto_get_key(body, &m) < 0)
		return -1;
	proto_put_key(w, &m);
	return 0;
}

static void
make_list(struct writer *w)
{
	proto_put_list(w, 0x01020304);
}

static int
remake_list(struct view body, struct writer *w)
{
	uint32_t first;

	if (proto_get_list(body, &first) < 0)
		return -1;
	proto_put_list(w, first);
	return 0;
}

static void
make_entries(struct writer *w)
{
	writer_u32(w, 7);
	writer_u16(w, 2);
	proto_put_list_entry(w, hash, (struct view)VIEW("a"));
	proto_put_list_entry(w, hash, (struct view)VIEW("b.c"));
}

static int
remake_entries(struct view body, struct writer *w)
{
	uint8_t one[PROTO_HASH_LEN] = { 0 };
	struct view name;
	uint32_t next;
	uint16_t count;
	struct reader r = proto_read_list(body, &next, &count);

	writer_u32(w, next);
	writer_u16(w, count);
	while (count-- > 0) {
		proto_read_list_entry(&r, one, &name);
		proto_put_list_entry(w, one, name);
	}
	return reader_finish(&r);
}

static void
make_sign_pss(struct writer *w)
{
	struct proto_sign m = { .scheme = { PROTO_RSA_PSS, PROTO_SHA256,
					PROTO_SHA1, 20 },
		.input = PROTO_INPUT_MESSAGE,
		.data = VIEW("a message") };

	memcpy(m.hash, hash, sizeof(hash));
	proto_put_sign(w, &m);
}

static void
make_sign_ecdsa(struct writer *w)
{
	proto_put_sign(w, &(struct proto_sign){
				  .scheme = { PROTO_ECDSA, PROTO_SHA384, 0, 0 },
				  .input = PROTO_INPUT_DIGEST });
}

static int
remake_sign(struct view body, struct writer *w)
{
	struct proto_sign m;

	if (proto_get_sign(body, &m) < 0)
		return -1;
	proto_put_sign(w, &m);
	return 0;
}

static void
make_signature(struct writer *w)
{
	proto_put_signature(w, "signature", 9);
}

static int
remake_signature(struct view body, struct writer *w)
{
	struct view sig;

	if (proto_get_signature(body, &sig) < 0)
		return -1;
	proto_put_signature(w, sig.data, sig.len);
	return 0;
}

static void
make_status(struct writer *w)
{
	proto_put_status(
		w, &(struct proto_status_reply){ 1ULL << 63, 0x1fff, 65535 });
}

static int
remake_status(struct view body, struct writer *w)
{
	struct proto_status_reply m;

	if (proto_get_status(body, &m) < 0)
		return -1;
	proto_put_status(w, &m);
	return 0;
}

static void
make_decrypt_oaep(struct writer *w)
{
	struct proto_decrypt m = { .padding = PROTO_OAEP,
		.digest = PROTO_SHA256,
		.mgf1 = PROTO_SHA1,
		.label = VIEW("label"),
		.data = VIEW("a ciphertext") };

	memcpy(m.hash, hash, sizeof(hash));
	proto_put_decrypt(w, &m);
}

static void
make_decrypt_premaster(struct writer *w)
{
	struct proto_decrypt m = { .padding = PROTO_PREMASTER,
		.version = 0xfefd,
		.data = VIEW("another") };

	proto_put_decrypt(w, &m);
}

static int
remake_decrypt(struct view body, struct writer *w)
{
	struct proto_decrypt m;

	if (proto_get_decrypt(body, &m) < 0)
		return -1;
	proto_put_decrypt(w, &m);
	return 0;
}

static void
make_derive(struct writer *w)
{
	struct proto_derive m = { .peer = VIEW("\4 a point") };

	memcpy(m.hash, hash, sizeof(hash));
	proto_put_derive(w, &m);
}

static int
remake_derive(struct view body, struct writer *w)
{
	struct proto_derive m;

	if (proto_get_derive(body, &m) < 0)
		return -1;
	proto_put_derive(w, &m);
	return 0;
}

static void
make_output(struct writer *w)
{
	proto_put_output(w, "plaintext", 9);
}

static int
remake_output(struct view body, struct writer *w)
{
	struct view v;

	if (proto_get_output(body, &v) < 0)
		return -1;
	proto_put_output(w, v.data, v.len);
	return 0;
}

static const struct message messages[] = {
	{ "hello", make_hello, remake_hello },
	{ "find by hash", make_find_hash, remake_find },
	{ "find by name", make_find_name, remake_find },
	{ "key", make_key, remake_key },
	{ "list", make_list, remake_list },
	{ "list's reply", make_entries, remake_entries },
	{ "sign pss", make_sign_pss, remake_sign },
	{ "sign ecdsa", make_sign_ecdsa, remake_sign },
	{ "signature", make_signature, remake_signature },
	{ "status", make_status, remake_status },
	{ "decrypt oaep", make_decrypt_oaep, remake_decrypt },
	{ "decrypt premaster", make_decrypt_premaster, remake_decrypt },
	{ "derive", make_derive, remake_derive },
	{ "output", make_output, remake_output },
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
remake(const struct message *m, const uint8_t *body, size_t len, uint8_t *out,
	size_t size, size_t *out_len)
{
	struct writer w = writer_init(out, size);

	if (m->remake((struct view){ body, len }, &w) < 0)
		return -1;
	return writer_finish(&w, out_len);
}

Test(proto, every_message_comes_back_as_it_went)
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

Test(proto, every_truncation_of_every_message_is_refused)
{
	uint8_t in[512], out[512];
	size_t i, len, n, cut;

	for (i = 0; i < COUNT(messages); i++) {
		len = make(&messages[i], in, sizeof(in));
		for (cut = 0; cut < len; cut++)
			cr_assert_eq(remake(&messages[i], in, cut, out,
					     sizeof(out), &n),
				-1, "%s, %zu", messages[i].name, cut);
	}
}

Test(proto, every_trailing_byte_is_refused)
{
	uint8_t in[513], out[513];
	size_t i, len, n;
	int byte;

	for (i = 0; i < COUNT(messages); i++) {
		len = make(&messages[i], in, sizeof(in) - 1);
		for (byte = 0; byte < 256; byte++) {
			in[len] = (uint8_t)byte;
			cr_assert_eq(remake(&messages[i], in, len + 1, out,
					     sizeof(out), &n),
				-1, "%s", messages[i].name);
		}
	}
}

/* Nothing has two encodings, and what is decoded is all that was sent. */
Test(proto, every_mutation_is_refused_or_comes_back_as_it_went)
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

/* One field set to a value that must not be; offsets of docs/PROTOCOL.md §3. */
static const struct {
	unsigned message;
	size_t at;
	uint8_t value;
} out_of_range[] = {
	{ 0, 0, 0 },                /* hello: lowest version 0 */
	{ 0, 0, 4 },                /* … above the highest */
	{ 1, 0, 0 },                /* find: by nothing */
	{ 1, 0, 2 },                /* … a hash as name */
	{ 1, 0, 3 },                /* … unknown */
	{ 2, 2, '.' },              /* name that starts with a dot */
	{ 2, 4, '/' },              /* … with a slash in it */
	{ 2, 4, 0 },                /* … with a zero */
	{ 2, 4, 0xe4 },             /* … not ASCII */
	{ 3, 33, '-' },             /* key: name */
	{ 3, 36 + 3 + 4, 3 },       /* … tls12 */
	{ 5, 4 + 2 + 32 + 1, '_' }, /* list's reply: name */
	{ 5, 5, 1 },                /* … one entry too few announced */
	{ 5, 5, 3 },                /* … one too many */
	{ 6, 35, 2 },               /* sign: input */
	{ 6, 32, PROTO_RSA_PKCS1 }, /* … mgf1 and salt without PSS */
	{ 7, 34, PROTO_SHA256 },    /* … mgf1 without PSS */
	{ 7, 37, 1 },               /* … salt without PSS */
	{ 8, 1, 0 },                /* signature: empty, 9 bytes over */
	{ 10, 32, 0 },              /* decrypt: no padding */
	{ 10, 32, 4 },              /* … an unknown one */
	{ 10, 32, PROTO_PKCS1 },    /* … digest, label without OAEP */
	{ 10, 35, 1 },              /* … reserved */
	{ 10, 37, 3 },              /* … a version without premaster */
	{ 11, 33, PROTO_SHA256 },   /* … a digest without OAEP */
	{ 11, 34, PROTO_SHA1 },     /* … MGF1 without OAEP */
	{ 11, 32, PROTO_PKCS1 },    /* … a version without premaster */
	{ 13, 1, 8 },               /* output: a byte over */
};

Test(proto, values_out_of_range_are_refused)
{
	uint8_t in[512], out[512];
	size_t i, len, n;

	for (i = 0; i < COUNT(out_of_range); i++) {
		len = make(&messages[out_of_range[i].message], in, sizeof(in));
		in[out_of_range[i].at] = out_of_range[i].value;
		cr_assert_eq(remake(&messages[out_of_range[i].message], in, len,
				     out, sizeof(out), &n),
			-1, "row %zu", i);
	}
}

/* Fields whose length is limited: the longest passes, one more does not. */
static int
put_and_get_name(size_t len)
{
	uint8_t buf[512], name[256];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_find m = { .by = PROTO_BY_NAME, .name = { name, len } };

	memset(name, 'n', sizeof(name));
	proto_put_find(&w, &m);
	return proto_get_find((struct view){ buf, writer_len(&w) }, &m);
}

static int
put_and_get_spki(size_t len)
{
	static uint8_t buf[8192], spki[8000];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_key m = { .name = VIEW("n"), .spki = { spki, len } };

	proto_put_key(&w, &m);
	return proto_get_key((struct view){ buf, writer_len(&w) }, &m);
}

static int
put_and_get_data(size_t len)
{
	static uint8_t buf[PROTO_MAX_REQUEST + 8], data[PROTO_MAX_DATA + 1];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_sign m = { .data = { data, len } };

	proto_put_sign(&w, &m);
	return proto_get_sign((struct view){ buf, writer_len(&w) }, &m);
}

static int
put_and_get_signature(size_t len)
{
	static uint8_t buf[8192], sig[8000];
	struct writer w = writer_init(buf, sizeof(buf));
	struct view out;

	proto_put_signature(&w, sig, len);
	return proto_get_signature((struct view){ buf, writer_len(&w) }, &out);
}

static int
put_and_get_ciphertext(size_t len)
{
	static uint8_t buf[8192], data[8000];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_decrypt m = { .padding = PROTO_PKCS1,
		.data = { data, len } };

	proto_put_decrypt(&w, &m);
	return proto_get_decrypt((struct view){ buf, writer_len(&w) }, &m);
}

static int
put_and_get_label(size_t len)
{
	static uint8_t buf[8192], data[8000];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_decrypt m = { .padding = PROTO_OAEP,
		.label = { data, len },
		.data = { data, 1 } };

	proto_put_decrypt(&w, &m);
	return proto_get_decrypt((struct view){ buf, writer_len(&w) }, &m);
}

static int
put_and_get_peer(size_t len)
{
	uint8_t buf[512], data[512];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_derive m = { .peer = { data, len } };

	memset(data, 4, sizeof(data));
	proto_put_derive(&w, &m);
	return proto_get_derive((struct view){ buf, writer_len(&w) }, &m);
}

static int
put_and_get_output(size_t len)
{
	static uint8_t buf[8192], data[8000];
	struct writer w = writer_init(buf, sizeof(buf));
	struct view out;

	proto_put_output(&w, data, len);
	return proto_get_output((struct view){ buf, writer_len(&w) }, &out);
}

static const struct {
	int (*put_and_get)(size_t len);
	size_t least, most;
} limits[] = {
	{ put_and_get_name, 1, PROTO_MAX_NAME },
	{ put_and_get_spki, 1, PROTO_MAX_SPKI },
	{ put_and_get_data, 0, PROTO_MAX_DATA },
	{ put_and_get_signature, 1, PROTO_MAX_SIGNATURE },
	{ put_and_get_ciphertext, 1, PROTO_MAX_CIPHERTEXT },
	{ put_and_get_label, 0, PROTO_MAX_LABEL },
	{ put_and_get_peer, 1, PROTO_MAX_PEER },
	{ put_and_get_output, 0, PROTO_MAX_OUTPUT },
};

Test(proto, lengths_have_the_limits_of_the_specification)
{
	size_t i;

	for (i = 0; i < COUNT(limits); i++) {
		cr_assert_eq(limits[i].put_and_get(limits[i].least), 0);
		cr_assert_eq(limits[i].put_and_get(limits[i].most), 0);
		cr_assert_eq(limits[i].put_and_get(limits[i].most + 1), -1);
		if (limits[i].least > 0)
			cr_assert_eq(limits[i].put_and_get(0), -1);
	}
}

Test(proto, the_largest_sign_request_fits_a_datagram)
{
	static uint8_t buf[PROTO_MAX_REQUEST], data[PROTO_MAX_DATA];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_sign m = { .data = { data, sizeof(data) } };
	size_t len;

	proto_put_request(&w, PROTO_SIGN, 1);
	proto_put_sign(&w, &m);
	cr_assert_eq(writer_finish(&w, &len), 0);
}

Test(proto, request_frames)
{
	uint8_t buf[16];
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_request q = { .id = 77 };
	size_t cut;

	proto_put_request(&w, PROTO_SIGN, 0x01020304);
	cr_assert_eq(writer_len(&w), PROTO_REQUEST_HEADER);
	for (cut = 0; cut < PROTO_REQUEST_HEADER; cut++)
		cr_assert_eq(proto_decode_request(buf, cut, &q), -1);
	cr_assert_eq(q.id, 77);
	cr_assert_eq(proto_decode_request(buf, 8, &q), 0);
	cr_assert(q.version == 1 && q.type == PROTO_SIGN &&
		  q.id == 0x01020304 && q.body.len == 0);
	cr_assert_eq(proto_decode_request(buf, 12, &q), 0);
	cr_assert(q.body.len == 4 && q.body.data == buf + 8);
	buf[3] = 1;
	cr_assert_eq(proto_decode_request(buf, 8, &q), -1);
	buf[3] = 0;
	buf[2] = 0x80;
	cr_assert_eq(proto_decode_request(buf, 8, &q), -1);
	memset(buf + 2, 0, 6);
	cr_assert_eq(proto_decode_request(buf, 8, &q), -1, "id 0");
	/* Another version is for the caller to answer. */
	buf[0] = 9;
	buf[7] = 1;
	cr_assert_eq(proto_decode_request(buf, 8, &q), 0);
	cr_assert_eq(q.version, 9);
}

Test(proto, reply_frames)
{
	uint8_t buf[16] = { 0 };
	struct writer w = writer_init(buf, sizeof(buf));
	struct proto_reply p = { .id = 77 };
	size_t len;

	proto_put_ok(&w, PROTO_SIGN, 0x01020304);
	for (len = 0; len < PROTO_REPLY_HEADER; len++)
		cr_assert_eq(proto_decode_reply(buf, len, &p), -1);
	cr_assert_eq(p.id, 77);
	cr_assert_eq(proto_decode_reply(buf, 11, &p), 0);
	cr_assert(p.type == PROTO_SIGN && p.status == 0 && p.detail == 0 &&
		  p.id == 0x01020304 && p.body.len == 3);
	buf[1] = PROTO_SIGN;
	cr_assert_eq(proto_decode_reply(buf, 8, &p), -1, "no reply bit");
	buf[1] |= PROTO_REPLY_BIT;
	buf[0] = 2;
	cr_assert_eq(proto_decode_reply(buf, 8, &p), -1, "version");
	w = writer_init(buf, sizeof(buf));
	proto_put_error(&w, PROTO_REFUSAL, 0, PROTO_LIMIT, DETAIL_SESSIONS);
	cr_assert_eq(writer_len(&w), PROTO_REFUSAL_LEN);
	for (len = 0; len <= sizeof(buf); len++)
		cr_assert_eq(proto_decode_reply(buf, len, &p),
			len == PROTO_REFUSAL_LEN ? 0 : -1);
	cr_assert_eq(proto_decode_reply(buf, PROTO_REFUSAL_LEN, &p), 0);
	cr_assert(p.type == PROTO_REFUSAL && p.id == 0 &&
		  p.status == PROTO_LIMIT && p.detail == DETAIL_SESSIONS &&
		  p.body.len == 0);
}

Test(proto, the_bytes_are_those_of_the_specification)
{
	static const uint8_t refusal[] = { 1, 0x80, 0, 8, 0, 0, 0, 0, 0, 0 };
	static const uint8_t list[] = { 1, 3, 0, 0, 0, 0, 0, 5, 0, 0, 1, 0 };
	uint8_t buf[16];
	struct writer w = writer_init(buf, sizeof(buf));

	proto_put_error(&w, PROTO_REFUSAL, 0, PROTO_BACK_OFF, 0);
	cr_assert_eq(writer_len(&w), sizeof(refusal));
	cr_assert_arr_eq(buf, refusal, sizeof(refusal));
	w = writer_init(buf, sizeof(buf));
	proto_put_request(&w, PROTO_LIST, 5);
	proto_put_list(&w, 256);
	cr_assert_eq(writer_len(&w), sizeof(list));
	cr_assert_arr_eq(buf, list, sizeof(list));
}
