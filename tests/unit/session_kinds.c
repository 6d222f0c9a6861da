/*
 * Every type of key through the real keyd-session, with its filter: nothing
 * that an operation needs may be loaded, mapped or asked for under it.
 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "session/library.h"
#include "tests/support/session.h"
#include "wire/keykind.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static struct fixture f;
static uint8_t data[300];

static void
set_up(void)
{
	fixture_init(&f);
	memset(data, 'x', sizeof(data));
}

TestSuite(kinds, .init = set_up, .timeout = 120);

static void
close_and_expect(int code)
{
	close(f.client);
	cr_assert_eq(fixture_wait(&f), code);
}

static void
expect_no_audit(void)
{
	struct audit a;

	cr_assert_not(fixture_audit(&f, &a));
}

/* One key of each type, RSA of the longest modulus. */
static void
add_all(void)
{
	const struct keykind *k;
	char type[32];
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		(void)snprintf(type, sizeof(type), "%s%s", k->name,
			k->type == PROTO_KEY_RSA       ? ":8192"
			: k->type == PROTO_KEY_RSA_PSS ? ":2048"
						       : "");
		(void)fixture_add(&f, type, k->name);
	}
}

static bool
verifies(EVP_PKEY *pkey, const struct proto_scheme *s, struct view sig)
{
	bool digest = s->digest != PROTO_NO_DIGEST;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p;
	bool ok;

	ok = EVP_DigestVerifyInit_ex(ctx, &p, digest ? "SHA256" : NULL, NULL,
		     NULL, pkey, NULL) == 1;
	if (ok && s->algorithm == PROTO_RSA_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) >
			     0 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(p, s->salt) > 0;
	ok = ok &&
	     EVP_DigestVerify(ctx, sig.data, sig.len, data, sizeof(data)) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

/*
 * Of the algorithms that 3.0 has not, data begins with a context, and libcrypto
 * verifies them in its own way: tests/unit/eddsa.c does that.
 */
static void
expect_signature(uint32_t n, uint8_t algorithm)
{
	struct proto_sign m = { .scheme = { .algorithm = algorithm },
		.data = { data, sizeof(data) } };
	struct view sig;
	uint16_t detail;

	if (algorithm <= PROTO_ECDSA || algorithm == PROTO_ECDSA_DETERMINISTIC)
		m.scheme.digest = PROTO_SHA256;
	if (algorithm == PROTO_RSA_PSS) {
		m.scheme.mgf1 = PROTO_SHA256;
		m.scheme.salt = 32;
	}
	memcpy(m.hash, f.entries[n].key.hash, sizeof(m.hash));
	cr_assert_eq(fixture_sign(&f, &m, &sig, &detail), PROTO_OK, "%s %u: %u",
		f.keys[n].name, algorithm, detail);
	if (algorithm <= PROTO_ECDSA_DETERMINISTIC)
		cr_assert(verifies(f.keys[n].pkey, &m.scheme, sig), "%s %u",
			f.keys[n].name, algorithm);
}

Test(kinds, all_sign_with_all_their_algorithms)
{
	const struct keykind *k;
	uint32_t i, n = 0;
	uint8_t a;

	cr_assert_eq(library_init(), 0);
	add_all();
	fixture_start(&f);
	for (i = 0; i < f.count; i++) {
		k = keykind_by_type(f.entries[i].key.type);
		for (a = PROTO_RSA_PKCS1; a <= PROTO_ED448PH; a++) {
			if ((k->algorithms & 1U << a) == 0 || !library_signs(a))
				continue;
			expect_signature(i, a);
			if (a <= PROTO_ED448)
				n++;
		}
	}
	/* With any library; RSA has two, X25519 and X448 none. */
	cr_assert_eq(n, f.count + 1 - 2);
	expect_no_audit();
	close_and_expect(0);
}

static size_t
encrypt(EVP_PKEY *pkey, int padding, const void *in, size_t len, uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	size_t n = PROTO_MAX_CIPHERTEXT;

	cr_assert_eq(EVP_PKEY_encrypt_init(ctx), 1);
	cr_assert_gt(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 0);
	cr_assert_eq(EVP_PKEY_encrypt(ctx, out, &n, in, len), 1);
	EVP_PKEY_CTX_free(ctx);
	return n;
}

Test(kinds, rsa_of_every_size_decrypts)
{
	static const char *const types[] = { "RSA:512", "RSA:1025", "RSA:2048",
		"RSA:8192" };
	struct proto_decrypt m = {
		.padding = PROTO_OAEP, .digest = PROTO_SHA1, .mgf1 = PROTO_SHA1
	};
	uint8_t c[PROTO_MAX_CIPHERTEXT], premaster[48] = { 3, 3, 'p' };
	struct view out;
	uint16_t detail;
	uint32_t i;

	cr_assert_eq(library_init(), 0);
	for (i = 0; i < ROWS(types); i++)
		fixture_add(&f, types[i], types[i] + 4)->key.use =
			PROTO_USE_DECRYPT | PROTO_USE_TLS_RSA_KX;
	fixture_start(&f);
	for (i = 0; i < ROWS(types); i++) {
		memcpy(m.hash, f.entries[i].key.hash, sizeof(m.hash));
		m.padding = PROTO_OAEP;
		m.digest = m.mgf1 = PROTO_SHA1;
		m.version = 0;
		m.data = (struct view){ c,
			encrypt(f.keys[i].pkey, RSA_PKCS1_OAEP_PADDING, "hello",
				5, c) };
		cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_OK);
		cr_assert_eq(out.len, 5);
		cr_assert_arr_eq(out.data, "hello", 5);
		m.padding = PROTO_PKCS1;
		m.digest = m.mgf1 = 0;
		m.data = (struct view){ c,
			encrypt(f.keys[i].pkey, RSA_PKCS1_PADDING, premaster,
				48, c) };
		if (library_rejects_implicitly()) {
			cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail),
				PROTO_OK);
			cr_assert_eq(out.len, 48);
			cr_assert_arr_eq(out.data, premaster, 48);
		}
		m.padding = PROTO_PREMASTER;
		m.version = 0x0303;
		cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_OK);
		cr_assert_eq(out.len, 48);
		cr_assert_arr_eq(out.data, premaster, 48);
	}
	expect_no_audit();
	close_and_expect(0);
}

