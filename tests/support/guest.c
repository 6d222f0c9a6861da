/*
 * guest CASE N KEY…
 *
 * What applications do around the operations of a key: fork in every way, from
 * threads, give up rights, close and reuse descriptors, exit in the middle. Each
 * signature is verified with the key's public part. OPENSSL_CONF decides who
 * makes it: for a plain key this is libcrypto itself, the control.
 * Exit status 0: all went well; what was counted is printed.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATIENCE = 60, /* seconds that one process may take */
	SIGNERS = 3,   /* threads beside the one that does things */
	MAX_THREADS = 64,
	MAX_SOCKETS = 64,
	SPARE = 40, /* descriptors put where the provider's were */
	GUEST_UID = 58400,
};

static EVP_PKEY *keys[MAX_THREADS];
static int nkeys;
static atomic_bool stopping;
static atomic_bool leaving; /* libcrypto may be gone: nobody calls it now */
static atomic_int between, inside; /* threads: of operations */
static atomic_int made;            /* signatures, in this process */

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "%d: %s: %s\n", (int)getpid(), what, strerror(errno));
	ERR_print_errors_fp(stderr);
	_exit(1);
}

static EVP_PKEY *
load(const char *file)
{
	FILE *f = fopen(file, "r");
	EVP_PKEY *key;

	if (f == NULL)
		fail(file);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void)fclose(f);
	if (key == NULL)
		fail("the key cannot be loaded");
	return key;
}

/* Signs a message that nobody else signs, and verifies. */
static void
sign(EVP_PKEY *key)
{
	struct {
		pid_t pid, tid;
		int n;
	} message;
	const unsigned char *bytes = (const unsigned char *)&message;
	unsigned char sig[1024];
	size_t len = sizeof(sig);
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	memset(&message, 0, sizeof(message));
	message.pid = getpid();
	message.tid = gettid();
	message.n = atomic_fetch_add(&made, 1);
	if (EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(c, sig, &len, bytes, sizeof(message)) != 1)
		fail("no signature");
	EVP_MD_CTX_free(c);
	c = EVP_MD_CTX_new();
	if (EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestVerify(c, sig, len, bytes, sizeof(message)) != 1)
		fail("a signature that is none");
	EVP_MD_CTX_free(c);
	if (ERR_peek_error() != 0)
		fail("errors are left");
}

static void *
sign_until_stopped(void *arg)
{
	while (!atomic_load(&stopping))
		sign(arg);
	return NULL;
}

static void
start_threads(pthread_t *t, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, sign_until_stopped,
			    keys[i % nkeys]) != 0)
			fail("no thread");
}

static void
join_threads(const pthread_t *t, int n)
{
	int i;

	atomic_store(&stopping, true);
	for (i = 0; i < n; i++)
		(void)pthread_join(t[i], NULL);
}

static void
wait_for_signatures(int more)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int goal = atomic_load(&made) + more;

	while (atomic_load(&made) < goal)
		(void)nanosleep(&pause, NULL);
}

/* A child must end well; a stuck one dies of its alarm. */
static void
reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "child %d: wait status %#x\n", (int)pid,
			(unsigned)status);
		_exit(1);
	}
}

static pid_t
fork_here(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0)
		(void)alarm(PATIENCE);
	return pid;
}

/*
 * Every other child signs; none leaves by exit(), whose handlers in libcrypto
 * would wait for locks that threads of the parent hold.
 */
static void
child_of_threads(int n)
{
	if (n % 2 == 0)
		sign(keys[0]);
	_exit(0);
}

static void
forks(int n)
{
	pthread_t t[SIGNERS];
	pid_t pid;
	int i;

	start_threads(t, SIGNERS);
	wait_for_signatures(SIGNERS);
	for (i = 0; i < n; i++) {
		pid = fork_here();
		if (pid == 0)
			child_of_threads(i);
		reap(pid);
	}
	join_threads(t, SIGNERS);
	sign(keys[0]);
	printf("%d forks, %d signatures meanwhile\n", n, atomic_load(&made));
}

/* As daemons do: the parents exit by exit(), and take the provider down. */
static void
double_fork(int n)
{
	int i, ends[2], null;
	char ok;

	sign(keys[0]);
	for (i = 0; i < n; i++) {
		if (pipe(ends) < 0)
			fail("pipe");
		if (fork_here() == 0) {
			(void)setsid();
			if (fork_here() != 0)
				exit(0);
			null = open("/dev/null", O_RDWR);
			(void)dup2(null, 0);
			(void)dup2(null, 1);
			sign(keys[0]);
			if (write(ends[1], "k", 1) != 1)
				fail("write");
			exit(0);
		}
		(void)close(ends[1]);
		if (read(ends[0], &ok, 1) != 1)
			fail("the daemon did not sign");
		(void)close(ends[0]);
		(void)wait(NULL);
		sign(keys[0]);
	}
	printf("%d daemons\n", n);
}

