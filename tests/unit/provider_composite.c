/*
 * Signature algorithms named as a whole, and messages signed as such, which
 * libcrypto has from 3.4 on: its functions for them are looked up when the test
 * runs, so that one build runs with either.
 */
#include <criterion/criterion.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <dlfcn.h>
#include <string.h>

#include "support/queue.h"
#include "support/scene.h"
#include "wire/proto.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

enum {
	MAX_NAMES = 64,
	MAX_SIG = 512,
};

typedef int
begin_fn(EVP_PKEY_CTX *ctx, EVP_SIGNATURE *sig, const OSSL_PARAM params[]);
typedef int update_fn(EVP_PKEY_CTX *ctx, const unsigned char *in, size_t len);

static struct {
	begin_fn *sign_init, *sign_message_init, *verify_init,
		*verify_message_init, *recover_init;
	update_fn *sign_update, *verify_update, *set_signature;
	int (*sign_final)(EVP_PKEY_CTX *ctx, unsigned char *sig, size_t *len);
	int (*verify_final)(EVP_PKEY_CTX *ctx);
} evp;

static const struct {
	const char *symbol;
	void *where;
} symbols[] = {
	{ "EVP_PKEY_sign_init_ex2", &evp.sign_init },
	{ "EVP_PKEY_sign_message_init", &evp.sign_message_init },
	{ "EVP_PKEY_verify_init_ex2", &evp.verify_init },
	{ "EVP_PKEY_verify_message_init", &evp.verify_message_init },
	{ "EVP_PKEY_verify_recover_init_ex2", &evp.recover_init },
	{ "EVP_PKEY_sign_message_update", &evp.sign_update },
	{ "EVP_PKEY_verify_message_update", &evp.verify_update },
	{ "EVP_PKEY_CTX_set_signature", &evp.set_signature },
	{ "EVP_PKEY_sign_message_final", &evp.sign_final },
	{ "EVP_PKEY_verify_message_final", &evp.verify_final },
};

static struct scene s;
static bool has_composites;
static const unsigned char message[] = "a message of some length, in parts";

static void
start_in_order(enum scene_order order)
{
	void *symbol;
	size_t i;

	scene_start(&s, order, "");
	scene_keyd(&s, 0, 0);
	has_composites = true;
	for (i = 0; i < ROWS(symbols); i++) {
		symbol = dlsym(RTLD_DEFAULT, symbols[i].symbol);
		if (symbol == NULL)
			has_composites = false;
		memcpy(symbols[i].where, &symbol, sizeof(symbol));
	}
}

static void
start(void)
{
	start_in_order(SCENE_LAST);
}

static void
start_first(void)
{
	start_in_order(SCENE_FIRST);
}

static void
stop(void)
{
	scene_end(&s);
}

TestSuite(provider_composite, .init = start, .fini = stop, .timeout = 120);
/* Of any libcrypto: the algorithms are there, or are not. */
TestSuite(provider_names, .init = start, .fini = stop, .timeout = 120);
TestSuite(provider_composite_first, .init = start_first, .fini = stop,
	.timeout = 120);

#define NEEDS_COMPOSITES                                                       \
	if (!has_composites)                                                   \
	cr_skip_test("libcrypto has no composite signatures before 3.4")

/* --- names ---------------------------------------------------------------- */

struct names {
	char text[MAX_NAMES][64];
	size_t count;
};

static void
add_name(const char *name, void *arg)
{
	struct names *n = arg;

	cr_assert_lt(n->count, MAX_NAMES);
	(void)snprintf(n->text[n->count++], sizeof(n->text[0]), "%s", name);
}

static bool
is_of_our_keys(const char *name)
{
	return strcmp(name, "RSA") == 0 || strncmp(name, "RSA-", 4) == 0 ||
	       strncmp(name, "ECDSA", 5) == 0 || strncmp(name, "ED", 2) == 0;
}

static void
add_algorithm(EVP_SIGNATURE *sig, void *arg)
{
	if (is_of_our_keys(EVP_SIGNATURE_get0_name(sig)))
		add_name(EVP_SIGNATURE_get0_name(sig), arg);
}

/* default's, of the types of keys that keyd has. */
static struct names
algorithms_of_default(void)
{
	struct names n = { .count = 0 };

	EVP_SIGNATURE_do_all_provided(s.plain, add_algorithm, &n);
	return n;
}

