/* The client against a keyd that misbehaves: replies, refusals, retries. */
#include <criterion/criterion.h>

#include "tests/support/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake server;
static struct caller caller;

static void
set_up(unsigned timeout)
{
	struct client_settings s = caller_settings(&server, timeout);

	caller_init(&caller, &s);
}

static void
start(void)
{
	/* As hosts have it: a write to a lost connection would be death. */
	(void)signal(SIGPIPE, SIG_DFL);
	fake_start(&server, NULL, (uid_t)-1, 64);
	set_up(5000);
}

static void
stop(void)
{
	client_free(caller.client);
	fake_end(&server);
}

static void
use_timeout(unsigned timeout)
{
	client_free(caller.client);
	set_up(timeout);
}

TestSuite(client, .init = start, .fini = stop, .timeout = 60);

Test(client, keeps_its_connection)
{
	int i;

	for (i = 0; i < 10; i++)
		cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(server.shared->accepted, 1);
	cr_assert_eq(server.shared->requests, 10);
	client_free(caller.client);
	caller.client = NULL;
	cr_assert_eq(caller_wait(&server.shared->closed, 1), 1);
}

Test(client, without_a_pool_has_a_connection_for_each_operation)
{
	struct client_settings s = caller_settings(&server, 5000);

	cr_assert(client_may_pool(caller.client));
	client_free(caller.client);
	s.no_pool = true;
	caller_init(&caller, &s);
	cr_assert_not(client_may_pool(caller.client));
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(server.shared->accepted, 2);
	cr_assert_eq(caller_wait(&server.shared->closed, 2), 2);
}

static const enum fake_mode not_of_the_protocol[] = { FAKE_WRONG_ID,
	FAKE_WRONG_TYPE, FAKE_REQUEST, FAKE_VERSION, FAKE_TRUNCATED,
	FAKE_OVERSIZED, FAKE_FD, FAKE_STRAY_REFUSAL };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

Test(client, repeats_once_elsewhere_after_a_wrong_reply)
{
	size_t i;

	for (i = 0; i < COUNT(not_of_the_protocol); i++) {
		fake_set(&server, not_of_the_protocol[i], 1);
		cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%zu: %s", i,
			caller.text);
		cr_assert_eq(server.shared->accepted, (int)i + 2);
	}
}

Test(client, reports_a_second_wrong_reply_and_keeps_neither_connection)
{
	size_t i;

	for (i = 0; i < COUNT(not_of_the_protocol); i++) {
		fake_set(&server, not_of_the_protocol[i], 0);
		cr_assert_eq(caller_ask(&caller), CLIENT_PROTOCOL, "%zu", i);
		cr_assert_eq(server.shared->requests, 2 * (int)i + 2);
		cr_assert_eq(
			caller_wait(&server.shared->closed, 2 * (int)i + 2),
			2 * (int)i + 2);
	}
}

Test(client, does_not_take_a_replayed_reply_for_the_next)
{
	fake_set(&server, FAKE_TWICE, 1);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(caller.status.keys, 2);
}

Test(client, closes_a_connection_whose_reply_is_late)
{
	uint64_t start_ms = caller_now();

	use_timeout(100);
	fake_set(&server, FAKE_LATE, 1);
	cr_assert_eq(caller_ask(&caller), CLIENT_TIMEOUT);
	cr_assert_lt(caller_now() - start_ms, 500);
	cr_assert_eq(
		caller_ask_until_tried(&caller), CLIENT_OK, "%s", caller.text);
	cr_assert_eq(caller.status.keys, 2);
}

Test(client, repeats_when_the_connection_ends_before_the_reply)
{
	fake_set(&server, FAKE_EOF, 3);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
	cr_assert_eq(server.shared->requests, 4);
}

Test(client, repeats_when_the_connection_ends_before_the_request)
{
	fake_set(&server, FAKE_RESET, 3);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
	cr_assert_eq(server.shared->accepted, 4);
}

