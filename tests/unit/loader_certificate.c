#include <criterion/criterion.h>

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../support/make_key.h"
#include "../support/starter.h"

static const char policy[] = "allow = www\nuse = tls-server\n"
			     "certificate = www.crt\n";

/* A key whose policy names a certificate with the given text. */
static struct starter
load_with(EVP_PKEY *pkey, const char *certificate)
{
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	const struct starter_file files[] = {
		{ .path = "www.crt", .text = certificate },
		{ .path = NULL },
	};
	const struct starter_key keys[] = {
		{ .name = "www", .key = pem, .policy = policy },
		{ .name = NULL },
	};
	struct starter s = { .keys = keys,
		.files = certificate == NULL ? NULL : files };

	starter_load(&s);
	s.keys = NULL;
	s.files = NULL;
	free(pem);
	return s;
}

static void
assert_error(const struct starter *s, const char *words)
{
	cr_assert_eq(s->done_keys, 0);
	cr_assert_eq(s->nsets, 0);
	cr_assert_not_null(starter_find(s, 3, words), "no '%s' in '%s'", words,
		s->nreports > 0 ? s->reports[0].text : "");
}

Test(loader_certificate, that_matches_is_taken_in_silence)
{
	EVP_PKEY *pkey = make_key("EC:P-384");
	struct make_certificate m = {
		.pkey = pkey, .from = -60, .until = 3600
	};
	char *pem = make_certificate(&m);
	struct starter s = load_with(pkey, pem);

	cr_assert_eq(s.done_keys, 1);
	cr_assert_eq(s.nreports, 0, "%s", s.reports[0].text);
	free(pem);
	EVP_PKEY_free(pkey);
}

/* The key is served all the same: the certificate was renewed with another. */
static void
assert_told(const struct starter *s, const char *words)
{
	cr_assert_eq(s->done_keys, 1);
	cr_assert_not_null(starter_find(s, 4, words), "%s", words);
}

Test(loader_certificate, of_another_key_is_told)
{
	EVP_PKEY *pkey = make_key("EC:P-256"), *other = make_key("EC:P-256");
	struct make_certificate m = { .pkey = other, .until = 3600 };
	char *pem = make_certificate(&m);
	struct starter s = load_with(pkey, pem);

	assert_told(&s, "www.conf:3: certificate: www.crt is not of the key "
			"in www.pem");
	free(pem);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(other);
}

Test(loader_certificate, one_of_the_key_in_the_file_counts)
{
	EVP_PKEY *pkey = make_key("EC:P-256"), *other = make_key("EC:P-256");
	struct make_certificate m = { .pkey = pkey, .until = 3600 },
				ca = { .pkey = other, .until = 3600 };
	char *one = make_certificate(&m), *two = make_certificate(&ca), *text;
	struct starter s;

	cr_assert_gt(asprintf(&text, "%s%s", one, two), 0);
	s = load_with(pkey, text);
	cr_assert_eq(s.done_keys, 1);
	free(text);
	cr_assert_gt(asprintf(&text, "%s%s", two, one), 0);
	s = load_with(pkey, text);
	cr_assert_eq(s.done_keys, 1);
	free(text);
	cr_assert_gt(asprintf(&text, "%s%s", two, two), 0);
	s = load_with(pkey, text);
	assert_told(&s, "is not of the key");
	free(text);
	free(one);
	free(two);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(other);
}

Test(loader_certificate, out_of_date_is_a_warning)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	struct make_certificate old = {
		.pkey = pkey, .from = -7200, .until = -3600
	};
	struct make_certificate future = {
		.pkey = pkey, .from = 3600, .until = 7200
	};
	char *pem = make_certificate(&old);
	struct starter s = load_with(pkey, pem);

	cr_assert_eq(s.done_keys, 1);
	cr_assert_not_null(starter_find(&s, 4,
		"www.conf:3: certificate: www.crt has expired; renew it"));
	free(pem);
	pem = make_certificate(&future);
	s = load_with(pkey, pem);
	cr_assert_eq(s.done_keys, 1);
	cr_assert_not_null(starter_find(
		&s, 4, "www.conf:3: certificate: www.crt is not valid yet"));
	free(pem);
	EVP_PKEY_free(pkey);
}

