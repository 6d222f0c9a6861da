/* Signatures with shells, beside those that `default` makes with the keys. */
#include <criterion/criterion.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "support/queue.h"
#include "support/scene.h"
#include "wire/proto.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static struct scene s;

static void
start(void)
{
	scene_start(&s, SCENE_LAST, "");
	scene_keyd(&s, 0, 0);
}

static void
stop(void)
{
	scene_end(&s);
}

TestSuite(provider_sign, .init = start, .fini = stop, .timeout = 120);

enum {
	UNSET = -99,
	STEPS = 5,
};

/* What is set, in this order, before a signature. */
struct set_up {
	bool is_message;
	const char *md, *mgf1;
	int padding, salt;
};

/* One signature, step by step. */
struct run {
	int step[STEPS]; /* results */
	unsigned char sig[512], algid[256];
	size_t len, algid_len;
	char padding[32], salt[32], digest[64], mgf1[64];
};

static int
set_text(EVP_PKEY_CTX *c, const char *name, const char *text)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(
					 name, (char *)(uintptr_t)text, 0),
		OSSL_PARAM_END };

	return EVP_PKEY_CTX_set_params(c, params);
}

static void
read_back(EVP_PKEY_CTX *c, struct run *r)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
			r->padding, sizeof(r->padding)),
		OSSL_PARAM_construct_utf8_string(
			OSSL_SIGNATURE_PARAM_PSS_SALTLEN, r->salt,
			sizeof(r->salt)),
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
			r->digest, sizeof(r->digest)),
		OSSL_PARAM_construct_utf8_string(
			OSSL_SIGNATURE_PARAM_MGF1_DIGEST, r->mgf1,
			sizeof(r->mgf1)),
		OSSL_PARAM_construct_end(),
	};
	OSSL_PARAM id[] = { OSSL_PARAM_construct_octet_string(
				    OSSL_SIGNATURE_PARAM_ALGORITHM_ID, r->algid,
				    sizeof(r->algid)),
		OSSL_PARAM_END };

	(void)EVP_PKEY_CTX_get_params(c, params);
	if (EVP_PKEY_CTX_get_params(c, id) == 1)
		r->algid_len = id[0].return_size;
}

static void
set_all(EVP_PKEY_CTX *c, const struct set_up *u, struct run *r)
{
	if (u->padding != UNSET)
		r->step[1] = EVP_PKEY_CTX_set_rsa_padding(c, u->padding);
	if (u->md != NULL && !u->is_message)
		r->step[2] = set_text(c, OSSL_SIGNATURE_PARAM_DIGEST, u->md);
	if (u->salt != UNSET)
		r->step[3] = EVP_PKEY_CTX_set_rsa_pss_saltlen(c, u->salt);
	if (u->mgf1 != NULL)
		r->step[4] =
			set_text(c, OSSL_SIGNATURE_PARAM_MGF1_DIGEST, u->mgf1);
	read_back(c, r);
}

/* How much is signed where only a digest is. */
static size_t
digest_size(const char *name)
{
	EVP_MD *md = name[0] == '\0' ? NULL : EVP_MD_fetch(s.plain, name, NULL);
	size_t n = md == NULL ? 32 : (size_t)EVP_MD_get_size(md);

	EVP_MD_free(md);
	return n;
}

/* key: the shell, or the key itself. */
static int
sign(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const struct set_up *u, struct run *r)
{
	static const unsigned char data[64] = { 1, 2, 3 };
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c = NULL, *own = NULL;
	size_t n;
	int ok = 0;

	memset(r, 0, sizeof(*r));
	if (u->is_message) {
		r->step[0] = EVP_DigestSignInit_ex(
			md, &c, u->md, libctx, NULL, key, NULL);
	} else {
		c = own = EVP_PKEY_CTX_new_from_pkey(libctx, key, NULL);
		r->step[0] = EVP_PKEY_sign_init(c);
	}
	r->len = sizeof(r->sig);
	if (r->step[0] == 1) {
		set_all(c, u, r);
		n = digest_size(r->digest);
		ok = u->is_message
			     ? EVP_DigestSign(md, r->sig, &r->len, data, 64)
			     : EVP_PKEY_sign(c, r->sig, &r->len, data, n);
	}
	EVP_MD_CTX_free(md);
	EVP_PKEY_CTX_free(own);
	return ok == 1;
}

