/*
 * Signs the same TLS 1.3 CertificateVerify again and again: raw speed of a key,
 * whoever holds it. What holds the key is openssl.cnf's business.
 *
 *   signer [--threads N] [--seconds S | --count N] [--wait] KEY.pem
 *
 * Prints signatures per second. --wait: signs once, prints "ready", and goes
 * on after a line on its standard input.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

enum {
	MAX_THREADS = 64,
	MESSAGE_LEN = 130, /* RFC 8446 §4.4.3 with SHA-256 */
};

struct options {
	unsigned threads;
	double seconds;
	unsigned long count;
	bool wait;
	const char *key;
};

struct job {
	const struct options *options;
	EVP_PKEY *key;
	unsigned long done;
	int failed;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
make_message(unsigned char message[MESSAGE_LEN])
{
	static const char context[] = "TLS 1.3, server CertificateVerify";

	memset(message, 0x20, 64);
	memcpy(message + 64, context, sizeof(context)); /* with its zero */
	memset(message + 64 + sizeof(context), 0x5a, 32);
}

static int
sign_once(EVP_PKEY *key)
{
	unsigned char message[MESSAGE_LEN], sig[1024];
	size_t len = sizeof(sig);
	EVP_PKEY_CTX *pctx;
	EVP_MD_CTX *ctx;
	int ok;

	make_message(message);
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return -1;
	ok = EVP_DigestSignInit_ex(
		     ctx, &pctx, "SHA256", NULL, NULL, key, NULL) == 1;
	if (ok && EVP_PKEY_is_a(key, "RSA"))
		ok = EVP_PKEY_CTX_set_rsa_padding(
			     pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(
			     pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok &&
	     EVP_DigestSign(ctx, sig, &len, message, sizeof(message)) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

static void *
work(void *arg)
{
	struct job *job = arg;
	double end = now() + job->options->seconds;

	for (;;) {
		if (job->options->count > 0 ? job->done >= job->options->count
					    : now() >= end)
			return NULL;
		if (sign_once(job->key) < 0) {
			ERR_print_errors_fp(stderr);
			job->failed = 1;
			return NULL;
		}
		job->done++;
	}
}

static int
parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "wait", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 't')
			o->threads = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			o->seconds = strtod(optarg, NULL);
		else if (c == 'c')
			o->count = strtoul(optarg, NULL, 10);
		else if (c == 'w')
			o->wait = true;
		else
			return -1;
	}
	if (optind + 1 != argc || o->threads < 1 || o->threads > MAX_THREADS)
		return -1;
	o->key = argv[optind];
	return 0;
}

static EVP_PKEY *
read_key(const char *path)
{
	EVP_PKEY *key = NULL;
	FILE *f = fopen(path, "re");

	if (f != NULL) {
		key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		(void)fclose(f);
	}
	/* The first use is single-threaded, as OpenSSL 3 needs it. */
	if (key != NULL && sign_once(key) < 0) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	if (key == NULL) {
		(void)fprintf(stderr, "signer: cannot sign with %s\n", path);
		ERR_print_errors_fp(stderr);
	}
	return key;
}

static int
run(const struct options *o, EVP_PKEY *key)
{
	struct job jobs[MAX_THREADS];
	pthread_t threads[MAX_THREADS];
	unsigned long done = 0;
	double start = now();
	int failed = 0;

	for (unsigned i = 0; i < o->threads; i++) {
		jobs[i] = (struct job){ .options = o, .key = key };
		if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < o->threads; i++) {
		if (pthread_join(threads[i], NULL) != 0)
			abort();
		done += jobs[i].done;
		failed |= jobs[i].failed;
	}
	printf("%.1f\n", (double)done / (now() - start));
	return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct options o = { .threads = 1, .seconds = 1 };
	EVP_PKEY *key;
	int rc;

	if (parse(argc, argv, &o) < 0) {
		(void)fprintf(stderr, "usage: signer [--threads N] "
				      "[--seconds S | --count N] [--wait] "
				      "KEY.pem\n");
		return 2;
	}
	key = read_key(o.key);
	if (key == NULL)
		return 1;
	if (o.wait) {
		printf("ready\n");
		(void)fflush(stdout);
		while (getchar() != '\n' && !feof(stdin))
			;
	}
	rc = run(&o, key);
	EVP_PKEY_free(key);
	return rc < 0 ? 1 : 0;
}
