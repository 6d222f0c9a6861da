/* The client under threads, forks, and hosts that close our descriptors. */
#include <criterion/criterion.h>

#include "tests/support/caller.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake server;
static struct caller caller;

static void
start(void)
{
	struct client_settings s;

	fake_start(&server, NULL, (uid_t)-1, 64);
	s = caller_settings(&server, 5000);
	caller_init(&caller, &s);
}

static void
stop(void)
{
	client_free(caller.client);
	fake_end(&server);
}

TestSuite(client_threads, .init = start, .fini = stop, .timeout = 60);

/* What test() returns in a forked child, 0 to 255. */
static int
in_child(int (*test)(void))
{
	int status = -1;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0)
		_exit(test());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "status %x", (unsigned)status);
	return WEXITSTATUS(status);
}

/* Which of a fork's conditions does not hold: the line's number. */
#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			return __LINE__ % 255 + 1;                             \
	} while (0)

/* Descriptors above the standard ones that are open sockets of type. */
static int
count_sockets(void)
{
	int fd, type, n = 0;
	socklen_t len;

	for (fd = 0; fd < 1024; fd++) {
		len = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
			type == SOCK_SEQPACKET)
			n++;
	}
	return n;
}

static int
ask_on_own_connection(void)
{
	int before = count_sockets();

	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == 2);
	/* What was inherited is closed, the own one open. */
	CHECK(before >= 1);
	CHECK(count_sockets() == before);
	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == 2);
	return 0;
}

