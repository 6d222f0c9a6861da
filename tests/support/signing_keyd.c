#include "signing_keyd.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "told_keys.h"
#include "fake_decrypt.h"
#include "wire/proto.h"

enum {
	MAX_CLIENTS = 64,
	MAX_KEYS = 16,
};

struct fake_key {
	EVP_PKEY *key;
	uint8_t hash[PROTO_HASH_LEN];
};

struct fake {
	struct fake_key keys[MAX_KEYS];
	struct told_key told[MAX_KEYS];
	size_t count;
	unsigned short refuse, detail;
	uint8_t request[PROTO_MAX_REQUEST];
	uint8_t reply[PROTO_MAX_REPLY];
};

static EVP_PKEY *
find(const struct fake *f, const uint8_t *hash)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (memcmp(f->keys[i].hash, hash, PROTO_HASH_LEN) == 0)
			return f->keys[i].key;
	return NULL;
}

static int
set_padding(EVP_PKEY_CTX *pctx, const struct proto_scheme *s)
{
	const EVP_MD *mgf1;

	if (s->algorithm != PROTO_RSA_PSS)
		return 1;
	mgf1 = EVP_get_digestbyname(proto_digest_name(s->mgf1));
	return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, mgf1) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, s->salt) == 1;
}

/* The names of 3.2 for what 3.0 does not have. */
static const struct {
	uint8_t algorithm;
	const char *instance;
} instances[] = {
	{ PROTO_ED25519CTX, "Ed25519ctx" },
	{ PROTO_ED25519PH, "Ed25519ph" },
	{ PROTO_ED448CTX, "Ed448" },
	{ PROTO_ED448PH, "Ed448ph" },
};

/* Sets the instance and takes the context off the message. */
static int
set_instance(EVP_PKEY_CTX *pctx, uint8_t algorithm, struct view *data)
{
	OSSL_PARAM params[3] = { OSSL_PARAM_END, OSSL_PARAM_END,
		OSSL_PARAM_END };
	size_t i, n;

	for (i = 0; i < sizeof(instances) / sizeof(instances[0]); i++)
		if (instances[i].algorithm == algorithm)
			break;
	if (i == sizeof(instances) / sizeof(instances[0]))
		return 1;
	n = data->data[0];
	params[0] = OSSL_PARAM_construct_utf8_string(
		"instance", (char *)(uintptr_t)instances[i].instance, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
		"context-string", (void *)(uintptr_t)(data->data + 1), n);
	data->data += 1 + n;
	data->len -= 1 + n;
	return EVP_PKEY_CTX_set_params(pctx, params);
}

static int
set_nonce(EVP_PKEY_CTX *pctx, uint8_t algorithm)
{
	unsigned type = 1;
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_uint("nonce-type", &type),
		OSSL_PARAM_END };

	return algorithm != PROTO_ECDSA_DETERMINISTIC ||
	       EVP_PKEY_CTX_set_params(pctx, params) == 1;
}

static int
sign_message(
	EVP_PKEY *key, const struct proto_sign *m, uint8_t *sig, size_t *len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct view data = m->data;
	EVP_PKEY_CTX *pctx = NULL;
	int ok;

	/* Ed25519 and Ed448: digest 0 is no digest here too. */
	ok = EVP_DigestSignInit_ex(md, &pctx,
		     proto_digest_name(m->scheme.digest), NULL, NULL, key,
		     NULL) == 1 &&
	     set_padding(pctx, &m->scheme) &&
	     set_nonce(pctx, m->scheme.algorithm) &&
	     set_instance(pctx, m->scheme.algorithm, &data) &&
	     EVP_DigestSign(md, sig, len, data.data, data.len) == 1;
	EVP_MD_CTX_free(md);
	return ok;
}

