/*
 * Threads that sign with the same shell while the process forks, and children
 * that sign too: for ThreadSanitizer. A plain program, since Criterion does not
 * go with it.
 */
#include <openssl/err.h>
#include <openssl/evp.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/scene.h"

enum {
	THREADS = 4,
	SIGNATURES = 200, /* a thread */
	FORKS = 20,
};

static struct scene s;
static atomic_int failures;

static int
sign(enum scene_key k)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[512];
	size_t len = sizeof(sig);
	int ok;

	ok = c != NULL &&
	     EVP_DigestSignInit_ex(c, NULL, "SHA256", s.libctx, NULL,
		     s.shell[k], NULL) == 1 &&
	     EVP_DigestSign(c, sig, &len, (const uint8_t *)"x", 1) == 1;
	if (!ok)
		ERR_print_errors_fp(stderr);
	EVP_MD_CTX_free(c);
	return ok;
}

static void *
run(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < SIGNATURES; i++)
		if (!sign(i % 8 == 0 ? SCENE_RSA : SCENE_P256))
			atomic_fetch_add(&failures, 1);
	return NULL;
}

static void
fork_and_sign(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(sign(SCENE_P256) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		atomic_fetch_add(&failures, 1);
}

int
main(void)
{
	pthread_t threads[THREADS];
	int i;

	scene_start(&s, SCENE_LAST, "");
	scene_keyd(&s, 0, 0);
	/*
	 * OpenSSL itself can fail for good when the first key is loaded and
	 * used in several threads at once: be warm before.
	 */
	if (!sign(SCENE_RSA) || !sign(SCENE_P256))
		return 1;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, NULL) != 0)
			return 1;
	for (i = 0; i < FORKS; i++)
		fork_and_sign();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	scene_end(&s);
	printf("%d failures\n", atomic_load(&failures));
	return atomic_load(&failures) == 0 ? 0 : 1;
}