static int
verify(EVP_PKEY *key, const struct set_up *u, const struct run *made)
{
	static const unsigned char data[64] = { 1, 2, 3 };
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c = NULL, *own = NULL;
	size_t n;
	struct run r = { 0 };
	int ok;

	if (u->is_message) {
		cr_assert_eq(EVP_DigestVerifyInit_ex(
				     md, &c, u->md, s.plain, NULL, key, NULL),
			1);
	} else {
		c = own = EVP_PKEY_CTX_new_from_pkey(s.plain, key, NULL);
		cr_assert_eq(EVP_PKEY_verify_init(c), 1);
	}
	set_all(c, u, &r);
	n = digest_size(r.digest);
	ok = u->is_message
		     ? EVP_DigestVerify(md, made->sig, made->len, data, 64)
		     : EVP_PKEY_verify(c, made->sig, made->len, data, n);
	EVP_MD_CTX_free(md);
	EVP_PKEY_CTX_free(own);
	return ok == 1;
}

/* With the same numbers, but without restrictions: 3.0 takes other parameters
 * of a restricted key for verifying than for signing. */
static void
verify_restricted(
	const struct set_up *u, const struct run *made, const char *what)
{
	struct set_up v = { .is_message = u->is_message,
		.md = made->digest,
		.mgf1 = made->mgf1,
		.padding = UNSET,
		.salt = RSA_PSS_SALTLEN_AUTO };

	cr_assert(verify(s.key[SCENE_PSS], &v, made), "%s", what);
}

static void
compare(enum scene_key k, const struct set_up *u)
{
	struct run ours, theirs;
	int ok = sign(s.libctx, s.shell[k], u, &ours);
	int may = sign(s.plain, s.key[k], u, &theirs);
	char what[160];
	int i;

	(void)snprintf(what, sizeof(what),
		"%s %s md %s mgf1 %s padding %d salt %d", scene_types[k].name,
		u->is_message ? "message" : "digest", u->md, u->mgf1,
		u->padding, u->salt);
	for (i = 0; i < STEPS; i++)
		cr_assert_eq(ours.step[i] == 1, theirs.step[i] == 1,
			"%s: step %d: %d, not %d", what, i, ours.step[i],
			theirs.step[i]);
	cr_assert_eq(ok, may, "%s: %d, not %d", what, ok, may);
	cr_assert_str_eq(ours.padding, theirs.padding, "%s", what);
	cr_assert_str_eq(ours.salt, theirs.salt, "%s", what);
	cr_assert_str_eq(ours.digest, theirs.digest, "%s: %s, not %s", what,
		ours.digest, theirs.digest);
	cr_assert_str_eq(ours.mgf1, theirs.mgf1, "%s", what);
	cr_assert_eq(ours.algid_len, theirs.algid_len, "%s: %zu, not %zu", what,
		ours.algid_len, theirs.algid_len);
	cr_assert_arr_eq(ours.algid, theirs.algid, ours.algid_len, "%s", what);
	ERR_clear_error();
	if (ok && k == SCENE_PSS256)
		verify_restricted(u, &ours, what);
	else if (ok)
		cr_assert(verify(s.key[k], u, &ours), "%s", what);
	ERR_clear_error();
}