/* Files that are no certificate. NULL: there is no such file. */
static const struct {
	const char *text, *words;
} bad[] = {
	{ NULL, "www.conf:3: certificate: www.crt cannot be opened: No such "
		"file" },
	{ "hello", "certificate: www.crt: holds no PEM certificate" },
	{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"cannot be decoded" },
	{ "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n",
		"not base64" },
	{ "-----BEGIN CERTIFICATE-----\nAAAA\n", "no END line" },
};

Test(loader_certificate, that_is_none_is_told)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct starter s = load_with(pkey, bad[i].text);

		assert_told(&s, bad[i].words);
	}
	EVP_PKEY_free(pkey);
}

/* Who can change it could otherwise keep keyd from loading anything. */
Test(loader_certificate, of_someone_else_is_a_warning_only)
{
	static const struct {
		struct starter_file file;
		const char *words;
	} rows[] = {
		{ { .path = "www.crt",
			  .foreign = "/srv/tenant",
			  .uid = 58200,
			  .mode = 0755 },
			"www.conf:3: certificate: www.crt is not checked, the "
			"key is served without: /srv/tenant belongs to uid "
			"58200; make it root's alone, or remove the line" },
		{ { .path = "www.crt", .foreign = "/tmp", .mode = 01777 },
			"/tmp can be written by others (mode 1777); make" },
	};
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	const struct starter_key keys[] = {
		{ .name = "www", .key = pem, .policy = policy },
		{ .name = NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct starter_file files[] = { rows[i].file,
			{ .path = NULL } };
		struct starter s = { .keys = keys, .files = files };

		starter_load(&s);
		cr_assert_eq(s.done_keys, 1);
		cr_assert_eq(s.nreports, 1);
		cr_assert_not_null(starter_find(&s, 4, rows[i].words), "%s",
			s.reports[0].text);
	}
	free(pem);
	EVP_PKEY_free(pkey);
}

static struct boot_description
description(struct starter *s)
{
	struct reader r = reader_init(s->answer, s->answer_len);
	struct boot_description d;

	cr_assert_eq(reader_u8(&r), BOOT_DESCRIPTION, "%s", s->reports[0].text);
	cr_assert_eq(boot_get_description(&r, &d), 0);
	cr_assert_eq(s->status, 0);
	return d;
}

static bool
is_text(struct view v, const char *text)
{
	return v.len == strlen(text) && memcmp(v.data, text, v.len) == 0;
}

/* What use is proposed from a certificate, or why none is for sure. */
static const struct proposal {
	const char *extensions[6][2];
	uint32_t use;
	uint8_t certain;
	const char *why; /* words in it */
} proposals[] = {
	{ { { NULL, NULL } }, PROTO_USE_TLS_SERVER, 0,
		"no extended key usage" },
	{ { { "subjectAltName", "DNS:example.org" },
		  { "keyUsage", "digitalSignature" } },
		PROTO_USE_TLS_SERVER, 0, "no extended key usage" },
	{ { { "extendedKeyUsage", "serverAuth" } }, PROTO_USE_TLS_SERVER, 1,
		"" },
	{ { { "extendedKeyUsage", "serverAuth,clientAuth" },
		  { "basicConstraints", "critical,CA:FALSE" },
		  { "keyUsage", "critical,digitalSignature,keyEncipherment" } },
		PROTO_USE_TLS_SERVER, 1, "" },
	{ { { "extendedKeyUsage", "serverAuth" },
		  { "keyUsage", "keyEncipherment" } },
		0, 0, "no digitalSignature: its key can serve RSA key" },
	{ { { "keyUsage", "keyAgreement" } }, PROTO_USE_DECRYPT, 0,
		"keyAgreement: that is 'decrypt'" },
	{ { { "keyUsage", "nonRepudiation" } }, 0, 0,
		"usage has no digitalSignature" },
	{ { { "basicConstraints", "critical,CA:TRUE" } }, PROTO_USE_SIGN, 0,
		"a CA's" },
	{ { { "basicConstraints", "critical,CA:TRUE" },
		  { "extendedKeyUsage", "serverAuth" } },
		PROTO_USE_SIGN, 0, "a CA's" },
	{ { { "extendedKeyUsage", "clientAuth" } }, PROTO_USE_TLS_CLIENT, 0,
		"TLS clients only" },
	{ { { "extendedKeyUsage", "clientAuth" },
		  { "keyUsage", "keyEncipherment" } },
		PROTO_USE_TLS_CLIENT, 0, "TLS clients only" },
	{ { { "extendedKeyUsage", "codeSigning" } }, PROTO_USE_SIGN, 0,
		"signing code" },
	{ { { "extendedKeyUsage", "emailProtection" } }, PROTO_USE_SIGN, 0,
		"e-mail" },
	{ { { "extendedKeyUsage", "timeStamping" } }, PROTO_USE_SIGN, 0,
		"time stamps" },
	{ { { "extendedKeyUsage", "OCSPSigning" } }, PROTO_USE_SIGN, 0,
		"OCSP" },
	{ { { "extendedKeyUsage", "1.3.6.1.4.1.55555.1" } }, PROTO_USE_SIGN, 0,
		"not for TLS servers" },
};

Test(loader_certificate, proposes_a_use_and_is_certain_of_servers_only)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	size_t i, j;

	for (i = 0; i < sizeof(proposals) / sizeof(proposals[0]); i++) {
		const struct proposal *p = &proposals[i];
		struct make_certificate m = { .pkey = pkey, .until = 3600 };
		struct boot_description d;
		struct starter s = { 0 };
		char *certificate;

		for (j = 0; j < 6; j++) {
			m.extensions[j][0] = p->extensions[j][0];
			m.extensions[j][1] = p->extensions[j][1];
		}
		certificate = make_certificate(&m);
		starter_inspect(&s, pem, strlen(pem), certificate);
		d = description(&s);
		cr_assert_eq(d.certificate, 1);
		cr_assert_eq(d.use, p->use, "%zu: %u", i, d.use);
		cr_assert_eq(d.certain, p->certain, "%zu", i);
		cr_assert(p->why[0] == '\0'
				  ? d.why.len == 0
				  : memmem(d.why.data, d.why.len, p->why,
					    strlen(p->why)) != NULL,
			"%zu: %.*s", i, (int)d.why.len,
			(const char *)d.why.data);
		cr_assert(is_text(d.subject, "CN=example"));
		cr_assert_eq(d.not_after - d.not_before, 3600);
		free(certificate);
	}
	free(pem);
	EVP_PKEY_free(pkey);
}

