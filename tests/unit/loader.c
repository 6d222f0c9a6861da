#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/hmac.h>

#include "../support/make_key.h"
#include "../support/starter.h"
#include "lockdown/lockdown.h"
#include "ring/ring.h"
#include "wire/keykind.h"
#include "wire/tlsgroup.h"

static const char policy[] = "allow = www\nuse = tls-server\n";

static void
assert_loaded(const struct starter *s)
{
	unsigned i;

	for (i = 0; i < s->nreports; i++)
		cr_assert_neq(
			s->reports[i].priority, 3, "%s", s->reports[i].text);
	cr_assert_eq(s->ok, 1);
	cr_assert_eq(s->nleft_out, 0);
	cr_assert_eq(s->done_errors, 0);
	cr_assert_eq(s->status, 0, "status %x", (unsigned)s->status);
}

/* No key was published, what was left out was told, and a report has these words. */
static void
assert_refused(const struct starter *s, const char *words)
{
	cr_assert_gt(s->nleft_out, 0, "loaded, not refused: %s", words);
	cr_assert_gt(s->done_errors, 0);
	cr_assert_eq(s->done_keys, 0);
	cr_assert_eq(s->nsets, 0);
	cr_assert_eq(s->index_keys, 0);
	cr_assert_not_null(starter_find(s, 3, words), "no '%s' in '%s'", words,
		s->nreports > 0 ? s->reports[0].text : "");
	cr_assert(WIFEXITED(s->status) && WEXITSTATUS(s->status) == 1);
}

static void
assert_warned(const struct starter *s, const char *words)
{
	assert_loaded(s);
	cr_assert_not_null(starter_find(s, 4, words), "no '%s' in '%s'", words,
		s->nreports > 0 ? s->reports[0].text : "");
}

/* Loads one key file, with the usual policy. */
static struct starter
load_text(const char *text, size_t len)
{
	const struct starter_key keys[] = {
		{ .name = "www",
			.key = text,
			.key_len = len,
			.policy = policy },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	s.keys = NULL;
	return s;
}

static struct starter
load_policy_of(EVP_PKEY *pkey, const char *policy_text,
	const struct starter_file *files)
{
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	const struct starter_key keys[] = {
		{ .name = "www", .key = pem, .policy = policy_text },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys, .files = files };

	starter_load(&s);
	s.keys = NULL;
	free(pem);
	return s;
}

static struct starter
load_policy(const char *policy_text, const struct starter_file *files)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	struct starter s = load_policy_of(pkey, policy_text, files);

	EVP_PKEY_free(pkey);
	return s;
}

/* Does the entry hold this very key? */
static void
assert_entry(const struct ring_entry *e, EVP_PKEY *pkey)
{
	const unsigned char *p = e->private_key.data;
	unsigned char *spki = NULL, hash[32];
	int len = i2d_PUBKEY(pkey, &spki);
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *got;

	cr_assert_eq((size_t)len, e->key.spki.len);
	cr_assert_arr_eq(spki, e->key.spki.data, (size_t)len);
	cr_assert_eq(
		EVP_Digest(spki, (size_t)len, hash, NULL, EVP_sha256(), NULL),
		1);
	cr_assert_arr_eq(hash, e->key.hash, sizeof(hash));
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)e->private_key.len);
	cr_assert_not_null(info);
	cr_assert_eq(p, e->private_key.data + e->private_key.len);
	got = EVP_PKCS82PKEY(info);
	cr_assert_eq(EVP_PKEY_eq(got, pkey), 1);
	EVP_PKEY_free(got);
	PKCS8_PRIV_KEY_INFO_free(info);
	OPENSSL_free(spki);
}

/* The only entry of the only ring. */
static struct ring_entry
only_entry(const struct starter *s)
{
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t n;

	cr_assert_eq(s->nsets, 1);
	cr_assert_eq(ring_open(s->rings[0], s->sets[0].ring_len, &c, &n), 0);
	cr_assert_eq(n, 1);
	cr_assert_eq(ring_next(&c, &e), 1);
	return e;
}

