/* What a shell says of itself, beside what the key says of itself. */
#include <criterion/criterion.h>

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "support/queue.h"
#include "support/scene.h"

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

TestSuite(provider_keymgmt, .init = start, .fini = stop, .timeout = 60);

static bool
is_private(const char *name)
{
	return strncmp(name, "rsa-", 4) == 0 || strcmp(name, "d") == 0 ||
	       strcmp(name, OSSL_PKEY_PARAM_PRIV_KEY) == 0;
}

struct value {
	int result;
	size_t len;
	unsigned char data[2048];
};

static void
get(EVP_PKEY *key, const OSSL_PARAM *type, struct value *out)
{
	OSSL_PARAM params[2] = { *type, OSSL_PARAM_END };

	memset(out, 0, sizeof(*out));
	params[0].data = out->data;
	params[0].data_size = sizeof(out->data);
	if (type->data_type == OSSL_PARAM_INTEGER ||
		type->data_type == OSSL_PARAM_UNSIGNED_INTEGER)
		params[0].data_size = 1024;
	params[0].return_size = OSSL_PARAM_UNMODIFIED;
	out->result = EVP_PKEY_get_params(key, params);
	if (out->result == 1 && OSSL_PARAM_modified(params))
		out->len = params[0].return_size;
}

Test(provider_keymgmt, tells_what_the_key_tells_but_for_its_private_part)
{
	static struct value ours, theirs;
	const OSSL_PARAM *p;
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		p = EVP_PKEY_gettable_params(s.key[k]);
		for (; p->key != NULL; p++) {
			get(s.shell[k], p, &ours);
			get(s.key[k], p, &theirs);
			cr_assert_eq(ours.result, theirs.result, "%s %s",
				scene_types[k].name, p->key);
			if (is_private(p->key))
				theirs.len = 0;
			cr_assert_eq(ours.len, theirs.len,
				"%s %s: %zu, not %zu", scene_types[k].name,
				p->key, ours.len, theirs.len);
			if (ours.len > 0)
				cr_assert_arr_eq(ours.data, theirs.data,
					ours.len, "%s %s", scene_types[k].name,
					p->key);
		}
	}
	assert_no_errors();
}

/* Names, of what can be read and set. */
static void
assert_same_names(const OSSL_PARAM *a, const OSSL_PARAM *b, const char *what)
{
	size_t i;

	cr_assert_eq(a == NULL, b == NULL, "%s", what);
	for (i = 0; a != NULL && a[i].key != NULL && b[i].key != NULL; i++)
		cr_assert_str_eq(a[i].key, b[i].key, "%s", what);
	cr_assert(a == NULL || (a[i].key == NULL && b[i].key == NULL), "%s",
		what);
}

Test(provider_keymgmt, has_the_parameters_of_default)
{
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		assert_same_names(EVP_PKEY_gettable_params(s.shell[k]),
			EVP_PKEY_gettable_params(s.key[k]),
			scene_types[k].name);
		assert_same_names(EVP_PKEY_settable_params(s.shell[k]),
			EVP_PKEY_settable_params(s.key[k]),
			scene_types[k].name);
		cr_assert_eq(
			EVP_PKEY_get_id(s.shell[k]), EVP_PKEY_get_id(s.key[k]));
		cr_assert_str_eq(EVP_PKEY_get0_type_name(s.shell[k]),
			EVP_PKEY_get0_type_name(s.key[k]));
	}
	assert_no_errors();
}

/* Where it has nothing to set, default takes everything for set. */
Test(provider_keymgmt, has_nothing_to_set_where_default_has_nothing)
{
	static const enum scene_key keys[] = { SCENE_RSA, SCENE_PSS,
		SCENE_ED25519, SCENE_ED448 };
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(
					 "nonsense", (char[]){ "x" }, 0),
		OSSL_PARAM_END };
	size_t i;

	for (i = 0; i < 4; i++) {
		cr_assert_eq(EVP_PKEY_set_params(s.key[keys[i]], params), 1);
		cr_assert_eq(EVP_PKEY_set_params(s.shell[keys[i]], params), 1,
			"%s", scene_types[keys[i]].name);
		assert_no_errors();
	}
}

/* By every name and OID, the algorithms are default's. */
static void
find_ours(const char *name, void *keymgmt)
{
	cr_assert(EVP_KEYMGMT_is_a(keymgmt, name), "%s", name);
}