/* Whatever the certificate says, the key can be for no more than its type. */
Test(loader_certificate, of_a_key_that_cannot_sign_proposes_decryption)
{
	static const char *const kinds[] = { "X25519", "X448" };
	EVP_PKEY *ca = make_key("EC:P-256");
	size_t i;

	for (i = 0; i < 2; i++) {
		EVP_PKEY *pkey = make_key(kinds[i]);
		struct make_certificate m = { .pkey = pkey,
			.signer = ca,
			.until = 3600,
			.extensions = {
				{ "extendedKeyUsage", "serverAuth" } } };
		char *certificate = make_certificate(&m),
		     *pem = make_pem(pkey, "PrivateKeyInfo");
		struct starter s = { 0 };
		struct boot_description d;

		starter_inspect(&s, pem, strlen(pem), certificate);
		d = description(&s);
		cr_assert_eq(d.certificate, 1);
		cr_assert_eq(d.use, PROTO_USE_DECRYPT);
		cr_assert_eq(d.certain, 0);
		cr_assert_not_null(memmem(d.why.data, d.why.len, "cannot sign",
			strlen("cannot sign")));
		free(pem);
		free(certificate);
		EVP_PKEY_free(pkey);
	}
	EVP_PKEY_free(ca);
}

Test(loader_certificate, of_another_key_is_described_as_such)
{
	EVP_PKEY *pkey = make_key("EC:P-256"), *other = make_key("EC:P-256");
	struct make_certificate m = { .pkey = other, .until = 3600 };
	char *certificate = make_certificate(&m),
	     *pem = make_pem(pkey, "PrivateKeyInfo");
	struct starter s = { 0 };
	struct boot_description d;

	starter_inspect(&s, pem, strlen(pem), certificate);
	d = description(&s);
	cr_assert_eq(d.certificate, 2);
	cr_assert_eq(d.use, 0);
	cr_assert_eq(d.certain, 0);
	free(pem);
	free(certificate);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(other);
}

