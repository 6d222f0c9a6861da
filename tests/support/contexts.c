/*
 * contexts CONF1 KEY1 CONF2 KEY2
 *
 * Two library contexts in one process, each with its own openssl.cnf, that is,
 * its own keyd, and a key that this one alone has. Tries what applications may
 * do with them, in the order of main(); says what went wrong, or nothing.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SIDES = 2,
	THREADS = 4, /* for each side */
	ROUNDS = 25,
	RELOADS = 20,
};

struct side {
	const char *conf, *file;
	OSSL_LIB_CTX *libctx;
	EVP_PKEY *key;
};

static const unsigned char message[] = "signed in one context or the other";

static void
fail(const char *what, const struct side *s)
{
	ERR_print_errors_fp(stderr);
	fprintf(stderr, "%s, with %s and %s\n", what, s->conf, s->file);
	exit(1);
}

static EVP_PKEY *
read_key(const struct side *s, const char *file)
{
	BIO *pem = BIO_new_file(file, "r");
	EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(
		pem, NULL, NULL, NULL, s->libctx, NULL);

	BIO_free(pem);
	if (key == NULL)
		fail("the key cannot be loaded", s);
	return key;
}

static void
open_side(struct side *s)
{
	s->libctx = OSSL_LIB_CTX_new();
	if (s->libctx == NULL || !OSSL_LIB_CTX_load_config(s->libctx, s->conf))
		fail("the configuration cannot be loaded", s);
	s->key = read_key(s, s->file);
}

static void
close_side(struct side *s)
{
	EVP_PKEY_free(s->key);
	OSSL_LIB_CTX_free(s->libctx);
}

/* 1, or 0 with errors in the queue. */
static int
sign(const struct side *s, EVP_PKEY *key)
{
	unsigned char sig[1024];
	size_t len = sizeof(sig);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int ok;

	ok = EVP_DigestSignInit_ex(
		     c, NULL, "SHA256", s->libctx, NULL, key, NULL) == 1 &&
	     EVP_DigestSign(c, sig, &len, message, sizeof(message)) == 1;
	EVP_MD_CTX_free(c);
	if (!ok)
		return 0;
	c = EVP_MD_CTX_new();
	ok = EVP_DigestVerifyInit_ex(
		     c, NULL, "SHA256", s->libctx, NULL, key, NULL) == 1 &&
	     EVP_DigestVerify(c, sig, len, message, sizeof(message)) == 1;
	EVP_MD_CTX_free(c);
	if (!ok)
		fail("a signature that is none", s);
	return 1;
}

static void
must_sign(const struct side *s)
{
	if (!sign(s, s->key))
		fail("no signature", s);
	if (ERR_peek_error() != 0)
		fail("errors are left", s);
}

/* A key that only the other side's keyd has: its shell loads all the same. */
static void
must_not_sign(const struct side *s, const struct side *other)
{
	EVP_PKEY *key = read_key(s, other->file);
	char text[512];

	if (sign(s, key))
		fail("the other side's key signs", s);
	ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
	if (strstr(text, "keyd does not have this key") == NULL)
		fail("another error was expected", s);
	ERR_clear_error();
	EVP_PKEY_free(key);
}

static void
same_key_twice(struct side *s)
{
	struct side again = *s;

	open_side(&again);
	if (EVP_PKEY_eq(s->key, again.key) != 1 ||
		EVP_PKEY_eq(again.key, s->key) != 1)
		fail("the same key is not equal in two contexts", s);
	must_sign(s);
	must_sign(&again);
	close_side(&again);
	must_sign(s);
}

static void *
sign_often(void *arg)
{
	const struct side *s = arg;
	int i;

	for (i = 0; i < ROUNDS; i++)
		must_sign(s);
	return NULL;
}

static void
threads(struct side *sides)
{
	pthread_t t[SIDES * THREADS];
	int i;

	for (i = 0; i < SIDES * THREADS; i++)
		if (pthread_create(
			    &t[i], NULL, sign_often, &sides[i % SIDES]) != 0)
			fail("no thread", &sides[i % SIDES]);
	for (i = 0; i < SIDES * THREADS; i++)
		(void)pthread_join(t[i], NULL);
}

/* The program takes the provider out while it has a key, and puts it back. */
static void
unload(struct side *s)
{
	OSSL_PROVIDER *p;
	int i;

	for (i = 0; i < RELOADS; i++) {
		p = OSSL_PROVIDER_try_load(s->libctx, "keyd", 1);
		if (p == NULL || OSSL_PROVIDER_unload(p) != 1)
			fail("keyd cannot be loaded and unloaded", s);
		must_sign(s);
	}
	close_side(s);
	open_side(s);
	must_sign(s);
}

int
main(int argc, char **argv)
{
	struct side sides[SIDES];
	int i;

	if (argc != 1 + 2 * SIDES)
		return 2;
	for (i = 0; i < SIDES; i++) {
		sides[i].conf = argv[1 + 2 * i];
		sides[i].file = argv[2 + 2 * i];
		open_side(&sides[i]);
	}
	for (i = 0; i < SIDES; i++) {
		must_sign(&sides[i]);
		must_not_sign(&sides[i], &sides[1 - i]);
		same_key_twice(&sides[i]);
	}
	threads(sides);
	for (i = 0; i < SIDES; i++) {
		unload(&sides[i]);
		must_sign(&sides[1 - i]);
	}
	for (i = 0; i < SIDES; i++)
		close_side(&sides[i]);
	return 0;
}
