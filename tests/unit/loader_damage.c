/* Keys whose parts do not belong together, and starters that talk nonsense. */
#include <criterion/criterion.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/make_key.h"
#include "../support/starter.h"
#include "ring/ring.h"
#include "wire/keykind.h"

static const char policy[] = "allow = www\nuse = sign\n";
static const char policy_of_x[] = "allow = www\nuse = decrypt\n";
static const char policy_of_weak[] =
	"allow = www\nuse = sign\nweak-keys = yes\n";

static struct starter
load_pem(const char *pem, const char *policy_text)
{
	const struct starter_key keys[] = {
		{ .name = "www", .key = pem, .policy = policy_text },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	s.keys = NULL;
	return s;
}

static struct starter
load_key(EVP_PKEY *pkey, const char *structure)
{
	char *pem = make_pem(pkey, structure);
	struct starter s = load_pem(pem, policy);

	free(pem);
	return s;
}

/* For a use that any key of the kind can have. */
static const char *
policy_for(const struct keykind *k)
{
	if (keykind_is_weak(k, k->min_bits))
		return policy_of_weak;
	return (k->uses & PROTO_USE_SIGN) != 0 ? policy : policy_of_x;
}

/* Loads DER in a PRIVATE KEY block. */
static struct starter
load_der(const struct keykind *k, const uint8_t *der, size_t len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct starter s;
	char *data, *pem;
	long n;

	cr_assert_gt(PEM_write_bio(bio, "PRIVATE KEY", "", der, (long)len), 0);
	n = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)n);
	s = load_pem(pem, policy_for(k));
	free(pem);
	BIO_free(bio);
	return s;
}

static struct ring_entry
only_entry(const struct starter *s)
{
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t n;

	cr_assert_eq(s->ok, 1, "%s", s->nreports > 0 ? s->reports[0].text : "");
	cr_assert_eq(ring_open(s->rings[0], s->sets[0].ring_len, &c, &n), 0);
	cr_assert_eq(ring_next(&c, &e), 1);
	return e;
}

static void
assert_error(const struct starter *s, const char *words)
{
	cr_assert_eq(s->done_keys, 0, "accepted, not refused: %s", words);
	cr_assert_eq(s->nsets, 0);
	cr_assert_not_null(starter_find(s, 3, words), "no '%s' in '%s'", words,
		s->nreports > 0 ? s->reports[0].text : "");
}

enum { N, E, D, P, Q, DP, DQ, QINV, PARTS };

static const char *const names[PARTS] = { OSSL_PKEY_PARAM_RSA_N,
	OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
	OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
	OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
	OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };

