#include "prove.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "made_up.h"
#include "pubkey.h"
#include "request.h"

enum {
	SKIPPED = 1,       /* there is nothing that could be tried */
	SECRET = 32,       /* bytes that are encrypted by OAEP */
	OAEP = 2 * 32 + 2, /* bytes that it takes, RFC 8017 §7.1 */
	VERSION = 0x0303,  /* TLS 1.2 */
};

struct proof {
	const struct config *config;
	const struct user_identity *who;
	const struct prove_key *key;
	const struct keykind *kind;
	EVP_PKEY *pkey;
	struct user_answer *out;
	struct fault *f;
};

/* What each proof below returns: 0 and p->out, SKIPPED, or -1 with p->f. */
static int
failed(struct proof *p, const char *what)
{
	return fault_set(p->f, FAULT_FAILED, "trying the key: %s failed", what);
}

/* keyd gave an answer: is it what it should be? */
static int
judge(struct proof *p, bool right, const char *wrong)
{
	if (p->out->ok && !right) {
		p->out->ok = false;
		(void)snprintf(p->out->text, sizeof(p->out->text), "%s", wrong);
	}
	return 0;
}

static int
sign(struct proof *p, const struct proto_scheme *s, struct view message)
{
	struct proto_sign what = { .scheme = *s, .data = message };
	bool right;

	memcpy(what.hash, p->key->hash, sizeof(what.hash));
	if (user_sign(p->config, p->who, p->key->name, &what, p->out, p->f) < 0)
		return -1;
	right = p->out->ok &&
		pubkey_verify(p->pkey, s, message,
			(struct view){ p->out->output, p->out->len });
	return judge(p, right,
		"keyd's signature does not verify with the public key");
}

/* TLS 1.3 wants rsa-pss of RSA keys too. */
static void
adapt_to_tls13(struct proto_scheme *s)
{
	if (s->algorithm != PROTO_RSA_PKCS1)
		return;
	s->algorithm = PROTO_RSA_PSS;
	s->mgf1 = s->digest;
	s->salt = (uint16_t)proto_digest_len(s->digest);
}

/* Has TLS 1.3 nothing for this key: its curve, or a modulus too short? */
static bool
has_no_scheme(const struct user_answer *a)
{
	return !a->ok && a->reached &&
	       (a->detail == DETAIL_TLS_SCHEME ||
		       a->detail == DETAIL_SALT_LENGTH);
}

static int
handshake13(struct proof *p, bool client)
{
	uint8_t message[MADE_UP_MAX];
	size_t len = made_up_verify(client, message);
	struct proto_scheme s;

	if (len == 0)
		return failed(p, "getrandom");
	if (pubkey_scheme(p->pkey, p->kind, &s, p->f) < 0)
		return -1;
	adapt_to_tls13(&s);
	return sign(p, &s, (struct view){ message, len });
}

/* A message of TLS 1.2 that has been made up, of len bytes. */
static int
handshake12(struct proof *p, const uint8_t *message, size_t len)
{
	struct proto_scheme s;

	if (len == 0)
		return failed(p, "getrandom");
	if (pubkey_scheme(p->pkey, p->kind, &s, p->f) < 0)
		return -1;
	return sign(p, &s, (struct view){ message, len });
}

static int
prove_server(struct proof *p)
{
	uint8_t message[MADE_UP_MAX];
	int r = handshake13(p, false);

	if (r < 0 || !has_no_scheme(p->out))
		return r;
	return handshake12(p, message, made_up_exchange(false, message));
}

static int
prove_client(struct proof *p)
{
	uint8_t message[MADE_UP_MAX];
	int r = handshake13(p, true);

	if (r < 0 || !has_no_scheme(p->out))
		return r;
	return handshake12(p, message, made_up_transcript(message));
}

static int
prove_dhe(struct proof *p)
{
	uint8_t message[MADE_UP_MAX];
	int r = handshake12(p, message, made_up_exchange(true, message));

	/* `tls12 = no` leaves nothing of this use. */
	return r == 0 && !p->out->ok && p->out->detail == DETAIL_TLS12_OFF
		       ? SKIPPED
		       : r;
}

static int
prove_sign(struct proof *p)
{
	static const char words[] = "keydctl: does this key work?";
	struct proto_scheme s;

	if (pubkey_scheme(p->pkey, p->kind, &s, p->f) < 0)
		return -1;
	return sign(p, &s,
		(struct view){ (const uint8_t *)words, sizeof(words) - 1 });
}

static int
prove_csr(struct proof *p)
{
	struct request *request =
		request_new(p->key->spki, "/CN=keydctl proof", NULL, p->f);
	struct proto_scheme s;
	int r = -1;

	if (request == NULL)
		return -1;
	if (pubkey_scheme(p->pkey, p->kind, &s, p->f) == 0)
		r = sign(p, &s, request_tbs(request));
	request_free(request);
	return r;
}

