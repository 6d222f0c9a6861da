#include "policy.h"

#include "weak.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Versions of TLS, as bits of a row. */
enum {
	TLS12 = 1 << 0,
	TLS13 = 1 << 1,
};

/* Key types, as bits of a row. */
enum {
	RSA = 1 << PROTO_KEY_RSA,
	P256 = 1 << PROTO_KEY_P256,
	P384 = 1 << PROTO_KEY_P384,
};

/*
 * What a TLS server may sign with: RFC 8446 §4.2.3, RFC 5246 §7.4.1.4.1. Salt
 * and MGF1 of rsa-pss must be those of the digest. In TLS 1.2 the curve does
 * not bind the digest. SHA-1 gets here only with `weak-digests = yes`;
 * MD5 and MD5-SHA1 (TLS 1.0 and 1.1) never pass for TLS.
 */
static const struct {
	uint8_t versions;
	uint8_t keys;
	uint8_t algorithm;
	uint8_t digest;
} schemes[] = {
	{ TLS12 | TLS13, RSA, PROTO_RSA_PSS, PROTO_SHA256 },
	{ TLS12 | TLS13, RSA, PROTO_RSA_PSS, PROTO_SHA384 },
	{ TLS12 | TLS13, RSA, PROTO_RSA_PSS, PROTO_SHA512 },
	{ TLS13, P256, PROTO_ECDSA, PROTO_SHA256 },
	{ TLS13, P384, PROTO_ECDSA, PROTO_SHA384 },
	{ TLS12, RSA, PROTO_RSA_PKCS1, PROTO_SHA1 },
	{ TLS12, RSA, PROTO_RSA_PKCS1, PROTO_SHA224 },
	{ TLS12, RSA, PROTO_RSA_PKCS1, PROTO_SHA256 },
	{ TLS12, RSA, PROTO_RSA_PKCS1, PROTO_SHA384 },
	{ TLS12, RSA, PROTO_RSA_PKCS1, PROTO_SHA512 },
	{ TLS12, P256 | P384, PROTO_ECDSA, PROTO_SHA1 },
	{ TLS12, P256 | P384, PROTO_ECDSA, PROTO_SHA224 },
	{ TLS12, P256 | P384, PROTO_ECDSA, PROTO_SHA256 },
	{ TLS12, P256 | P384, PROTO_ECDSA, PROTO_SHA384 },
	{ TLS12, P256 | P384, PROTO_ECDSA, PROTO_SHA512 },
};

static bool
is_tls_scheme(unsigned version, uint8_t key, const struct proto_scheme *s)
{
	size_t i;

	if (key > PROTO_KEY_P384)
		return false;
	if (s->algorithm == PROTO_RSA_PSS &&
		(s->mgf1 != s->digest ||
			s->salt != proto_digest_len(s->digest)))
		return false;
	for (i = 0; i < ROWS(schemes); i++)
		if ((schemes[i].versions & version) != 0 &&
			(schemes[i].keys & 1U << key) != 0 &&
			schemes[i].algorithm == s->algorithm &&
			schemes[i].digest == s->digest)
			return true;
	return false;
}

static const uint16_t defects[] = {
	[GRAMMAR_SOUND] = DETAIL_NONE,
	[GRAMMAR_GROUP] = DETAIL_TLS_GROUP,
	[GRAMMAR_POINT] = DETAIL_TLS_POINT,
	[GRAMMAR_CONFUSABLE] = DETAIL_CONFUSABLE,
};

static uint16_t
check_tls12(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	if (g->defect != GRAMMAR_SOUND)
		return defects[g->defect];
	/* A value that is not known counts as the strictest. */
	if (key->key.tls12 != PROTO_TLS12_SENTINEL &&
		key->key.tls12 != PROTO_TLS12_ANY)
		return DETAIL_TLS12_OFF;
	if (key->key.tls12 == PROTO_TLS12_SENTINEL && !g->sentinel)
		return DETAIL_NO_SENTINEL;
	return is_tls_scheme(TLS12, key->key.type, s) ? DETAIL_NONE
						      : DETAIL_TLS_SCHEME;
}

/* `use = tls-server` */
static uint16_t
check_tls_server(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	if (g->form == GRAMMAR_TLS12_SERVER)
		return check_tls12(key, s, g);
	if (g->form != GRAMMAR_TLS13_SERVER)
		return DETAIL_NOT_TLS_SERVER;
	return is_tls_scheme(TLS13, key->key.type, s) ? DETAIL_NONE
						      : DETAIL_TLS_SCHEME;
}

/* `use = csr` */
static uint16_t
check_csr(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	(void)key;
	(void)s;
	return g->form == GRAMMAR_CSR ? DETAIL_NONE : DETAIL_NOT_CSR;
}

/* In the order in which they give the detail of a refusal. */
static const struct {
	uint32_t use;
	uint16_t (*check)(const struct ring_entry *key,
		const struct proto_scheme *s, const struct grammar_result *g);
	uint16_t stranger; /* the detail for a message of another kind */
} uses[] = {
	{ PROTO_USE_TLS_SERVER, check_tls_server, DETAIL_NOT_TLS_SERVER },
	{ PROTO_USE_CSR, check_csr, DETAIL_NOT_CSR },
};

static uint16_t
check_uses(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	uint16_t detail = DETAIL_NONE, d;
	size_t i;

	for (i = 0; i < ROWS(uses); i++) {
		if ((key->key.use & uses[i].use) == 0)
			continue;
		d = uses[i].check(key, s, g);
		if (d == DETAIL_NONE)
			return DETAIL_NONE;
		/* The first, unless a later one knows the message better. */
		if (detail == DETAIL_NONE || d != uses[i].stranger)
			detail = d;
	}
	if (g->form == GRAMMAR_TLS13_CLIENT)
		return DETAIL_CLIENT_AUTH;
	if (g->form == GRAMMAR_DELEGATED)
		return DETAIL_DELEGATED_CREDENTIAL;
	/* A key without any use that this program knows signs nothing. */
	return detail == DETAIL_NONE ? DETAIL_NOT_TLS_SERVER : detail;
}

uint16_t
policy_check(const struct ring_entry *key, const struct proto_sign *m,
	grammar_on_curve_fn *on_curve)
{
	struct grammar_result g;

	if (weak_digest(m) && (key->key.flags & PROTO_KEY_WEAK_DIGESTS) == 0)
		return DETAIL_WEAK_DIGEST;
	if ((key->key.use & PROTO_USE_SIGN) != 0)
		return DETAIL_NONE;
	if (m->input != PROTO_INPUT_MESSAGE)
		return DETAIL_DIGEST_BLIND;
	g = grammar_classify(m->data, key->key.spki, on_curve);
	return check_uses(key, &m->scheme, &g);
}

uint16_t
policy_check_decrypt(const struct ring_entry *key, uint8_t padding)
{
	if (padding == PROTO_PREMASTER)
		return (key->key.use & PROTO_USE_TLS_RSA_KX) != 0
			       ? DETAIL_NONE
			       : DETAIL_RSA_KX_OFF;
	return (key->key.use & PROTO_USE_DECRYPT) != 0 ? DETAIL_NONE
						       : DETAIL_DECRYPT_OFF;
}

uint16_t
policy_check_derive(const struct ring_entry *key)
{
	return (key->key.use & PROTO_USE_DECRYPT) != 0 ? DETAIL_NONE
						       : DETAIL_DECRYPT_OFF;
}

bool
policy_is_lenient(const struct ring_entry *key, uint64_t now)
{
	return (key->key.flags & PROTO_KEY_ENFORCE_LOG) != 0 &&
	       now < key->enforce_from;
}
