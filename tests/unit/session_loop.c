/* The session from outside: datagrams in, replies, audit records, exit code. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "lockdown/lockdown.h"
#include "session/record.h"
#include "tests/support/messages.h"
#include "tests/support/session.h"

static struct fixture f;
static uint8_t reply[PROTO_MAX_REPLY];
static uint8_t request[PROTO_MAX_REQUEST + 8];
static struct message m;
static uint64_t seed = 88172645463325252U;

/* Set for the loop in a child: the generation changes as the reply leaves. */
static bool new_generation_on_send;

/* Set for the loop in a child: what was sent must not be there any more when
 * the next request is received. */
static bool replies_are_wiped;
static const uint8_t *last_reply;
static size_t last_len;

/* Stand in for libc's, so that a test can act between send and check. */
ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	size_t i;

	for (i = 0; replies_are_wiped && i < last_len; i++)
		if (last_reply[i] != 0)
			_exit(99);
	return syscall(SYS_recvmsg, fd, msg, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t n = syscall(SYS_sendmsg, fd, msg, flags);

	last_reply = msg->msg_iov->iov_base;
	last_len = msg->msg_iov->iov_len;
	if (new_generation_on_send)
		atomic_store(f.current, f.generation + 1);
	return n;
}

static void
set_up(void)
{
	fixture_init(&f);
}

TestSuite(session, .init = set_up, .timeout = 60);

static struct writer
begin(enum proto_type type)
{
	struct writer w = writer_init(request, sizeof(request));

	proto_put_request(&w, type, 5);
	return w;
}

static struct proto_reply
ask(const struct writer *w)
{
	struct proto_reply r;

	fixture_ask(&f, w, reply, &r);
	return r;
}

static uint16_t
ask_find(const uint8_t *hash, const char *name, struct proto_key *key)
{
	struct writer w = begin(PROTO_FIND);
	struct proto_find find = { .by = hash != NULL ? PROTO_BY_HASH
						      : PROTO_BY_NAME };
	struct proto_reply r;

	if (hash != NULL)
		memcpy(find.hash, hash, sizeof(find.hash));
	else
		find.name =
			(struct view){ (const uint8_t *)name, strlen(name) };
	proto_put_find(&w, &find);
	r = ask(&w);
	if (r.status == PROTO_OK)
		cr_assert_eq(proto_get_key(r.body, key), 0);
	return r.status;
}

static void
close_and_expect(int code)
{
	close(f.client);
	cr_assert_eq(fixture_wait(&f), code);
}

Test(session, says_hello_and_ends_when_the_peer_goes)
{
	struct writer w = begin(PROTO_HELLO);
	struct proto_hello hello;
	struct proto_reply r;

	fixture_start(&f);
	r = ask(&w);
	cr_assert_eq(r.status, PROTO_OK);
	cr_assert_eq(r.type, PROTO_HELLO);
	cr_assert_eq(r.id, 5);
	cr_assert_eq(proto_get_hello(r.body, &hello), 0);
	cr_assert_eq(hello.lowest, 1);
	cr_assert_eq(hello.highest, 1);
	cr_assert_eq(hello.max_request, PROTO_MAX_REQUEST);
	cr_assert_eq(hello.generation, f.generation);
	cr_assert_eq(hello.types,
		1U << PROTO_HELLO | 1U << PROTO_FIND | 1U << PROTO_LIST |
			1U << PROTO_SIGN | 1U << PROTO_DECRYPT |
			1U << PROTO_DERIVE | 1U << PROTO_STATUS);
	close_and_expect(0);
}

Test(session, tells_status_with_the_layers_in_force)
{
	struct writer w = begin(PROTO_STATUS);
	struct proto_status_reply status;

	fixture_add(&f, NULL, "one");
	fixture_start(&f);
	cr_assert_eq(proto_get_status(ask(&w).body, &status), 0);
	cr_assert_eq(status.keys, 1);
	cr_assert_eq(status.generation, f.generation);
	cr_assert(status.layers & LAYER_NO_NEW_PRIVS);
	cr_assert(status.layers & LAYER_UNDUMPABLE);
#ifndef __SANITIZE_ADDRESS__
	cr_assert(status.layers & LAYER_SECCOMP);
#endif
	/* A sealed memory file is none of secret memory. */
	cr_assert_not(status.layers & LAYER_SECRET_MEMORY);
	close_and_expect(0);
}