static void
get_parts(EVP_PKEY *pkey, BIGNUM *parts[PARTS])
{
	int i;

	for (i = 0; i < PARTS; i++) {
		parts[i] = NULL;
		cr_assert_eq(
			EVP_PKEY_get_bn_param(pkey, names[i], &parts[i]), 1);
	}
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	cr_assert_eq(EVP_PKEY_fromdata_init(ctx), 1);
	cr_assert_eq(
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
from_parts(const char *type, BIGNUM *parts[PARTS])
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey;
	int i;

	for (i = 0; i < PARTS; i++)
		cr_assert_eq(
			OSSL_PARAM_BLD_push_BN(bld, names[i], parts[i]), 1);
	pkey = from_params(type, bld);
	for (i = 0; i < PARTS; i++)
		BN_clear_free(parts[i]);
	return pkey;
}

static void
assert_finds_each_number(const char *type)
{
	EVP_PKEY *good = make_key("RSA:2048"), *pkey;
	BIGNUM *parts[PARTS];
	struct starter s;
	int i;

	get_parts(good, parts);
	pkey = from_parts(type, parts);
	s = load_key(pkey, "PrivateKeyInfo");
	cr_assert_eq(s.done_keys, 1);
	EVP_PKEY_free(pkey);
	for (i = 0; i < PARTS; i++) {
		get_parts(good, parts);
		cr_assert_eq(BN_add_word(parts[i], 2), 1);
		pkey = from_parts(type, parts);
		s = load_key(pkey, "PrivateKeyInfo");
		assert_error(&s, "www.pem:1: the RSA key is damaged");
		EVP_PKEY_free(pkey);
	}
	EVP_PKEY_free(good);
}

Test(loader_damage, in_any_number_of_an_rsa_key_is_found)
{
	assert_finds_each_number("RSA");
	assert_finds_each_number("RSA-PSS");
}

/* A PrivateKeyInfo of numbers that libcrypto itself would make no key of. */
static size_t
write_rsa(BIGNUM *parts[PARTS], uint8_t **der)
{
	PKCS8_PRIV_KEY_INFO *p8 = PKCS8_PRIV_KEY_INFO_new();
	ASN1_TYPE numbers[1 + PARTS];
	ASN1_SEQUENCE_ANY *key = sk_ASN1_TYPE_new_null();
	uint8_t *inner = NULL;
	int i, len;

	for (i = 0; i <= PARTS; i++) {
		numbers[i].type = V_ASN1_INTEGER;
		numbers[i].value.integer =
			i == 0 ? ASN1_INTEGER_new() /* version 0 */
			       : BN_to_ASN1_INTEGER(parts[i - 1], NULL);
		cr_assert_gt(sk_ASN1_TYPE_push(key, &numbers[i]), 0);
	}
	len = i2d_ASN1_SEQUENCE_ANY(key, &inner);
	cr_assert_gt(len, 0);
	cr_assert_eq(PKCS8_pkey_set0(p8, OBJ_nid2obj(NID_rsaEncryption), 0,
			     V_ASN1_NULL, NULL, inner, len),
		1);
	*der = NULL;
	len = i2d_PKCS8_PRIV_KEY_INFO(p8, der);
	cr_assert_gt(len, 0);
	PKCS8_PRIV_KEY_INFO_free(p8);
	for (i = 0; i <= PARTS; i++)
		ASN1_INTEGER_free(numbers[i].value.integer);
	sk_ASN1_TYPE_free(key);
	return (size_t)len;
}

Test(loader_damage, of_a_private_exponent_beyond_the_modulus_is_found)
{
	EVP_PKEY *good = make_key("RSA:2048");
	BIGNUM *parts[PARTS];
	struct starter s;
	uint8_t *der;
	size_t len;
	int i;

	get_parts(good, parts);
	len = write_rsa(parts, &der);
	s = load_der(keykind_at(0), der, len);
	cr_assert_eq(s.done_keys, 1);
	OPENSSL_free(der);
	cr_assert_eq(BN_lshift(parts[D], parts[D], 100000), 1);
	len = write_rsa(parts, &der);
	s = load_der(keykind_at(0), der, len);
	/* libcrypto 3.5 takes no such key itself. */
	assert_error(&s, OpenSSL_version_num() < 0x30500000L
				 ? "out of range"
				 : "cannot be decoded");
	OPENSSL_free(der);
	for (i = 0; i < PARTS; i++)
		BN_clear_free(parts[i]);
	EVP_PKEY_free(good);
}

/*
 * An RSA key whose numbers obey every relation that is checked, but whose p is
 * the product of two primes: only the trial signature finds it.
 */
Test(loader_damage, of_a_composite_prime_is_found)
{
	BIGNUM *parts[PARTS], *a = BN_new(), *b = BN_new(), *m = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	EVP_PKEY *pkey;
	struct starter s;
	int i;

	for (i = 0; i < PARTS; i++)
		parts[i] = BN_new();
	cr_assert_eq(BN_set_word(parts[E], 65537), 1);
	cr_assert_eq(
		BN_generate_prime_ex(parts[Q], 1024, 0, NULL, NULL, NULL), 1);
	do {
		cr_assert_eq(
			BN_generate_prime_ex(a, 512, 0, NULL, NULL, NULL), 1);
		cr_assert_eq(
			BN_generate_prime_ex(b, 512, 0, NULL, NULL, NULL), 1);
		cr_assert_eq(BN_mul(parts[P], a, b, ctx), 1);
		cr_assert_eq(BN_mul(parts[N], parts[P], parts[Q], ctx), 1);
		cr_assert_eq(BN_sub(a, parts[P], BN_value_one()), 1);
		cr_assert_eq(BN_sub(b, parts[Q], BN_value_one()), 1);
		cr_assert_eq(BN_mul(m, a, b, ctx), 1);
	} while (BN_num_bits(parts[N]) != 2048 ||
		 BN_mod_inverse(parts[D], parts[E], m, ctx) == NULL);
	cr_assert_eq(BN_mod(parts[DP], parts[D], a, ctx), 1);
	cr_assert_eq(BN_mod(parts[DQ], parts[D], b, ctx), 1);
	cr_assert_not_null(
		BN_mod_inverse(parts[QINV], parts[Q], parts[P], ctx));
	pkey = from_parts("RSA", parts);
	s = load_key(pkey, "PrivateKeyInfo");
	assert_error(&s, "does not verify with its public key");
	EVP_PKEY_free(pkey);
	BN_free(a);
	BN_free(b);
	BN_free(m);
	BN_CTX_free(ctx);
}

Test(loader_damage, rsa_of_three_primes_is_refused)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;
	struct starter s;

	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, 3), 1);
	cr_assert_eq(EVP_PKEY_generate(ctx, &pkey), 1);
	s = load_key(pkey, "type-specific");
	assert_error(&s, "more than two primes");
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
}