Test(loader_inspect, describes_a_key_a_shell_and_a_certificate_alone)
{
	static const char *const kinds[] = { "RSA:3072", "EC:P-256", "EC:P-384",
		"EC:brainpoolP512t1" };
	static const uint16_t bits[] = { 3072, 256, 384, 512 };
	static const uint8_t types[] = { PROTO_KEY_RSA, PROTO_KEY_P256,
		PROTO_KEY_P384, PROTO_KEY_BP512T1 };
	size_t i, j;

	for (i = 0; i < 4; i++) {
		EVP_PKEY *pkey = make_key(kinds[i]);
		struct make_certificate m = { .pkey = pkey, .until = 3600 };
		char *certificate = make_certificate(&m),
		     *texts[] = { make_pem(pkey, "PrivateKeyInfo"),
			     make_pem(pkey, "type-specific"),
			     make_shell(pkey, "www"), NULL };
		const uint8_t forms[] = { BOOT_FORM_PKCS8,
			i == 0 ? BOOT_FORM_PKCS1 : BOOT_FORM_SEC1,
			BOOT_FORM_SHELL, BOOT_FORM_CERTIFICATE };
		unsigned char *spki = NULL;
		int len = i2d_PUBKEY(pkey, &spki);

		for (j = 0; j < 4; j++) {
			struct starter s = { 0 };
			struct boot_description d;

			starter_inspect(&s, texts[j],
				texts[j] == NULL ? 0 : strlen(texts[j]),
				certificate);
			d = description(&s);
			cr_assert_eq(d.form, forms[j]);
			cr_assert_eq(d.key_type, types[i]);
			cr_assert_eq(d.bits, bits[i]);
			cr_assert_eq(d.spki.len, (size_t)len);
			cr_assert_arr_eq(d.spki.data, spki, (size_t)len);
			cr_assert(is_text(d.name, j == 2 ? "www" : ""));
			cr_assert_eq(d.certificate, 1);
			cr_assert_eq(d.certain, 0);
			free(texts[j]);
		}
		free(certificate);
		OPENSSL_free(spki);
		EVP_PKEY_free(pkey);
	}
}

Test(loader_inspect, is_not_certain_without_a_certificate)
{
	EVP_PKEY *pkey = make_key("EC:P-256");
	char *pem = make_pem(pkey, "PrivateKeyInfo");
	struct starter s = { 0 };
	struct boot_description d;

	starter_inspect(&s, pem, strlen(pem), NULL);
	d = description(&s);
	cr_assert_eq(d.certificate, 0);
	cr_assert_eq(d.use, 0);
	cr_assert_eq(d.certain, 0);
	cr_assert(is_text(d.why, "no certificate was given"));
	cr_assert_eq(d.not_after, 0);
	free(pem);
	EVP_PKEY_free(pkey);
}