Test(session, maps_secret_memory_and_says_so)
{
	struct writer w = begin(PROTO_STATUS);
	struct proto_status_reply status;
	struct proto_key key;
	uint32_t len;
	int fd = lockdown_memfd_secret(), ring;
	void *to, *from;

	if (fd < 0)
		cr_skip("this kernel has no memfd_secret");
	fixture_add(&f, NULL, "one");
	ring = fixture_ring(&f, -1, &len);
	cr_assert_eq(ftruncate(fd, len), 0);
	to = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	from = mmap(NULL, len, PROT_READ, MAP_SHARED, ring, 0);
	memcpy(to, from, len);
	fixture_start_with(&f, fd, len);
	cr_assert_eq(proto_get_status(ask(&w).body, &status), 0);
	cr_assert(status.layers & LAYER_SECRET_MEMORY);
	cr_assert_eq(ask_find(NULL, "one", &key), PROTO_OK);
	close_and_expect(0);
}

Test(session, finds_its_peers_keys_and_no_others)
{
	uint8_t nobody[PROTO_HASH_LEN] = { 1 };
	struct ring_entry *e = fixture_add(&f, "P-384", "mail");
	struct proto_key key;
	struct audit a;

	e->key.use = PROTO_USE_TLS_SERVER | PROTO_USE_CSR;
	e->key.tls12 = PROTO_TLS12_SENTINEL;
	e->key.flags = PROTO_KEY_WEAK_DIGESTS;
	fixture_start(&f);
	cr_assert_eq(ask_find(e->key.hash, NULL, &key), PROTO_OK);
	cr_assert_eq(key.type, PROTO_KEY_P384);
	cr_assert_eq(key.bits, 384);
	cr_assert_eq(key.use, e->key.use);
	cr_assert_eq(key.tls12, PROTO_TLS12_SENTINEL);
	cr_assert_eq(key.flags, PROTO_KEY_WEAK_DIGESTS);
	cr_assert_eq(key.spki.len, e->key.spki.len);
	cr_assert_arr_eq(key.spki.data, e->key.spki.data, key.spki.len);
	cr_assert_eq(ask_find(NULL, "mail", &key), PROTO_OK);
	cr_assert_arr_eq(key.hash, e->key.hash, PROTO_HASH_LEN);
	cr_assert_not(fixture_audit(&f, &a));

	cr_assert_eq(ask_find(nobody, NULL, &key), PROTO_UNKNOWN_KEY);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.status, PROTO_UNKNOWN_KEY);
	cr_assert_eq(ask_find(f.foreign, NULL, &key), PROTO_NOT_PERMITTED);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_REFUSED);
	cr_assert_eq(a.type, PROTO_FIND);
	cr_assert_eq(a.status, PROTO_NOT_PERMITTED);
	cr_assert_eq(a.generation, f.generation);
	cr_assert_arr_eq(a.hash, f.foreign, PROTO_HASH_LEN);
	cr_assert_eq(ask_find(NULL, "web", &key), PROTO_UNKNOWN_KEY);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_str_eq(a.name, "web");
	close_and_expect(0);
}

/* 600 names of 63 bytes do not fit one reply. */
Test(session, lists_all_keys_page_by_page)
{
	uint8_t hash[PROTO_HASH_LEN], last[PROTO_HASH_LEN] = { 0 };
	uint32_t next = 0, seen = 0;
	unsigned i, pages = 0;
	struct proto_reply r;
	struct reader list;
	struct writer w;
	struct view name;
	uint16_t count;
	char text[64];

	for (i = 0; i < 600; i++) {
		snprintf(text, sizeof(text), "key%060u", i);
		fixture_add(&f, NULL, text);
	}
	fixture_start(&f);
	do {
		w = begin(PROTO_LIST);
		proto_put_list(&w, next);
		r = ask(&w);
		list = proto_read_list(r.body, &next, &count);
		for (i = 0; i < count; i++, seen++) {
			proto_read_list_entry(&list, hash, &name);
			cr_assert_gt(memcmp(hash, last, sizeof(hash)), 0);
			memcpy(last, hash, sizeof(hash));
			cr_assert_eq(name.len, 63);
		}
		cr_assert_eq(reader_finish(&list), 0);
		pages++;
	} while (next != 0);
	cr_assert_eq(seen, 600);
	cr_assert_eq(pages, 4);
	w = begin(PROTO_LIST);
	proto_put_list(&w, UINT32_MAX);
	r = ask(&w);
	list = proto_read_list(r.body, &next, &count);
	cr_assert_eq(next, 0);
	cr_assert_eq(count, 0);
	close_and_expect(0);
}