static pid_t
spawn_true(void)
{
	char *argv[] = { (char[]){ "true" }, NULL };
	char *envp[] = { NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp) != 0)
		fail("posix_spawn");
	return pid;
}

static pid_t
vfork_here(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid;
}

/* Such a child shares our memory for a while. */
static void
vforks(int n)
{
	pthread_t t[SIGNERS];
	int i;

	start_threads(t, SIGNERS);
	for (i = 0; i < n; i++) {
		reap(i % 2 == 0 ? vfork_here() : spawn_true());
		sign(keys[0]);
	}
	join_threads(t, SIGNERS);
	printf("%d children\n", n);
}

struct sockets {
	int n;
	ino_t ino[MAX_SOCKETS];
};

static void
list_sockets(struct sockets *s)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	struct stat st;

	s->n = 0;
	while (d != NULL && (e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
			S_ISSOCK(st.st_mode) && s->n < MAX_SOCKETS)
			s->ino[s->n++] = st.st_ino;
	if (d != NULL)
		(void)closedir(d);
}

static bool
have_common(const struct sockets *a, const struct sockets *b)
{
	int i, j;

	for (i = 0; i < a->n; i++)
		for (j = 0; j < b->n; j++)
			if (a->ino[i] == b->ino[j])
				return true;
	return false;
}

/* Forks a child that has this process id. */
static pid_t
fork_as(pid_t pid)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1 };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/*
 * The first process signs and forks a second, which waits for its end and
 * forks a third with the first one's process id: the third has the first one's
 * id and its descriptors, and must take neither for its own.
 */
static void
third_with_id(pid_t first, int up, int down)
{
	struct sockets inherited, own;
	pid_t third;
	char go;

	if (read(down, &go, 1) != 1)
		fail("read");
	list_sockets(&inherited);
	third = fork_as(first);
	if (third < 0 && (errno == EPERM || errno == ENOSYS)) {
		(void)!write(up, "s", 1);
		_exit(0);
	}
	if (third < 0)
		fail("clone3");
	if (third == 0) {
		(void)alarm(PATIENCE);
		if (getpid() != first)
			fail("another process id");
		sign(keys[0]);
		list_sockets(&own);
		if (have_common(&inherited, &own))
			fail("an inherited connection was kept");
		_exit(0);
	}
	reap(third);
	sign(keys[0]);
	if (write(up, inherited.n > 0 ? "i" : "k", 1) != 1)
		fail("write");
	_exit(0);
}

static void
recycled(int n)
{
	int i, up[2], down[2], inherited = 0;
	char said = 0;
	pid_t first;

	for (i = 0; i < n && said != 's'; i++) {
		if (pipe(up) < 0 || pipe(down) < 0)
			fail("pipe");
		first = fork_here();
		if (first == 0) {
			sign(keys[0]);
			first = getpid();
			if (fork_here() == 0)
				third_with_id(first, up[1], down[0]);
			_exit(0);
		}
		reap(first);
		(void)close(up[1]);
		if (write(down[1], "g", 1) != 1 || read(up[0], &said, 1) != 1)
			fail("the second process failed");
		inherited += said == 'i';
		(void)close(up[0]);
		(void)close(down[0]);
		(void)close(down[1]);
	}
	if (said == 's')
		printf("SKIP no right to choose a process id\n");
	else
		printf("%d process ids used again, %d with a connection\n", n,
			inherited);
}

/* Loads as root; signs as another user, in a root folder that is gone. */
static void
drop(int n)
{
	char folder[] = "/tmp/guest.XXXXXX";
	int i;

	if (mkdtemp(folder) == NULL || chdir(folder) < 0 || rmdir(folder) < 0 ||
		chroot(".") < 0)
		fail("chroot");
	if (setgroups(0, NULL) < 0 || setgid(GUEST_UID) < 0 ||
		setuid(GUEST_UID) < 0)
		fail("rights could not be given up");
	for (i = 0; i < n; i++)
		sign(keys[0]);
	printf("%d signatures\n", n);
}

/* The same, but the connection was root's before. */
static void
sign_and_drop(int n)
{
	sign(keys[0]);
	drop(n);
}

static void
close_all(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		sign(keys[0]);
		closefrom(3);
		sign(keys[0]);
	}
	printf("%d times all descriptors closed\n", n);
}