static void
compare_all(enum scene_key k)
{
	static const char *const mds[] = { NULL, "SHA1", "SHA256", "SHA3-384" };
	static const char *const mgf1s[] = { NULL, "SHA1", "SHA512" };
	static const int paddings[] = { UNSET, RSA_PKCS1_PADDING,
		RSA_PKCS1_PSS_PADDING };
	static const int salts[] = { UNSET, -1, -2, -3, -4, -5, 0, 23, 24,
		300 };
	struct set_up u;
	size_t a, b, c, d, e;

	for (a = 0; a < 2; a++)
		for (b = 0; b < ROWS(mds); b++)
			for (c = 0; c < ROWS(mgf1s); c++)
				for (d = 0; d < ROWS(paddings); d++)
					for (e = 0; e < ROWS(salts); e++) {
						u = (struct set_up){ a == 1,
							mds[b], mgf1s[c],
							paddings[d], salts[e] };
						compare(k, &u);
					}
}

Test(provider_sign, takes_what_default_takes_of_rsa)
{
	compare_all(SCENE_RSA);
}

Test(provider_sign, takes_what_default_takes_of_rsa_pss)
{
	compare_all(SCENE_PSS);
}

Test(provider_sign, takes_what_default_takes_of_a_restricted_key)
{
	compare_all(SCENE_PSS256);
}

/* All of default's but those of variable length, and MD5-SHA1 (of TLS 1.0). */
static const char *const all_digests[] = { NULL, "MD5", "SHA1", "SHA224",
	"SHA256", "SHA384", "SHA512", "SHA512-224", "SHA512-256", "SHA3-224",
	"SHA3-256", "SHA3-384", "SHA3-512", "RIPEMD160", "SM3", "BLAKE2s256",
	"BLAKE2b512" };

Test(provider_sign, takes_every_digest_of_default_with_ec)
{
	struct set_up u = { .padding = UNSET, .salt = UNSET };
	size_t i;
	int k;

	for (k = SCENE_P256; k <= SCENE_BP512; k++)
		for (i = 0; i < ROWS(all_digests); i++) {
			u.md = all_digests[i];
			u.is_message = false;
			compare((enum scene_key)k, &u);
			u.is_message = true;
			compare((enum scene_key)k, &u);
		}
}

Test(provider_sign, takes_every_digest_of_default_with_rsa)
{
	struct set_up u = { .padding = RSA_PKCS1_PADDING, .salt = UNSET };
	size_t i;

	for (i = 0; i < ROWS(all_digests); i++) {
		u.md = all_digests[i];
		u.padding = RSA_PKCS1_PADDING;
		u.is_message = false;
		compare(SCENE_RSA, &u);
		u.is_message = true;
		compare(SCENE_RSA, &u);
		u.padding = RSA_PKCS1_PSS_PADDING;
		compare(SCENE_RSA, &u);
	}
}

static EVP_MD_CTX *
begin_ed(enum scene_key k)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	cr_assert_eq(EVP_DigestSignInit_ex(
			     c, NULL, NULL, s.libctx, NULL, s.shell[k], NULL),
		1);
	return c;
}

/* Once: from 3.1 on libcrypto lets a context sign one message only. */
static void
sign_ed(enum scene_key k, const unsigned char *data, size_t n)
{
	EVP_MD_CTX *c = begin_ed(k), *d = EVP_MD_CTX_new();
	unsigned char sig[2][114];
	size_t len[2] = { 114, 114 };

	cr_assert_eq(EVP_DigestSign(c, sig[0], &len[0], data, n), 1);
	cr_assert_eq(EVP_DigestSignInit_ex(
			     d, NULL, NULL, s.plain, NULL, s.key[k], NULL),
		1);
	cr_assert_eq(EVP_DigestSign(d, sig[1], &len[1], data, n), 1);
	cr_assert_eq(len[0], len[1]);
	cr_assert_arr_eq(sig[0], sig[1], len[0]);
	assert_no_errors();
	EVP_MD_CTX_free(c);
	EVP_MD_CTX_free(d);
}

Test(provider_sign, signs_with_ed_as_default_does)
{
	static const size_t sizes[] = { 0, 1, 1000, PROTO_MAX_DATA };
	unsigned char *data = calloc(1, PROTO_MAX_DATA);
	size_t i;

	for (i = 0; i < ROWS(sizes); i++) {
		sign_ed(SCENE_ED25519, data, sizes[i]);
		sign_ed(SCENE_ED448, data, sizes[i]);
	}
	free(data);
}

