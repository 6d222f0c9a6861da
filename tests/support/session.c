#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lockdown/lockdown.h"
#include "session/loop.h"
#include "session/warmup.h"
#include "wire/boot.h"
#include "wire/keykind.h"
#include "wire/tlsgroup.h"

enum {
	TEN_SECONDS = 10000,
	ALL_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer's runtime needs calls and memory that a session has not. */
static const uint32_t not_here = LAYER_SECCOMP | LAYER_RLIMITS;
#else
static const uint32_t not_here = 0;
#endif

#define need(ok)                                                               \
	do {                                                                   \
		if (!(ok)) {                                                   \
			perror(#ok);                                           \
			abort();                                               \
		}                                                              \
	} while (0)

void
fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	memset(f->foreign, 0xEE, sizeof(f->foreign));
	f->generation = 7;
}

/* "RSA:2048" is of the kind "RSA". */
static const struct keykind *
find_kind(const char *type)
{
	size_t i, len = strcspn(type, ":");
	const struct keykind *k;

	for (i = 0; (k = keykind_at(i)) != NULL; i++)
		if (strlen(k->name) == len && strncmp(k->name, type, len) == 0)
			return k;
	need(!"a type of key");
	return NULL;
}

/*
 * Primes of 4096 bits take seconds to find: these are RFC 3526's and RFC
 * 7919's. As safe as a test needs it.
 */
static EVP_PKEY *
make_rsa_8192(void)
{
	BIGNUM *p = BN_get_rfc3526_prime_4096(NULL), *q = NULL;
	EVP_PKEY_CTX *dh = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	EVP_PKEY_CTX *rsa = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	char group[] = "ffdhe4096";
	OSSL_PARAM name[] = { OSSL_PARAM_construct_utf8_string(
				      "group", group, 0),
		OSSL_PARAM_END };
	BIGNUM *n = BN_new(), *e = BN_new(), *d = BN_new(), *p1 = BN_new(),
	       *q1 = BN_new(), *phi = BN_new(), *dp = BN_new(), *dq = BN_new(),
	       *qinv = BN_new();
	EVP_PKEY *params = NULL, *pkey = NULL;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BN_CTX *ctx = BN_CTX_new();
	OSSL_PARAM *all;

	need(EVP_PKEY_fromdata_init(dh) == 1 &&
		EVP_PKEY_fromdata(dh, &params, EVP_PKEY_KEY_PARAMETERS, name) ==
			1 &&
		EVP_PKEY_get_bn_param(params, "p", &q) == 1);
	need(BN_set_word(e, 65537) && BN_mul(n, p, q, ctx) &&
		BN_sub(p1, p, BN_value_one()) && BN_sub(q1, q, BN_value_one()));
	need(BN_mul(phi, p1, q1, ctx) && BN_mod_inverse(d, e, phi, ctx) &&
		BN_mod(dp, d, p1, ctx) && BN_mod(dq, d, q1, ctx) &&
		BN_mod_inverse(qinv, q, p, ctx));
	need(OSSL_PARAM_BLD_push_BN(b, "n", n) &&
		OSSL_PARAM_BLD_push_BN(b, "e", e) &&
		OSSL_PARAM_BLD_push_BN(b, "d", d) &&
		OSSL_PARAM_BLD_push_BN(b, "rsa-factor1", p) &&
		OSSL_PARAM_BLD_push_BN(b, "rsa-factor2", q) &&
		OSSL_PARAM_BLD_push_BN(b, "rsa-exponent1", dp) &&
		OSSL_PARAM_BLD_push_BN(b, "rsa-exponent2", dq) &&
		OSSL_PARAM_BLD_push_BN(b, "rsa-coefficient1", qinv));
	all = OSSL_PARAM_BLD_to_param(b);
	need(all != NULL && EVP_PKEY_fromdata_init(rsa) == 1 &&
		EVP_PKEY_fromdata(rsa, &pkey, EVP_PKEY_KEYPAIR, all) == 1);
	OSSL_PARAM_free(all);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_free(params);
	EVP_PKEY_CTX_free(dh);
	EVP_PKEY_CTX_free(rsa);
	BN_CTX_free(ctx);
	BN_free(p);
	BN_free(q);
	BN_free(n);
	BN_free(e);
	BN_free(d);
	BN_free(p1);
	BN_free(q1);
	BN_free(phi);
	BN_free(dp);
	BN_free(dq);
	BN_free(qinv);
	return pkey;
}

/* "2048", or "2048:SHA384" of an RSA-PSS key that is restricted to it. */
static void
set_rsa(EVP_PKEY_CTX *ctx, const char *bits)
{
	const char *digest = strchr(bits, ':');

	need(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, atoi(bits)) > 0);
	if (digest == NULL)
		return;
	need(EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(ctx, digest + 1, NULL) >
		0);
	need(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(ctx, digest + 1) > 0);
}