Test(client, gives_up_at_the_deadline_when_connections_always_end)
{
	uint64_t start_ms = caller_now(), took;

	use_timeout(500);
	fake_set(&server, FAKE_EOF, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNREACHABLE);
	took = caller_now() - start_ms;
	cr_assert_eq(caller.err.sys_errno, ECONNRESET);
	cr_assert_not_null(strstr(caller.text, "its log says why"));
	cr_assert(took >= 300 && took < 2000, "%d", (int)took);
	/* 2, 4, 8, 16 … ms apart, not in a busy loop. */
	cr_assert_leq(server.shared->requests, 20);
	cr_assert_geq(server.shared->requests, 5);
}

Test(client, repeats_at_once_when_a_kept_connection_has_ended)
{
	int i;

	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	for (i = 2; i < 10; i++) {
		fake_stop(&server);
		fake_restart(&server, (uid_t)-1, 64);
		cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
		cr_assert_eq(server.shared->accepted, i);
	}
}

static void *
ask_in_thread(void *arg)
{
	*(enum client_result *)arg = caller_ask(&caller);
	return NULL;
}

Test(client, waits_for_a_keyd_that_is_restarting)
{
	struct timespec a_while = { .tv_nsec = 150000000 };
	enum client_result result = CLIENT_NO_MEMORY;
	pthread_t thread;
	int i;

	/* Once with the dead socket there, once with none. */
	for (i = 0; i < 2; i++) {
		fake_stop(&server);
		if (i == 1)
			cr_assert_eq(unlink(server.path), 0);
		cr_assert_eq(
			pthread_create(&thread, NULL, ask_in_thread, &result),
			0);
		(void)nanosleep(&a_while, NULL);
		fake_restart(&server, (uid_t)-1, 64);
		cr_assert_eq(pthread_join(thread, NULL), 0);
		cr_assert_eq(result, CLIENT_OK, "%s", caller.text);
	}
}

static void
refuse(enum fake_mode mode, int times, int status, int detail)
{
	server.shared->status = status;
	server.shared->detail = detail;
	fake_set(&server, mode, times);
}

Test(client, reports_a_refusal_at_accept)
{
	refuse(FAKE_REFUSE, 0, PROTO_NO_KEYS, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_REFUSED);
	cr_assert_eq(caller.err.status, PROTO_NO_KEYS);
	cr_assert_eq(server.shared->accepted, 1);
}

Test(client, finds_the_refusal_behind_a_reset)
{
	refuse(FAKE_REFUSE_LATE, 0, PROTO_NO_KEYS, 0);
	cr_assert_eq(caller_begin(&caller), CLIENT_OK);
	/* Closed with our request unread: the reset comes before the datagram.
	 */
	cr_assert_eq(caller_wait(&server.shared->closed, 1), 1);
	cr_assert_eq(caller_finish(&caller), CLIENT_REFUSED, "%s", caller.text);
	cr_assert_eq(caller.err.status, PROTO_NO_KEYS);
	cr_assert_eq(server.shared->accepted, 1);
}

Test(client, repeats_while_sessions_are_limited)
{
	refuse(FAKE_REFUSE, 3, PROTO_LIMIT, DETAIL_SESSIONS);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
	cr_assert_eq(server.shared->accepted, 4);
}

Test(client, reports_the_limit_that_stays_until_the_deadline)
{
	use_timeout(400);
	refuse(FAKE_REFUSE, 0, PROTO_BACK_OFF, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_REFUSED);
	cr_assert_eq(caller.err.status, PROTO_BACK_OFF);
	cr_assert_geq(server.shared->accepted, 4);
	cr_assert_not(caller.err.fast);
	cr_assert_eq(caller_ask(&caller), CLIENT_REFUSED);
	cr_assert_eq(caller.err.status, PROTO_BACK_OFF);
	cr_assert(caller.err.fast);
}

