/*
 * A TLS 1.3 client that makes full handshakes, one after another.
 *
 *   handshaker [--threads N] [--seconds S] CA.pem PORT
 *
 * To 127.0.0.1; verifies the certificate, resumes nothing. Prints handshakes
 * per second. Exit status 1 when one failed.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	MAX_THREADS = 64,
};

struct job {
	SSL_CTX *ctx;
	double seconds;
	in_port_t port;
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

static int
connect_to(in_port_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
		connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static int
handshake(const struct job *job)
{
	int fd = connect_to(job->port);
	SSL *ssl = SSL_new(job->ctx);
	int ok;

	ok = fd >= 0 && ssl != NULL && SSL_set_fd(ssl, fd) == 1 &&
	     SSL_connect(ssl) == 1;
	SSL_free(ssl);
	if (fd >= 0)
		(void)close(fd);
	return ok ? 0 : -1;
}

static void *
work(void *arg)
{
	struct job *job = arg;
	double end = now() + job->seconds;

	while (now() < end && !job->failed) {
		if (handshake(job) < 0) {
			ERR_print_errors_fp(stderr);
			job->failed = 1;
		}
		job->done++;
	}
	return NULL;
}

static int
run(struct job *model, unsigned threads)
{
	struct job jobs[MAX_THREADS];
	pthread_t ids[MAX_THREADS];
	unsigned long done = 0;
	double start = now();
	int failed = 0;

	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = *model;
		if (pthread_create(&ids[i], NULL, work, &jobs[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < threads; i++) {
		if (pthread_join(ids[i], NULL) != 0)
			abort();
		done += jobs[i].done;
		failed |= jobs[i].failed;
	}
	printf("%.1f\n", (double)done / (now() - start));
	return failed ? -1 : 0;
}

static SSL_CTX *
context(const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL ||
		SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
		SSL_CTX_load_verify_file(ctx, ca) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct job job = { .seconds = 1 };
	unsigned threads = 1;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 't')
			threads = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			job.seconds = strtod(optarg, NULL);
		else
			optind = argc + 1;
	}
	if (optind + 2 != argc || threads < 1 || threads > MAX_THREADS) {
		(void)fprintf(stderr, "usage: handshaker [--threads N] "
				      "[--seconds S] CA.pem PORT\n");
		return 2;
	}
	job.port = (in_port_t)strtoul(argv[optind + 1], NULL, 10);
	job.ctx = context(argv[optind]);
	rc = run(&job, threads);
	SSL_CTX_free(job.ctx);
	return rc < 0 ? 1 : 0;
}