static EVP_PKEY *
make_key(const struct keykind *kind, const char *type)
{
	const char *bits = strchr(type, ':');
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey = NULL;

	if (kind->group != NULL)
		return EVP_EC_gen(kind->group);
	if (strcmp(type, "RSA:8192") == 0)
		return make_rsa_8192();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, kind->algorithm, NULL);
	need(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1);
	if (bits != NULL)
		set_rsa(ctx, bits + 1);
	need(EVP_PKEY_generate(ctx, &pkey) == 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static void
encode_key(struct fixture_key *k, struct ring_entry *e)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
	unsigned char *p = k->spki;
	int len = i2d_PUBKEY(k->pkey, NULL);

	need(info != NULL && len > 0 && (size_t)len <= sizeof(k->spki));
	e->key.spki.len = (size_t)i2d_PUBKEY(k->pkey, &p);
	len = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
	need(len > 0 && (size_t)len <= sizeof(k->private_key));
	p = k->private_key;
	e->private_key.len = (size_t)i2d_PKCS8_PRIV_KEY_INFO(info, &p);
	PKCS8_PRIV_KEY_INFO_free(info);
}

struct ring_entry *
fixture_add(struct fixture *f, const char *type, const char *name)
{
	struct fixture_key *k = &f->keys[f->count];
	struct ring_entry *e = &f->entries[f->count];
	const struct keykind *kind;

	need(f->count < FIXTURE_MAX_KEYS);
	f->count++;
	snprintf(k->name, sizeof(k->name), "%s", name);
	e->key.name = (struct view){ (uint8_t *)k->name, strlen(k->name) };
	e->key.spki.data = k->spki;
	e->private_key.data = k->private_key;
	e->key.use = PROTO_USE_SIGN;
	e->key.tls12 = PROTO_TLS12_ANY;
	e->tls12_groups = TLSGROUP_DEFAULT;
	if (type == NULL) {
		e->key.type = PROTO_KEY_P256;
		e->key.bits = 256;
		e->key.spki.len = (size_t)snprintf(
			(char *)k->spki, sizeof(k->spki), "spki of %s", name);
		e->private_key.len = 1;
	} else {
		kind = find_kind(type);
		k->pkey = make_key(kind, type);
		need(k->pkey != NULL);
		encode_key(k, e);
		e->key.bits = (uint16_t)EVP_PKEY_get_bits(k->pkey);
		e->key.type = kind->type;
		if ((kind->uses & PROTO_USE_SIGN) == 0)
			e->key.use = PROTO_USE_DECRYPT;
		memset(k->secret, 'K', sizeof(k->secret));
		e->secrets.data = k->secret;
	}
	need(EVP_Digest(e->key.spki.data, e->key.spki.len, e->key.hash, NULL,
		     EVP_sha256(), NULL) == 1);
	return e;
}

static int
memory_file(const void *data, size_t len, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	need(fd >= 0);
	need(write(fd, data, len) == (ssize_t)len);
	need(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

/* What the test changed may call for K, or not. */
static void
set_secrets(struct fixture *f)
{
	uint32_t i;

	for (i = 0; i < f->count; i++)
		f->entries[i].secrets.len = ring_secret_len(&f->entries[i].key);
}

int
fixture_ring(struct fixture *f, int seals, uint32_t *len)
{
	size_t size;
	void *buf;
	int fd;

	set_secrets(f);
	size = ring_size(f->entries, f->count);
	buf = malloc(size);
	need(buf != NULL && ring_write(f->entries, f->count, buf, size) == 0);
	fd = memory_file(buf, size, seals < 0 ? ALL_SEALS : seals);
	*len = (uint32_t)size;
	free(buf);
	return fd;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, PROTO_HASH_LEN);
}

/* All hashes, sorted, each once. */
static void *
make_index(const struct fixture *f, size_t *size)
{
	uint8_t(*hashes)[PROTO_HASH_LEN] = calloc(f->count + 1, PROTO_HASH_LEN);
	uint32_t i, n = 0;
	void *buf;

	need(hashes != NULL);
	for (i = 0; i < f->count; i++)
		memcpy(hashes[i], f->entries[i].key.hash, PROTO_HASH_LEN);
	memcpy(hashes[f->count], f->foreign, PROTO_HASH_LEN);
	qsort(hashes, f->count + 1, PROTO_HASH_LEN, compare);
	for (i = 0; i <= f->count; i++)
		if (n == 0 || compare(hashes[i], hashes[n - 1]) != 0)
			memmove(hashes[n++], hashes[i], PROTO_HASH_LEN);
	*size = ring_index_size(n);
	buf = malloc(*size);
	need(buf != NULL);
	need(ring_index_write((const uint8_t(*)[PROTO_HASH_LEN])hashes, n, buf,
		     *size) == 0);
	free(hashes);
	return buf;
}

/* The session's end of the client connection, as the broker makes it. */
static int
connect_client(struct fixture *f)
{
	struct timeval idle = { .tv_sec = f->idle_ms / 1000,
		.tv_usec = f->idle_ms % 1000 * 1000 };
	struct timeval ten = { .tv_sec = 10 };
	int pair[2], on = 1;

	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	f->client = pair[0];
	need(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof(ten)) ==
		0);
	need(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ==
		0);
	need(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &idle,
		     sizeof(idle)) == 0);
	return pair[1];
}