static EVP_SIGNATURE *
fetch(const char *name)
{
	return EVP_SIGNATURE_fetch(s.libctx, name, "provider=keyd");
}

static bool
has_name(const struct names *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		if (strcmp(n->text[i], name) == 0)
			return true;
	return false;
}

Test(provider_names, has_the_algorithms_of_default_under_the_same_names)
{
	struct names n = algorithms_of_default();
	size_t i, j;

	cr_assert_geq(n.count, has_composites ? 20u : 4u);
	for (i = 0; i < n.count; i++) {
		struct names ours = { .count = 0 }, theirs = { .count = 0 };
		EVP_SIGNATURE *a, *b;

		a = fetch(n.text[i]);
		cr_assert_not_null(a, "keyd has no %s", n.text[i]);
		b = EVP_SIGNATURE_fetch(s.plain, n.text[i], NULL);
		(void)EVP_SIGNATURE_names_do_all(a, add_name, &ours);
		(void)EVP_SIGNATURE_names_do_all(b, add_name, &theirs);
		cr_assert_eq(ours.count, theirs.count, "%s", n.text[i]);
		for (j = 0; j < theirs.count; j++)
			cr_assert(has_name(&ours, theirs.text[j]), "%s",
				theirs.text[j]);
		EVP_SIGNATURE_free(a);
		EVP_SIGNATURE_free(b);
	}
	assert_no_errors();
}

/* libcrypto before 3.4 could call none of their functions. */
Test(provider_names, has_none_where_default_has_none)
{
	EVP_SIGNATURE *sig = fetch("RSA-SHA2-256");

	cr_assert_eq(sig != NULL, has_composites);
	EVP_SIGNATURE_free(sig);
	sig = fetch("ED25519ph");
	cr_assert_eq(sig != NULL, has_composites);
	EVP_SIGNATURE_free(sig);
}

/* --- signing and verifying ------------------------------------------------ */

struct signed_message {
	unsigned char sig[MAX_SIG];
	size_t len;
};

static EVP_PKEY_CTX *
pkey_ctx(OSSL_LIB_CTX *libctx, EVP_PKEY *key)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(libctx, key, NULL);

	cr_assert_not_null(c);
	return c;
}

static void
sign_at_once(EVP_SIGNATURE *sig, EVP_PKEY *key, const OSSL_PARAM params[],
	struct signed_message *out)
{
	EVP_PKEY_CTX *c = pkey_ctx(s.libctx, key);
	size_t size = 0;

	cr_assert_eq(evp.sign_message_init(c, sig, params), 1, "%s",
		EVP_SIGNATURE_get0_name(sig));
	cr_assert_eq(
		EVP_PKEY_sign(c, NULL, &size, message, sizeof(message)), 1);
	cr_assert_leq(size, sizeof(out->sig));
	out->len = sizeof(out->sig);
	cr_assert_eq(
		EVP_PKEY_sign(c, out->sig, &out->len, message, sizeof(message)),
		1);
	cr_assert_leq(out->len, size);
	assert_no_errors();
	EVP_PKEY_CTX_free(c);
}

static void
sign_in_parts(EVP_SIGNATURE *sig, EVP_PKEY *key, struct signed_message *out)
{
	EVP_PKEY_CTX *c = pkey_ctx(s.libctx, key), *copy;

	cr_assert_eq(evp.sign_message_init(c, sig, NULL), 1);
	cr_assert_eq(evp.sign_update(c, message, 5), 1);
	copy = EVP_PKEY_CTX_dup(c);
	cr_assert_not_null(copy);
	cr_assert_eq(evp.sign_update(c, (const uint8_t *)"another", 7), 1);
	EVP_PKEY_CTX_free(c);
	cr_assert_eq(
		evp.sign_update(copy, message + 5, sizeof(message) - 5), 1);
	out->len = sizeof(out->sig);
	cr_assert_eq(evp.sign_final(copy, out->sig, &out->len), 1);
	assert_no_errors();
	/* It is over. */
	cr_assert_neq(evp.sign_update(copy, message, 1), 1);
	cr_assert_neq(evp.sign_final(copy, out->sig, &out->len), 1);
	ERR_clear_error();
	EVP_PKEY_CTX_free(copy);
}