/* The number of one key, the point of another. */
static EVP_PKEY *
mixed_up(const struct keykind *k)
{
	EVP_PKEY *good = make_key_of(k), *other = make_key_of(k), *pkey;
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	unsigned char point[256];
	BIGNUM *number = NULL;
	size_t len;

	cr_assert_eq(
		EVP_PKEY_get_bn_param(good, OSSL_PKEY_PARAM_PRIV_KEY, &number),
		1);
	cr_assert_eq(
		EVP_PKEY_get_octet_string_param(other, OSSL_PKEY_PARAM_PUB_KEY,
			point, sizeof(point), &len),
		1);
	cr_assert_eq(OSSL_PARAM_BLD_push_utf8_string(
			     bld, OSSL_PKEY_PARAM_GROUP_NAME, k->group, 0),
		1);
	cr_assert_eq(
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, number),
		1);
	cr_assert_eq(OSSL_PARAM_BLD_push_octet_string(
			     bld, OSSL_PKEY_PARAM_PUB_KEY, point, len),
		1);
	pkey = from_params("EC", bld);
	BN_clear_free(number);
	EVP_PKEY_free(good);
	EVP_PKEY_free(other);
	return pkey;
}

Test(loader_damage, of_an_ec_key_with_another_keys_point_is_found)
{
	const struct keykind *k;
	char words[128];
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		EVP_PKEY *pkey;
		struct starter s;

		if (!keykind_is_ec(k))
			continue;
		pkey = mixed_up(k);
		(void)snprintf(words, sizeof(words),
			"www.pem:1: the %s key is damaged", k->name);
		s = load_key(pkey, "PrivateKeyInfo");
		assert_error(&s, words);
		s = load_key(pkey, "type-specific");
		assert_error(&s, words);
		EVP_PKEY_free(pkey);
	}
}

Test(loader_damage, ec_with_explicit_parameters_is_refused)
{
	static const char *const structures[] = { "PrivateKeyInfo",
		"type-specific" };
	const struct keykind *k;
	size_t i, n;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		EVP_PKEY *pkey;

		if (!keykind_is_ec(k))
			continue;
		pkey = make_key_of(k);
		cr_assert_eq(EVP_PKEY_set_utf8_string_param(pkey,
				     OSSL_PKEY_PARAM_EC_ENCODING,
				     OSSL_PKEY_EC_ENCODING_EXPLICIT),
			1);
		for (n = 0; n < 2; n++) {
			struct starter s = load_key(pkey, structures[n]);

			assert_error(&s,
				"explicit parameters instead of a named curve");
		}
		EVP_PKEY_free(pkey);
	}
}

/* A PrivateKeyInfo taken apart, to be put together in another way. */
struct parts {
	uint8_t version;
	X509_ALGOR *algorithm;
	uint8_t key[8192]; /* what the OCTET STRING holds */
	size_t len;
	uint8_t public_key[8192]; /* [1], if any */
	size_t public_len;
};

static void
take_apart(EVP_PKEY *pkey, struct parts *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	const X509_ALGOR *algorithm;
	const unsigned char *p;
	int len;

	cr_assert_eq(PKCS8_pkey_get0(NULL, &p, &len, &algorithm, info), 1);
	memset(out, 0, sizeof(*out));
	out->algorithm = X509_ALGOR_dup(algorithm);
	out->len = (size_t)len;
	memcpy(out->key, p, out->len);
	PKCS8_PRIV_KEY_INFO_free(info);
}

/* An element with a length of two octets in any case, which DER would not have:
 * libcrypto reads it. */
static size_t
put(uint8_t *out, uint8_t tag, const uint8_t *data, size_t len)
{
	out[0] = tag;
	out[1] = 0x82;
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	memcpy(out + 4, data, len);
	return len + 4;
}