Test(client, connects_anew_once_after_status_identity)
{
	refuse(FAKE_STATUS, 1, PROTO_IDENTITY, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
	cr_assert_eq(server.shared->accepted, 2);
	refuse(FAKE_STATUS, 0, PROTO_IDENTITY, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_REFUSED);
	cr_assert_eq(caller.err.status, PROTO_IDENTITY);
	cr_assert_eq(server.shared->requests, 4);
}

Test(client, keeps_or_closes_the_connection_as_the_status_says)
{
	static const struct {
		uint16_t status;
		int keeps;
	} rows[] = {
		{ PROTO_MALFORMED, 0 },
		{ PROTO_BAD_VERSION, 0 },
		{ PROTO_UNSUPPORTED, 1 },
		{ PROTO_UNKNOWN_KEY, 1 },
		{ PROTO_NOT_PERMITTED, 1 },
		{ PROTO_USE_REFUSED, 1 },
		{ PROTO_INTERNAL, 1 },
		{ PROTO_NO_KEYS, 0 },
		{ PROTO_BAD_PARAMETER, 1 },
		{ PROTO_NOBODY, 0 },
		{ 999, 0 },
	};
	int before;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		cr_assert_eq(caller_ask(&caller), CLIENT_OK);
		before = server.shared->accepted;
		refuse(FAKE_STATUS, 1, rows[i].status, 3);
		cr_assert_eq(caller_ask(&caller), CLIENT_REFUSED);
		cr_assert_eq(caller.err.status, rows[i].status);
		cr_assert_eq(caller.err.detail, 3);
		cr_assert_eq(caller_ask(&caller), CLIENT_OK);
		cr_assert_eq(server.shared->accepted - before,
			rows[i].keeps ? 0 : 1, "status %d", rows[i].status);
	}
}

Test(client, trusts_only_who_may_be_the_server)
{
	struct client_settings s = caller_settings(&server, 5000);
	bool is_root = getuid() == 0;
	uid_t uid = is_root ? 54321 : getuid();

	client_free(caller.client);
	s.server_user = (uid_t)-1;
	caller_init(&caller, &s);
	if (is_root) {
		cr_assert_eq(caller_ask(&caller), CLIENT_OK);
		fake_stop(&server);
		cr_assert_eq(unlink(server.path), 0);
		fake_restart(&server, uid, 64);
		server.shared->requests = 0;
	}
	cr_assert_eq(caller_ask(&caller), CLIENT_UNTRUSTED);
	cr_assert_eq(caller.err.server_uid, uid);
	cr_assert_eq(server.shared->requests, 0);
	client_free(caller.client);
	s.server_user = uid;
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
}

/* The server becomes one whom the kernel cannot name. */
static void
lose_its_name(uid_t server_user)
{
	struct client_settings s = caller_settings(&server, 5000);

	s.server_user = server_user;
	client_free(caller.client);
	caller_init(&caller, &s);
	fake_stop(&server);
	cr_assert_eq(unlink(server.path), 0);
	fake_restart(&server, CLIENT_OVERFLOW_UID, 64);
}

Test(client, does_not_trust_whom_the_kernel_cannot_name)
{
	if (getuid() != 0)
		return;
	lose_its_name((uid_t)-1);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNTRUSTED);
	cr_assert_eq(caller.err.server_uid, CLIENT_OVERFLOW_UID);
}

Test(client, trusts_whom_the_kernel_cannot_name_at_a_path_when_told_to)
{
	if (getuid() != 0)
		return;
	lose_its_name(CLIENT_OVERFLOW_UID);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
}

Test(client, never_trusts_whom_the_kernel_cannot_name_at_an_abstract_name)
{
	struct client_settings s = caller_settings(&server, 1000);
	char name[64];
	struct fake nobody;

	if (getuid() != 0)
		return;
	(void)snprintf(name, sizeof(name), "nobody-%d", (int)getpid());
	fake_start(&nobody, name, CLIENT_OVERFLOW_UID, 64);
	fake_stop(&server);
	s.abstract_socket = name;
	s.server_user = CLIENT_OVERFLOW_UID;
	client_free(caller.client);
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNTRUSTED);
	cr_assert_eq(caller.err.server_uid, CLIENT_OVERFLOW_UID);
	fake_stop(&nobody);
}

/* Until nobody can connect without waiting; the sockets stay open. */
static void
fill_queue(const struct fake *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    strlen(f->path) + (f->path[0] != '@'));
	int fd;

	memcpy(a.sun_path, f->path, strlen(f->path));
	if (f->path[0] == '@')
		a.sun_path[0] = '\0';
	do {
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		cr_assert_geq(fd, 0);
	} while (connect(fd, (struct sockaddr *)&a, len) == 0);
	cr_assert_eq(errno, EAGAIN);
}