/* A key of the kind, in a file of this structure, for every use that fits. */
static void
assert_takes(const struct keykind *k, const char *structure)
{
	EVP_PKEY *pkey = make_key_of(k);
	char *pem = make_pem(pkey, structure), text[256], words[128];
	const struct starter_key keys[] = {
		{ .name = "www", .key = pem, .policy = text },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };
	struct ring_entry e;

	(void)snprintf(text, sizeof(text), "allow = www\nuse = %s\n%s",
		proto_use_names(k->uses, words, sizeof(words)),
		keykind_is_weak(k, k->min_bits) ? "weak-keys = yes\n" : "");
	starter_load(&s);
	assert_loaded(&s);
	e = only_entry(&s);
	assert_entry(&e, pkey);
	cr_assert_eq(e.key.type, k->type, "%s", k->name);
	cr_assert_eq(e.key.bits, k->min_bits, "%s", k->name);
	cr_assert_eq(e.key.use, k->uses);
	cr_assert_eq(e.key.tls12, PROTO_TLS12_ANY);
	cr_assert_eq(e.tls12_groups, TLSGROUP_DEFAULT);
	cr_assert_eq(s.done_keys, 1);
	cr_assert_eq(ring_index_check(s.index, s.index_len), 0);
	cr_assert(ring_index_has(s.index, s.index_len, e.key.hash));
	free(pem);
	EVP_PKEY_free(pkey);
}

Test(loader, takes_each_form_of_each_key_type)
{
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		assert_takes(k, "PrivateKeyInfo");
		if (k->type == PROTO_KEY_RSA || keykind_is_ec(k))
			assert_takes(k, "type-specific");
	}
}

Test(loader, takes_a_key_with_other_text_around_it)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	struct make_certificate m = { .pkey = pkey, .until = 3600 };
	char *pem = make_pem(pkey, "type-specific"),
	     *certificate = make_certificate(&m), *text;
	struct starter s;

	cr_assert_gt(asprintf(&text,
			     "some words\r\n%s-----BEGIN EC PARAMETERS-----\n"
			     "BggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
			     "%smore words",
			     certificate, pem),
		0);
	s = load_text(text, 0);
	assert_loaded(&s);
	free(text);
	free(pem);
	free(certificate);
	EVP_PKEY_free(pkey);
}

/* Keys that keyd does not keep, and the words that say so. */
static const struct {
	const char *kind, *structure, *words;
} refused[] = {
	{ "EC:secp112r1", "type-specific",
		"an EC key on the curve secp112r1; keyd keeps keys of the "
		"types RSA, RSA-PSS, P-256, " },
	{ "EC:B-233", "PrivateKeyInfo", "on the curve sect233r1" },
	{ "SM2", "PrivateKeyInfo",
		"a key of type SM2; keyd keeps keys of the types RSA" },
	{ "EC:P-256", "EncryptedPrivateKeyInfo", "is encrypted" },
	{ "EC:P-256", "SubjectPublicKeyInfo", "a public key but no private" },
};

Test(loader, names_and_refuses_keys_that_it_does_not_keep)
{
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		EVP_PKEY *pkey = make_key(refused[i].kind);
		char *pem = make_pem(pkey, refused[i].structure);
		struct starter s = load_text(pem, 0);

		assert_refused(&s, refused[i].words);
		cr_assert_not_null(strstr(s.reports[0].text, "www.pem"));
		free(pem);
		EVP_PKEY_free(pkey);
	}
}

