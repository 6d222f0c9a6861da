#include "scene.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signing_keyd.h"
#include "wire/shell.h"

const struct scene_type scene_types[SCENE_KEYS] = {
	[SCENE_RSA] = { "rsa", "RSA", NULL, "SHA256" },
	[SCENE_P256] = { "p256", "EC", "P-256", "SHA256" },
	[SCENE_P384] = { "p384", "EC", "P-384", "SHA384" },
	[SCENE_P521] = { "p521", "EC", "P-521", "SHA512" },
	[SCENE_P224] = { "p224", "EC", "P-224", "SHA224" },
	[SCENE_K256] = { "k256", "EC", "secp256k1", "SHA256" },
	[SCENE_BP512] = { "bp512", "EC", "brainpoolP512r1", "SHA512" },
	[SCENE_PSS] = { "pss", "RSA-PSS", NULL, "SHA384" },
	[SCENE_PSS256] = { "pss256", "RSA-PSS", NULL, "SHA256" },
	[SCENE_ED25519] = { "ed25519", "ED25519", NULL, NULL },
	[SCENE_ED448] = { "ed448", "ED448", NULL, NULL },
	[SCENE_X25519] = { "x25519", "X25519", NULL, NULL },
	[SCENE_X448] = { "x448", "X448", NULL, NULL },
};

static const char *const orders[] = {
	[SCENE_LAST] = "default = default_sect\nkeyd = keyd_sect\n",
	[SCENE_FIRST] = "keyd = keyd_sect\ndefault = default_sect\n",
	[SCENE_PREFERRED] = "default = default_sect\nkeyd = keyd_sect\n"
			    "[evp_sect]\n"
			    "default_properties = ?provider=keyd\n",
};

/* A scene that cannot be set up is a failed test. */
static void
need(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "scene: %s\n", what);
		abort();
	}
}

const char *
scene_path(const struct scene *s, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return path;
}

static void
write_conf(struct scene *s, enum scene_order order, const char *settings)
{
	FILE *f = fopen(s->conf, "w");

	need(f != NULL, "conf");
	fprintf(f,
		"openssl_conf = init\n[init]\nproviders = providers_sect\n%s"
		"[providers_sect]\n%s"
		"[default_sect]\nactivate = 1\n"
		"[keyd_sect]\nmodule = %s\nactivate = 1\n%s%s\n%s\n",
		order == SCENE_PREFERRED ? "alg_section = evp_sect\n" : "",
		orders[order], getenv("KEYD_MODULE"),
		strstr(settings, "socket =") == NULL ? "socket = " : "",
		strstr(settings, "socket =") == NULL ? s->socket : "",
		settings);
	need(fclose(f) == 0, "conf");
}

/* The same numbers as an RSA-PSS key: making a new one takes long. */
static EVP_PKEY *
make_pss(const struct scene *s, enum scene_key k)
{
	int salt = 24;
	char digest[] = "SHA256", mgf1[] = "SHA1";
	OSSL_PARAM restricted[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_PKEY_PARAM_RSA_DIGEST, digest, 0),
		OSSL_PARAM_construct_utf8_string(
			OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, mgf1, 0),
		OSSL_PARAM_construct_int(
			OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &salt),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(s->plain, "RSA-PSS", NULL);
	OSSL_PARAM *numbers = NULL, *all;
	EVP_PKEY *key = NULL;

	need(EVP_PKEY_todata(s->key[SCENE_RSA], EVP_PKEY_KEYPAIR, &numbers) ==
			1,
		"numbers");
	if (k == SCENE_PSS)
		restricted[0] = OSSL_PARAM_construct_end();
	all = OSSL_PARAM_merge(numbers, restricted);
	need(EVP_PKEY_fromdata_init(c) == 1 &&
			EVP_PKEY_fromdata(c, &key, EVP_PKEY_KEYPAIR, all) == 1,
		"RSA-PSS key");
	OSSL_PARAM_free(numbers);
	OSSL_PARAM_free(all);
	EVP_PKEY_CTX_free(c);
	return key;
}

static EVP_PKEY *
make_key(const struct scene *s, enum scene_key k)
{
	const struct scene_type *t = &scene_types[k];

	if (k == SCENE_PSS || k == SCENE_PSS256)
		return make_pss(s, k);
	if (k == SCENE_RSA)
		return EVP_PKEY_Q_keygen(s->plain, NULL, "RSA", (size_t)2048);
	return EVP_PKEY_Q_keygen(s->plain, NULL, t->type, t->group);
}

static int
sign_cert(const struct scene *s, X509 *x, enum scene_key k)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int n;

	if (k >= SCENE_SIGNERS)
		k = SCENE_RSA;
	n = EVP_DigestSignInit_ex(c, NULL, scene_types[k].md, s->plain, NULL,
		    s->key[k], NULL) == 1
		    ? X509_sign_ctx(x, c)
		    : 0;
	EVP_MD_CTX_free(c);
	return n > 0;
}

