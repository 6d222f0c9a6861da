#include "policy.h"

#include "scheme.h"
#include "weak.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static uint16_t
check_scheme(enum scheme_version version, const struct ring_entry *key,
	const struct proto_scheme *s)
{
	return scheme_is_tls(version, key->key.type, s) ? DETAIL_NONE
							: DETAIL_TLS_SCHEME;
}

static const uint16_t defects[] = {
	[GRAMMAR_SOUND] = DETAIL_NONE,
	[GRAMMAR_GROUP] = DETAIL_TLS_GROUP,
	[GRAMMAR_POINT] = DETAIL_TLS_POINT,
	[GRAMMAR_DHE_GROUP] = DETAIL_DHE_GROUP,
	[GRAMMAR_CONFUSABLE] = DETAIL_CONFUSABLE,
};

/* What every message of TLS 1.2 needs; sentinel: does this one need it? */
static uint16_t
check_tls12(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g, bool sentinel)
{
	if (g->defect != GRAMMAR_SOUND)
		return defects[g->defect];
	/* No setting mends that, so it goes before them. */
	if (check_scheme(SCHEME_TLS12, key, s) != DETAIL_NONE)
		return DETAIL_TLS_SCHEME;
	/* A value that is not known counts as the strictest. */
	if (key->key.tls12 != PROTO_TLS12_SENTINEL &&
		key->key.tls12 != PROTO_TLS12_ANY)
		return DETAIL_TLS12_OFF;
	if (g->form == GRAMMAR_TLS12_SERVER &&
		(key->tls12_groups & g->groups) == 0)
		return DETAIL_TLS_GROUP_OFF;
	if (key->key.tls12 == PROTO_TLS12_SENTINEL && sentinel && !g->sentinel)
		return DETAIL_NO_SENTINEL;
	return DETAIL_NONE;
}

/* `use = tls-server` */
static uint16_t
check_tls_server(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	if (g->form == GRAMMAR_TLS12_SERVER)
		return check_tls12(key, s, g, true);
	if (g->form == GRAMMAR_TLS12_DHE)
		return DETAIL_DHE_OFF;
	return g->form == GRAMMAR_TLS13_SERVER
		       ? check_scheme(SCHEME_TLS13, key, s)
		       : DETAIL_NOT_TLS_SERVER;
}

/* `use = tls-dhe` */
static uint16_t
check_tls_dhe(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	return g->form == GRAMMAR_TLS12_DHE ? check_tls12(key, s, g, true)
					    : DETAIL_NOT_TLS_SERVER;
}

/*
 * `use = tls-client`. The sentinel is the server's, for clients to see: a
 * signature of the client's binds the server's random anyway.
 */
static uint16_t
check_tls_client(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	if (g->form == GRAMMAR_TLS12_CLIENT)
		return check_tls12(key, s, g, false);
	return g->form == GRAMMAR_TLS13_CLIENT
		       ? check_scheme(SCHEME_TLS13, key, s)
		       : DETAIL_NOT_TLS_CLIENT;
}

/* `use = csr` */
static uint16_t
check_csr(const struct ring_entry *key, const struct proto_scheme *s,
	const struct grammar_result *g)
{
	(void)key;
	(void)s;
	return g->form == GRAMMAR_CSR ? defects[g->defect] : DETAIL_NOT_CSR;
}

/* In the order in which they give the detail of a refusal. */
static const struct {
	uint16_t (*check)(const struct ring_entry *key,
		const struct proto_scheme *s, const struct grammar_result *g);
	uint32_t use;
	uint16_t stranger; /* the detail for a message of another kind */
} uses[] = {
	{ check_tls_server, PROTO_USE_TLS_SERVER, DETAIL_NOT_TLS_SERVER },
	{ check_tls_dhe, PROTO_USE_TLS_DHE, DETAIL_NOT_TLS_SERVER },
	{ check_tls_client, PROTO_USE_TLS_CLIENT, DETAIL_NOT_TLS_CLIENT },
	{ check_csr, PROTO_USE_CSR, DETAIL_NOT_CSR },
};

static bool
is_clients(const struct grammar_result *g)
{
	return g->form == GRAMMAR_TLS13_CLIENT ||
	       g->form == GRAMMAR_TLS12_CLIENT;
}

/* ed25519ctx and its like: data is no message, but a context before one. */
static bool
has_context(uint8_t algorithm)
{
	return algorithm >= PROTO_ED25519CTX && algorithm <= PROTO_ED448PH;
}

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
	if ((key->key.use & PROTO_USE_TLS_CLIENT) == 0 && is_clients(g))
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
	struct grammar_result g = { .form = GRAMMAR_OTHER };
	uint16_t weak = weak_digest(m);

	if (weak != DETAIL_NONE &&
		(key->key.flags & PROTO_KEY_WEAK_DIGESTS) == 0)
		return weak;
	if ((key->key.use & PROTO_USE_SIGN) != 0)
		return DETAIL_NONE;
	if (m->input != PROTO_INPUT_MESSAGE)
		return DETAIL_DIGEST_BLIND;
	if (!has_context(m->scheme.algorithm))
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