/* Files that hold no key at all, or not in this form. */
static const struct {
	const char *text, *words;
	size_t len;
} others[] = {
	{ "hello", "no PEM private key", 0 },
	{ "-----BEGIN PRIVATE KEY-----\nAAAA\n", "no END line", 0 },
	{ "-----BEGIN PRIVATE KEY-----\nA!AA\n-----END PRIVATE KEY-----\n",
		"not base64", 0 },
	{ "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"not one PKCS#8", 0 },
	{ "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY"
	  "-----\n",
		"cannot be decoded", 0 },
	{ "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH "
	  "PRIVATE KEY-----\n",
		"an OpenSSH key", 0 },
	{ "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE "
	  "KEY-----\n",
		"a DSA key", 0 },
	{ "-----BEGIN ODD PRIVATE KEY-----\nAAAA\n-----END ODD PRIVATE "
	  "KEY-----\n",
		"unknown kind of private key, ODD PRIVATE KEY", 0 },
	{ "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
	  "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"is encrypted", 0 },
	{ "\x30\x05\x02\x01\x03\x30\x00", "a PKCS#12 file; take its key out",
		7 },
	{ "\x30\x05\x02\x01\x00\x30\x00", "not one PKCS#8 key", 7 },
	{ "\x30\x06\x02\x01\x00\x02\x01\x05", "cannot be decoded", 8 },
	{ "\x30\x05\x02\x01\x01\x04\x00", "cannot be decoded", 7 },
	{ "\x30\x06\x30\x02\x06\x00\x04\x00", "is encrypted", 8 },
	{ "\x30\x06\x30\x02\x06\x00\x03\x00", "a public key", 8 },
	{ "\x30\x06\x02\x01\x05\x02\x01\x03", "a public key", 8 },
	{ "\x30\x07\x30\x03\x02\x01\x00\x30\x00", "a certificate request", 9 },
	{ "\x30\x06\x30\x02\xa0\x00\x30\x00", "a certificate but", 8 },
	{ "\x30\x05\x02\x01\x05\x30\x00", "of an unknown kind", 7 },
	{ "\x30\x03\x02\x01\x00", "of an unknown kind", 5 },
	/* Cut off, with more behind it, without a length, and empty. */
	{ "\x30\x82\x01\x00\x02\x01\x00\x30\x0d", "damaged: it is not one", 9 },
	{ "\x30\x05\x02\x01\x00\x30\x00\x0a", "damaged: it is not one", 8 },
	{ "\x30\x80\x02\x01\x00\x30\x00\x00\x00", "damaged: it is not", 9 },
	{ "\x30\x00", "of an unknown kind", 2 },
	{ "\x30", "no PEM private key", 1 },
	{ "ssh-ed25519 AAAA me\n", "an OpenSSH public key but", 0 },
	{ "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE "
	  "REQUEST-----\n",
		"a certificate request but no private key", 0 },
};

Test(loader, names_and_refuses_files_of_another_kind)
{
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct starter s = load_text(others[i].text, others[i].len);

		assert_refused(&s, others[i].words);
	}
}

Test(loader, refuses_a_shell_and_a_certificate_alone)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	struct make_certificate m = { .pkey = pkey, .until = 3600 };
	char *certificate = make_certificate(&m),
	     *shell = make_shell(pkey, "www");
	struct starter s = load_text(certificate, 0);

	assert_refused(&s, "a certificate but no private key");
	s = load_text(shell, 0);
	assert_refused(&s, "a shell, which has no private key");
	free(certificate);
	free(shell);
	EVP_PKEY_free(pkey);
}

Test(loader, refuses_two_keys_in_one_file)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo"), *text;
	struct starter s;

	cr_assert_gt(asprintf(&text, "%s%s", pem, pem), 0);
	s = load_text(text, 0);
	assert_refused(&s, "www.pem: holds 2 private keys");
	free(text);
	free(pem);
	EVP_PKEY_free(pkey);
}