static int
sign_digest(
	EVP_PKEY *key, const struct proto_sign *m, uint8_t *sig, size_t *len)
{
	EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new(key, NULL);
	const char *name = proto_digest_name(m->scheme.digest);
	int ok;

	ok = EVP_PKEY_sign_init(pctx) == 1 &&
	     (name == NULL || EVP_PKEY_CTX_set_signature_md(
				      pctx, EVP_get_digestbyname(name)) == 1) &&
	     set_padding(pctx, &m->scheme) &&
	     set_nonce(pctx, m->scheme.algorithm) &&
	     EVP_PKEY_sign(pctx, sig, len, m->data.data, m->data.len) == 1;
	EVP_PKEY_CTX_free(pctx);
	return ok;
}

static size_t
answer_sign(struct fake *f, const struct proto_request *req)
{
	struct writer w = writer_init(f->reply, sizeof(f->reply));
	uint8_t sig[PROTO_MAX_SIGNATURE];
	unsigned short status = f->refuse;
	size_t len = sizeof(sig);
	struct proto_sign m;
	EVP_PKEY *key;
	int ok;

	if (proto_get_sign(req->body, &m) < 0) {
		status = PROTO_MALFORMED;
	} else if (status == 0) {
		key = find(f, m.hash);
		if (key == NULL)
			status = PROTO_UNKNOWN_KEY;
		else if (m.input == PROTO_INPUT_DIGEST)
			ok = sign_digest(key, &m, sig, &len);
		else
			ok = sign_message(key, &m, sig, &len);
		if (key != NULL && !ok)
			status = PROTO_BAD_PARAMETER;
	}
	if (status == SIGNING_KEYD_TOO_LONG ||
		status == SIGNING_KEYD_TOO_SHORT) {
		memset(sig, 1, sizeof(sig));
		len = status == SIGNING_KEYD_TOO_LONG ? sizeof(sig) : 64;
		status = 0;
	}
	if (status != 0) {
		proto_put_error(&w, req->type, req->id, status, f->detail);
	} else {
		proto_put_ok(&w, req->type, req->id);
		proto_put_signature(&w, sig, len);
	}
	return writer_finish(&w, &len) < 0 ? 0 : len;
}

/* Decrypt and derive. */
static size_t
answer_secret(struct fake *f, const struct proto_request *req)
{
	struct writer w = writer_init(f->reply, sizeof(f->reply));
	unsigned short status = f->refuse, detail = f->detail;
	bool is_decrypt = req->type == PROTO_DECRYPT;
	uint8_t out[PROTO_MAX_OUTPUT] = { 0 };
	struct proto_decrypt decrypt;
	struct proto_derive derive;
	size_t len = 0;
	EVP_PKEY *key;
	int rc;

	rc = is_decrypt ? proto_get_decrypt(req->body, &decrypt)
			: proto_get_derive(req->body, &derive);
	key = rc < 0 ? NULL : find(f, is_decrypt ? decrypt.hash : derive.hash);
	if (rc < 0)
		status = PROTO_MALFORMED;
	else if (status == 0 && key == NULL)
		status = PROTO_UNKNOWN_KEY;
	else if (status == 0 && is_decrypt)
		status = fake_decrypt(key, &decrypt, out, &len, &detail);
	else if (status == 0)
		status = fake_derive(key, &derive, out, &len, &detail);
	if (status == SIGNING_KEYD_TOO_LONG ||
		status == SIGNING_KEYD_TOO_SHORT) {
		len = status == SIGNING_KEYD_TOO_LONG ? sizeof(out) : 1;
		status = 0;
	}
	if (status != 0) {
		proto_put_error(&w, req->type, req->id, status, detail);
	} else {
		proto_put_ok(&w, req->type, req->id);
		proto_put_output(&w, out, len);
	}
	return writer_finish(&w, &len) < 0 ? 0 : len;
}

static size_t
answer_hello(struct fake *f, const struct proto_request *req)
{
	struct writer w = writer_init(f->reply, sizeof(f->reply));
	const struct proto_hello hello = {
		.lowest = PROTO_VERSION,
		.highest = PROTO_VERSION,
		.max_request = PROTO_MAX_REQUEST,
		.types = 1u << PROTO_HELLO | 1u << PROTO_SIGN |
			 1u << PROTO_DECRYPT | 1u << PROTO_DERIVE,
		.generation = 1,
	};
	size_t len;

	proto_put_ok(&w, req->type, req->id);
	proto_put_hello(&w, &hello);
	return writer_finish(&w, &len) < 0 ? 0 : len;
}