Test(provider_keymgmt, has_the_names_of_default)
{
	EVP_KEYMGMT *ours, *theirs;
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		ours = EVP_KEYMGMT_fetch(
			s.libctx, scene_types[k].type, "provider=keyd");
		theirs = EVP_KEYMGMT_fetch(
			s.libctx, scene_types[k].type, "provider=default");
		cr_assert_not_null(ours);
		cr_assert_eq(
			EVP_KEYMGMT_names_do_all(theirs, find_ours, ours), 1);
		cr_assert_eq(
			EVP_KEYMGMT_names_do_all(ours, find_ours, theirs), 1);
		EVP_KEYMGMT_free(ours);
		EVP_KEYMGMT_free(theirs);
	}
}

Test(provider_keymgmt, checks_as_default_checks)
{
	EVP_PKEY_CTX *a, *b;
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		a = EVP_PKEY_CTX_new_from_pkey(s.libctx, s.shell[k], NULL);
		b = EVP_PKEY_CTX_new_from_pkey(s.plain, s.key[k], NULL);
		cr_assert_eq(EVP_PKEY_public_check(a), 1, "%d", k);
		cr_assert_eq(EVP_PKEY_public_check_quick(a), 1, "%d", k);
		cr_assert_eq(EVP_PKEY_check(a), 1, "%d", k);
		cr_assert_eq(EVP_PKEY_pairwise_check(a), 1, "%d", k);
		cr_assert_eq(EVP_PKEY_param_check(a) == 1,
			EVP_PKEY_param_check(b) == 1, "%d", k);
		assert_no_errors();
		EVP_PKEY_CTX_free(a);
		EVP_PKEY_CTX_free(b);
	}
}

Test(provider_keymgmt, is_equal_to_its_key_and_to_no_other)
{
	EVP_PKEY *copy;
	int i, k;

	for (k = 0; k < SCENE_KEYS; k++)
		for (i = 0; i < SCENE_KEYS; i++) {
			int want = EVP_PKEY_eq(s.key[k], s.key[i]) == 1;

			cr_assert_eq(EVP_PKEY_eq(s.shell[k], s.key[i]) == 1,
				want, "%d %d", k, i);
			cr_assert_eq(EVP_PKEY_eq(s.key[i], s.shell[k]) == 1,
				want, "%d %d", k, i);
			cr_assert_eq(EVP_PKEY_eq(s.shell[i], s.shell[k]) == 1,
				want, "%d %d", k, i);
			want = EVP_PKEY_parameters_eq(s.key[k], s.key[i]);
			cr_assert_eq(EVP_PKEY_parameters_eq(
					     s.shell[k], s.shell[i]) == 1,
				want == 1, "%d %d", k, i);
		}
	ERR_clear_error();
	for (k = 0; k < SCENE_KEYS; k++) {
		copy = EVP_PKEY_dup(s.shell[k]);
		cr_assert_eq(EVP_PKEY_eq(copy, s.key[k]), 1);
		EVP_PKEY_free(copy);
	}
	assert_no_errors();
}

/* Whatever the application prefers, a shell is ours: nobody else reads it. */
Test(provider_keymgmt, loads_a_shell_whatever_is_preferred)
{
	static const char *const queries[] = { "?provider=default",
		"?provider=keyd", "provider=keyd", NULL };
	EVP_PKEY *key;
	BIO *pem;
	size_t i;
	int k;

	for (k = 0; k < SCENE_KEYS; k++)
		for (i = 0; i < 4; i++) {
			pem = scene_pem(&s, (enum scene_key)k);
			key = PEM_read_bio_PrivateKey_ex(
				pem, NULL, NULL, NULL, s.libctx, queries[i]);
			cr_assert_eq(EVP_PKEY_eq(key, s.key[k]), 1, "%s %s",
				scene_types[k].name, queries[i]);
			cr_assert_str_eq(OSSL_PROVIDER_get0_name(
						 EVP_PKEY_get0_provider(key)),
				"keyd");
			assert_no_errors();
			EVP_PKEY_free(key);
			BIO_free(pem);
		}
}