Test(loader, refuses_a_file_that_is_too_large)
{
	char *text = malloc(65537);

	cr_assert_not_null(text);
	memset(text, 'x', 65537);
	struct starter s = load_text(text, 65537);

	assert_refused(&s, "www.pem: is larger than 65536 bytes");
	s = load_text(text, 65536);
	assert_refused(&s, "no PEM private key");
	free(text);
}

static struct starter
load_mode(mode_t key, mode_t policy_mode, uid_t owner)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	const struct starter_key keys[] = {
		{ .name = "www",
			.key = pem,
			.policy = policy,
			.key_mode = key,
			.policy_mode = policy_mode,
			.key_owner = owner },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	s.keys = NULL;
	free(pem);
	EVP_PKEY_free(pkey);
	return s;
}

Test(loader, refuses_files_that_others_can_read_or_change)
{
	struct starter s = load_mode(0644, 0, 0);

	assert_refused(&s, "www.pem: mode 0644");
	s = load_mode(0640, 0, 0);
	assert_refused(&s, "www.pem: mode 0640");
	s = load_mode(0601, 0, 0);
	assert_refused(&s, "www.pem: mode 0601");
	s = load_mode(0400, 0664, 0);
	assert_refused(&s, "www.conf: mode 0664");
	s = load_mode(0400, 0600, 0);
	assert_loaded(&s);
}

Test(loader, refuses_a_key_file_of_another_user)
{
	struct starter s;

	if (geteuid() != 0)
		cr_skip("needs root");
	s = load_mode(0600, 0, 33);
	assert_refused(&s, "www.pem: belongs to uid 33");
}

Test(loader, tells_all_errors_in_one_run)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	const struct starter_key keys[] = {
		{ .name = "a", .key = "hello", .policy = "allow = ghost\n" },
		{ .name = "b", .key = pem },
		{ .name = "c", .key = pem, .policy = "use = fly\nx = y\n" },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	assert_refused(&s, "a.pem: holds no PEM private key");
	assert_refused(&s, "a.conf:1: allow: there is no user 'ghost'");
	assert_refused(&s, "a.conf: use is missing");
	assert_refused(&s, "b.pem: the key has no policy; write b.conf");
	assert_refused(&s, "c.conf:1: use: 'fly' is none of");
	assert_refused(&s, "c.conf:2: x: unknown setting");
	assert_refused(&s, "c.conf: allow is missing");
	cr_assert_eq(s.done_errors, s.nreports);
	cr_assert_eq(s.nleft_out, 3);
	free(pem);
	EVP_PKEY_free(pkey);
}