/* The same secret as the peer's, who computes it with libcrypto. */
static void
expect_secret(uint32_t n)
{
	struct proto_derive m = { 0 };
	EVP_PKEY *own = f.keys[n].pkey, *peer = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	uint8_t *point = NULL, secret[PROTO_MAX_OUTPUT];
	struct view out;
	uint16_t detail;
	size_t len = sizeof(secret);

	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_generate(ctx, &peer), 1);
	EVP_PKEY_CTX_free(ctx);
	m.peer.len = EVP_PKEY_get1_encoded_public_key(peer, &point);
	m.peer.data = point;
	memcpy(m.hash, f.entries[n].key.hash, sizeof(m.hash));
	cr_assert_eq(fixture_derive(&f, &m, &out, &detail), PROTO_OK, "%s",
		f.keys[n].name);
	ctx = EVP_PKEY_CTX_new(peer, NULL);
	cr_assert_eq(EVP_PKEY_derive_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(ctx, own), 1);
	cr_assert_eq(EVP_PKEY_derive(ctx, secret, &len), 1);
	cr_assert_eq(out.len, len, "%s", f.keys[n].name);
	cr_assert_arr_eq(out.data, secret, len);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	OPENSSL_free(point);
}

Test(kinds, all_that_can_derive_do)
{
	const struct keykind *k;
	uint32_t i, n = 0;

	add_all();
	for (i = 0; i < f.count; i++) {
		k = keykind_by_type(f.entries[i].key.type);
		if ((k->uses & PROTO_USE_DECRYPT) != 0)
			f.entries[i].key.use = PROTO_USE_DECRYPT;
	}
	fixture_start(&f);
	for (i = 0; i < f.count; i++) {
		k = keykind_by_type(f.entries[i].key.type);
		if (!keykind_is_ec(k) && k->type != PROTO_KEY_X25519 &&
			k->type != PROTO_KEY_X448)
			continue;
		expect_secret(i);
		n++;
	}
	cr_assert_eq(n, 21);
	expect_no_audit();
	close_and_expect(0);
}

/* ---- what is left ------------------------------------------------------- */

enum { MOST = 1 << 26 }; /* of one mapping: the sanitizer's are larger */

/* Places in the session's memory that hold these bytes; root may look. */
static unsigned
count_in_memory(const uint8_t *bytes, size_t len)
{
	char path[64], line[256], mode[8];
	unsigned long from, to;
	unsigned found = 0;
	uint8_t *buf, *p;
	FILE *maps;
	ssize_t n;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)f.pid);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)f.pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(maps != NULL && mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
			mode[1] != 'w' || to - from > MOST)
			continue;
		buf = malloc(to - from);
		cr_assert_not_null(buf);
		n = pread(mem, buf, to - from, (off_t)from);
		for (p = buf; n > 0 && (p = memmem(p, (size_t)(buf + n - p),
						bytes, len)) != NULL;
			p++)
			found++;
		free(buf);
	}
	close(mem);
	fclose(maps);
	return found;
}