/* Encrypts the bytes here and has keyd decrypt them. */
static int
decrypt(struct proof *p, const struct proto_decrypt *how, struct view plain)
{
	struct proto_decrypt what = *how;
	uint8_t data[PROTO_MAX_CIPHERTEXT];
	size_t len = sizeof(data);
	bool right;

	if (pubkey_encrypt(p->pkey, (enum proto_padding)what.padding, plain,
		    data, &len) < 0)
		return failed(p, "encryption");
	memcpy(what.hash, p->key->hash, sizeof(what.hash));
	what.data = (struct view){ data, len };
	if (user_decrypt(p->config, p->who, p->key->name, &what, p->out, p->f) <
		0)
		return -1;
	right = p->out->ok && p->out->len == plain.len &&
		memcmp(p->out->output, plain.data, plain.len) == 0;
	return judge(p, right, "keyd decrypts to something else");
}

static int
derive(struct proof *p)
{
	uint8_t peer[PROTO_MAX_PEER], secret[PROTO_MAX_OUTPUT];
	size_t peer_len = sizeof(peer), len = sizeof(secret);
	struct proto_derive what;
	bool right;

	if (pubkey_agree(p->pkey, peer, &peer_len, secret, &len) < 0)
		return failed(p, "key agreement");
	memcpy(what.hash, p->key->hash, sizeof(what.hash));
	what.peer = (struct view){ peer, peer_len };
	if (user_derive(p->config, p->who, p->key->name, &what, p->out, p->f) <
		0)
		return -1;
	right = p->out->ok && p->out->len == len &&
		memcmp(p->out->output, secret, len) == 0;
	return judge(p, right, "keyd derives something else");
}

static int
prove_decrypt(struct proof *p)
{
	const struct proto_decrypt how = { .padding = PROTO_OAEP,
		.digest = PROTO_SHA256,
		.mgf1 = PROTO_SHA256 };
	uint8_t plain[SECRET];
	int room = EVP_PKEY_get_size(p->pkey) - OAEP;

	if (!keykind_is_rsa(p->kind))
		return derive(p);
	if (room <= 0)
		return SKIPPED;
	if (room > SECRET)
		room = SECRET;
	if (getrandom(plain, sizeof(plain), 0) != sizeof(plain))
		return failed(p, "getrandom");
	return decrypt(p, &how, (struct view){ plain, (size_t)room });
}

static int
prove_rsa_kx(struct proof *p)
{
	const struct proto_decrypt how = { .padding = PROTO_PREMASTER,
		.version = VERSION };
	uint8_t plain[PROTO_PREMASTER_LEN];

	if (getrandom(plain, sizeof(plain), 0) != sizeof(plain))
		return failed(p, "getrandom");
	plain[0] = VERSION >> 8;
	plain[1] = VERSION & 0xff;
	return decrypt(p, &how, (struct view){ plain, sizeof(plain) });
}

static const struct {
	uint32_t use;
	int (*prove)(struct proof *p);
} proofs[] = {
	{ PROTO_USE_TLS_SERVER, prove_server },
	{ PROTO_USE_TLS_CLIENT, prove_client },
	{ PROTO_USE_TLS_DHE, prove_dhe },
	{ PROTO_USE_TLS_RSA_KX, prove_rsa_kx },
	{ PROTO_USE_CSR, prove_csr },
	{ PROTO_USE_SIGN, prove_sign },
	{ PROTO_USE_DECRYPT, prove_decrypt },
};

static int
prove_all(struct proof *p)
{
	uint32_t proved = 0;
	size_t i;
	int r;

	for (i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		if ((p->key->use & proofs[i].use) == 0)
			continue;
		r = proofs[i].prove(p);
		if (r < 0 || (r == 0 && !p->out->ok))
			return r;
		if (r == 0)
			proved |= proofs[i].use;
	}
	*p->out = (struct user_answer){ .ok = true };
	(void)proto_use_names(proved, p->out->text, sizeof(p->out->text));
	return 0;
}

int
prove_use(const struct config *c, const struct user_identity *who,
	const struct prove_key *k, struct user_answer *out, struct fault *f)
{
	struct proof p = { .config = c,
		.who = who,
		.key = k,
		.kind = keykind_by_type(k->type),
		.out = out,
		.f = f };
	int r = -1;

	if (p.kind == NULL)
		return fault_set(f, FAULT_FAILED,
			"a key of a type that is unknown here");
	p.pkey = pubkey_read(k->spki, f);
	if (p.pkey != NULL)
		r = prove_all(&p);
	EVP_PKEY_free(p.pkey);
	return r;
}