Test(loader, names_both_files_of_a_key_that_is_there_twice)
{
	EVP_PKEY *pkey = make_key("EC:P-384");
	char *one = make_pem(pkey, "PrivateKeyInfo"),
	     *two = make_pem(pkey, "type-specific");
	const struct starter_key keys[] = {
		{ .name = "one", .key = one, .policy = policy },
		{ .name = "two", .key = two, .policy = policy },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	assert_refused(&s, "two.pem: the same key as in one.pem");
	/* Nobody can say whose policy is meant. */
	cr_assert_eq(s.nleft_out, 2);
	free(one);
	free(two);
	EVP_PKEY_free(pkey);
}

/* Sorted before or after it, a copy with a fault takes nothing from the key. */
Test(loader, publishes_a_key_whose_copy_has_a_fault)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	const struct starter_key keys[] = {
		{ .name = "a", .key = pem },
		{ .name = "b", .key = pem, .policy = policy },
		{ .name = "c", .key = pem, .policy = "use = fly\n" },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	cr_assert_eq(s.ok, 1);
	cr_assert_eq(s.done_keys, 1);
	cr_assert_eq(s.index_keys, 1);
	cr_assert_eq(s.nleft_out, 2);
	cr_assert_str_eq(s.left_out[0], "a");
	cr_assert_str_eq(s.left_out[1], "c");
	cr_assert_not_null(starter_find(&s, 3, "a.pem: the same key as in b"));
	cr_assert_not_null(starter_find(&s, 3, "c.pem: the same key as in b"));
	free(pem);
	EVP_PKEY_free(pkey);
}

/* Whatever is wrong with one, the others are in the rings and in the index. */
Test(loader, publishes_sound_keys_beside_faulty_ones)
{
	EVP_PKEY *one = make_key("EC:P-256"), *two = make_key("EC:P-384"),
		 *bad = make_key("EC:P-256");
	char *one_pem = make_pem(one, "PrivateKeyInfo"),
	     *two_pem = make_pem(two, "PrivateKeyInfo"),
	     *bad_pem = make_pem(bad, "PrivateKeyInfo");
	const struct starter_key keys[] = {
		{ .name = "a-policy",
			.key = bad_pem,
			.policy = "allow = ghost\n" },
		{ .name = "b", .key = one_pem, .policy = policy },
		{ .name = "c-key", .key = "hello", .policy = policy },
		{ .name = "d",
			.key = two_pem,
			.policy = "allow = mail\nuse = csr\n" },
		{ .name = "e-mode",
			.key = bad_pem,
			.policy = policy,
			.key_mode = 0644 },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	cr_assert_eq(s.ok, 1);
	cr_assert_eq(s.done_keys, 2);
	cr_assert_eq(s.index_keys, 2);
	cr_assert_eq(s.nsets, 2);
	cr_assert_eq(s.nleft_out, 3);
	cr_assert_str_eq(s.left_out[0], "a-policy");
	cr_assert_str_eq(s.left_out[1], "c-key");
	cr_assert_str_eq(s.left_out[2], "e-mode");
	cr_assert_eq(ring_index_check(s.index, s.index_len), 0);
	free(one_pem);
	free(two_pem);
	free(bad_pem);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	EVP_PKEY_free(bad);
}

Test(loader, warns_of_a_policy_without_a_key_and_of_no_keys)
{
	const struct starter_key keys[] = {
		{ .name = "old", .policy = policy },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys };

	starter_load(&s);
	assert_warned(&s, "old.conf: there is no key of this name");
	assert_warned(&s, "there are no keys");
	cr_assert_eq(s.index_keys, 0);
	cr_assert_eq(ring_index_check(s.index, s.index_len), 0);
}

Test(loader, groups_keys_by_who_may_use_them)
{
	static const char *const policies[] = {
		"allow = www mail group:ssl-cert\nuse = sign\n",
		"allow = mail, gid:110 uid:33 uid:33 www\nuse = csr\n",
		"allow = mail\nuse = tls-server\n",
		"allow = unit:b.service unit:a.service root\nuse = sign\n",
		"allow = uid:0,unit:a.service,unit:b.service\nuse = sign\n",
	};
	struct starter_key keys[6] = { 0 };
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	struct starter s = { .keys = keys };
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t n, total = 0;
	unsigned i, pairs = 0;

	for (i = 0; i < 5; i++) {
		EVP_PKEY *pkey = make_key("EC:P-256");

		keys[i].name = names[i];
		keys[i].key = make_pem(pkey, "PrivateKeyInfo");
		keys[i].policy = policies[i];
		EVP_PKEY_free(pkey);
	}
	starter_load(&s);
	assert_loaded(&s);
	cr_assert_eq(s.nsets, 3);
	cr_assert_eq(s.index_keys, 5);
	for (i = 0; i < s.nsets; i++) {
		const struct boot_set *set = &s.sets[i];

		cr_assert_eq(ring_open(s.rings[i], set->ring_len, &c, &n), 0);
		cr_assert_eq(n, set->keys);
		while (ring_next(&c, &e) == 1) {
			total++;
			cr_assert(ring_index_has(
				s.index, s.index_len, e.key.hash));
		}
		if (set->nunits == 2) {
			cr_assert_str_eq(set->units[0], "a.service");
			cr_assert_str_eq(set->units[1], "b.service");
			cr_assert_eq(set->nuids, 1);
			cr_assert_eq(set->uids[0], 0);
			pairs += n == 2;
		} else if (set->ngids == 1) {
			cr_assert_eq(set->nuids, 2);
			cr_assert_eq(set->uids[0], 8);
			cr_assert_eq(set->uids[1], 33);
			cr_assert_eq(set->gids[0], 110);
			pairs += n == 2;
		} else {
			cr_assert_eq(set->nuids, 1);
			cr_assert_eq(set->uids[0], 8);
			cr_assert_eq(n, 1);
		}
	}
	cr_assert_eq(total, 5);
	cr_assert_eq(pairs, 2);
	for (i = 0; i < 5; i++)
		free((void *)(uintptr_t)keys[i].key);
}

Test(loader, keys_for_different_listeners_share_no_ring)
{
	static const uint32_t bits[] = { 1, 3, 3, 5 };
	static const char *const names[] = { "a", "b", "c", "d" };
	struct starter_key keys[5] = { 0 };
	struct starter s = { .keys = keys };
	uint32_t seen = 0;
	unsigned i;

	for (i = 0; i < 4; i++) {
		EVP_PKEY *pkey = make_key("EC:P-256");

		keys[i].name = names[i];
		keys[i].key = make_pem(pkey, "PrivateKeyInfo");
		keys[i].policy = "allow = www\nuse = sign\n";
		keys[i].listeners = bits[i];
		EVP_PKEY_free(pkey);
	}
	starter_load(&s);
	assert_loaded(&s);
	cr_assert_eq(s.nsets, 3);
	for (i = 0; i < s.nsets; i++) {
		seen |= UINT32_C(1) << s.sets[i].listeners;
		cr_assert_eq(s.sets[i].keys, s.sets[i].listeners == 3 ? 2 : 1);
	}
	cr_assert_eq(seen, 1 << 1 | 1 << 3 | 1 << 5);
	for (i = 0; i < 4; i++)
		free((void *)(uintptr_t)keys[i].key);
}

Test(loader, puts_the_policy_into_the_ring)
{
	struct starter s = load_policy("allow = www\nuse = csr, sign\n"
				       "tls12 = sentinel\nweak-digests = yes\n"
				       "tls12-groups = P-256 x448\n",
		NULL);
	struct ring_entry e;

	assert_loaded(&s);
	e = only_entry(&s);
	cr_assert_eq(e.key.use, PROTO_USE_CSR | PROTO_USE_SIGN);
	cr_assert_eq(e.key.tls12, PROTO_TLS12_SENTINEL);
	cr_assert_eq(
		e.tls12_groups, tlsgroup_bit("P-256") | tlsgroup_bit("x448"));
	cr_assert_eq(e.key.flags, PROTO_KEY_WEAK_DIGESTS);
	cr_assert_eq(e.enforce_from, 0);
}

/* K of docs/PROTOCOL.md §8, computed here in another way. */
static void
assert_secret(EVP_PKEY *pkey, struct view secret)
{
	static const char label[] = "openssl-keyd tls-rsa-kx";
	uint8_t d[256], expected[32];
	unsigned len = 0;
	BIGNUM *p = NULL, *q = NULL;

	cr_assert_eq(EVP_PKEY_get_bn_param(pkey, "rsa-factor1", &p), 1);
	cr_assert_eq(EVP_PKEY_get_bn_param(pkey, "rsa-factor2", &q), 1);
	cr_assert_eq(BN_bn2binpad(BN_cmp(p, q) > 0 ? p : q, d, sizeof(d)),
		sizeof(d));
	cr_assert_not_null(HMAC(EVP_sha256(), d, sizeof(d),
		(const uint8_t *)label, strlen(label), expected, &len));
	cr_assert_eq(secret.len, sizeof(expected));
	cr_assert_arr_eq(secret.data, expected, sizeof(expected));
	BN_free(p);
	BN_free(q);
}

Test(loader, derives_a_secret_where_premasters_may_be_decrypted)
{
	static const struct {
		const char *kind, *use;
		bool log, secret;
	} cases[] = {
		{ "RSA:2048", "tls-rsa-kx", false, true },
		{ "RSA:2048", "tls-server", true, true },
		{ "RSA:2048", "tls-server", false, false },
		{ "EC:P-256", "tls-server", true, false },
	};
	time_t tomorrow = time(NULL) + 2L * 24 * 60 * 60;
	char text[128], log[64];
	struct ring_entry e;
	struct starter s;
	EVP_PKEY *pkey;
	size_t i;

	cr_assert_gt(strftime(log, sizeof(log), "enforce = log until %F\n",
			     gmtime(&tomorrow)),
		0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "allow = www\nuse = %s\n%s",
			cases[i].use, cases[i].log ? log : "");
		pkey = make_key(cases[i].kind);
		s = load_policy_of(pkey, text, NULL);
		assert_loaded(&s);
		e = only_entry(&s);
		if (cases[i].secret)
			assert_secret(pkey, e.secrets);
		else
			cr_assert_eq(e.secrets.len, 0);
		EVP_PKEY_free(pkey);
	}
}

Test(loader, fills_secret_memory_where_there_is_any)
{
	struct starter s = load_policy(policy, NULL);

	assert_loaded(&s);
	if ((lockdown_kernel_layers() & LAYER_SECRET_MEMORY) == 0)
		cr_skip("this kernel has no memfd_secret");
	cr_assert_eq(s.sets[0].ring_kind, BOOT_RING_SECRET);
	cr_assert_neq(s.on & LAYER_SECRET_MEMORY, 0);
	/* A memory file of the other kind could be sealed and read. */
	cr_assert_eq(fcntl(s.ring_fds[0], F_GET_SEALS), -1);
}

static void
assert_sealed(int fd)
{
	int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	cr_assert_eq(fcntl(fd, F_GET_SEALS), all);
	cr_assert_eq(ftruncate(fd, 1), -1);
	cr_assert_eq(pwrite(fd, "x", 1, 0), -1);
	cr_assert_eq(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
		MAP_FAILED);
}

Test(loader, fills_a_sealed_memory_file_where_secret_memory_is_not_wanted)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	const struct starter_key keys[] = {
		{ .name = "www", .key = pem, .policy = policy },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys, .unwanted = LAYER_SECRET_MEMORY };
	struct ring_entry e;

	starter_load(&s);
	assert_loaded(&s);
	cr_assert_eq(s.on & LAYER_SECRET_MEMORY, 0);
	cr_assert_eq(s.sets[0].ring_kind, BOOT_RING_SEALED);
	assert_sealed(s.ring_fds[0]);
	assert_sealed(s.index_fd);
	e = only_entry(&s);
	assert_entry(&e, pkey);
	free(pem);
	EVP_PKEY_free(pkey);
}