/* The digest that a name ends with. */
static size_t
digest_of(const char *name, unsigned char *out)
{
	EVP_MD *md = EVP_MD_fetch(s.plain, strchr(name, '-') + 1, NULL);
	unsigned len;

	cr_assert_not_null(md, "%s", name);
	cr_assert_eq(
		EVP_Digest(message, sizeof(message), out, &len, md, NULL), 1);
	EVP_MD_free(md);
	return len;
}

static void
sign_digest(EVP_SIGNATURE *sig, EVP_PKEY *key, struct signed_message *out)
{
	EVP_PKEY_CTX *c = pkey_ctx(s.libctx, key);
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t n = digest_of(EVP_SIGNATURE_get0_name(sig), digest);

	cr_assert_eq(evp.sign_init(c, sig, NULL), 1);
	out->len = sizeof(out->sig);
	cr_assert_neq(EVP_PKEY_sign(c, out->sig, &out->len, digest, n - 1), 1);
	ERR_clear_error();
	out->len = sizeof(out->sig);
	cr_assert_eq(EVP_PKEY_sign(c, out->sig, &out->len, digest, n), 1);
	assert_no_errors();
	EVP_PKEY_CTX_free(c);
}

/* In parts, when there are functions for that. */
static int
verify_message(OSSL_LIB_CTX *libctx, EVP_SIGNATURE *sig, EVP_PKEY *key,
	const OSSL_PARAM params[], const struct signed_message *m,
	bool in_parts)
{
	EVP_PKEY_CTX *c = pkey_ctx(libctx, key);
	int ok;

	cr_assert_eq(evp.verify_message_init(c, sig, params), 1);
	if (!in_parts) {
		ok = EVP_PKEY_verify(
			c, m->sig, m->len, message, sizeof(message));
	} else {
		cr_assert_eq(evp.verify_update(c, message, 3), 1);
		cr_assert_eq(evp.set_signature(c, m->sig, m->len), 1);
		cr_assert_eq(
			evp.verify_update(c, message + 3, sizeof(message) - 3),
			1);
		ok = evp.verify_final(c);
	}
	EVP_PKEY_CTX_free(c);
	return ok;
}

static int
verify_digest(EVP_SIGNATURE *sig, EVP_PKEY *key, const struct signed_message *m)
{
	EVP_PKEY_CTX *c = pkey_ctx(s.libctx, key);
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t n = digest_of(EVP_SIGNATURE_get0_name(sig), digest);
	int ok;

	cr_assert_eq(evp.verify_init(c, sig, NULL), 1);
	ok = EVP_PKEY_verify(c, m->sig, m->len, digest, n);
	EVP_PKEY_CTX_free(c);
	return ok;
}

/* `default` with the true key, and we with the shell, say the same. */
static void
assert_verified(const char *name, enum scene_key k, struct signed_message *m)
{
	EVP_SIGNATURE *ours = fetch(name);
	EVP_SIGNATURE *theirs = EVP_SIGNATURE_fetch(s.plain, name, NULL);
	int i, parts;

	for (i = 0; i < 2; i++) {
		for (parts = 0; parts < 2; parts++) {
			cr_assert_eq(verify_message(s.plain, theirs, s.key[k],
					     NULL, m, parts) == 1,
				i == 0, "%s", name);
			cr_assert_eq(verify_message(s.libctx, ours, s.shell[k],
					     NULL, m, parts) == 1,
				i == 0, "%s", name);
		}
		cr_assert_eq(verify_digest(ours, s.shell[k], m) == 1, i == 0);
		m->sig[m->len - 1] ^= 1;
	}
	ERR_clear_error();
	EVP_SIGNATURE_free(ours);
	EVP_SIGNATURE_free(theirs);
}

static void
assert_signs(const char *name, enum scene_key k)
{
	EVP_SIGNATURE *sig = fetch(name);
	struct signed_message m;

	sign_at_once(sig, s.shell[k], NULL, &m);
	assert_verified(name, k, &m);
	sign_in_parts(sig, s.shell[k], &m);
	assert_verified(name, k, &m);
	sign_digest(sig, s.shell[k], &m);
	assert_verified(name, k, &m);
	EVP_SIGNATURE_free(sig);
}

Test(provider_composite, signs_and_verifies_under_every_name)
{
	struct names n;
	size_t i, signers = 0;

	NEEDS_COMPOSITES;
	n = algorithms_of_default();
	for (i = 0; i < n.count; i++) {
		if (strncmp(n.text[i], "RSA-", 4) == 0) {
			assert_signs(n.text[i], SCENE_RSA);
			signers++;
		} else if (strncmp(n.text[i], "ECDSA-", 6) == 0) {
			assert_signs(n.text[i], SCENE_P256);
			assert_signs(n.text[i], SCENE_P521);
			signers++;
		}
	}
	cr_assert_geq(signers, 20);
}