static void
open_audit(struct fixture *f)
{
	struct timeval second = { .tv_sec = 1 };
	int pair[2];

	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	f->audit = pair[0];
	f->audit_sender = pair[1];
	need(setsockopt(pair[1], SOL_SOCKET, SO_SNDTIMEO, &second,
		     sizeof(second)) == 0);
}

static int
open_generation(struct fixture *f)
{
	int fd = memory_file(&f->generation, sizeof(f->generation), 0);

	f->current = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	need(f->current != MAP_FAILED);
	return fd;
}

/* Beside this test: build/tests/unit/NAME, build/keyd/keyd-session. */
static void
session_path(char *out, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	need(n > 0);
	exe[n] = '\0';
	need(snprintf(out, size, "%s/../../keyd/keyd-session", dirname(exe)) <
		(int)size);
}

static void
exec_session(int control, int audit, int generation)
{
	struct lockdown_plan plan = { .uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.wanted = lockdown_wanted() & ~not_here &
			  ~(uint32_t)(LAYER_CHROOT | LAYER_USER |
				      LAYER_SESSION_UID) };
	char text[PATH_MAX + 64], path[PATH_MAX];
	int high[3];

	/* Out of the way first: the numbers may overlap. */
	high[0] = fcntl(control, F_DUPFD, 100);
	high[1] = fcntl(audit, F_DUPFD, 100);
	high[2] = fcntl(generation, F_DUPFD, 100);
	need(dup2(high[0], BOOT_FD_CONTROL) >= 0);
	need(dup2(high[1], BOOT_FD_AUDIT) >= 0);
	need(dup2(high[2], BOOT_FD_GENERATION) >= 0);
	need(syscall(SYS_close_range, BOOT_FD_GENERATION + 1, ~0U, 0) == 0);
	need(lockdown_plan_print(&plan, text, sizeof(text)) == 0);
	session_path(path, sizeof(path));
	execl(path, "keyd-session", text, (char *)NULL);
	need(!"exec");
}

static void
send_start(struct fixture *f, int control, int ring_fd, uint32_t ring_len)
{
	struct boot_start start = { .number = 1,
		.generation = f->generation,
		.peer_pid = f->peer_pid != 0 ? f->peer_pid : (uint32_t)getpid(),
		.peer_uid = geteuid(),
		.peer_gid = getegid(),
		.nrings = 1,
		.ring_len = { ring_len } };
	uint8_t buf[BOOT_MAX];
	struct writer w = writer_init(buf, sizeof(buf));
	size_t size;
	void *index = make_index(f, &size);
	int fds[3] = { connect_client(f), memory_file(index, size, ALL_SEALS),
		ring_fd };

	start.index_len = (uint32_t)size;
	writer_u8(&w, BOOT_SESSION_START);
	boot_put_start(&w, &start);
	need(boot_send(control, buf, writer_len(&w), fds, 3) == 0);
	free(index);
	close(fds[0]);
	close(fds[1]);
}

void
fixture_start_with(struct fixture *f, int ring_fd, uint32_t ring_len)
{
	uint8_t buf[BOOT_MAX];
	int pair[2], generation;
	size_t nfds;

	open_audit(f);
	generation = open_generation(f);
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	f->pid = fork();
	need(f->pid >= 0);
	if (f->pid == 0)
		exec_session(pair[1], f->audit_sender, generation);
	close(pair[1]);
	close(generation);
	need(boot_recv(pair[0], buf, sizeof(buf), NULL, 0, &nfds) == 9);
	need(buf[0] == BOOT_SESSION_READY);
	send_start(f, pair[0], ring_fd, ring_len);
	close(ring_fd);
	close(pair[0]);
}

void
fixture_start(struct fixture *f)
{
	uint32_t len;
	int fd = fixture_ring(f, -1, &len);

	fixture_start_with(f, fd, len);
}