static struct starter
load_parts(const struct keykind *k, const struct parts *in)
{
	static uint8_t body[20000], der[20000];
	uint8_t *algorithm = NULL;
	size_t n;
	int len = i2d_X509_ALGOR(in->algorithm, &algorithm);

	cr_assert_gt(len, 0);
	n = put(body, 2, &in->version, 1);
	memcpy(body + n, algorithm, (size_t)len);
	n += (size_t)len;
	n += put(body + n, 4, in->key, in->len);
	if (in->public_len > 0)
		n += put(body + n, 0x81, in->public_key, in->public_len);
	OPENSSL_free(algorithm);
	return load_der(k, der, put(der, 0x30, body, n));
}

/* Its public key as a BIT STRING's content. */
static void
put_public(EVP_PKEY *pkey, struct parts *p)
{
	X509_PUBKEY *spki = NULL;
	const unsigned char *bits;
	int len;

	cr_assert_eq(X509_PUBKEY_set(&spki, pkey), 1);
	cr_assert_eq(X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, spki), 1);
	p->public_key[0] = 0;
	memcpy(p->public_key + 1, bits, (size_t)len);
	p->public_len = (size_t)len + 1;
	p->version = 1;
	X509_PUBKEY_free(spki);
}

/* RFC 5958: what goes into the ring is the private key alone. */
Test(loader_damage, of_the_public_key_in_a_pkcs8_file_is_found)
{
	static struct parts p;
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		EVP_PKEY *pkey = make_key_of(k), *other = make_key_of(k);
		struct ring_entry plain, e;
		struct starter s;

		take_apart(pkey, &p);
		s = load_parts(k, &p);
		plain = only_entry(&s);
		put_public(pkey, &p);
		s = load_parts(k, &p);
		e = only_entry(&s);
		cr_assert_eq(e.private_key.len, plain.private_key.len);
		cr_assert_arr_eq(e.private_key.data, plain.private_key.data,
			plain.private_key.len);
		cr_assert_arr_eq(e.key.hash, plain.key.hash, PROTO_HASH_LEN);
		p.public_len--;
		s = load_parts(k, &p);
		assert_error(&s, "its public key is not that of its private");
		put_public(other, &p);
		s = load_parts(k, &p);
		assert_error(&s, "its public key is not that of its private");
		p.public_len = 0;
		p.version = 2;
		s = load_parts(k, &p);
		assert_error(&s, "it is not one PKCS#8 key");
		X509_ALGOR_free(p.algorithm);
		EVP_PKEY_free(pkey);
		EVP_PKEY_free(other);
	}
}

static void
assert_bad_length(const struct keykind *k, struct parts *p, int change)
{
	struct starter s;

	p->len = (size_t)((long)p->len + change);
	s = load_parts(k, p);
	assert_error(&s, "www.pem:1: the PRIVATE KEY block is damaged: its ");
	p->len = (size_t)((long)p->len - change);
}

/* Shorter or longer than it says, or of another kind of key. */
Test(loader_damage, of_length_or_algorithm_is_found_in_every_type)
{
	static struct parts p;
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		EVP_PKEY *pkey = make_key_of(k);
		struct starter s;

		take_apart(pkey, &p);
		assert_bad_length(k, &p, -1);
		assert_bad_length(k, &p, 1);
		assert_bad_length(k, &p, 100);
		assert_bad_length(k, &p, -(int)p.len);
		/* Parameters that its kind does not have. */
		if (k->type != PROTO_KEY_RSA) {
			cr_assert_eq(X509_ALGOR_set0(p.algorithm,
					     OBJ_dup(p.algorithm->algorithm),
					     V_ASN1_NULL, NULL),
				1);
			s = load_parts(k, &p);
			assert_error(&s, "key cannot be decoded");
		}
		X509_ALGOR_free(p.algorithm);
		EVP_PKEY_free(pkey);
	}
}

Test(loader_damage, of_what_follows_a_key_is_found)
{
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		EVP_PKEY *pkey = make_key_of(k);
		PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
		uint8_t der[8192], *p = der;
		int len = i2d_PKCS8_PRIV_KEY_INFO(info, &p);
		struct starter s;

		der[len] = 0;
		s = load_der(k, der, (size_t)len + 1);
		assert_error(&s, "it is not one PKCS#8 key");
		s = load_der(k, der, (size_t)len - 1);
		assert_error(&s, "it is not one PKCS#8 key");
		PKCS8_PRIV_KEY_INFO_free(info);
		EVP_PKEY_free(pkey);
	}
}