/* Listens on the abstract name while keyd is away from its path. */
static void
squat(struct fake *squatter, char *name, size_t size, unsigned timeout)
{
	struct client_settings s = caller_settings(&server, timeout);

	(void)snprintf(name, size, "squatted-%d", (int)getpid());
	fake_start(squatter, name, 54321, 64);
	s.server_user = (uid_t)-1;
	s.abstract_socket = name;
	client_free(caller.client);
	caller_init(&caller, &s);
	fake_stop(&server);
}

/* The squatter's queue is full, and nobody empties it. */
Test(client, finds_keyd_at_its_path_though_another_holds_its_abstract_name)
{
	struct client_settings s = caller_settings(&server, 5000);
	const struct timespec a_while = { .tv_nsec = 400000000 };
	enum client_result result = CLIENT_NO_MEMORY;
	struct fake squatter;
	pthread_t thread;
	char name[64];
	uint64_t back;

	(void)snprintf(name, sizeof(name), "full-%d", (int)getpid());
	fake_start(&squatter, name, (uid_t)-1, -1);
	fill_queue(&squatter);
	s.abstract_socket = name;
	client_free(caller.client);
	caller_init(&caller, &s);
	fake_stop(&server);
	cr_assert_eq(pthread_create(&thread, NULL, ask_in_thread, &result), 0);
	(void)nanosleep(&a_while, NULL);
	fake_restart(&server, (uid_t)-1, 64);
	back = caller_now();
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(result, CLIENT_OK, "%s", caller.text);
	cr_assert_lt(caller_now() - back, 2000);
	fake_stop(&squatter);
}

Test(client, waits_for_keyd_though_another_has_taken_its_abstract_name)
{
	struct timespec a_while = { .tv_nsec = 150000000 };
	enum client_result result = CLIENT_NO_MEMORY;
	struct fake squatter;
	pthread_t thread;
	char name[64];

	if (getuid() != 0)
		return;
	squat(&squatter, name, sizeof(name), 5000);
	cr_assert_eq(pthread_create(&thread, NULL, ask_in_thread, &result), 0);
	(void)nanosleep(&a_while, NULL);
	fake_restart(&server, (uid_t)-1, 64);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(result, CLIENT_OK, "%s", caller.text);
	cr_assert_eq(squatter.shared->requests, 0);
	fake_end(&squatter);
}

Test(client, names_the_other_also_while_failing_fast)
{
	struct fake squatter;
	char name[64];

	if (getuid() != 0)
		return;
	squat(&squatter, name, sizeof(name), 300);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNTRUSTED);
	cr_assert_not(caller.err.fast);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNTRUSTED);
	cr_assert(caller.err.fast);
	cr_assert_eq(caller.err.server_uid, 54321);
	fake_end(&squatter);
}

Test(client, attaches_its_effective_ids)
{
	int i;

	if (getuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(setegid(54322), 0);
		cr_assert_eq(seteuid(54321), 0);
		cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
		cr_assert_eq(seteuid(0), 0);
		cr_assert_eq(setegid(0), 0);
		cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
	}
	/* Another's connection is closed, not tried. */
	cr_assert_eq(server.shared->identity_errors, 0);
	cr_assert_eq(server.shared->accepted, 7);
	cr_assert_eq(caller_wait(&server.shared->closed, 6), 6);
}

Test(client, tries_the_abstract_socket_when_the_path_cannot_be_reached)
{
	struct client_settings s = caller_settings(&server, 5000);
	struct fake other;
	char name[64];

	(void)snprintf(name, sizeof(name), "fake-keyd-%d", (int)getpid());
	fake_start(&other, name, (uid_t)-1, 64);
	s.abstract_socket = name;
	client_free(caller.client);
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
	cr_assert_eq(other.shared->accepted, 0);
	client_free(caller.client);
	s.socket = "/dev/null/none";
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
	cr_assert_eq(other.shared->accepted, 1);
	client_free(caller.client);
	/* Only where it is set, or nothing is. */
	s.abstract_socket = NULL;
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNREACHABLE);
	cr_assert_eq(caller.err.sys_errno, ENOTDIR);
	fake_end(&other);
}