/*
 * The request lies in the session's buffer: so it can be seen that we see. The
 * reply is here before it is wiped there.
 */
static void
expect_no_trace(struct view out, struct view request)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	unsigned tries;

	cr_assert_gt(count_in_memory(request.data, request.len), 0);
	for (tries = 0; count_in_memory(out.data, out.len) > 0; tries++) {
		cr_assert_lt(tries, 1000, "still there");
		(void)nanosleep(&tick, NULL);
	}
}

/*
 * What we hold and what libcrypto has on its heap. On its stack there may be
 * limbs of a secret, as there are of the key (docs/THREATS.md): X25519's have
 * the order of the result.
 */
Test(kinds, plaintexts_and_secrets_do_not_stay)
{
	static const char text[] = "a text that nobody else is to read";
	struct proto_decrypt m = {
		.padding = PROTO_OAEP, .digest = PROTO_SHA1, .mgf1 = PROTO_SHA1
	};
	uint8_t c[PROTO_MAX_CIPHERTEXT], premaster[48] = { 3, 3 };
	struct proto_derive d = { 0 };
	uint8_t *point = NULL;
	struct view out;
	uint16_t detail;

	if (geteuid() != 0)
		cr_skip("needs root");
	memcpy(premaster + 2, text, sizeof(text));
	fixture_add(&f, "RSA:2048", "rsa")->key.use =
		PROTO_USE_DECRYPT | PROTO_USE_TLS_RSA_KX;
	fixture_add(&f, "P-256", "ec");
	f.entries[1].key.use = PROTO_USE_DECRYPT;
	fixture_start(&f);
	memcpy(m.hash, f.entries[0].key.hash, sizeof(m.hash));
	m.data = (struct view){ c,
		encrypt(f.keys[0].pkey, RSA_PKCS1_OAEP_PADDING, text,
			sizeof(text), c) };
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_OK);
	expect_no_trace(out, m.data);

	m.padding = PROTO_PREMASTER;
	m.digest = m.mgf1 = 0;
	m.version = 0x0303;
	m.data.len =
		encrypt(f.keys[0].pkey, RSA_PKCS1_PADDING, premaster, 48, c);
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_OK);
	expect_no_trace(out, m.data);

	d.peer.len = EVP_PKEY_get1_encoded_public_key(f.keys[1].pkey, &point);
	d.peer.data = point;
	memcpy(d.hash, f.entries[1].key.hash, sizeof(d.hash));
	cr_assert_eq(fixture_derive(&f, &d, &out, &detail), PROTO_OK);
	expect_no_trace(out, d.peer);
	OPENSSL_free(point);
	close_and_expect(0);
}

/* ---- refusals ----------------------------------------------------------- */

static void
expect_refusal(uint8_t type, uint16_t status, uint16_t detail)
{
	struct audit a;

	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_REFUSED);
	cr_assert_eq(a.type, type);
	cr_assert_eq(a.status, status);
	cr_assert_eq(a.detail, detail);
	expect_no_audit();
}

Test(kinds, refusals_to_decrypt_are_told_and_recorded)
{
	struct ring_entry *e = fixture_add(&f, "RSA:2048", "web");
	struct proto_decrypt m = { .padding = PROTO_OAEP,
		.digest = PROTO_SHA256,
		.mgf1 = PROTO_SHA1,
		.data = { data, 256 } };
	struct view out;
	struct audit a;
	uint16_t detail;

	fixture_add(&f, "P-256", "ec");
	fixture_start(&f);
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_UNKNOWN_KEY);
	expect_refusal(PROTO_DECRYPT, PROTO_UNKNOWN_KEY, 0);
	memcpy(m.hash, f.foreign, sizeof(m.hash));
	cr_assert_eq(
		fixture_decrypt(&f, &m, &out, &detail), PROTO_NOT_PERMITTED);
	expect_refusal(PROTO_DECRYPT, PROTO_NOT_PERMITTED, 0);
	memcpy(m.hash, f.entries[1].key.hash, sizeof(m.hash));
	cr_assert_eq(
		fixture_decrypt(&f, &m, &out, &detail), PROTO_BAD_PARAMETER);
	expect_refusal(PROTO_DECRYPT, PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	memcpy(m.hash, e->key.hash, sizeof(m.hash));
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_USE_REFUSED);
	cr_assert_eq(detail, DETAIL_DECRYPT_OFF);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.detail, DETAIL_DECRYPT_OFF);
	cr_assert_eq(a.algorithm, PROTO_OAEP);
	cr_assert_eq(a.digest, PROTO_SHA256);
	cr_assert_eq(a.length, 256);
	cr_assert_str_eq(a.name, "web");
	m.padding = PROTO_PREMASTER;
	m.digest = m.mgf1 = 0;
	m.version = 0x0303;
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_USE_REFUSED);
	expect_refusal(PROTO_DECRYPT, PROTO_USE_REFUSED, DETAIL_RSA_KX_OFF);
	close_and_expect(0);
}

