/* Key agreement: ECDH, X25519, X448, with and without X9.63's KDF. */
#include "setup.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>

enum { MAX_UKM = 40 };

struct parameters {
	bool kdf;
	const char *digest;
	size_t outlen;
	uint8_t ukm[MAX_UKM];
	size_t ukm_len;
	int cofactor; /* 2: not set */
	size_t cut;
};

static void
make(struct parameters *p, struct dice *d, bool ec)
{
	memset(p, 0, sizeof(*p));
	p->cofactor = 2;
	p->cut = dice_roll(d, 8) == 0 ? 1 + dice_roll(d, 8) : 0;
	if (!ec)
		return;
	if (dice_roll(d, 4) == 0)
		p->cofactor = (int)dice_roll(d, 4) - 1;
	p->kdf = dice_roll(d, 2) == 0;
	p->digest = setup_digest(d);
	p->outlen = dice_roll(d, 100);
	p->ukm_len = dice_roll(d, MAX_UKM);
	dice_fill(d, p->ukm, p->ukm_len);
}

static int
set(const struct parameters *p, EVP_PKEY_CTX *ctx)
{
	int cofactor = p->cofactor;
	size_t outlen = p->outlen, n = 0;
	OSSL_PARAM params[6];

	if (p->cofactor != 2)
		params[n++] = OSSL_PARAM_construct_int(
			OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, &cofactor);
	if (p->kdf) {
		params[n++] = OSSL_PARAM_construct_utf8_string(
			OSSL_EXCHANGE_PARAM_KDF_TYPE,
			(char *)(uintptr_t)OSSL_KDF_NAME_X963KDF, 0);
		if (p->digest != NULL)
			params[n++] = OSSL_PARAM_construct_utf8_string(
				OSSL_EXCHANGE_PARAM_KDF_DIGEST,
				(char *)(uintptr_t)p->digest, 0);
		params[n++] = OSSL_PARAM_construct_size_t(
			OSSL_EXCHANGE_PARAM_KDF_OUTLEN, &outlen);
		params[n++] = OSSL_PARAM_construct_octet_string(
			OSSL_EXCHANGE_PARAM_KDF_UKM, (void *)(uintptr_t)p->ukm,
			p->ukm_len);
	}
	if (n == 0)
		return 1;
	params[n] = OSSL_PARAM_construct_end();
	return EVP_PKEY_CTX_set_params(ctx, params);
}

/* The same public key in another library context. */
static EVP_PKEY *
move(EVP_PKEY *from, OSSL_LIB_CTX *libctx)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(
		libctx, EVP_PKEY_get0_type_name(from), NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *to = NULL;

	if (EVP_PKEY_todata(from, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
		EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &to, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return to;
}

static EVP_PKEY *
make_peer(const struct side *side, struct dice *d)
{
	char group[64] = "";

	if (!EVP_PKEY_is_a(side->key, "EC"))
		return EVP_PKEY_Q_keygen(
			side->libctx, NULL, EVP_PKEY_get0_type_name(side->key));
	if (EVP_PKEY_get_group_name(side->key, group, sizeof(group), NULL) != 1)
		return NULL;
	/* Now and then one of another group. */
	return EVP_PKEY_Q_keygen(side->libctx, NULL, "EC",
		dice_roll(d, 10) == 0 ? "P-256" : group);
}

static void
derive(const struct parameters *p, const struct side *side, EVP_PKEY *peer,
	struct outcome *o)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(side->libctx, side->key, NULL);
	int step = STEP_INIT;

	memset(o, 0, sizeof(*o));
	ERR_clear_error();
	if (EVP_PKEY_derive_init(ctx) != 1)
		goto out;
	step = STEP_PARAM;
	if (set(p, ctx) != 1)
		goto out;
	step = STEP_PARAM + 1;
	if (EVP_PKEY_derive_set_peer(ctx, peer) != 1)
		goto out;
	step = STEP_SIZE;
	if (EVP_PKEY_derive(ctx, NULL, &o->size) != 1)
		goto out;
	step = STEP_RESULT;
	o->len = o->size > p->cut ? o->size - p->cut : 0;
	if (EVP_PKEY_derive(ctx, o->out, &o->len) == 1)
		step = STEP_DONE;
out:
	outcome_end(o, step);
	EVP_PKEY_CTX_free(ctx);
}

int
differ_derive(const struct side sides[2], struct dice *d, char *why)
{
	static struct outcome plain, ours;
	bool ec = EVP_PKEY_is_a(sides[0].key, "EC");
	EVP_PKEY *peer, *same;
	struct parameters p;
	int ok = 1;

	if (!ec && !EVP_PKEY_is_a(sides[0].key, "X25519") &&
		!EVP_PKEY_is_a(sides[0].key, "X448"))
		return -1;
	make(&p, d, ec);
	peer = make_peer(&sides[0], d);
	same = peer == NULL ? NULL : move(peer, sides[1].libctx);
	if (same == NULL) {
		(void)snprintf(why, DIFFER_WHY, "no peer's key");
		ok = 0;
		goto out;
	}
	derive(&p, &sides[0], peer, &plain);
	derive(&p, &sides[1], same, &ours);
	ok = differ_compare(&plain, &ours, why);
	if (!ok) {
		size_t n = strlen(why);

		(void)snprintf(why + n, DIFFER_WHY - n,
			"; kdf %d digest %s outlen %zu ukm %zu cofactor %d "
			"cut %zu",
			p.kdf, p.digest == NULL ? "-" : p.digest, p.outlen,
			p.ukm_len, p.cofactor, p.cut);
	} else if (plain.step == STEP_DONE &&
		   (plain.len != ours.len ||
			   memcmp(plain.out, ours.out, plain.len) != 0)) {
		(void)snprintf(why, DIFFER_WHY, "another secret");
		ok = 0;
	}
out:
	EVP_PKEY_free(same);
	EVP_PKEY_free(peer);
	return ok;
}