/* The names that a key of this length can be mistaken for. */
static const struct {
	const char *from;
	int to;
} mistaken[] = {
	{ "ED448", NID_X448 },
	{ "X448", NID_ED448 },
	{ "ED25519", NID_ED448 },
	{ "ED25519", NID_rsaEncryption },
	{ "RSA:2048", NID_ED25519 },
	{ "RSA:2048", NID_X9_62_id_ecPublicKey },
	{ "EC:P-256", NID_rsassaPss },
};

Test(loader_damage, another_algorithms_name_is_refused)
{
	const struct keykind *k = keykind_by_type(PROTO_KEY_RSA);
	static struct parts p;
	struct starter s;
	EVP_PKEY *pkey;
	size_t i;

	for (i = 0; i < sizeof(mistaken) / sizeof(mistaken[0]); i++) {
		pkey = make_key(mistaken[i].from);
		take_apart(pkey, &p);
		cr_assert_eq(X509_ALGOR_set0(p.algorithm,
				     OBJ_nid2obj(mistaken[i].to), V_ASN1_UNDEF,
				     NULL),
			1);
		s = load_parts(k, &p);
		assert_error(&s, "key cannot be decoded");
		X509_ALGOR_free(p.algorithm);
		EVP_PKEY_free(pkey);
	}
	pkey = make_key("RSA:2048");
	take_apart(pkey, &p);
	cr_assert_eq(X509_ALGOR_set0(p.algorithm, OBJ_nid2obj(NID_dsa),
			     V_ASN1_NULL, NULL),
		1);
	s = load_parts(k, &p);
	assert_error(&s, "a key of type dsaEncryption; keyd keeps keys of");
	X509_ALGOR_free(p.algorithm);
	EVP_PKEY_free(pkey);
}

/* The private number of a key on its curve, replaced. */
static void
assert_number(const struct keykind *k, const BIGNUM *number, const char *what)
{
	static struct parts p;
	EVP_PKEY *pkey = make_key_of(k);
	/* SEQUENCE { INTEGER 1, OCTET STRING number … */
	size_t at, len;
	struct starter s;

	take_apart(pkey, &p);
	at = (p.key[1] & 0x80) != 0 ? 3 : 2;
	cr_assert_eq(p.key[at], 2);
	cr_assert_eq(p.key[at + 3], 4);
	len = p.key[at + 4];
	cr_assert_eq(BN_bn2binpad(number, p.key + at + 5, (int)len), (int)len);
	s = load_parts(k, &p);
	cr_assert_eq(s.done_keys, 0, "%s: %s is accepted", k->name, what);
	assert_error(&s, "damaged: its ");
	/* Without a public point, which libcrypto then makes up for. */
	p.len = at + 5 + len;
	if (at == 3)
		p.key[2] = (uint8_t)(p.len - 3);
	else
		p.key[1] = (uint8_t)(p.len - 2);
	s = load_parts(k, &p);
	cr_assert_eq(s.done_keys, 0, "%s: %s alone is accepted", k->name, what);
	assert_error(&s, "damaged: its ");
	X509_ALGOR_free(p.algorithm);
	EVP_PKEY_free(pkey);
}

Test(loader_damage, of_a_private_number_that_is_out_of_range_is_found)
{
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		EC_GROUP *group;
		BIGNUM *n;

		if (!keykind_is_ec(k))
			continue;
		group = EC_GROUP_new_by_curve_name(OBJ_txt2nid(k->group));
		cr_assert_not_null(group);
		n = BN_dup(EC_GROUP_get0_order(group));
		assert_number(k, n, "the order");
		cr_assert_eq(BN_add_word(n, 1), 1);
		assert_number(k, n, "the order and 1");
		BN_zero(n);
		assert_number(k, n, "0");
		BN_free(n);
		EC_GROUP_free(group);
	}
}