Test(kinds, a_wrong_padding_is_told_without_detail)
{
	struct ring_entry *e = fixture_add(&f, "RSA:2048", "web");
	struct proto_decrypt m = { .padding = PROTO_OAEP,
		.digest = PROTO_SHA256,
		.mgf1 = PROTO_SHA256 };
	uint8_t c[PROTO_MAX_CIPHERTEXT];
	struct view out;
	uint16_t detail;

	e->key.use = PROTO_USE_DECRYPT;
	fixture_start(&f);
	memcpy(m.hash, e->key.hash, sizeof(m.hash));
	m.data = (struct view){ c,
		encrypt(f.keys[0].pkey, RSA_PKCS1_PADDING, "hello", 5, c) };
	cr_assert_eq(
		fixture_decrypt(&f, &m, &out, &detail), PROTO_NOT_DECRYPTED);
	cr_assert_eq(detail, DETAIL_NONE);
	expect_refusal(PROTO_DECRYPT, PROTO_NOT_DECRYPTED, 0);
	memset(c, 0xFF, sizeof(c));
	cr_assert_eq(
		fixture_decrypt(&f, &m, &out, &detail), PROTO_BAD_PARAMETER);
	cr_assert_eq(detail, DETAIL_CIPHERTEXT);
	expect_refusal(PROTO_DECRYPT, PROTO_BAD_PARAMETER, DETAIL_CIPHERTEXT);
	close_and_expect(0);
}

/* A premaster with a wrong padding leaves no trace at all. */
Test(kinds, a_wrong_premaster_is_neither_told_nor_recorded)
{
	struct ring_entry *e = fixture_add(&f, "RSA:2048", "web");
	struct proto_decrypt m = { .padding = PROTO_PREMASTER,
		.version = 0x0303,
		.data = { data, 256 } };
	uint8_t first[48];
	struct view out;
	uint16_t detail;

	e->key.use = PROTO_USE_TLS_RSA_KX;
	fixture_start(&f);
	memcpy(m.hash, e->key.hash, sizeof(m.hash));
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_OK);
	cr_assert_eq(out.len, 48);
	memcpy(first, out.data, 48);
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_OK);
	cr_assert_arr_eq(out.data, first, 48);
	expect_no_audit();
	close_and_expect(0);
}

/* Should a loader ever mix them up: what was checked was another curve. */
Test(kinds, a_key_that_is_not_of_its_type_is_an_internal_error)
{
	struct ring_entry *e = fixture_add(&f, "secp256k1", "web");
	struct proto_sign m = { .scheme = { .algorithm = PROTO_ECDSA,
					.digest = PROTO_SHA256 },
		.data = { data, 9 } };
	struct view sig;
	struct audit a;
	uint16_t detail;

	e->key.type = PROTO_KEY_P256;
	fixture_start(&f);
	memcpy(m.hash, e->key.hash, sizeof(m.hash));
	cr_assert_eq(fixture_sign(&f, &m, &sig, &detail), PROTO_INTERNAL);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_FAILED);
	close_and_expect(0);
}

/* RFC 4055 §1.2, asked of the key that was decoded. */
Test(kinds, a_restricted_key_says_that_it_is)
{
	struct ring_entry *e = fixture_add(&f, "RSA-PSS:2048:SHA384", "web");
	struct proto_sign m = { .scheme = { PROTO_RSA_PSS, PROTO_SHA384,
					PROTO_SHA384, 20 },
		.data = { data, 9 } };
	struct view sig;
	uint16_t detail;

	fixture_start(&f);
	memcpy(m.hash, e->key.hash, sizeof(m.hash));
	cr_assert_eq(fixture_sign(&f, &m, &sig, &detail), PROTO_OK);
	m.scheme.digest = PROTO_SHA256;
	cr_assert_eq(fixture_sign(&f, &m, &sig, &detail), PROTO_BAD_PARAMETER);
	cr_assert_eq(detail, DETAIL_RESTRICTED);
	expect_refusal(PROTO_SIGN, PROTO_BAD_PARAMETER, DETAIL_RESTRICTED);
	close_and_expect(0);
}