Test(provider_keymgmt, signs_whatever_is_preferred)
{
	static const char *const queries[] = { "?provider=default",
		"?provider=keyd", "provider=keyd" };
	unsigned char sig[256];
	EVP_MD_CTX *c;
	size_t i, n;
	int k;

	for (k = 0; k < SCENE_SIGNERS; k++)
		for (i = 0; i < 3; i++) {
			/* only default has digests */
			const char *md = i < 2 ? scene_types[k].md : NULL;

			if (md == NULL && scene_types[k].md != NULL)
				continue;
			c = EVP_MD_CTX_new();
			n = sizeof(sig);
			cr_assert_eq(
				EVP_DigestSignInit_ex(c, NULL, md, s.libctx,
					queries[i], s.shell[k], NULL),
				1, "%s %s", scene_types[k].name, queries[i]);
			cr_assert_eq(EVP_DigestSign(c, sig, &n,
					     (const uint8_t *)"x", 1),
				1, "%s %s", scene_types[k].name, queries[i]);
			assert_no_errors();
			EVP_MD_CTX_free(c);
		}
}

Test(provider_keymgmt, signs_by_an_explicit_query)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(
		s.libctx, s.shell[SCENE_RSA], "provider=keyd");
	EVP_SIGNATURE *sig =
		EVP_SIGNATURE_fetch(s.libctx, "RSA", "provider=keyd");
	unsigned char out[256], digest[32] = { 1 };
	size_t n = sizeof(out);

	cr_assert_not_null(sig);
	cr_assert_str_eq(
		OSSL_PROVIDER_get0_name(EVP_SIGNATURE_get0_provider(sig)),
		"keyd");
	cr_assert_eq(EVP_PKEY_sign_init(c), 1);
	cr_assert_eq(EVP_PKEY_sign(c, out, &n, digest, sizeof(digest)), 1);
	assert_no_errors();
	EVP_SIGNATURE_free(sig);
	EVP_PKEY_CTX_free(c);
}

static void
start_first(void)
{
	scene_start(&s, SCENE_FIRST, "");
}

TestSuite(provider_first, .init = start_first, .fini = stop, .timeout = 60);

/* Keys that are made or imported here are passed through, with all parts. */
Test(provider_first, keeps_all_parts_of_other_keys)
{
	static struct value ours, theirs;
	EVP_PKEY *key, *copy;
	OSSL_PARAM *all;
	const OSSL_PARAM *p;
	EVP_PKEY_CTX *c;
	int k;

	for (k = 0; k < SCENE_KEYS; k++) {
		all = NULL;
		key = NULL;
		cr_assert_eq(
			EVP_PKEY_todata(s.key[k], EVP_PKEY_KEYPAIR, &all), 1);
		c = EVP_PKEY_CTX_new_from_name(
			s.libctx, scene_types[k].type, "provider=keyd");
		cr_assert_eq(EVP_PKEY_fromdata_init(c), 1);
		cr_assert_eq(
			EVP_PKEY_fromdata(c, &key, EVP_PKEY_KEYPAIR, all), 1);
		copy = EVP_PKEY_dup(key);
		cr_assert_not_null(copy, "%s", scene_types[k].name);
		cr_assert_eq(EVP_PKEY_eq(copy, s.key[k]), 1);
		for (p = EVP_PKEY_gettable_params(s.key[k]); p->key != NULL;
			p++) {
			get(copy, p, &ours);
			get(s.key[k], p, &theirs);
			cr_assert_eq(ours.len, theirs.len, "%s %s",
				scene_types[k].name, p->key);
			cr_assert(memcmp(ours.data, theirs.data, ours.len) == 0,
				"%s %s", scene_types[k].name, p->key);
		}
		assert_no_errors();
		OSSL_PARAM_free(all);
		EVP_PKEY_CTX_free(c);
		EVP_PKEY_free(copy);
		EVP_PKEY_free(key);
	}
}

/* Restricted as `genpkey -algorithm RSA-PSS` makes it. */
Test(provider_first, makes_restricted_keys)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(s.libctx, "RSA-PSS", NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *key = NULL, *copy;

	cr_assert_eq(EVP_PKEY_keygen_init(c), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(c, 1024), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_keygen_md(c, EVP_sha384()), 1);
	cr_assert_eq(EVP_PKEY_generate(c, &key), 1);
	copy = EVP_PKEY_dup(key);
	cr_assert_eq(EVP_PKEY_is_a(copy, "RSA-PSS"), 1);
	cr_assert_eq(EVP_DigestSignInit_ex(
			     md, NULL, "SHA384", s.libctx, NULL, copy, NULL),
		1);
	assert_no_errors();
	EVP_MD_CTX_free(md);
	md = EVP_MD_CTX_new();
	cr_assert_neq(EVP_DigestSignInit_ex(
			      md, NULL, "SHA256", s.libctx, NULL, copy, NULL),
		1);
	ERR_clear_error();
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(copy);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(c);
}
