/*
 * A key is freed after libcrypto has cleaned up, as programs in C++ do from
 * destructors of static objects: the process must end as if it had not.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/scene.h"

static EVP_PKEY *key;
static int result = 1;

static void
free_key(void)
{
	EVP_PKEY_free(key);
	/* The provider is left behind, which LeakSanitizer need not see. */
	_exit(result);
}

static void
fail(const char *what)
{
	ERR_print_errors_fp(stderr);
	fprintf(stderr, "%s\n", what);
	exit(1);
}

int
main(void)
{
	static struct scene s;
	BIO *pem;

	/* Before libcrypto registers its own, so that it runs after that. */
	if (atexit(free_key) != 0)
		fail("atexit");
	scene_start(&s, SCENE_LAST, "");
	if (!OSSL_LIB_CTX_load_config(NULL, s.conf))
		fail("load");
	pem = scene_pem(&s, SCENE_P256);
	key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL);
	BIO_free(pem);
	if (key == NULL)
		fail("shell");
	scene_end(&s);
	result = 0;
	return 0;
}