/* The first name and the others are one algorithm, also to a shell. */
Test(provider_composite, is_found_by_any_of_its_names)
{
	static const char *const names[] = { "RSA-SHA256",
		"sha256WithRSAEncryption", "1.2.840.113549.1.1.11" };
	struct signed_message m;
	size_t i;

	NEEDS_COMPOSITES;
	for (i = 0; i < ROWS(names); i++) {
		EVP_SIGNATURE *sig = fetch(names[i]);

		cr_assert_not_null(sig);
		sign_at_once(sig, s.shell[SCENE_RSA], NULL, &m);
		EVP_SIGNATURE_free(sig);
	}
}

Test(provider_composite, signs_a_message_longer_than_keyd_takes)
{
	unsigned char *part = calloc(1, PROTO_MAX_DATA);
	EVP_SIGNATURE *sig, *theirs;
	struct signed_message m = { .len = MAX_SIG };
	EVP_PKEY_CTX *c, *v;
	int i;

	NEEDS_COMPOSITES;
	sig = fetch("ECDSA-SHA384");
	theirs = EVP_SIGNATURE_fetch(s.plain, "ECDSA-SHA384", NULL);
	c = pkey_ctx(s.libctx, s.shell[SCENE_P384]);
	v = pkey_ctx(s.plain, s.key[SCENE_P384]);
	cr_assert_eq(evp.sign_message_init(c, sig, NULL), 1);
	cr_assert_eq(evp.verify_message_init(v, theirs, NULL), 1);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(evp.sign_update(c, part, PROTO_MAX_DATA), 1);
		cr_assert_eq(evp.verify_update(v, part, PROTO_MAX_DATA), 1);
	}
	cr_assert_eq(evp.sign_final(c, m.sig, &m.len), 1);
	cr_assert_eq(evp.set_signature(v, m.sig, m.len), 1);
	cr_assert_eq(evp.verify_final(v), 1);
	assert_no_errors();
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_CTX_free(v);
	EVP_SIGNATURE_free(sig);
	EVP_SIGNATURE_free(theirs);
	free(part);
}

Test(provider_composite, recovers_what_rsa_signed)
{
	unsigned char digest[EVP_MAX_MD_SIZE], out[MAX_SIG];
	size_t len = sizeof(out), n;
	struct signed_message m;
	EVP_SIGNATURE *sig;
	EVP_PKEY_CTX *c;

	NEEDS_COMPOSITES;
	sig = fetch("RSA-SHA2-512");
	sign_at_once(sig, s.shell[SCENE_RSA], NULL, &m);
	c = pkey_ctx(s.libctx, s.shell[SCENE_RSA]);
	cr_assert_eq(evp.recover_init(c, sig, NULL), 1);
	cr_assert_eq(EVP_PKEY_verify_recover(c, out, &len, m.sig, m.len), 1);
	n = digest_of("RSA-SHA2-512", digest);
	cr_assert_eq(len, n);
	cr_assert_arr_eq(out, digest, n);
	EVP_PKEY_CTX_free(c);
	EVP_SIGNATURE_free(sig);
}

Test(provider_composite, what_the_name_fixes_cannot_be_set)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
			(char *)(uintptr_t) "SHA1", 0),
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
			(char *)(uintptr_t) "pss", 0),
		OSSL_PARAM_construct_end(),
	};
	struct signed_message m;
	EVP_SIGNATURE *sig;

	NEEDS_COMPOSITES;
	sig = fetch("RSA-SHA2-256");
	sign_at_once(sig, s.shell[SCENE_RSA], params, &m);
	assert_verified("RSA-SHA2-256", SCENE_RSA, &m);
	EVP_SIGNATURE_free(sig);
	sig = fetch("ECDSA-SHA2-256");
	sign_at_once(sig, s.shell[SCENE_P256], params, &m);
	assert_verified("ECDSA-SHA2-256", SCENE_P256, &m);
	EVP_SIGNATURE_free(sig);
}