static uint16_t
sign_message(const struct ring_entry *e, uint8_t digest, uint16_t *detail,
	struct view *sig)
{
	struct proto_sign s = { .scheme = { .algorithm = PROTO_ECDSA,
					.digest = digest },
		.data = { m.data, m.len } };

	memcpy(s.hash, e->key.hash, sizeof(s.hash));
	return fixture_sign(&f, &s, sig, detail);
}

static bool
verifies(EVP_PKEY *pkey, const EVP_MD *md, struct view sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1 &&
		  EVP_DigestVerify(ctx, sig.data, sig.len, m.data, m.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

Test(session, signs_what_a_server_key_may_and_nothing_else)
{
	struct ring_entry *e = fixture_add(&f, "P-256", "web");
	struct audit a;
	struct view sig;
	uint16_t detail;

	e->key.use = PROTO_USE_TLS_SERVER;
	fixture_start(&f);
	messages_verify(&m, "TLS 1.3, server CertificateVerify", 32, &seed);
	cr_assert_eq(sign_message(e, PROTO_SHA256, &detail, &sig), PROTO_OK);
	cr_assert(verifies(f.keys[0].pkey, EVP_sha256(), sig));
	cr_assert_not(fixture_audit(&f, &a));
	messages_ske_group(&m, 23, &seed);
	cr_assert_eq(sign_message(e, PROTO_SHA512, &detail, &sig), PROTO_OK);
	cr_assert(verifies(f.keys[0].pkey, EVP_sha512(), sig));

	messages_verify(&m, "TLS 1.3, client CertificateVerify", 48, &seed);
	cr_assert_eq(sign_message(e, PROTO_SHA256, &detail, &sig),
		PROTO_USE_REFUSED);
	cr_assert_eq(detail, DETAIL_CLIENT_AUTH);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_REFUSED);
	cr_assert_eq(a.type, PROTO_SIGN);
	cr_assert_eq(a.status, PROTO_USE_REFUSED);
	cr_assert_eq(a.detail, DETAIL_CLIENT_AUTH);
	cr_assert_eq(a.algorithm, PROTO_ECDSA);
	cr_assert_eq(a.digest, PROTO_SHA256);
	cr_assert_eq(a.length, 146);
	cr_assert_eq(a.lost, 0);
	cr_assert_arr_eq(a.hash, e->key.hash, PROTO_HASH_LEN);
	cr_assert_str_eq(a.name, "web");
	close_and_expect(0);
}

Test(session, refuses_to_sign_with_keys_it_does_not_have)
{
	struct ring_entry other = { 0 };
	struct view sig;
	struct audit a;
	uint16_t detail;

	fixture_start(&f);
	m.len = 10;
	cr_assert_eq(sign_message(&other, PROTO_SHA256, &detail, &sig),
		PROTO_UNKNOWN_KEY);
	memcpy(other.key.hash, f.foreign, sizeof(f.foreign));
	cr_assert_eq(sign_message(&other, PROTO_SHA256, &detail, &sig),
		PROTO_NOT_PERMITTED);
	cr_assert(fixture_audit(&f, &a));
	cr_assert(fixture_audit(&f, &a));
	cr_assert_arr_eq(a.hash, f.foreign, PROTO_HASH_LEN);
	close_and_expect(0);
}

Test(session, names_the_parameter_that_does_not_fit)
{
	struct ring_entry *e = fixture_add(&f, "P-256", "web");
	struct proto_sign s = { .scheme = { .algorithm = PROTO_RSA_PKCS1,
					.digest = PROTO_SHA256 } };
	struct view sig;
	uint16_t detail;

	fixture_start(&f);
	memcpy(s.hash, e->key.hash, sizeof(s.hash));
	cr_assert_eq(fixture_sign(&f, &s, &sig, &detail), PROTO_BAD_PARAMETER);
	cr_assert_eq(detail, DETAIL_KEY_TYPE);
	s.scheme.algorithm = PROTO_ECDSA;
	s.scheme.digest = 255;
	cr_assert_eq(fixture_sign(&f, &s, &sig, &detail), PROTO_UNSUPPORTED);
	cr_assert_eq(detail, DETAIL_DIGEST);
	s.scheme.digest = PROTO_SHA256;
	s.input = PROTO_INPUT_DIGEST;
	s.data = (struct view){ m.data, 31 };
	cr_assert_eq(fixture_sign(&f, &s, &sig, &detail), PROTO_BAD_PARAMETER);
	cr_assert_eq(detail, DETAIL_DIGEST_LENGTH);
	s.data.len = 32;
	/* Zeros could as well be those before a SHA-1 digest. */
	cr_assert_eq(fixture_sign(&f, &s, &sig, &detail), PROTO_USE_REFUSED);
	cr_assert_eq(detail, DETAIL_WEAK_DIGEST);
	memset(m.data, 'd', 32);
	cr_assert_eq(fixture_sign(&f, &s, &sig, &detail), PROTO_OK);
	close_and_expect(0);
}

Test(session, signs_the_longest_message)
{
	static uint8_t big[PROTO_MAX_DATA];
	struct ring_entry *e = fixture_add(&f, "P-256", "web");
	struct proto_sign s = { .scheme = { .algorithm = PROTO_ECDSA,
					.digest = PROTO_SHA256 },
		.data = { big, sizeof(big) } };
	struct view sig;
	uint16_t detail;

	memcpy(s.hash, e->key.hash, sizeof(s.hash));
	fixture_start(&f);
	cr_assert_eq(fixture_sign(&f, &s, &sig, &detail), PROTO_OK);
	close_and_expect(0);
}

Test(session, log_only_lets_pass_and_records)
{
	struct ring_entry *e = fixture_add(&f, "P-256", "web");
	struct view sig;
	struct audit a;
	uint16_t detail;

	e->key.use = PROTO_USE_TLS_SERVER;
	e->key.flags = PROTO_KEY_ENFORCE_LOG;
	e->enforce_from = (uint64_t)time(NULL) + 3600;
	fixture_start(&f);
	m.len = 17;
	cr_assert_eq(sign_message(e, PROTO_SHA256, &detail, &sig), PROTO_OK);
	cr_assert(verifies(f.keys[0].pkey, EVP_sha256(), sig));
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_WOULD_REFUSE);
	cr_assert_eq(a.detail, DETAIL_NOT_TLS_SERVER);
	cr_assert_str_eq(a.name, "web");
	cr_assert_not(fixture_audit(&f, &a));
	close_and_expect(0);
}