static int
run_loop(struct fixture *f, int client)
{
	struct loop l = { .session = { .audit = { .fd = f->audit_sender,
					       .generation = f->generation },
				  .generation = f->generation },
		.client = client,
		.pid = f->peer_pid != 0 ? f->peer_pid : (uint32_t)getppid(),
		.uid = geteuid(),
		.gid = getegid(),
		.current = f->current };
	struct keys_map index, ring;
	void *data;
	int code;

	index.data = data = make_index(f, &index.len);
	set_secrets(f);
	ring.len = ring_size(f->entries, f->count);
	ring.data = malloc(ring.len);
	need(ring_write(f->entries, f->count, (void *)(uintptr_t)ring.data,
		     ring.len) == 0);
	need(warmup() == 0);
	need(keys_new(index, &ring, 1, &l.session.keys) == 0);
	code = loop_run(&l);
	keys_free(l.session.keys);
	free((void *)(uintptr_t)ring.data);
	free(data);
	return code;
}

void
fixture_start_loop(struct fixture *f)
{
	int client = connect_client(f);

	open_audit(f);
	close(open_generation(f));
	f->pid = fork();
	need(f->pid >= 0);
	if (f->pid == 0) {
		close(f->client);
		_exit(run_loop(f, client));
	}
	close(client);
}

void
fixture_send(const struct fixture *f, const void *data, size_t len, int attach)
{
	struct ucred self = { getpid(), geteuid(), getegid() };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred)) +
			 CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(self)) };
	struct cmsghdr *c;

	if (attach >= 0)
		msg.msg_controllen = sizeof(control.buf);
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(self));
	memcpy(CMSG_DATA(c), &self, sizeof(self));
	if (attach >= 0) {
		c = CMSG_NXTHDR(&msg, c);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(attach));
		memcpy(CMSG_DATA(c), &attach, sizeof(attach));
	}
	need(sendmsg(f->client, &msg, MSG_NOSIGNAL) == (ssize_t)len);
}

size_t
fixture_receive(const struct fixture *f, uint8_t reply[PROTO_MAX_REPLY])
{
	ssize_t n = recv(f->client, reply, PROTO_MAX_REPLY, 0);

	if (n < 0 && errno == ECONNRESET)
		return 0;
	need(n >= 0);
	return (size_t)n;
}

void
fixture_ask(const struct fixture *f, const struct writer *request,
	uint8_t reply[PROTO_MAX_REPLY], struct proto_reply *out)
{
	size_t len, n;

	need(writer_finish(request, &len) == 0);
	fixture_send(f, request->start, len, -1);
	n = fixture_receive(f, reply);
	need(n > 0 && proto_decode_reply(reply, n, out) == 0);
}

static uint8_t request[PROTO_MAX_REQUEST], reply[PROTO_MAX_REPLY];

uint16_t
fixture_sign(const struct fixture *f, const struct proto_sign *m,
	struct view *sig, uint16_t *detail)
{
	struct writer w = writer_init(request, sizeof(request));
	struct proto_reply r;

	proto_put_request(&w, PROTO_SIGN, 9);
	proto_put_sign(&w, m);
	fixture_ask(f, &w, reply, &r);
	*detail = r.detail;
	if (r.status == PROTO_OK)
		need(proto_get_signature(r.body, sig) == 0);
	return r.status;
}

uint16_t
fixture_decrypt(const struct fixture *f, const struct proto_decrypt *m,
	struct view *out, uint16_t *detail)
{
	struct writer w = writer_init(request, sizeof(request));
	struct proto_reply r;

	proto_put_request(&w, PROTO_DECRYPT, 9);
	proto_put_decrypt(&w, m);
	fixture_ask(f, &w, reply, &r);
	*detail = r.detail;
	if (r.status == PROTO_OK)
		need(proto_get_output(r.body, out) == 0);
	return r.status;
}

uint16_t
fixture_derive(const struct fixture *f, const struct proto_derive *m,
	struct view *out, uint16_t *detail)
{
	struct writer w = writer_init(request, sizeof(request));
	struct proto_reply r;

	proto_put_request(&w, PROTO_DERIVE, 9);
	proto_put_derive(&w, m);
	fixture_ask(f, &w, reply, &r);
	*detail = r.detail;
	if (r.status == PROTO_OK)
		need(proto_get_output(r.body, out) == 0);
	return r.status;
}

bool
fixture_audit(const struct fixture *f, struct audit *out)
{
	struct pollfd p = { .fd = f->audit, .events = POLLIN };
	uint8_t buf[AUDIT_LEN + 1];
	ssize_t n;

	if (poll(&p, 1, 100) != 1)
		return false;
	n = recv(f->audit, buf, sizeof(buf), 0);
	return n > 0 && audit_decode(buf, (size_t)n, out) == 0;
}

int
fixture_wait(struct fixture *f)
{
	int pidfd = (int)syscall(SYS_pidfd_open, f->pid, 0), status;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	need(pidfd >= 0);
	if (poll(&p, 1, TEN_SECONDS) != 1)
		kill(f->pid, SIGKILL);
	close(pidfd);
	need(waitpid(f->pid, &status, 0) == f->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}