/* Of libcrypto: 3.2 has parameters that `default` did not know before. */
static bool
is_at_least(unsigned minor)
{
	return OPENSSL_version_major() > 3 || OPENSSL_version_minor() >= minor;
}

Test(provider_sign, refuses_what_ed_cannot_do_in_words)
{
	unsigned char *data = calloc(1, PROTO_MAX_DATA + 1), sig[114];
	EVP_MD_CTX *c = begin_ed(SCENE_ED25519);
	EVP_PKEY_CTX *p = EVP_PKEY_CTX_new_from_pkey(
		s.libctx, s.shell[SCENE_ED25519], NULL);
	size_t len = sizeof(sig);

	cr_assert_neq(
		EVP_DigestSign(c, sig, &len, data, PROTO_MAX_DATA + 1), 1);
	assert_error_says("at most 131072 bytes; this one has 131073");
	EVP_MD_CTX_free(c);
	c = begin_ed(SCENE_ED25519);
	len = 63;
	cr_assert_neq(EVP_DigestSign(c, sig, &len, data, 1), 1);
	assert_error_says("needs 64 bytes, there are 63");
	EVP_MD_CTX_free(c);
	c = begin_ed(SCENE_ED25519);
	cr_assert_neq(EVP_DigestSignUpdate(c, data, 1), 1);
	ERR_clear_error();
	cr_assert_neq(EVP_DigestSignInit_ex(c, NULL, "SHA512", s.libctx, NULL,
			      s.shell[SCENE_ED25519], NULL),
		1);
	assert_error_says("without a digest");
	/* From 3.4 on that is for Ed25519ph, of a hash. */
	len = sizeof(sig);
	if (!is_at_least(4)) {
		cr_assert_neq(EVP_PKEY_sign_init(p), 1);
		ERR_clear_error();
	} else {
		cr_assert_eq(EVP_PKEY_sign_init(p), 1);
		cr_assert_neq(EVP_PKEY_sign(p, sig, &len, data, 64), 1);
		assert_error_says("from the message, not from a hash");
	}
	EVP_PKEY_CTX_free(p);
	EVP_MD_CTX_free(c);
	free(data);
}

static int
sign_instance(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const char *instance,
	const char *context, unsigned char *sig, size_t *len)
{
	OSSL_PARAM params[3] = { OSSL_PARAM_construct_utf8_string("instance",
					 (char *)(uintptr_t)instance, 0),
		OSSL_PARAM_END, OSSL_PARAM_END };
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p;
	int ok;

	if (context != NULL)
		params[1] = OSSL_PARAM_construct_octet_string("context-string",
			(void *)(uintptr_t)context, strlen(context));
	ok = EVP_DigestSignInit_ex(c, &p, NULL, libctx, NULL, key, NULL) == 1 &&
	     EVP_PKEY_CTX_set_params(p, params) == 1 &&
	     EVP_DigestSign(c, sig, len, (const uint8_t *)"abc", 3) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

Test(provider_sign, signs_every_instance_of_ed_that_default_has)
{
	static const char *const names[] = { "Ed25519", "ed25519ctx",
		"Ed25519ph", "Ed448", "ED448ph", "Ed25519sth" };
	static const char *const contexts[] = { NULL, "", "foo" };
	unsigned char sig[2][114];
	size_t len[2], i, j;
	int k, ours, theirs;

	for (k = SCENE_ED25519; k <= SCENE_ED448; k++)
		for (i = 0; i < ROWS(names); i++)
			for (j = 0; j < ROWS(contexts); j++) {
				len[0] = len[1] = sizeof(sig[0]);
				ours = sign_instance(s.libctx, s.shell[k],
					names[i], contexts[j], sig[0], &len[0]);
				theirs = sign_instance(s.plain, s.key[k],
					names[i], contexts[j], sig[1], &len[1]);
				/* `default` takes those of the other curve
				 * for granted, and signs without them. */
				if (strncasecmp(names[i], scene_types[k].type,
					    strlen(scene_types[k].type)) != 0)
					theirs = 0;
				cr_assert_eq(ours, theirs, "%d %s %s: %d", k,
					names[i], contexts[j], ours);
				if (ours)
					cr_assert_arr_eq(
						sig[0], sig[1], len[1]);
				ERR_clear_error();
			}
}

Test(provider_sign, signs_deterministically_where_default_does)
{
	unsigned type = 1;
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_uint("nonce-type", &type),
		OSSL_PARAM_END };
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[2][80];
	size_t len[2];
	EVP_PKEY_CTX *p;
	int i;

	for (i = 0; i < 2; i++) {
		len[i] = sizeof(sig[i]);
		cr_assert_eq(EVP_DigestSignInit_ex(c, &p, "SHA256", s.libctx,
				     NULL, s.shell[SCENE_P256], NULL),
			1);
		cr_assert_eq(EVP_PKEY_CTX_set_params(p, params), 1);
		cr_assert_eq(EVP_DigestSign(c, sig[i], &len[i],
				     (const uint8_t *)"abc", 3),
			1);
	}
	assert_no_errors();
	if (is_at_least(2))
		cr_assert_arr_eq(sig[0], sig[1], len[0]);
	EVP_MD_CTX_free(c);
}