Test(session, log_only_ends_on_its_day)
{
	struct ring_entry *e = fixture_add(&f, "P-256", "web");
	struct view sig;
	uint16_t detail;

	e->key.use = PROTO_USE_TLS_SERVER;
	e->key.flags = PROTO_KEY_ENFORCE_LOG;
	e->enforce_from = (uint64_t)time(NULL) - 1;
	fixture_start(&f);
	m.len = 17;
	cr_assert_eq(sign_message(e, PROTO_SHA256, &detail, &sig),
		PROTO_USE_REFUSED);
	close_and_expect(0);
}

Test(session, a_key_that_cannot_be_read_is_an_internal_error)
{
	struct ring_entry *e = fixture_add(&f, NULL, "broken");
	struct view sig;
	struct audit a;
	uint16_t detail;

	fixture_start(&f);
	m.len = 5;
	cr_assert_eq(
		sign_message(e, PROTO_SHA256, &detail, &sig), PROTO_INTERNAL);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_FAILED);
	cr_assert_eq(a.status, PROTO_INTERNAL);
	close_and_expect(0);
}

Test(session, answers_unsupported_to_types_it_does_not_know)
{
	static const uint8_t types[] = { 8, 9, 127 };
	struct proto_reply r;
	struct writer w;
	size_t i;

	fixture_start(&f);
	for (i = 0; i < sizeof(types); i++) {
		w = begin(PROTO_HELLO);
		request[1] = types[i];
		r = ask(&w);
		cr_assert_eq(r.status, PROTO_UNSUPPORTED);
		cr_assert_eq(r.type, types[i]);
	}
	close_and_expect(0);
}

