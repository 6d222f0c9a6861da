/*
 * Many threads with one client, which also fork meanwhile; for ThreadSanitizer,
 * which Criterion does not get along with, so a plain program. Prints what it
 * did; exit code 0 if every operation succeeded and none came from a process
 * other than the one that had connected.
 */
#include "tests/support/caller.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	THREADS = 8,
	FORKERS = 2,
	CALLS = 2000,
	FORKS = 50,
	RESETS = 40,
};

static struct fake server;
static struct client *client;
static _Atomic int failed;

static struct caller *
new_caller(void)
{
	struct caller *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->client = client;
	return c;
}

static void
ask(struct caller *c)
{
	if (caller_ask(c) == CLIENT_OK)
		return;
	(void)fprintf(stderr, "%s\n", c->text);
	(void)atomic_fetch_add(&failed, 1);
}

static void *
operate(void *arg)
{
	struct caller *c = new_caller();
	int i;

	(void)arg;
	for (i = 0; i < CALLS; i++)
		ask(c);
	free(c);
	return NULL;
}

static void *
fork_and_operate(void *arg)
{
	struct caller *c = new_caller();
	int i, status;
	pid_t child;

	(void)arg;
	for (i = 0; i < FORKS; i++) {
		ask(c);
		child = fork();
		/* No exit handlers: they would end the parent's threads. */
		if (child == 0)
			_exit(caller_ask(c) == CLIENT_OK ? 0 : 1);
		if (child < 0 || waitpid(child, &status, 0) != child ||
			status != 0)
			(void)atomic_fetch_add(&failed, 1);
		ask(c);
	}
	free(c);
	return NULL;
}

static void
run(void)
{
	pthread_t threads[THREADS + FORKERS];
	int i;

	for (i = 0; i < THREADS + FORKERS; i++)
		if (pthread_create(&threads[i], NULL,
			    i < THREADS ? operate : fork_and_operate,
			    NULL) != 0)
			abort();
	for (i = 0; i < THREADS + FORKERS; i++)
		if (pthread_join(threads[i], NULL) != 0)
			abort();
}

int
main(void)
{
	struct client_settings s;
	int bad;

	fake_start(&server, NULL, (uid_t)-1, 64);
	s = caller_settings(&server, 30000);
	client = client_new(&s);
	if (client == NULL)
		abort();
	/* Every so often a connection ends, so that all ways are gone. */
	fake_set(&server, FAKE_EOF, RESETS);
	run();
	client_free(client);
	(void)printf("%d operations, %d connections, %d failed, %d refused\n",
		server.shared->requests, server.shared->accepted, failed,
		server.shared->identity_errors);
	bad = failed != 0 || server.shared->identity_errors != 0;
	fake_end(&server);
	return bad;
}
