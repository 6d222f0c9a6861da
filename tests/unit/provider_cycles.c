/*
 * The provider is loaded, used and unloaded, again and again. LeakSanitizer,
 * where it is built in, says at the end what was left; otherwise the
 * descriptors and the memory in use do.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/scene.h"

enum {
	CYCLES = 1000,
	WARM_UP = 100,
	/*
	 * Bytes a cycle. libcrypto itself keeps 126 (3.0) or 150 (3.5) for each
	 * configuration that is loaded, without this provider in it; tables
	 * that grow and shrink take their share. LeakSanitizer sees the rest.
	 */
	SLACK = 320,
};

static void
fail(const char *what)
{
	ERR_print_errors_fp(stderr);
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static int
count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
cycle(const struct scene *s)
{
	OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	BIO *pem = scene_pem(s, SCENE_P256);
	unsigned char sig[256];
	size_t len = sizeof(sig);
	EVP_PKEY *key;

	if (!OSSL_LIB_CTX_load_config(libctx, s->conf))
		fail("load");
	key = PEM_read_bio_PrivateKey_ex(pem, NULL, NULL, NULL, libctx, NULL);
	if (key == NULL || EVP_DigestSignInit_ex(c, NULL, "SHA256", libctx,
				   NULL, key, NULL) != 1)
		fail("shell");
	if (EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1) != 1)
		fail("sign");
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	BIO_free(pem);
	OSSL_LIB_CTX_free(libctx);
}

int
main(void)
{
	static struct scene s;
	size_t before = 0, after;
	int i, fds = 0;

	scene_start(&s, SCENE_LAST, "");
	scene_keyd(&s, 0, 0);
	for (i = 0; i < CYCLES; i++) {
		if (i == WARM_UP) {
			before = mallinfo2().uordblks;
			fds = count_descriptors();
		}
		cycle(&s);
	}
	after = mallinfo2().uordblks;
	if (count_descriptors() != fds)
		fail("descriptors are left open");
	if (after > before + SLACK * (CYCLES - WARM_UP))
		fail("memory in use grows");
	if (ERR_peek_error() != 0)
		fail("errors are left");
	scene_end(&s);
	printf("%d cycles, %zu bytes in use, %zu after\n", CYCLES, before,
		after);
	return 0;
}