/* ---- peers that break the protocol ------------------------------------ */

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *what;
	const char *data;
	size_t len;
} broken[] = {
	{ "nothing", "", 0 },
	{ "a byte", BYTES("\x01") },
	{ "half a header", BYTES("\x01\x01\x00\x00\x00\x00\x00") },
	{ "reserved bits", BYTES("\x01\x01\x00\x01\x00\x00\x00\x01") },
	{ "id 0", BYTES("\x01\x01\x00\x00\x00\x00\x00\x00") },
	{ "type 0", BYTES("\x01\x00\x00\x00\x00\x00\x00\x01") },
	{ "a reply", BYTES("\x01\x81\x00\x00\x00\x00\x00\x01") },
	{ "hello with a body", BYTES("\x01\x01\x00\x00\x00\x00\x00\x01!") },
	{ "status with a body", BYTES("\x01\x07\x00\x00\x00\x00\x00\x01!") },
	{ "find by nothing", BYTES("\x01\x02\x00\x00\x00\x00\x00\x01\x03") },
	{ "find, short hash", BYTES("\x01\x02\x00\x00\x00\x00\x00\x01\x01!") },
	{ "find, bad name",
		BYTES("\x01\x02\x00\x00\x00\x00\x00\x01\x02\x02.a") },
	{ "find, trailing", BYTES("\x01\x02\x00\x00\x00\x00\x00\x01\x02\x01"
				  "ab") },
	{ "list, short", BYTES("\x01\x03\x00\x00\x00\x00\x00\x01\x00") },
	{ "sign, empty", BYTES("\x01\x04\x00\x00\x00\x00\x00\x01") },
};

static void
expect_end(uint16_t status, size_t len)
{
	struct proto_reply r;
	struct audit a;
	size_t n;

	n = fixture_receive(&f, reply);
	cr_assert_eq(n, PROTO_REFUSAL_LEN);
	cr_assert_eq(proto_decode_reply(reply, n, &r), 0);
	cr_assert_eq(r.status, status);
	cr_assert_eq(fixture_receive(&f, reply), 0);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_REFUSED);
	cr_assert_eq(a.status, status);
	cr_assert_eq(a.length, len);
	cr_assert_eq(fixture_wait(&f), 1);
}

Test(session, ends_with_a_reason_on_malformed_requests)
{
	size_t i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		fixture_init(&f);
		fixture_start_loop(&f);
		fixture_send(&f, broken[i].data, broken[i].len, -1);
		expect_end(PROTO_MALFORMED, broken[i].len);
		close(f.client);
	}
}

/* Each field of a sign request that has a rule of its own (§3). */
Test(session, ends_on_every_malformed_sign_request)
{
	struct proto_sign s = { .scheme = { .algorithm = PROTO_ECDSA,
					.digest = PROTO_SHA256 },
		.data = { m.data, 4 } };
	struct writer w;
	size_t i, len;

	for (i = 0; i < 5; i++) {
		fixture_init(&f);
		fixture_start_loop(&f);
		w = begin(PROTO_SIGN);
		proto_put_sign(&w, &s);
		len = writer_len(&w);
		switch (i) {
		case 0:
			request[8 + 32 + 2] = PROTO_SHA256; /* mgf1 */
			break;
		case 1:
			request[8 + 32 + 3] = 2; /* input */
			break;
		case 2:
			request[8 + 32 + 5] = 32; /* salt */
			break;
		case 3:
			request[len++] = 0;
			break;
		default:
			len--;
		}
		fixture_send(&f, request, len, -1);
		expect_end(PROTO_MALFORMED, len);
		close(f.client);
	}
}

Test(session, ends_on_another_version_and_says_which_it_has)
{
	fixture_start(&f);
	fixture_send(&f, BYTES("\x02\x01\xFF\xFF\x00\x00\x00\x07whatever"), -1);
	expect_end(PROTO_BAD_VERSION, 16);
	cr_assert_eq(reply[0], PROTO_VERSION);
	cr_assert_eq(reply[7], 7);
}

Test(session, ends_on_datagrams_over_the_limit)
{
	fixture_start(&f);
	memcpy(request, "\x01\x08\x00\x00\x00\x00\x00\x01", 8);
	fixture_send(&f, request, PROTO_MAX_REQUEST + 1, -1);
	expect_end(PROTO_MALFORMED, PROTO_MAX_REQUEST + 1);
}

Test(session, takes_datagrams_up_to_the_limit)
{
	struct proto_reply r;
	size_t n;

	fixture_start(&f);
	memcpy(request, "\x01\x08\x00\x00\x00\x00\x00\x01", 8);
	fixture_send(&f, request, PROTO_MAX_REQUEST, -1);
	n = fixture_receive(&f, reply);
	cr_assert_eq(proto_decode_reply(reply, n, &r), 0);
	cr_assert_eq(r.status, PROTO_UNSUPPORTED);
	close_and_expect(0);
}