/* RFC 4055: what the key may be used with, and no less salt. */
static EVP_PKEY *
make_restricted(const char *digest, const char *mgf1, int salt)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *pkey = NULL;

	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(ctx, digest, NULL), 1);
	cr_assert_eq(
		EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(ctx, mgf1), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, salt), 1);
	cr_assert_eq(EVP_PKEY_generate(ctx, &pkey), 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

Test(loader_damage, a_restricted_rsa_pss_key_keeps_its_parameters)
{
	static const struct {
		const char *digest, *mgf1;
		int salt;
	} cases[] = {
		{ "SHA1", "SHA1", 20 }, /* the defaults: an empty SEQUENCE */
		{ "SHA256", "SHA256", 32 },
		{ "SHA384", "SHA1", 40 },
		{ "SHA512", "SHA512", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EVP_PKEY *pkey = make_restricted(
			cases[i].digest, cases[i].mgf1, cases[i].salt);
		struct starter s = load_key(pkey, "PrivateKeyInfo");
		struct ring_entry e = only_entry(&s);
		const unsigned char *p = e.private_key.data;
		unsigned char *spki = NULL;
		int len = i2d_PUBKEY(pkey, &spki);
		EVP_PKEY *got;

		cr_assert_eq(e.key.type, PROTO_KEY_RSA_PSS);
		cr_assert_eq((size_t)len, e.key.spki.len);
		cr_assert_arr_eq(spki, e.key.spki.data, (size_t)len);
		got = d2i_AutoPrivateKey(NULL, &p, (long)e.private_key.len);
		cr_assert_not_null(got);
		OPENSSL_free(spki);
		spki = NULL;
		len = i2d_PUBKEY(got, &spki);
		cr_assert_eq((size_t)len, e.key.spki.len);
		cr_assert_arr_eq(spki, e.key.spki.data, (size_t)len);
		OPENSSL_free(spki);
		EVP_PKEY_free(got);
		EVP_PKEY_free(pkey);
	}
}

/* Salt of more bytes than the modulus has room for: it can sign nothing. */
Test(loader_damage, an_rsa_pss_key_that_cannot_sign_is_refused)
{
	EVP_PKEY *pkey = make_restricted("SHA256", "SHA256", 300);
	struct starter s = load_key(pkey, "PrivateKeyInfo");

	assert_error(&s, "what it signs does not verify");
	EVP_PKEY_free(pkey);
}

/* Two primes of these sizes. */
static EVP_PKEY *
make_rsa(int p_bits, int q_bits)
{
	BIGNUM *parts[PARTS], *a = BN_new(), *b = BN_new(), *m = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	EVP_PKEY *pkey;
	int i;

	for (i = 0; i < PARTS; i++)
		parts[i] = BN_new();
	cr_assert_eq(BN_set_word(parts[E], 65537), 1);
	do {
		cr_assert_eq(BN_generate_prime_ex(
				     parts[P], p_bits, 0, NULL, NULL, NULL),
			1);
		cr_assert_eq(BN_generate_prime_ex(
				     parts[Q], q_bits, 0, NULL, NULL, NULL),
			1);
		cr_assert_eq(BN_mul(parts[N], parts[P], parts[Q], ctx), 1);
		cr_assert_eq(BN_sub(a, parts[P], BN_value_one()), 1);
		cr_assert_eq(BN_sub(b, parts[Q], BN_value_one()), 1);
		cr_assert_eq(BN_mul(m, a, b, ctx), 1);
	} while (BN_num_bits(parts[N]) != p_bits + q_bits ||
		 BN_mod_inverse(parts[D], parts[E], m, ctx) == NULL);
	cr_assert_eq(BN_mod(parts[DP], parts[D], a, ctx), 1);
	cr_assert_eq(BN_mod(parts[DQ], parts[D], b, ctx), 1);
	cr_assert_not_null(
		BN_mod_inverse(parts[QINV], parts[Q], parts[P], ctx));
	pkey = from_parts("RSA", parts);
	BN_free(a);
	BN_free(b);
	BN_free(m);
	BN_CTX_free(ctx);
	return pkey;
}

Test(loader_damage, weak_rsa_keys_need_their_policys_word)
{
	static const struct {
		int bits;
		const char *strict, *weak; /* words of refusal */
	} cases[] = {
		{ 504, "an RSA key of 504 bits; keyd keeps those of 512 to",
			"an RSA key of 504 bits; keyd keeps those of 512 to" },
		{ 512, "the RSA key has 512 bits only", NULL },
		{ 1024, "the RSA key has 1024 bits only", NULL },
		{ 2047, "www.conf: the RSA key has 2047 bits only", NULL },
		{ 2048, NULL, NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int half = cases[i].bits / 2;
		EVP_PKEY *pkey = make_rsa(cases[i].bits - half, half);
		char *pem = make_pem(pkey, "type-specific");
		struct starter s = load_pem(pem, policy);

		if (cases[i].strict == NULL)
			cr_assert_eq(s.done_keys, 1);
		else
			assert_error(&s, cases[i].strict);
		s = load_pem(pem, policy_of_weak);
		if (cases[i].weak == NULL)
			cr_assert_eq(only_entry(&s).key.bits, cases[i].bits);
		else
			assert_error(&s, cases[i].weak);
		free(pem);
		EVP_PKEY_free(pkey);
	}
}

/* One key, one hash, however its file spells the point. */
Test(loader_damage, a_compressed_point_is_spelled_out)
{
	EVP_PKEY *pkey = make_key("EC:P-384");
	struct starter s = load_key(pkey, "PrivateKeyInfo");
	struct ring_entry one, two;
	struct ring_cursor c;
	uint32_t n;

	cr_assert_eq(s.done_keys, 1);
	cr_assert_eq(ring_open(s.rings[0], s.sets[0].ring_len, &c, &n), 0);
	cr_assert_eq(ring_next(&c, &one), 1);
	cr_assert_eq(EVP_PKEY_set_utf8_string_param(pkey,
			     OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			     OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED),
		1);
	s = load_key(pkey, "type-specific");
	cr_assert_eq(s.done_keys, 1);
	cr_assert_eq(ring_open(s.rings[0], s.sets[0].ring_len, &c, &n), 0);
	cr_assert_eq(ring_next(&c, &two), 1);
	cr_assert_arr_eq(one.key.hash, two.key.hash, PROTO_HASH_LEN);
	EVP_PKEY_free(pkey);
}

/* Sends one datagram where an answer is due; the loader must end, not hang
 * or crash, without having published anything. */
static void
assert_ends_at(const char *mode, const void *data, size_t len, int fd)
{
	uint8_t buf[BOOT_MAX];
	struct starter s = { 0 };
	int control, fds[2], status;
	pid_t pid = starter_spawn(&s, mode, &control);
	size_t nfds;

	cr_assert_gt(boot_recv(control, buf, sizeof(buf), fds, 2, &nfds), 0);
	cr_assert_eq(buf[0], BOOT_READY);
	if (strcmp(mode, "load") == 0) {
		cr_assert_gt(
			boot_recv(control, buf, sizeof(buf), fds, 2, &nfds), 0);
		cr_assert_eq(buf[0], BOOT_NEXT);
	}
	if (len > 0)
		cr_assert_eq(boot_send(control, data, len, &fd, fd >= 0), 0);
	else
		cr_assert_eq(shutdown(control, SHUT_WR), 0);
	cr_assert_eq(boot_recv(control, buf, sizeof(buf), fds, 2, &nfds), 0,
		"it went on");
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %x",
		(unsigned)status);
	cr_assert_eq(close(control), 0);
}

Test(loader_talk, ends_when_the_starter_is_gone_or_talks_nonsense)
{
	static const struct {
		const char *mode, *data;
		size_t len;
		bool file;
	} cases[] = {
		{ "load", "", 0, false },
		{ "load", "\x63", 1, false },
		{ "load", "\3x", 2, false }, /* end, and more */
		{ "load", "\3", 1, true },   /* end, with a file */
		{ "load", "\2\1a\0\0\0\0\0\0\0\2", 11, false }, /* no file */
		{ "load", "\2\1a\0\0\0\0\0\0\0\0", 11, true },  /* only one */
		{ "load", "\2\1/\0\0\0\0\0\0\0\2", 11, true },  /* no name */
		{ "load", "\2\1a\0\0\0\0\0\0\0\2x", 12, true },
		{ "load", "\2\1a\0\0\0\0", 7, true },
		{ "inspect", "", 0, false },
		{ "inspect", "\x14\0", 2, false },
		{ "inspect", "\x14\2", 2, true },
		{ "inspect", "\x14\0x", 3, true },
		{ "inspect", "\x16\1\x08\0", 4, false },
		{ "generate", "\x16\1\x08", 3, false },
		{ "generate", "\x16\1\x08\0", 4, true },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = -1;

		if (cases[i].file)
			fd = starter_file("x", 1, 0600, 0);
		assert_ends_at(cases[i].mode, cases[i].data, cases[i].len, fd);
		if (fd >= 0)
			cr_assert_eq(close(fd), 0);
	}
}
