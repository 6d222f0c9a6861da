/* Keys whose parts do not belong together, and starters that talk nonsense. */
#include <criterion/criterion.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
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

static const char policy[] = "allow = www\nuse = sign\n";

static struct starter
load_key(EVP_PKEY *pkey, const char *structure)
{
	char *pem = make_pem(pkey, structure);
	const struct starter_key keys[] = {
		{ .name = "www", .key = pem, .policy = policy },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	s.keys = NULL;
	free(pem);
	return s;
}

static void
assert_error(const struct starter *s, const char *words)
{
	cr_assert_eq(s->ok, 0, "accepted, not refused: %s", words);
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
from_parts(BIGNUM *parts[PARTS])
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey;
	int i;

	for (i = 0; i < PARTS; i++)
		cr_assert_eq(
			OSSL_PARAM_BLD_push_BN(bld, names[i], parts[i]), 1);
	pkey = from_params("RSA", bld);
	for (i = 0; i < PARTS; i++)
		BN_clear_free(parts[i]);
	return pkey;
}

Test(loader_damage, in_any_number_of_an_rsa_key_is_found)
{
	EVP_PKEY *good = make_key("RSA:2048"), *pkey;
	BIGNUM *parts[PARTS];
	struct starter s;
	int i;

	get_parts(good, parts);
	pkey = from_parts(parts);
	s = load_key(pkey, "PrivateKeyInfo");
	cr_assert_eq(s.ok, 1);
	EVP_PKEY_free(pkey);
	for (i = 0; i < PARTS; i++) {
		get_parts(good, parts);
		cr_assert_eq(BN_add_word(parts[i], 2), 1);
		pkey = from_parts(parts);
		s = load_key(pkey, "type-specific");
		assert_error(&s, "www.pem:1: the RSA key is damaged");
		EVP_PKEY_free(pkey);
	}
	EVP_PKEY_free(good);
}

Test(loader_damage, of_a_private_exponent_beyond_the_modulus_is_found)
{
	EVP_PKEY *good = make_key("RSA:2048"), *pkey;
	BIGNUM *parts[PARTS];
	struct starter s;

	get_parts(good, parts);
	cr_assert_eq(BN_lshift(parts[D], parts[D], 100000), 1);
	pkey = from_parts(parts);
	s = load_key(pkey, "PrivateKeyInfo");
	assert_error(&s, "out of range");
	EVP_PKEY_free(pkey);
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
	pkey = from_parts(parts);
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

Test(loader_damage, of_an_ec_key_with_another_keys_point_is_found)
{
	EVP_PKEY *good = make_key("EC:P-256"), *other = make_key("EC:P-256"),
		 *pkey;
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	unsigned char point[65];
	BIGNUM *number = NULL;
	struct starter s;
	size_t len;

	cr_assert_eq(
		EVP_PKEY_get_bn_param(good, OSSL_PKEY_PARAM_PRIV_KEY, &number),
		1);
	cr_assert_eq(
		EVP_PKEY_get_octet_string_param(other, OSSL_PKEY_PARAM_PUB_KEY,
			point, sizeof(point), &len),
		1);
	cr_assert_eq(OSSL_PARAM_BLD_push_utf8_string(
			     bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0),
		1);
	cr_assert_eq(
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, number),
		1);
	cr_assert_eq(OSSL_PARAM_BLD_push_octet_string(
			     bld, OSSL_PKEY_PARAM_PUB_KEY, point, len),
		1);
	pkey = from_params("EC", bld);
	s = load_key(pkey, "PrivateKeyInfo");
	assert_error(&s, "www.pem:1: the P-256 key is damaged");
	BN_clear_free(number);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(good);
	EVP_PKEY_free(other);
}

Test(loader_damage, ec_with_explicit_parameters_is_refused)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	struct starter s;

	cr_assert_eq(EVP_PKEY_set_utf8_string_param(pkey,
			     OSSL_PKEY_PARAM_EC_ENCODING,
			     OSSL_PKEY_EC_ENCODING_EXPLICIT),
		1);
	s = load_key(pkey, "PrivateKeyInfo");
	assert_error(&s, "explicit parameters instead of a named curve");
	EVP_PKEY_free(pkey);
}

/* One key, one hash, however its file spells the point. */
Test(loader_damage, a_compressed_point_is_spelled_out)
{
	EVP_PKEY *pkey = make_key("EC:P-384");
	struct starter s = load_key(pkey, "PrivateKeyInfo");
	struct ring_entry one, two;
	struct ring_cursor c;
	uint32_t n;

	cr_assert_eq(s.ok, 1);
	cr_assert_eq(ring_open(s.rings[0], s.sets[0].ring_len, &c, &n), 0);
	cr_assert_eq(ring_next(&c, &one), 1);
	cr_assert_eq(EVP_PKEY_set_utf8_string_param(pkey,
			     OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			     OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED),
		1);
	s = load_key(pkey, "type-specific");
	cr_assert_eq(s.ok, 1);
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