/* More keys than qsort(3) would sort without asking the kernel for the size of
 * memory, than one page holds, and than would fit malloc's first heap. */
Test(loader, takes_hundreds_of_keys)
{
	enum { KEYS = 700 };
	static struct starter_key keys[KEYS + 1];
	static char names[KEYS][16];
	struct starter s = { .keys = keys };
	struct ring_cursor c;
	struct ring_entry e;
	uint32_t n, got = 0;
	size_t i;

	for (i = 0; i < KEYS; i++) {
		EVP_PKEY *pkey = make_key("EC:P-256");

		(void)snprintf(names[i], sizeof(names[i]), "key%zu", i);
		keys[i].name = names[i];
		keys[i].key = make_pem(pkey, "PrivateKeyInfo");
		keys[i].policy = policy;
		EVP_PKEY_free(pkey);
	}
	starter_load(&s);
	assert_loaded(&s);
	cr_assert_eq(s.nsets, 1);
	cr_assert_eq(s.done_keys, KEYS);
	cr_assert_eq(ring_index_check(s.index, s.index_len), 0);
	cr_assert_eq(ring_open(s.rings[0], s.sets[0].ring_len, &c, &n), 0);
	while (ring_next(&c, &e) == 1)
		got++;
	cr_assert_eq(got, KEYS);
	for (i = 0; i < KEYS; i++)
		free((void *)(uintptr_t)keys[i].key);
}