/* The order of calls, with a flag of libcrypto's that leaves out a copy. */
Test(provider_sign, a_message_that_is_signed_is_over)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[256];
	size_t len = 0;

	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_RSA], NULL),
		1);
	EVP_MD_CTX_set_flags(c, EVP_MD_CTX_FLAG_FINALISE);
	cr_assert_eq(EVP_DigestSignUpdate(c, "a", 1), 1);
	cr_assert_eq(EVP_DigestSignFinal(c, NULL, &len), 1);
	cr_assert_eq(len, 256);
	cr_assert_eq(EVP_DigestSignUpdate(c, "b", 1), 1);
	cr_assert_eq(EVP_DigestSignFinal(c, sig, &len), 1);
	assert_no_errors();
	cr_assert_neq(EVP_DigestSignUpdate(c, "c", 1), 1);
	ERR_clear_error();
	len = sizeof(sig);
	cr_assert_neq(EVP_DigestSignFinal(c, sig, &len), 1);
	ERR_clear_error();
	/* Begun again with the same key, it is not. */
	cr_assert_eq(
		EVP_DigestSignInit_ex(c, NULL, NULL, NULL, NULL, NULL, NULL),
		1);
	cr_assert_eq(EVP_DigestSignUpdate(c, "c", 1), 1);
	EVP_MD_CTX_free(c);
}

/* EVP_DigestSign() after updates signs all of it. */
Test(provider_sign, a_message_may_end_in_one_shot)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new(), *v = EVP_MD_CTX_new();
	unsigned char sig[256];
	size_t len = sizeof(sig);

	cr_assert_eq(EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
			     s.shell[SCENE_P384], NULL),
		1);
	cr_assert_eq(EVP_DigestSignUpdate(c, "a", 1), 1);
	cr_assert_eq(EVP_DigestSign(c, sig, &len, (const uint8_t *)"b", 1), 1);
	cr_assert_eq(EVP_DigestVerifyInit_ex(v, NULL, "SHA256", s.plain, NULL,
			     s.key[SCENE_P384], NULL),
		1);
	cr_assert_eq(
		EVP_DigestVerify(v, sig, len, (const uint8_t *)"ab", 2), 1);
	assert_no_errors();
	EVP_MD_CTX_free(c);
	EVP_MD_CTX_free(v);
}