Test(client_threads, a_child_leaves_its_parents_connection_alone)
{
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(in_child(ask_on_own_connection), 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(caller.status.keys, 1);
	cr_assert_eq(server.shared->identity_errors, 0);
	cr_assert_eq(server.shared->requests, 4);
}

static int
free_in_child(void)
{
	int before = count_sockets();

	client_free(caller.client);
	CHECK(count_sockets() == before - 1);
	return 0;
}

Test(client_threads, a_child_that_ends_says_nothing_on_its_parents_connection)
{
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(in_child(free_in_child), 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(caller.status.keys, 1);
	cr_assert_eq(server.shared->closed, 0);
}

static int
ask_in_grandchild(void)
{
	int before = count_sockets();

	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(in_child(ask_on_own_connection) != 0); /* keys is 3, not 2 */
	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == 2);
	CHECK(count_sockets() == before);
	return 0;
}

Test(client_threads, each_generation_has_its_own_connection)
{
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(in_child(ask_in_grandchild), 0);
	cr_assert_eq(server.shared->accepted, 3);
	cr_assert_eq(server.shared->identity_errors, 0);
}

static int
finish_what_parent_began(void)
{
	CHECK(caller_finish(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == 2);
	return 0;
}

Test(client_threads, an_operation_begun_before_the_fork_is_done_in_both)
{
	cr_assert_eq(caller_begin(&caller), CLIENT_OK);
	cr_assert_eq(in_child(finish_what_parent_began), 0);
	cr_assert_eq(caller_finish(&caller), CLIENT_OK);
	cr_assert_eq(caller.status.keys, 1);
	cr_assert_eq(server.shared->identity_errors, 0);
}

/*
 * The child's own connection has its parent's place in the table when the
 * parent's operation is finished there: it must stay in it.
 */
static int
operate_then_finish_what_parent_began(void)
{
	struct client_op op = caller.op;
	uint32_t own;

	CHECK(caller_ask(&caller) == CLIENT_OK);
	own = caller.status.keys;
	caller.op = op;
	CHECK(caller_finish(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == own + 1);
	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == own);
	return 0;
}

Test(client_threads, finishing_a_parents_operation_keeps_the_childs_connection)
{
	cr_assert_eq(caller_begin(&caller), CLIENT_OK);
	cr_assert_eq(in_child(operate_then_finish_what_parent_began), 0);
	cr_assert_eq(caller_finish(&caller), CLIENT_OK);
	cr_assert_eq(caller.status.keys, 1);
}

static int
begin_in_child_and_finish_in_grandchild(void)
{
	CHECK(caller_begin(&caller) == CLIENT_OK);
	CHECK(in_child(operate_then_finish_what_parent_began) == 0);
	CHECK(caller_finish(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == 2);
	return 0;
}

Test(client_threads, the_same_one_generation_later)
{
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(in_child(begin_in_child_and_finish_in_grandchild), 0);
	cr_assert_eq(server.shared->identity_errors, 0);
	cr_assert_eq(server.shared->accepted, 4);
}

/* The host closes our descriptor and has its number for something else. */
static int
close_under_the_pool(bool reuse_as_socket)
{
	int pair[2], i, ours, n = 0;

	CHECK(caller_begin(&caller) == CLIENT_OK);
	ours = caller.op.conn.fd;
	CHECK(caller_finish(&caller) == CLIENT_OK);
	closefrom(3);
	CHECK(reuse_as_socket
			? socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0
			: pipe(pair) == 0);
	for (i = 0; i < 32; i++)
		CHECK(dup(pair[1]) >= 0);
	CHECK(fcntl(ours, F_GETFD) >= 0);
	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == 2);
	client_free(caller.client);
	CHECK(ioctl(pair[0], FIONREAD, &n) == 0 && n == 0);
	for (i = 3; i < 36; i++)
		CHECK(fcntl(i, F_GETFD) >= 0);
	return 0;
}

static int
reuse_as_pipe(void)
{
	return close_under_the_pool(false);
}

static int
reuse_as_socket(void)
{
	return close_under_the_pool(true);
}

Test(client_threads, never_writes_to_a_pipe_that_has_its_descriptors_number)
{
	cr_assert_eq(in_child(reuse_as_pipe), 0);
}

Test(client_threads, never_writes_to_a_socket_that_has_its_descriptors_number)
{
	cr_assert_eq(in_child(reuse_as_socket), 0);
}

static int
begin_close_finish(void)
{
	int pair[2];

	CHECK(caller_begin(&caller) == CLIENT_OK);
	CHECK(close(caller.op.conn.fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	CHECK(pair[0] == caller.op.conn.fd || pair[1] == caller.op.conn.fd);
	CHECK(write(pair[0], "ours", 4) == 4);
	CHECK(write(pair[1], "ours", 4) == 4);
	CHECK(caller_finish(&caller) == CLIENT_OK);
	CHECK(recv(pair[0], pair, 4, MSG_DONTWAIT | MSG_PEEK) == 4);
	return 0;
}

Test(client_threads, never_reads_from_a_socket_that_has_its_number)
{
	cr_assert_eq(in_child(begin_close_finish), 0);
}

static int
close_standard_descriptors(void)
{
	int fd;

	for (fd = 0; fd < 3; fd++)
		(void)close(fd);
	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(caller.status.keys == 1);
	for (fd = 0; fd < 3; fd++)
		CHECK(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	return 0;
}

Test(client_threads, never_keeps_a_standard_descriptor)
{
	cr_assert_eq(in_child(close_standard_descriptors), 0);
}

Test(client_threads, its_descriptors_are_close_on_exec)
{
	cr_assert_eq(caller_begin(&caller), CLIENT_OK);
	cr_assert_eq(fcntl(caller.op.conn.fd, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(caller_finish(&caller), CLIENT_OK);
}

enum {
	THREADS = 16,
	CALLS = 200,
	MANY = POOL_SLOTS + 40,
};

/* 0, or how many calls failed. */
static void *
ask_often(void *arg)
{
	struct caller *c = malloc(sizeof(*c));
	uintptr_t failed = 0;
	int i;

	(void)arg;
	if (c == NULL)
		return (void *)1;
	*c = (struct caller){ .client = caller.client };
	for (i = 0; i < CALLS; i++)
		failed += caller_ask(c) != CLIENT_OK;
	free(c);
	return (void *)failed;
}

static int
run_threads(int n)
{
	pthread_t threads[THREADS];
	void *failed;
	int i, bad = 0;

	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, ask_often, NULL) != 0)
			return -1;
	for (i = 0; i < n; i++)
		if (pthread_join(threads[i], &failed) != 0 || failed != NULL)
			bad++;
	return bad;
}

Test(client_threads, sixteen_threads_share_at_most_sixteen_connections)
{
	cr_assert_eq(run_threads(THREADS), 0);
	cr_assert_leq(server.shared->accepted, THREADS);
	cr_assert_eq(server.shared->requests, THREADS * CALLS);
	cr_assert_eq(server.shared->closed, 0);
}

static int
race_in_child(void)
{
	int before = count_sockets();

	CHECK(run_threads(2) == 0);
	/* A thread that came while the other cleaned up kept nothing. */
	CHECK(caller_ask(&caller) == CLIENT_OK);
	CHECK(count_sockets() <= before + 1 && count_sockets() >= before);
	return 0;
}

Test(client_threads, two_threads_may_be_a_childs_first)
{
	int i;

	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	for (i = 0; i < 50; i++)
		cr_assert_eq(in_child(race_in_child), 0);
	cr_assert_eq(server.shared->identity_errors, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(caller.status.keys, 1);
}

static atomic_bool stop_forking;

static void *
fork_often(void *arg)
{
	uintptr_t failed = 0;
	int status;
	pid_t child;

	(void)arg;
	while (!atomic_load(&stop_forking)) {
		child = fork();
		if (child == 0)
			_exit(caller_ask(&caller) == CLIENT_OK ? 0 : 1);
		if (child < 0 || waitpid(child, &status, 0) != child ||
			status != 0)
			failed++;
	}
	return (void *)failed;
}

Test(client_threads, forks_while_other_threads_operate)
{
	pthread_t forker;
	void *failed;

	cr_assert_eq(pthread_create(&forker, NULL, fork_often, NULL), 0);
	cr_assert_eq(run_threads(4), 0);
	atomic_store(&stop_forking, true);
	cr_assert_eq(pthread_join(forker, &failed), 0);
	cr_assert_null(failed);
	cr_assert_eq(server.shared->identity_errors, 0);
}

Test(client_threads, more_at_once_than_the_pool_keeps)
{
	struct caller *c = calloc(MANY, sizeof(*c));
	int i;

	cr_assert_not_null(c);
	for (i = 0; i < MANY; i++) {
		c[i].client = caller.client;
		cr_assert_eq(caller_begin(&c[i]), CLIENT_OK);
	}
	for (i = 0; i < MANY; i++)
		cr_assert_eq(caller_finish(&c[i]), CLIENT_OK);
	free(c);
	cr_assert_eq(server.shared->accepted, MANY);
	cr_assert_eq(caller_wait(&server.shared->closed, MANY - POOL_SLOTS),
		MANY - POOL_SLOTS);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(server.shared->accepted, MANY);
}
