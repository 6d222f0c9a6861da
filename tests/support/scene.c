#include "scene.h"

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

static const char *const names[] = { "rsa", "p256", "p384" };
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

static X509 *
make_cert(const struct scene *s, EVP_PKEY *key)
{
	X509 *x = X509_new_ex(s->plain, NULL);
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(
		NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	need(X509_set_version(x, 2) && X509_set_pubkey(x, key) &&
			X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				(const unsigned char *)"localhost", -1, -1,
				0) &&
			X509_set_issuer_name(x, name) &&
			ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
			X509_gmtime_adj(X509_getm_notBefore(x), -60) &&
			X509_gmtime_adj(X509_getm_notAfter(x), 86400) &&
			X509_add_ext(x, ca, -1) &&
			X509_sign(x, key, EVP_sha256()) > 0,
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
			shell_encode(names[k], v, s->der[k], SHELL_MAX,
				&s->der_len[k]) == 0,
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
	s->key[SCENE_RSA] =
		EVP_PKEY_Q_keygen(s->plain, NULL, "RSA", (size_t)2048);
	s->key[SCENE_P256] = EVP_PKEY_Q_keygen(s->plain, NULL, "EC", "P-256");
	s->key[SCENE_P384] = EVP_PKEY_Q_keygen(s->plain, NULL, "EC", "P-384");
	for (k = 0; k < SCENE_KEYS; k++) {
		s->cert[k] = move_cert(s, make_cert(s, s->key[k]));
		make_shell(s, (enum scene_key)k);
		if (strstr(settings, "wrong") != NULL)
			continue;
		pem = scene_pem(s, (enum scene_key)k);
		s->shell[k] = PEM_read_bio_PrivateKey_ex(
			pem, NULL, NULL, NULL, s->libctx, NULL);
		need(s->shell[k] != NULL, "loading a shell");
		BIO_free(pem);
	}
}

void
scene_keyd(struct scene *s, unsigned short refuse, unsigned short detail)
{
	if (s->keyd > 0)
		signing_keyd_stop(s->keyd);
	s->keyd = signing_keyd_start(
		s->socket, s->key, SCENE_KEYS, refuse, detail);
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