/* Every number that the provider had belongs to the application now. */
static void
reuse(int n)
{
	int i, j, pair[SPARE][2];
	char byte;

	for (i = 0; i < n; i++) {
		sign(keys[0]);
		closefrom(3);
		for (j = 0; j < SPARE; j++)
			if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair[j]) < 0)
				fail("socketpair");
		sign(keys[0]);
		for (j = 0; j < SPARE; j++)
			if (recv(pair[j][0], &byte, 1, MSG_DONTWAIT) != -1 ||
				errno != EAGAIN ||
				recv(pair[j][1], &byte, 1, MSG_DONTWAIT) !=
					-1 ||
				errno != EAGAIN)
				fail("the application's socket was touched");
		closefrom(3);
	}
	printf("%d times all descriptors were the application's\n", n);
}

/* One operation after another; none is begun any more when we leave. */
static void *
sign_until_left(void *arg)
{
	unsigned char sig[1024];
	size_t len;
	EVP_MD_CTX *c;

	for (;;) {
		c = EVP_MD_CTX_new();
		len = sizeof(sig);
		if (EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, arg) != 1)
			fail("no operation");
		atomic_fetch_add(&inside, 1);
		atomic_fetch_sub(&between, 1);
		(void)EVP_DigestSign(c, sig, &len, sig, 1);
		atomic_fetch_add(&between, 1);
		atomic_fetch_sub(&inside, 1);
		/* Who leaves after this waits for us. */
		if (atomic_load(&leaving)) {
			atomic_fetch_sub(&between, 1);
			for (;;)
				(void)pause();
		}
		EVP_MD_CTX_free(c);
		atomic_fetch_add(&made, 1);
	}
}

/* Runs after libcrypto's own: the provider was told to go, and operations end
 * all the same. */
static void
wait_for_threads(void)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	while (atomic_load(&inside) > 0)
		(void)nanosleep(&pause, NULL);
}

static _Noreturn void
exit_in_the_middle(int round)
{
	pthread_t t[SIGNERS];
	int i;

	atomic_store(&between, SIGNERS);
	for (i = 0; i < SIGNERS; i++)
		if (pthread_create(
			    &t[i], NULL, sign_until_left, keys[i % nkeys]) != 0)
			fail("no thread");
	wait_for_signatures(SIGNERS + round % 5);
	atomic_store(&leaving, true);
	while (atomic_load(&between) > 0)
		(void)sched_yield();
	exit(0);
}

/* Exits in the middle of other threads' operations. */
static void
exits(int n)
{
	pid_t pid;
	int i;

	for (i = 0; i < n; i++) {
		pid = fork_here();
		if (pid == 0)
			exit_in_the_middle(i);
		reap(pid);
	}
	printf("%d exits\n", n);
}

static void
threads(int n)
{
	pthread_t t[MAX_THREADS];

	start_threads(t, MAX_THREADS);
	wait_for_signatures(n);
	join_threads(t, MAX_THREADS);
	printf("%d threads, %d keys, %d signatures\n", MAX_THREADS, nkeys,
		atomic_load(&made));
}

/* A thread that is cancelled in an operation leaves nothing behind. */
static void
cancels(int n)
{
	const struct timespec pause = { .tv_nsec = 300000 };
	struct sockets before, after;
	pthread_t t;
	int i;

	sign(keys[0]);
	list_sockets(&before);
	for (i = 0; i < n; i++) {
		if (pthread_create(&t, NULL, sign_until_stopped, keys[0]) != 0)
			fail("no thread");
		(void)nanosleep(&pause, NULL);
		(void)pthread_cancel(t);
		/* Nothing else in its loop can be cancelled. */
		atomic_store(&stopping, true);
		(void)pthread_join(t, NULL);
		atomic_store(&stopping, false);
	}
	list_sockets(&after);
	if (after.n > before.n + 1)
		fail("descriptors are left");
	sign(keys[0]);
	printf("%d threads cancelled\n", n);
}

static const struct {
	const char *name;
	void (*run)(int n);
} cases[] = {
	{ "forks", forks },
	{ "double-fork", double_fork },
	{ "vfork", vforks },
	{ "recycled", recycled },
	{ "drop", drop },
	{ "sign-and-drop", sign_and_drop },
	{ "close", close_all },
	{ "reuse", reuse },
	{ "exit", exits },
	{ "cancel", cancels },
	{ "threads", threads },
};

int
main(int argc, char **argv)
{
	size_t i;
	int k;

	if (argc < 4 || argc - 3 > MAX_THREADS)
		return 2;
	/* First, so that it is the last to be called. */
	if (atexit(wait_for_threads) != 0)
		return 2;
	for (k = 3; k < argc; k++)
		keys[nkeys++] = load(argv[k]);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].run((int)strtol(argv[2], NULL, 10));
			return 0;
		}
	return 2;
}