Test(client, names_both_sockets_that_it_tried)
{
	struct client_settings s = { .socket = "/none/keyd.sock",
		.abstract_socket = "keyd-that-is-not",
		.timeout = 50,
		.server_user = (uid_t)-1 };

	client_free(caller.client);
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNREACHABLE);
	cr_assert_str_eq(caller.text,
		"key 'www': cannot reach keyd at /none/keyd.sock (No such file "
		"or directory) nor at @keyd-that-is-not (Connection refused): "
		"is keyd running?");
}

Test(client, does_not_wait_where_waiting_cannot_help)
{
	struct client_settings s = caller_settings(&server, 5000);
	char path[120], longer[200];
	uint64_t start_ms = caller_now();
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(path, sizeof(path), "%s/stream", server.folder);
	(void)strcpy(a.sun_path, path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	client_free(caller.client);
	s.socket = path;
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNREACHABLE);
	cr_assert_eq(caller.err.sys_errno, EPROTOTYPE);
	cr_assert_eq(unlink(path), 0);
	client_free(caller.client);
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	s.socket = longer;
	caller_init(&caller, &s);
	cr_assert_eq(caller_ask(&caller), CLIENT_UNREACHABLE);
	cr_assert_eq(caller.err.sys_errno, ENAMETOOLONG);
	cr_assert_lt(caller_now() - start_ms, 1000);
}

static void
no_descriptor_is_left(rlim_t limit)
{
	struct rlimit old, none = { .rlim_cur = limit };
	enum client_result result;
	int saved;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	errno = 77;
	result = caller_ask(&caller);
	saved = errno;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	cr_assert_eq(result, CLIENT_UNREACHABLE);
	cr_assert_eq(caller.err.sys_errno, EMFILE);
	cr_assert_eq(saved, 77);
	cr_assert_not_null(strstr(caller.text, "LimitNOFILE"));
}

Test(client, says_so_when_no_descriptor_is_left)
{
	no_descriptor_is_left(0);
}

Test(client, says_so_when_none_but_a_standard_descriptor_is_left)
{
	int in = dup(STDIN_FILENO);

	cr_assert_eq(close(STDIN_FILENO), 0);
	no_descriptor_is_left(STDERR_FILENO + 1);
	cr_assert_eq(dup2(in, STDIN_FILENO), STDIN_FILENO);
}

Test(client, waits_for_a_full_queue_until_the_deadline)
{
	struct client_settings s;
	uint64_t start_ms, took;
	struct fake deaf;

	fake_start(&deaf, NULL, (uid_t)-1, -1);
	fill_queue(&deaf);
	s = caller_settings(&deaf, 300);
	client_free(caller.client);
	caller_init(&caller, &s);
	start_ms = caller_now();
	cr_assert_eq(caller_ask(&caller), CLIENT_UNREACHABLE);
	took = caller_now() - start_ms;
	cr_assert_eq(caller.err.sys_errno, ETIMEDOUT);
	cr_assert(took >= 290 && took < 2000, "%d", (int)took);
	fake_end(&deaf);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

/* In the first ms from now, then again each interval, 0: not again. */
static void
be_interrupted(int first, int interval)
{
	struct itimerval t = { { 0, interval * 1000 }, { 0, first * 1000 } };
	struct sigaction act = { .sa_handler = on_alarm };

	cr_assert_eq(sigaction(SIGALRM, &act, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &t, NULL), 0);
}

Test(client, is_not_disturbed_by_signals)
{
	uint64_t start_ms, took;

	be_interrupted(1, 1);
	fake_set(&server, FAKE_LATE, 1);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK, "%s", caller.text);
	use_timeout(300);
	fake_set(&server, FAKE_SILENT, 0);
	start_ms = caller_now();
	cr_assert_eq(caller_ask(&caller), CLIENT_TIMEOUT);
	took = caller_now() - start_ms;
	cr_assert(took >= 290 && took < 2000, "%d", (int)took);
}