static size_t
answer_about_keys(struct fake *f, const struct proto_request *req)
{
	bool is_lying = (f->refuse & SIGNING_KEYD_LIES) == SIGNING_KEYD_LIES;
	struct writer w = writer_init(f->reply, sizeof(f->reply));
	size_t len;

	if (f->refuse == 0 || is_lying)
		return told_answer(f->told, f->count,
			(enum told_lie)(f->refuse & ~SIGNING_KEYD_LIES), req,
			f->reply, sizeof(f->reply));
	proto_put_error(&w, req->type, req->id, f->refuse, f->detail);
	return writer_finish(&w, &len) < 0 ? 0 : len;
}

/* One request, one reply. -1: the connection is over. */
static int
serve(struct fake *f, int fd)
{
	struct proto_request req;
	size_t len = 0;
	ssize_t n;

	n = recv(fd, f->request, sizeof(f->request), 0);
	if (n <= 0 || proto_decode_request(f->request, (size_t)n, &req) < 0)
		return -1;
	if (req.type == PROTO_SIGN)
		len = answer_sign(f, &req);
	else if (req.type == PROTO_DECRYPT || req.type == PROTO_DERIVE)
		len = answer_secret(f, &req);
	else if (req.type == PROTO_HELLO)
		len = answer_hello(f, &req);
	else if (req.type == PROTO_FIND || req.type == PROTO_LIST)
		len = answer_about_keys(f, &req);
	if (len == 0 || send(fd, f->reply, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -1;
	return 0;
}

static void
run(struct fake *f, int listener)
{
	struct pollfd fds[MAX_CLIENTS + 1] = { { listener, POLLIN, 0 } };
	nfds_t n = 1, i;

	while (poll(fds, n, -1) > 0) {
		for (i = n; i-- > 1;) {
			if (fds[i].revents == 0 || serve(f, fds[i].fd) == 0)
				continue;
			close(fds[i].fd);
			fds[i] = fds[--n];
		}
		if (fds[0].revents != 0 && n <= MAX_CLIENTS) {
			fds[n].fd = accept(listener, NULL, NULL);
			fds[n].events = POLLIN;
			fds[n].revents = 0;
			if (fds[n].fd >= 0)
				n++;
		}
	}
}

static int
take_key(struct fake_key *out, struct told_key *told, EVP_PKEY *key,
	const char *name)
{
	unsigned char *der = NULL;
	size_t len;
	int n, ok;

	n = i2d_PUBKEY(key, &der);
	if (n <= 0)
		return -1;
	ok = EVP_Q_digest(
		NULL, "SHA256", NULL, der, (size_t)n, out->hash, &len);
	told->name = name;
	OPENSSL_free(told->spki); /* of one started before */
	told->spki = der;
	told->spki_len = (size_t)n;
	memcpy(told->hash, out->hash, sizeof(told->hash));
	out->key = key;
	return ok ? 0 : -1;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		listen(fd, MAX_CLIENTS) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

pid_t
signing_keyd_start(const char *path, EVP_PKEY *const *keys,
	const char *const *names, size_t count, unsigned short refuse,
	unsigned short detail)
{
	static struct fake f;
	int listener = listen_at(path);
	size_t i;
	pid_t pid;

	if (listener < 0 || count > MAX_KEYS)
		return -1;
	f.refuse = refuse;
	f.detail = detail;
	f.count = count;
	for (i = 0; i < count; i++)
		if (take_key(&f.keys[i], &f.told[i], keys[i], names[i]) < 0)
			return -1;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(&f, listener);
		_exit(1);
	}
	close(listener);
	return pid;
}

void
signing_keyd_stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