Test(provider_composite, signs_deterministically_when_told_to)
{
	unsigned type = 1;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_uint("nonce-type", &type),
		OSSL_PARAM_construct_end() };
	struct signed_message a, b;
	EVP_SIGNATURE *sig;

	NEEDS_COMPOSITES;
	sig = fetch("ECDSA-SHA2-256");
	sign_at_once(sig, s.shell[SCENE_P256], params, &a);
	sign_at_once(sig, s.shell[SCENE_P256], params, &b);
	cr_assert_eq(a.len, b.len);
	cr_assert_arr_eq(a.sig, b.sig, a.len);
	EVP_SIGNATURE_free(sig);
}

Test(provider_composite, refuses_the_keys_of_another_type)
{
	static const struct {
		const char *name;
		enum scene_key key;
	} wrong[] = {
		{ "RSA-SHA2-256", SCENE_P256 },
		{ "RSA-SHA2-256", SCENE_PSS },
		{ "RSA-SHA2-256", SCENE_ED25519 },
		{ "ECDSA-SHA2-256", SCENE_RSA },
		{ "ED25519ph", SCENE_ED448 },
		{ "ED448ph", SCENE_ED25519 },
		{ "ED25519", SCENE_P256 },
	};
	size_t i;

	NEEDS_COMPOSITES;
	for (i = 0; i < ROWS(wrong); i++) {
		EVP_SIGNATURE *sig = fetch(wrong[i].name);
		EVP_PKEY_CTX *c = pkey_ctx(s.libctx, s.shell[wrong[i].key]);

		cr_assert_lt(evp.sign_message_init(c, sig, NULL), 1, "%s",
			wrong[i].name);
		cr_assert_lt(evp.sign_init(c, sig, NULL), 1);
		cr_assert_lt(evp.verify_message_init(c, sig, NULL), 1);
		ERR_clear_error();
		EVP_PKEY_CTX_free(c);
		EVP_SIGNATURE_free(sig);
	}
}

Test(provider_composite, a_message_needs_a_signature_to_be_verified)
{
	struct signed_message m;
	EVP_SIGNATURE *sig;
	EVP_PKEY_CTX *c;

	NEEDS_COMPOSITES;
	sig = fetch("RSA-SHA2-256");
	sign_at_once(sig, s.shell[SCENE_RSA], NULL, &m);
	c = pkey_ctx(s.libctx, s.shell[SCENE_RSA]);
	cr_assert_eq(evp.verify_message_init(c, sig, NULL), 1);
	cr_assert_eq(evp.verify_update(c, message, sizeof(message)), 1);
	cr_assert_neq(evp.verify_final(c), 1);
	assert_error_says("EVP_PKEY_CTX_set_signature()");
	/* The one of an operation before is not that of the next. */
	cr_assert_eq(evp.set_signature(c, m.sig, m.len), 1);
	cr_assert_eq(evp.verify_message_init(c, sig, NULL), 1);
	cr_assert_eq(evp.verify_update(c, message, sizeof(message)), 1);
	cr_assert_neq(evp.verify_final(c), 1);
	ERR_clear_error();
	EVP_PKEY_CTX_free(c);
	EVP_SIGNATURE_free(sig);
}

/* --- EdDSA ---------------------------------------------------------------- */

static const struct {
	const char *name, *context;
	enum scene_key key;
} instances[] = {
	{ "ED25519", NULL, SCENE_ED25519 },
	{ "ED25519ph", NULL, SCENE_ED25519 },
	{ "ED25519ph", "foo", SCENE_ED25519 },
	{ "ED25519ctx", "foo", SCENE_ED25519 },
	{ "ED448", NULL, SCENE_ED448 },
	{ "ED448", "foo", SCENE_ED448 },
	{ "ED448ph", NULL, SCENE_ED448 },
};

Test(provider_composite, signs_with_every_instance_of_ed)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	struct signed_message m;
	size_t i;

	NEEDS_COMPOSITES;
	for (i = 0; i < ROWS(instances); i++) {
		EVP_SIGNATURE *ours = fetch(instances[i].name),
			      *theirs = EVP_SIGNATURE_fetch(
				      s.plain, instances[i].name, NULL);
		enum scene_key k = instances[i].key;
		const char *context = instances[i].context;

		params[0] = (OSSL_PARAM)OSSL_PARAM_END;
		if (context != NULL)
			params[0] = OSSL_PARAM_construct_octet_string(
				"context-string", (void *)(uintptr_t)context,
				strlen(context));
		sign_at_once(ours, s.shell[k], params, &m);
		cr_assert_eq(verify_message(s.plain, theirs, s.key[k], params,
				     &m, false),
			1, "%s", instances[i].name);
		cr_assert_eq(verify_message(s.libctx, ours, s.shell[k], params,
				     &m, false),
			1);
		m.sig[0] ^= 1;
		cr_assert_neq(verify_message(s.libctx, ours, s.shell[k], params,
				      &m, false),
			1);
		ERR_clear_error();
		EVP_SIGNATURE_free(ours);
		EVP_SIGNATURE_free(theirs);
	}
}

