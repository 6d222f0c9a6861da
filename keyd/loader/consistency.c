#include "consistency.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>

enum {
	MAX_EXPONENT_BITS = 64, /* libcrypto's limit for large moduli */
	MAX_SIGNATURE = 1024,
	MESSAGE = 32,
	MAX_NAME = 64,
};

enum part { N, E, D, P, Q, DP, DQ, QINV, PARTS };

static const char *const part_names[PARTS] = {
	[N] = OSSL_PKEY_PARAM_RSA_N,
	[E] = OSSL_PKEY_PARAM_RSA_E,
	[D] = OSSL_PKEY_PARAM_RSA_D,
	[P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
	[Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
	[DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
	[QINV] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

static int
check_public(BIGNUM *const part[PARTS], struct fault *why)
{
	if (!BN_is_odd(part[E]) || BN_is_one(part[E]) ||
		BN_num_bits(part[E]) > MAX_EXPONENT_BITS)
		return fault_set(why,
			"the RSA public exponent is even, 1, or over %d bits",
			MAX_EXPONENT_BITS);
	return 0;
}

/* Is 1 < small < large for all private parts? Bounds the cost of what follows. */
static bool
is_in_range(BIGNUM *const part[PARTS])
{
	static const struct {
		enum part small, large;
	} pairs[] = { { D, N }, { P, N }, { Q, N }, { DP, P }, { DQ, Q },
		{ QINV, P } };
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const BIGNUM *small = part[pairs[i].small];

		if (BN_is_zero(small) || BN_is_negative(small) ||
			BN_ucmp(small, part[pairs[i].large]) >= 0)
			return false;
	}
	return BN_is_odd(part[P]) && BN_is_odd(part[Q]) &&
	       !BN_is_one(part[P]) && !BN_is_one(part[Q]);
}

/*
 * The relations modulo one prime: exponent = d mod (prime − 1), and e its
 * inverse. 1 they hold, 0 they do not, -1 no memory.
 */
static int
is_exponent(BIGNUM *const part[PARTS], enum part prime, enum part exponent,
	BN_CTX *ctx)
{
	BIGNUM *less = BN_CTX_get(ctx), *t = BN_CTX_get(ctx);

	if (t == NULL || !BN_sub(less, part[prime], BN_value_one()) ||
		!BN_nnmod(t, part[D], less, ctx))
		return -1;
	if (BN_cmp(t, part[exponent]) != 0)
		return 0;
	if (!BN_mod_mul(t, part[exponent], part[E], less, ctx))
		return -1;
	return BN_is_one(t);
}

static int
is_consistent(BIGNUM *const part[PARTS], BN_CTX *ctx)
{
	BIGNUM *t = BN_CTX_get(ctx);
	int p, q;

	if (t == NULL || !BN_mul(t, part[P], part[Q], ctx))
		return -1;
	if (BN_cmp(t, part[N]) != 0)
		return 0;
	p = is_exponent(part, P, DP, ctx);
	q = is_exponent(part, Q, DQ, ctx);
	if (p <= 0 || q <= 0)
		return p < 0 || q < 0 ? -1 : 0;
	if (!BN_mod_mul(t, part[QINV], part[Q], part[P], ctx))
		return -1;
	return BN_is_one(t);
}

static int
check_parts(BIGNUM *const part[PARTS], struct fault *why)
{
	BN_CTX *ctx;
	int ok;

	if (check_public(part, why) < 0)
		return -1;
	if (!is_in_range(part))
		return fault_set(why,
			"the RSA key is damaged: a private number is missing "
			"or out of range");
	ctx = BN_CTX_secure_new();
	if (ctx == NULL)
		return fault_set(why, "no memory to check the key");
	BN_CTX_start(ctx);
	ok = is_consistent(part, ctx);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	if (ok < 0)
		return fault_set(why, "no memory to check the key");
	if (ok == 0)
		return fault_set(why,
			"the RSA key is damaged: its numbers do not belong "
			"together");
	return 0;
}

/* Signs a random message and verifies it. */
static int
check_by_signature(EVP_PKEY *pkey, struct fault *why)
{
	unsigned char message[MESSAGE], sig[MAX_SIGNATURE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char digest[MAX_NAME];
	size_t len = sizeof(sig);
	bool ok;

	ok = ctx != NULL && RAND_bytes(message, sizeof(message)) == 1 &&
	     EVP_PKEY_get_default_digest_name(pkey, digest, sizeof(digest)) >
		     0 &&
	     EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, pkey, NULL) ==
		     1 &&
	     EVP_DigestSign(ctx, sig, &len, message, sizeof(message)) == 1 &&
	     EVP_DigestVerifyInit_ex(
		     ctx, NULL, digest, NULL, NULL, pkey, NULL) == 1 &&
	     EVP_DigestVerify(ctx, sig, len, message, sizeof(message)) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return fault_set(why,
			"the RSA key is damaged: what it signs does not "
			"verify with its public key");
	return 0;
}

static int
check_rsa(EVP_PKEY *pkey, struct fault *why)
{
	BIGNUM *part[PARTS] = { NULL }, *third = NULL;
	int i, r = -1;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) ==
		1) {
		(void)fault_set(why,
			"an RSA key of more than two primes cannot be used");
		goto out;
	}
	for (i = 0; i < PARTS; i++) {
		if (EVP_PKEY_get_bn_param(pkey, part_names[i], &part[i]) != 1) {
			(void)fault_set(why,
				"the RSA key is damaged: a number is missing");
			goto out;
		}
	}
	r = check_parts(part, why);
	if (r == 0)
		r = check_by_signature(pkey, why);
out:
	for (i = 0; i < PARTS; i++)
		BN_clear_free(part[i]);
	BN_clear_free(third);
	return r;
}

static int
check_pair(const struct keykind *kind, EVP_PKEY *pkey, struct fault *why)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return fault_set(why,
			"the %s key is damaged: its private number and its "
			"public point do not belong together",
			kind->name);
	return 0;
}

int
consistency_check(const struct keykind *kind, EVP_PKEY *pkey, struct fault *why)
{
	return keykind_is_rsa(kind) ? check_rsa(pkey, why)
				    : check_pair(kind, pkey, why);
}