Test(client, an_interrupted_wait_does_not_begin_anew)
{
	uint64_t start_ms, took;

	use_timeout(600);
	fake_set(&server, FAKE_SILENT, 0);
	start_ms = caller_now();
	be_interrupted(500, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_TIMEOUT);
	took = caller_now() - start_ms;
	cr_assert(took >= 590 && took < 1050, "%d", (int)took);
}

Test(client, refuses_a_request_that_is_too_large)
{
	static uint8_t large[PROTO_MAX_REQUEST + 1];

	cr_assert_eq(client_begin(caller.client, &caller.op, large,
			     sizeof(large), &caller.err),
		CLIENT_TOO_LARGE);
	cr_assert_eq(
		client_begin(caller.client, &caller.op, large, 7, &caller.err),
		CLIENT_TOO_LARGE);
	cr_assert_eq(server.shared->accepted, 0);
}

Test(client, sends_the_largest_request)
{
	static uint8_t large[PROTO_MAX_REQUEST];
	struct writer w = writer_init(large, sizeof(large));

	proto_put_request(&w, PROTO_STATUS, 1);
	cr_assert_eq(
		client_call(caller.client, large, sizeof(large), caller.reply,
			sizeof(caller.reply), &caller.out, &caller.err),
		CLIENT_OK);
	cr_assert_eq(server.shared->requests, 1);
}

static void *
ask_until_tried_in_thread(void *arg)
{
	struct caller *c = arg;

	return (void *)(uintptr_t)(caller_ask_until_tried(c) != CLIENT_OK);
}

Test(client, fails_fast_after_a_missed_deadline_until_one_probe_succeeds)
{
	enum { THREADS = 8 };
	static struct caller callers[THREADS];
	pthread_t threads[THREADS];
	uint64_t start_ms;
	void *failed;
	int i;

	use_timeout(100);
	fake_set(&server, FAKE_SILENT, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_TIMEOUT);
	cr_assert_not(caller.err.fast);
	start_ms = caller_now();
	for (i = 0; i < 1000; i++) {
		cr_assert_eq(caller_ask(&caller), CLIENT_TIMEOUT);
		cr_assert(caller.err.fast);
	}
	cr_assert_lt(caller_now() - start_ms, 500);
	cr_assert_eq(server.shared->requests, 1);
	/* A probe that is not answered either: one request of all threads. */
	fake_set(&server, FAKE_SILENT, 1);
	for (i = 0; i < THREADS; i++) {
		callers[i].client = caller.client;
		cr_assert_eq(pthread_create(&threads[i], NULL,
				     ask_until_tried_in_thread, &callers[i]),
			0);
	}
	cr_assert_eq(caller_wait(&server.shared->requests, 2), 2);
	start_ms = caller_now();
	/* The prober's second answer, or another's, ends it for all. */
	for (i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], &failed), 0);
	cr_assert_geq(caller_now() - start_ms, 900);
	cr_assert_eq(caller_ask(&caller), CLIENT_OK);
}

Test(client, a_probe_is_short_and_tries_once)
{
	uint64_t start_ms, took;

	use_timeout(600);
	fake_set(&server, FAKE_SILENT, 0);
	cr_assert_eq(caller_ask(&caller), CLIENT_TIMEOUT);
	do {
		start_ms = caller_now();
		(void)caller_ask(&caller);
		took = caller_now() - start_ms;
	} while (caller.err.fast);
	cr_assert(took >= 240 && took < 500, "%d", (int)took);
	cr_assert_eq(server.shared->requests, 2);
	fake_stop(&server);
	do {
		start_ms = caller_now();
		cr_assert_neq(caller_ask(&caller), CLIENT_OK);
		took = caller_now() - start_ms;
	} while (caller.err.fast);
	cr_assert_eq(caller.err.result, CLIENT_UNREACHABLE);
	cr_assert_lt(took, 100);
	cr_assert(caller_ask(&caller) == CLIENT_UNREACHABLE && caller.err.fast);
	cr_assert_eq(caller.err.sys_errno, ECONNREFUSED);
}