Test(session, refuses_a_forked_child_on_its_parents_connection)
{
	struct writer w = begin(PROTO_HELLO);
	struct proto_reply r;
	struct audit a;
	pid_t child;
	size_t n;

	fixture_start(&f);
	cr_assert_eq(ask(&w).status, PROTO_OK);
	child = fork();
	if (child == 0) {
		fixture_send(&f, request, writer_len(&w), -1);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	n = fixture_receive(&f, reply);
	cr_assert_eq(proto_decode_reply(reply, n, &r), 0);
	cr_assert_eq(r.status, PROTO_IDENTITY);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.status, PROTO_IDENTITY);
	cr_assert_eq(a.pid, (uint32_t)child);
	cr_assert_eq(a.peer_uid, geteuid());
	cr_assert_eq(fixture_wait(&f), 1);
}

Test(session, refuses_who_is_not_the_process_that_connected)
{
	struct writer w = begin(PROTO_HELLO);

	f.peer_pid = FIXTURE_PID_OTHER;
	fixture_start(&f);
	cr_assert_eq(ask(&w).status, PROTO_IDENTITY);
	cr_assert_eq(fixture_wait(&f), 1);
}

/* Also the user and the group; only root can take on others to try. */
Test(session, refuses_a_peer_that_changed_its_group_or_user)
{
	struct writer w = begin(PROTO_HELLO);
	int user;

	if (geteuid() != 0)
		cr_skip("needs root");
	for (user = 0; user < 2; user++) {
		fixture_init(&f);
		fixture_start_loop(&f);
		if (user)
			cr_assert_eq(seteuid(12345), 0);
		else
			cr_assert_eq(setegid(12345), 0);
		fixture_send(&f, request, writer_len(&w), -1);
		cr_assert_eq(seteuid(0), 0);
		cr_assert_eq(setegid(0), 0);
		cr_assert_gt(fixture_receive(&f, reply), 0);
		cr_assert_eq(reply[3], PROTO_IDENTITY);
		cr_assert_eq(fixture_wait(&f), 1);
	}
}

/* Not by lock-in, which allows no descriptors: the loop has no room. */
Test(session, receives_no_descriptors)
{
	struct writer w = begin(PROTO_HELLO);
	struct proto_reply r;
	int ends[2];
	size_t n;
	char c;

	fixture_start_loop(&f);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	fixture_send(&f, request, writer_len(&w), ends[1]);
	n = fixture_receive(&f, reply);
	cr_assert_eq(proto_decode_reply(reply, n, &r), 0);
	cr_assert_eq(r.status, PROTO_OK);
	close(ends[1]);
	/* Were there another copy, this would wait and the test time out. */
	cr_assert_eq(read(ends[0], &c, 1), 0);
	close_and_expect(0);
}

/* ---- ends -------------------------------------------------------------- */

Test(session, ends_without_reply_when_the_generation_has_changed)
{
	struct writer w = begin(PROTO_HELLO);

	fixture_start(&f);
	cr_assert_eq(ask(&w).status, PROTO_OK);
	atomic_store(f.current, f.generation + 1);
	fixture_send(&f, request, writer_len(&w), -1);
	cr_assert_eq(fixture_receive(&f, reply), 0);
	cr_assert_eq(fixture_wait(&f), 0);
}

Test(session, ends_after_the_reply_when_the_generation_changes_meanwhile)
{
	struct writer w = begin(PROTO_HELLO);

	new_generation_on_send = true;
	fixture_start_loop(&f);
	new_generation_on_send = false;
	cr_assert_eq(ask(&w).status, PROTO_OK);
	cr_assert_eq(fixture_wait(&f), 0);
}

Test(session, wipes_each_reply)
{
	struct writer w = begin(PROTO_HELLO);

	replies_are_wiped = true;
	fixture_start_loop(&f);
	replies_are_wiped = false;
	cr_assert_eq(ask(&w).status, PROTO_OK);
	cr_assert_eq(ask(&w).status, PROTO_OK);
	close_and_expect(0);
}

Test(session, ends_when_idle_for_too_long)
{
	f.idle_ms = 50;
	fixture_start(&f);
	cr_assert_eq(fixture_receive(&f, reply), 0);
	cr_assert_eq(fixture_wait(&f), 0);
}