Test(provider_sign, tells_the_same_parameters_as_default)
{
	static const char *const names[] = { "RSA", "ECDSA", "ED25519",
		"ED448" };
	EVP_SIGNATURE *ours, *theirs;
	const OSSL_PARAM *a, *b;
	size_t i;

	for (i = 0; i < ROWS(names); i++) {
		ours = EVP_SIGNATURE_fetch(s.libctx, names[i], "provider=keyd");
		theirs = EVP_SIGNATURE_fetch(s.plain, names[i], NULL);
		cr_assert_not_null(ours);
		a = EVP_SIGNATURE_gettable_ctx_params(ours);
		b = EVP_SIGNATURE_gettable_ctx_params(theirs);
		for (; b != NULL && b->key != NULL; b++)
			cr_assert_not_null(OSSL_PARAM_locate_const(a, b->key),
				"%s %s", names[i], b->key);
		assert_no_errors();
		EVP_SIGNATURE_free(ours);
		EVP_SIGNATURE_free(theirs);
	}
}

/* Verifying with a shell needs no keyd. */
Test(provider_sign, verifies_in_every_form_without_keyd)
{
	unsigned char digest[32] = { 7 }, sig[256], out[256];
	EVP_PKEY_CTX *c =
		EVP_PKEY_CTX_new_from_pkey(s.plain, s.key[SCENE_RSA], NULL);
	size_t len = sizeof(sig), n;

	scene_keyd(&s, PROTO_NOT_PERMITTED, 0);
	cr_assert_eq(EVP_PKEY_sign_init(c), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()), 1);
	cr_assert_eq(EVP_PKEY_sign(c, sig, &len, digest, 32), 1);
	EVP_PKEY_CTX_free(c);
	c = EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[SCENE_RSA], NULL);
	cr_assert_eq(EVP_PKEY_verify_init(c), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()), 1);
	cr_assert_eq(EVP_PKEY_verify(c, sig, len, digest, 32), 1);
	cr_assert_eq(EVP_PKEY_verify_recover_init(c), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()), 1);
	cr_assert_eq(EVP_PKEY_verify_recover(c, NULL, &n, sig, len), 1);
	cr_assert_eq(n, 256);
	cr_assert_eq(EVP_PKEY_verify_recover(c, out, &n, sig, len), 1);
	cr_assert_eq(n, 32);
	cr_assert_arr_eq(out, digest, 32);
	assert_no_errors();
	sig[9] ^= 1;
	cr_assert_neq(EVP_PKEY_verify_recover(c, out, &n, sig, len), 1);
	ERR_clear_error();
	EVP_PKEY_CTX_free(c);
}

/* One size for all: what a query answers is what there must be room for. */
Test(provider_sign, refuses_room_smaller_than_the_size_it_tells)
{
	unsigned char sig[256], digest[32] = { 1 };
	EVP_MD_CTX *md;
	EVP_PKEY_CTX *c;
	size_t n, size;
	int k;

	for (k = 0; k < SCENE_SIGNERS; k++) {
		size = (size_t)EVP_PKEY_get_size(s.key[k]);
		md = EVP_MD_CTX_new();
		cr_assert_eq(EVP_DigestSignInit_ex(md, NULL, scene_types[k].md,
				     s.libctx, NULL, s.shell[k], NULL),
			1);
		cr_assert_eq(EVP_DigestSign(md, NULL, &n, digest, 1), 1);
		cr_assert_eq(n, size);
		n = size - 1;
		cr_assert_neq(EVP_DigestSign(md, sig, &n, digest, 1), 1);
		assert_error_says("a signature needs");
		EVP_MD_CTX_free(md);
		if (scene_types[k].md == NULL)
			continue;
		c = EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[k], NULL);
		cr_assert_neq(EVP_PKEY_sign(c, sig, &n, digest, 32), 1);
		ERR_clear_error();
		cr_assert_eq(EVP_PKEY_sign_init(c), 1);
		cr_assert_eq(EVP_PKEY_sign(c, NULL, &n, digest, 32), 1);
		cr_assert_eq(n, size);
		n = size - 1;
		cr_assert_neq(EVP_PKEY_sign(c, sig, &n, digest, 32), 1);
		assert_error_says("a signature needs");
		EVP_PKEY_CTX_free(c);
	}
}