Test(kinds, refusals_to_derive_are_told_and_recorded)
{
	struct proto_derive m = { .peer = { data, 32 } };
	static const uint8_t zeros[32];
	struct view out;
	struct audit a;
	uint16_t detail;

	fixture_add(&f, "X25519", "mail");
	fixture_add(&f, "Ed25519", "sign");
	fixture_add(&f, "P-256", "web");
	fixture_start(&f);
	cr_assert_eq(fixture_derive(&f, &m, &out, &detail), PROTO_UNKNOWN_KEY);
	expect_refusal(PROTO_DERIVE, PROTO_UNKNOWN_KEY, 0);
	memcpy(m.hash, f.entries[1].key.hash, sizeof(m.hash));
	cr_assert_eq(
		fixture_derive(&f, &m, &out, &detail), PROTO_BAD_PARAMETER);
	expect_refusal(PROTO_DERIVE, PROTO_BAD_PARAMETER, DETAIL_KEY_TYPE);
	memcpy(m.hash, f.entries[0].key.hash, sizeof(m.hash));
	m.peer.data = zeros;
	cr_assert_eq(
		fixture_derive(&f, &m, &out, &detail), PROTO_BAD_PARAMETER);
	cr_assert_eq(detail, DETAIL_PEER_KEY);
	expect_refusal(PROTO_DERIVE, PROTO_BAD_PARAMETER, DETAIL_PEER_KEY);
	memcpy(m.hash, f.entries[2].key.hash, sizeof(m.hash));
	data[0] = 4;
	m.peer = (struct view){ data, 65 };
	cr_assert_eq(fixture_derive(&f, &m, &out, &detail), PROTO_USE_REFUSED);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.type, PROTO_DERIVE);
	cr_assert_eq(a.detail, DETAIL_DECRYPT_OFF);
	cr_assert_eq(a.length, 65);
	cr_assert_str_eq(a.name, "web");
	close_and_expect(0);
}

/* Without `tls-rsa-kx`, so that K is there for this alone. */
Test(kinds, log_only_lets_decryption_pass_and_records_it)
{
	struct ring_entry *e = fixture_add(&f, "RSA:2048", "web");
	struct proto_decrypt m = { .padding = PROTO_PREMASTER,
		.version = 0xFEFD };
	uint8_t c[PROTO_MAX_CIPHERTEXT], premaster[48] = { 0xFE, 0xFD, 'p' };
	struct proto_derive d = { 0 };
	uint8_t *point = NULL;
	struct view out;
	struct audit a;
	uint16_t detail;

	e->key.flags = PROTO_KEY_ENFORCE_LOG;
	e->enforce_from = (uint64_t)time(NULL) + 3600;
	e = fixture_add(&f, "P-256", "ec");
	e->key.flags = PROTO_KEY_ENFORCE_LOG;
	e->enforce_from = (uint64_t)time(NULL) + 3600;
	fixture_start(&f);
	memcpy(m.hash, f.entries[0].key.hash, sizeof(m.hash));
	m.data = (struct view){ c,
		encrypt(f.keys[0].pkey, RSA_PKCS1_PADDING, premaster, 48, c) };
	cr_assert_eq(fixture_decrypt(&f, &m, &out, &detail), PROTO_OK);
	cr_assert_arr_eq(out.data, premaster, 48);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_WOULD_REFUSE);
	cr_assert_eq(a.detail, DETAIL_RSA_KX_OFF);
	memcpy(d.hash, e->key.hash, sizeof(d.hash));
	d.peer.len = EVP_PKEY_get1_encoded_public_key(f.keys[1].pkey, &point);
	d.peer.data = point;
	cr_assert_eq(fixture_derive(&f, &d, &out, &detail), PROTO_OK);
	cr_assert_eq(out.len, 32);
	cr_assert(fixture_audit(&f, &a));
	cr_assert_eq(a.kind, AUDIT_WOULD_REFUSE);
	cr_assert_eq(a.detail, DETAIL_DECRYPT_OFF);
	OPENSSL_free(point);
	close_and_expect(0);
}