Test(session, ends_when_the_peer_never_reads)
{
	struct writer w = begin(PROTO_HELLO);
	struct timeval soon = { .tv_usec = 200000 };
	int i;

	f.idle_ms = 100;
	fixture_start(&f);
	cr_assert_eq(setsockopt(f.client, SOL_SOCKET, SO_SNDTIMEO, &soon,
			     sizeof(soon)),
		0);
	/* Until the session hangs up (EPIPE) or both queues are full. */
	for (i = 0; i < 100000; i++)
		if (send(f.client, request, writer_len(&w), MSG_NOSIGNAL) < 0)
			break;
	cr_assert_lt(i, 100000);
	cr_assert_eq(fixture_wait(&f), 0);
}

Test(session, answers_a_flood_in_order)
{
	struct writer w = begin(PROTO_HELLO);
	unsigned round, i;

	fixture_start(&f);
	for (round = 0; round < 100; round++) {
		for (i = 1; i <= 20; i++) {
			request[7] = (uint8_t)i;
			fixture_send(&f, request, writer_len(&w), -1);
		}
		for (i = 1; i <= 20; i++) {
			cr_assert_gt(fixture_receive(&f, reply), 0);
			cr_assert_eq(reply[7], i);
		}
	}
	close_and_expect(0);
}

Test(session, counts_the_records_that_it_could_not_send)
{
	struct audit a;
	uint8_t buf[AUDIT_LEN];
	struct record r;
	int pair[2], sent = 0;

	cr_assert_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		0);
	r = (struct record){ .fd = pair[0], .generation = 3 };
	for (; r.lost < 2; sent++) {
		a = (struct audit){ .kind = AUDIT_REFUSED };
		record_send(&r, &a);
	}
	for (sent -= 2; sent > 0; sent--)
		cr_assert_eq(recv(pair[1], buf, sizeof(buf), 0), AUDIT_LEN);
	a = (struct audit){ .kind = AUDIT_REFUSED };
	record_send(&r, &a);
	cr_assert_eq(r.lost, 0);
	cr_assert_eq(recv(pair[1], buf, sizeof(buf), 0), AUDIT_LEN);
	cr_assert_eq(audit_decode(buf, sizeof(buf), &a), 0);
	cr_assert_eq(a.lost, 2);
	cr_assert_eq(a.generation, 3);
}

Test(session, lives_on_when_the_logger_is_gone)
{
	struct proto_key key;

	fixture_start(&f);
	close(f.audit);
	close(f.audit_sender);
	cr_assert_eq(ask_find(f.foreign, NULL, &key), PROTO_NOT_PERMITTED);
	cr_assert_eq(ask_find(f.foreign, NULL, &key), PROTO_NOT_PERMITTED);
	/* Two records are lost, and no other will tell. */
	close_and_expect(3);
}

/* ---- starts that must fail --------------------------------------------- */

Test(session, refuses_a_ring_that_could_still_be_changed)
{
	static const int seals[] = { 0, F_SEAL_SHRINK | F_SEAL_GROW,
		F_SEAL_WRITE | F_SEAL_GROW };
	uint32_t len;
	size_t i;
	int fd;

	for (i = 0; i < 3; i++) {
		fixture_init(&f);
		fixture_add(&f, NULL, "one");
		fd = fixture_ring(&f, seals[i], &len);
		fixture_start_with(&f, fd, len);
		cr_assert_eq(fixture_wait(&f), 2);
	}
}

Test(session, refuses_a_ring_that_is_not_as_long_as_said)
{
	uint32_t len;
	int fd, i;

	for (i = -1; i <= 1; i += 2) {
		fixture_init(&f);
		fixture_add(&f, NULL, "one");
		fd = fixture_ring(&f, -1, &len);
		fixture_start_with(&f, fd, (uint32_t)((int)len + i));
		cr_assert_eq(fixture_wait(&f), 2);
	}
}

Test(session, refuses_one_key_under_two_names)
{
	struct ring_entry *one = fixture_add(&f, NULL, "one");
	struct ring_entry *two = fixture_add(&f, NULL, "two");

	memcpy(two->key.hash, one->key.hash, PROTO_HASH_LEN);
	fixture_start(&f);
	cr_assert_eq(fixture_wait(&f), 2);
}