static X509 *
make_cert(const struct scene *s, enum scene_key k)
{
	X509 *x = X509_new_ex(s->plain, NULL);
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(
		NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	need(X509_set_version(x, 2) && X509_set_pubkey(x, s->key[k]) &&
			X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				(const unsigned char *)"localhost", -1, -1,
				0) &&
			X509_set_issuer_name(x, name) &&
			ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
			X509_gmtime_adj(X509_getm_notBefore(x), -60) &&
			X509_gmtime_adj(X509_getm_notAfter(x), 86400) &&
			X509_add_ext(x, ca, -1) && sign_cert(s, x, k),
		"certificate");
	X509_EXTENSION_free(ca);
	return x;
}

/* The certificate as the application's library context would read it. */
static X509 *
move_cert(const struct scene *s, X509 *from)
{
	BIO *b = BIO_new(BIO_s_mem());
	X509 *to = X509_new_ex(s->libctx, NULL);

	need(i2d_X509_bio(b, from) == 1 && d2i_X509_bio(b, &to) != NULL,
		"certificate");
	BIO_free(b);
	X509_free(from);
	return to;
}

static void
make_shell(struct scene *s, enum scene_key k)
{
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(s->key[k], &spki);
	struct view v = { .data = spki, .len = (size_t)n };

	s->der[k] = malloc(SHELL_MAX);
	need(n > 0 && s->der[k] != NULL &&
			shell_encode(scene_types[k].name, v, s->der[k],
				SHELL_MAX, &s->der_len[k]) == 0,
		"shell");
	OPENSSL_free(spki);
}

BIO *
scene_pem(const struct scene *s, enum scene_key k)
{
	BIO *b = BIO_new(BIO_s_mem());

	need(b != NULL && PEM_write_bio(b, "PRIVATE KEY", "", s->der[k],
				  (long)s->der_len[k]) > 0,
		"PEM");
	return b;
}

void
scene_write(const struct scene *s, enum scene_key k, const char *name)
{
	char path[128];
	BIO *pem = scene_pem(s, k), *out;
	char *data;
	long len = BIO_get_mem_data(pem, &data);

	(void)snprintf(path, sizeof(path), "%s/%s.key", s->dir, name);
	out = BIO_new_file(path, "w");
	need(out != NULL && BIO_write(out, data, (int)len) == len, path);
	BIO_free(out);
	BIO_free(pem);
	(void)snprintf(path, sizeof(path), "%s/%s.pem", s->dir, name);
	out = BIO_new_file(path, "w");
	need(out != NULL && PEM_write_bio_X509(out, s->cert[k]), path);
	BIO_free(out);
}

void
scene_start(struct scene *s, enum scene_order order, const char *settings)
{
	EVP_KEYMGMT *keymgmt;
	int k;
	BIO *pem;

	memset(s, 0, sizeof(*s));
	strcpy(s->dir, "/tmp/keyd-test-XXXXXX");
	need(mkdtemp(s->dir) != NULL, "scratch folder");
	(void)snprintf(s->socket, sizeof(s->socket), "%s/s", s->dir);
	(void)snprintf(s->conf, sizeof(s->conf), "%s/openssl.cnf", s->dir);
	write_conf(s, order, settings);
	s->plain = OSSL_LIB_CTX_new();
	s->libctx = OSSL_LIB_CTX_new();
	need(OSSL_LIB_CTX_load_config(s->libctx, s->conf) == 1, "config");
	/* OSSL_PROVIDER_available() would sort the providers by name. */
	keymgmt = EVP_KEYMGMT_fetch(s->libctx, "RSA", "provider=keyd");
	need(keymgmt != NULL, "provider");
	EVP_KEYMGMT_free(keymgmt);
	for (k = 0; k < SCENE_KEYS; k++) {
		s->key[k] = make_key(s, (enum scene_key)k);
		need(s->key[k] != NULL, scene_types[k].name);
		s->cert[k] = move_cert(s, make_cert(s, (enum scene_key)k));
		make_shell(s, (enum scene_key)k);
		if (strstr(settings, "wrong") != NULL)
			continue;
		pem = scene_pem(s, (enum scene_key)k);
		s->shell[k] = PEM_read_bio_PrivateKey_ex(
			pem, NULL, NULL, NULL, s->libctx, NULL);
		need(s->shell[k] != NULL, scene_types[k].name);
		BIO_free(pem);
	}
}

void
scene_keyd(struct scene *s, unsigned short refuse, unsigned short detail)
{
	const char *names[SCENE_KEYS];
	int k;

	for (k = 0; k < SCENE_KEYS; k++)
		names[k] = scene_types[k].name;
	if (s->keyd > 0)
		signing_keyd_stop(s->keyd);
	s->keyd = signing_keyd_start(
		s->socket, s->key, names, SCENE_KEYS, refuse, detail);
	need(s->keyd > 0, "keyd");
}

void
scene_end(struct scene *s)
{
	struct dirent *e;
	DIR *d;
	int k;

	if (s->keyd > 0)
		signing_keyd_stop(s->keyd);
	for (k = 0; k < SCENE_KEYS; k++) {
		EVP_PKEY_free(s->shell[k]);
		EVP_PKEY_free(s->key[k]);
		X509_free(s->cert[k]);
		free(s->der[k]);
	}
	OSSL_LIB_CTX_free(s->libctx);
	OSSL_LIB_CTX_free(s->plain);
	d = opendir(s->dir);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(s->dir);
}