/* As the broker starts it: another user, an empty root. */
Test(loader, works_with_every_layer_that_root_can_have)
{
	char root[] = "/tmp/keyd-test-XXXXXX";
	struct starter s = { .uid = 65533, .chroot = root };
	EVP_PKEY *pkey = make_key("RSA:2048");
	struct make_certificate m = { .pkey = pkey, .until = 3600 };
	char *pem = make_pem(pkey, "type-specific"),
	     *certificate = make_certificate(&m);
	const struct starter_file files[] = {
		{ .path = "www.crt", .text = certificate },
		{ .path = NULL },
	};
	const struct starter_key keys[] = {
		{ .name = "www",
			.key = pem,
			.policy = "allow = www\nuse = sign\n"
				  "enforce = log until 2000-01-01\n"
				  "certificate = www.crt\n" },
		{ .name = NULL },
	};
	uint32_t layers = LAYER_RLIMITS | LAYER_CHROOT | LAYER_USER |
			  LAYER_CAPABILITIES | LAYER_NO_NEW_PRIVS |
			  LAYER_UNDUMPABLE | LAYER_SECCOMP;

	if (geteuid() != 0)
		cr_skip("needs root");
	cr_assert_not_null(mkdtemp(root));
	cr_assert_eq(chmod(root, 0555), 0);
	s.keys = keys;
	s.files = files;
	starter_load(&s);
	assert_warned(
		&s, "www.conf:3: enforce: 'log until 2000-01-01' is over");
	cr_assert_eq(s.on & layers, layers, "%x", s.on);
	starter_generate(&s, PROTO_KEY_RSA, 2048);
	cr_assert_eq(s.answer[0], BOOT_GENERATED);
	cr_assert_eq(rmdir(root), 0);
	free(pem);
	free(certificate);
	EVP_PKEY_free(pkey);
}