Test(loader_inspect, refuses_a_damaged_shell_and_bad_files)
{
	EVP_PKEY *pkey = make_key("EC:P-256"), *odd = make_key("EC:secp112r1");
	struct make_certificate m = { .pkey = odd, .until = 3600 };
	char *shell = make_shell(pkey, "www"),
	     *certificate = make_certificate(&m), *end;
	struct starter s = { 0 };

	end = strstr(shell, "\n-----END");
	cr_assert_not_null(end);
	memmove(end - 4, end, strlen(end) + 1); /* three bytes less */
	starter_inspect(&s, shell, strlen(shell), NULL);
	assert_error(&s, "key file:1: a shell of keyd, but");
	s = (struct starter){ 0 };
	starter_inspect(&s, "x", 1, "y");
	assert_error(&s, "key file: holds no PEM private key");
	assert_error(&s, "certificate: holds no PEM certificate");
	s = (struct starter){ 0 };
	starter_inspect(&s, NULL, 0, certificate);
	assert_error(&s, "certificate: an EC key on the curve secp112r1");
	free(shell);
	free(certificate);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(odd);
}

static void
assert_generates(const struct keykind *k, uint16_t bits)
{
	char digest[32];
	struct starter s = { 0 };
	struct boot_description d;
	struct reader r;
	struct view pem;
	EVP_PKEY *pkey;
	BIO *bio;

	starter_generate(&s, k->type, bits);
	r = reader_init(s.answer, s.answer_len);
	cr_assert_eq(reader_u8(&r), BOOT_GENERATED, "%s", k->name);
	pem = reader_vec16(&r);
	cr_assert_eq(boot_get_description(&r, &d), 0);
	cr_assert_eq(d.key_type, k->type);
	cr_assert_eq(d.bits, k->min_bits);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	cr_assert_not_null(pkey);
	cr_assert(EVP_PKEY_is_a(pkey, k->algorithm), "%s", k->name);
	cr_assert_eq(EVP_PKEY_get_bits(pkey), k->min_bits);
	/* 1: advice. A restricted RSA-PSS key would demand it. */
	if (keykind_is_rsa(k))
		cr_assert_eq(EVP_PKEY_get_default_digest_name(
				     pkey, digest, sizeof(digest)),
			1);
	cr_assert_eq(s.status, 0);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
}

Test(loader_generate, makes_a_key_of_each_type)
{
	const struct keykind *k;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		assert_generates(k, k->min_bits);
		if (!keykind_is_rsa(k))
			assert_generates(k, 0);
	}
}

Test(loader_generate, refuses_other_types_and_sizes)
{
	static const struct {
		uint8_t type;
		uint16_t bits;
		const char *words;
	} bad_kinds[] = {
		{ 0, 2048, "key type 0 is unknown" },
		{ PROTO_KEY_BP192T1 + 1, 0, "key type 26 is unknown" },
		{ 255, 0, "key type 255 is unknown" },
		{ PROTO_KEY_RSA, 0, "0 bits do not fit the key type RSA" },
		{ PROTO_KEY_RSA, 1024, "1024 bits do not fit" },
		{ PROTO_KEY_RSA, 2047, "2047 bits do not fit" },
		{ PROTO_KEY_RSA, 8448, "8448 bits do not fit" },
		{ PROTO_KEY_RSA_PSS, 1024, "1024 bits do not fit" },
		{ PROTO_KEY_P256, 384, "384 bits do not fit" },
		{ PROTO_KEY_ED448, 448, "448 bits do not fit the key type" },
		{ PROTO_KEY_X25519, 256, "256 bits do not fit the key type" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad_kinds) / sizeof(bad_kinds[0]); i++) {
		struct starter s = { 0 };

		starter_generate(&s, bad_kinds[i].type, bad_kinds[i].bits);
		assert_error(&s, bad_kinds[i].words);
	}
}