Test(provider_composite, the_instance_of_a_name_cannot_be_set)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			"instance", (char *)(uintptr_t) "Ed25519", 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_SIGNATURE *sig;
	EVP_PKEY_CTX *c;

	NEEDS_COMPOSITES;
	sig = fetch("ED25519ph");
	c = pkey_ctx(s.libctx, s.shell[SCENE_ED25519]);
	cr_assert_neq(evp.sign_message_init(c, sig, params), 1);
	assert_error_says("the instance of EdDSA");
	EVP_PKEY_CTX_free(c);
	EVP_SIGNATURE_free(sig);
}

/* keyd makes the hash itself, so that it sees what it signs. */
Test(provider_composite, refuses_hashes_for_ed_in_words)
{
	static const char *const names[] = { "ED25519", "ED25519ph" };
	struct signed_message m = { .len = MAX_SIG };
	size_t i;

	NEEDS_COMPOSITES;
	for (i = 0; i < ROWS(names); i++) {
		EVP_SIGNATURE *sig = fetch(names[i]);
		EVP_PKEY_CTX *c = pkey_ctx(s.libctx, s.shell[SCENE_ED25519]);

		cr_assert_eq(evp.sign_init(c, sig, NULL), 1);
		cr_assert_neq(EVP_PKEY_sign(c, m.sig, &m.len, m.sig, 64), 1);
		assert_error_says("EVP_PKEY_sign_message_init()");
		EVP_PKEY_CTX_free(c);
		EVP_SIGNATURE_free(sig);
	}
}

Test(provider_composite, verifies_the_hash_of_an_instance)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct signed_message m;
	EVP_SIGNATURE *sig;
	EVP_PKEY_CTX *c;
	unsigned n;
	int i;

	NEEDS_COMPOSITES;
	sig = fetch("ED25519ph");
	sign_at_once(sig, s.shell[SCENE_ED25519], NULL, &m);
	cr_assert_eq(EVP_Digest(message, sizeof(message), digest, &n,
			     EVP_sha512(), NULL),
		1);
	for (i = 0; i < 2; i++) {
		c = pkey_ctx(s.libctx, s.shell[SCENE_ED25519]);
		cr_assert_eq(evp.verify_init(c, sig, NULL), 1);
		cr_assert_eq(EVP_PKEY_verify(c, m.sig, m.len, digest, n) == 1,
			i == 0);
		EVP_PKEY_CTX_free(c);
		digest[0] ^= 1;
	}
	ERR_clear_error();
	EVP_SIGNATURE_free(sig);
}

/* --- listed first --------------------------------------------------------- */

/* Then no property query is needed, and a key that passes through signs, too. */
Test(provider_composite_first, signs_with_shells_and_with_other_keys)
{
	EVP_SIGNATURE *sig;
	EVP_PKEY *own;
	struct signed_message m;

	NEEDS_COMPOSITES;
	sig = EVP_SIGNATURE_fetch(s.libctx, "ECDSA-SHA256", NULL);
	sign_at_once(sig, s.shell[SCENE_P256], NULL, &m);
	assert_verified("ECDSA-SHA256", SCENE_P256, &m);
	own = EVP_PKEY_Q_keygen(s.libctx, NULL, "EC", "P-256");
	cr_assert_not_null(own);
	sign_at_once(sig, own, NULL, &m);
	cr_assert_eq(verify_message(s.libctx, sig, own, NULL, &m, true), 1);
	sign_in_parts(sig, own, &m);
	cr_assert_eq(verify_message(s.libctx, sig, own, NULL, &m, false), 1);
	sign_digest(sig, own, &m);
	cr_assert_eq(verify_digest(sig, own, &m), 1);
	EVP_PKEY_free(own);
	EVP_SIGNATURE_free(sig);
}