/* RLIMIT_MEMLOCK too small for secret memory: it goes on, and says why. */
Test(loader, falls_back_to_a_sealed_memory_file_and_says_why)
{
	struct rlimit none = { 0, 0 };
	struct starter s;

	if ((lockdown_kernel_layers() & LAYER_SECRET_MEMORY) == 0)
		cr_skip("this kernel has no memfd_secret");
	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	if (geteuid() == 0)
		cr_assert_eq(prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE), 0);
	s = load_policy(policy, NULL);
	assert_warned(&s, "secret-memory: off: Resource temporarily "
			  "unavailable");
	cr_assert_eq(s.sets[0].ring_kind, BOOT_RING_SEALED);
	assert_sealed(s.ring_fds[0]);
}

/* Not a byte of a key in what is reported, whatever is wrong. */
Test(loader, reports_no_byte_of_a_key)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo"), *body, *p;
	struct starter s;
	unsigned i;

	body = strchr(pem, '\n') + 1;
	for (p = body; *p != '\0' && *p != '-'; p++) {
		char old = *p, part[9] = "";

		if ((p - body) % 16 != 0 || *p == '\n')
			continue;
		*p = '!';
		s = load_text(pem, 0);
		assert_refused(&s, "not base64");
		*p = old;
		(void)memcpy(part, p, 8);
		for (i = 0; i < s.nreports; i++)
			cr_assert_null(strstr(s.reports[i].text, part));
	}
	free(pem);
	EVP_PKEY_free(pkey);
}
