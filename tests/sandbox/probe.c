/*
 * A process locked in exactly as a session is (or a loader, or a logger) that
 * then tries one attack. Its starter stands in for the broker and reports.
 *
 *   sandbox-probe start ROLE UID GID CHROOT ATTACK [ARG]
 *   sandbox-probe trace PID      another process of the same user
 *   sandbox-probe maps PID
 *   sandbox-probe kernel         which layers this kernel has
 *   PROGRAM euid                 what a set-user-id copy is started for
 *
 * start writes a line for each layer ("layer NAME on", "layer NAME off
 * ERRNO"), "pid N", "ring ADDRESS", and at the end "outcome WHAT". UID "-"
 * stays what it is. With the attack "wait", standard input is the client's
 * socket: the process sends a datagram there when all layers are in force, and
 * ends when its peer is closed.
 * Which layers are wanted: KEYD_TEST_LAYERS_OFF.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attacks.h"
#include "lockdown/lockdown.h"
#include "wire/boot.h"

enum {
	RING = 8192,
	/* Exit codes; those up to 199 are an errno. */
	NOT_LOCKED_IN = 200,
	BROKEN = 201,
};

static const char *const roles[] = {
	[LOCKDOWN_SESSION] = "session",
	[LOCKDOWN_LOADER] = "loader",
	[LOCKDOWN_LOGGER] = "logger",
};

static void
broken(const char *what)
{
	fprintf(stderr, "sandbox-probe: %s: %s\n", what, strerror(errno));
	_exit(BROKEN);
}

static enum lockdown_role
find_role(const char *name)
{
	for (unsigned i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(roles[i], name) == 0)
			return (enum lockdown_role)i;
	}
	errno = EINVAL;
	broken("role");
	return LOCKDOWN_SESSION;
}

static const struct attack *
find_attack(const char *name)
{
	const struct attack *a = attacks;

	while (a->name != NULL && strcmp(a->name, name) != 0)
		a++;
	if (a->name == NULL) {
		errno = EINVAL;
		broken(name);
	}
	return a;
}

static void
print_layers(const struct lockdown_plan *p, const struct lockdown_result *r)
{
	for (unsigned i = 0; i < LAYER_COUNT; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if ((r->on & bit) != 0)
			printf("layer %s on\n", lockdown_layer_name(i));
		else if ((p->wanted & bit) != 0 && r->error[i] != 0)
			printf("layer %s off %s\n", lockdown_layer_name(i),
				strerrorname_np(r->error[i]));
	}
}

/* As a session does: ring mapped and touched, descriptor closed, sealed. */
static void
map_ring(const struct lockdown_plan *p, int fd, struct attack_scene *s)
{
	s->ring_len = RING;
	s->ring = mmap(NULL, RING, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (s->ring == MAP_FAILED)
		broken("map ring");
	(void)close(fd);
	if ((p->wanted & lockdown_kernel_layers() & LAYER_MSEAL) != 0 &&
		lockdown_mseal(s->ring, RING) < 0)
		broken("mseal");
}

/* The locked-in process: PLAN ROLE ATTACK ARG. */
static int
locked(char **argv)
{
	const struct attack *attack = find_attack(argv[2]);
	struct lockdown_result result;
	struct lockdown_plan plan;
	struct attack_scene scene = { .arg = argv[3] };
	const char *failed = "";
	char start[16];
	int fds[3];
	size_t nfds;

	if (lockdown_plan_parse(argv[0], &plan) < 0)
		broken("plan");
	if (lockdown_enter(&plan, &result, &failed) < 0) {
		printf("failed %s %s\n", failed, strerrorname_np(errno));
		fflush(stdout);
		_exit(NOT_LOCKED_IN);
	}
	if (boot_recv(BOOT_FD_CONTROL, start, sizeof(start), fds, 3, &nfds) <=
			0 ||
		nfds != 3)
		broken("start");
	scene.client = fds[0];
	scene.audit = BOOT_FD_AUDIT;
	scene.memory = fds[2];
	map_ring(&plan, fds[1], &scene);
	print_layers(&plan, &result);
	printf("ring %p\n", scene.ring);
	fflush(stdout);

	const struct lockdown_fds allowed = { .client = scene.client,
		.audit = scene.audit,
		.control = BOOT_FD_CONTROL,
		.log = STDERR_FILENO };
	if (lockdown_filter(find_role(argv[1]), &plan, &allowed, &result) < 0)
		_exit(NOT_LOCKED_IN);
	_exit(attack->run(&scene));
}

static void
send_or_break(int fd, const int *fds, size_t n)
{
	if (boot_send(fd, "s", 1, fds, n) < 0)
		broken("send");
}

/* A ring as the loader makes it: secret memory, or a sealed memory file. */
static int
make_ring(uint32_t wanted)
{
	bool secret = (wanted & LAYER_SECRET_MEMORY) != 0 &&
		      (lockdown_kernel_layers() & LAYER_SECRET_MEMORY) != 0;
	int fd = secret ? lockdown_memfd_secret()
			: memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;

	if (fd < 0 || ftruncate(fd, RING) < 0)
		broken("ring");
	p = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		broken("ring");
	memset(p, 0xa5, RING);
	(void)munmap(p, RING);
	if (!secret && fcntl(fd, F_ADD_SEALS,
			       F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
				       F_SEAL_WRITE) < 0)
		broken("seal");
	return fd;
}

static void
make_pair(int sv[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		broken("socketpair");
}

static pid_t
spawn(const char *self, const struct lockdown_plan *plan, char **argv,
	const int control[2], const int audit[2])
{
	char text[PATH_MAX + 64];
	pid_t pid;

	if (lockdown_plan_print(plan, text, sizeof(text)) < 0)
		broken("plan");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		broken("fork");
	if (pid > 0)
		return pid;
	/* Out of the way first, lest one overwrite the other. */
	int c = fcntl(control[1], F_DUPFD_CLOEXEC, 20);
	int a = fcntl(audit[1], F_DUPFD_CLOEXEC, 20);
	if (dup2(c, BOOT_FD_CONTROL) < 0 || dup2(a, BOOT_FD_AUDIT) < 0)
		broken("dup2");
	execl(self, self, "locked", text, argv[0], argv[4],
		argv[5] != NULL ? argv[5] : "", (char *)NULL);
	broken("exec");
	return -1;
}

static void
print_outcome(int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (WIFSIGNALED(status))
		printf("outcome killed SIG%s\n",
			sigabbrev_np(WTERMSIG(status)));
	else if (code == 0)
		printf("outcome succeeded\n");
	else if (code < NOT_LOCKED_IN)
		printf("outcome refused %s\n", strerrorname_np(code));
	else
		printf("outcome %s\n",
			code == NOT_LOCKED_IN ? "not-locked-in" : "broken");
	fflush(stdout);
}

/* The broker's part: ROLE UID GID CHROOT ATTACK [ARG]. */
static int
start(const char *self, char **argv)
{
	struct lockdown_plan plan = {
		.uid = (uid_t)-1, .gid = (gid_t)-1, .wanted = lockdown_wanted()
	};
	struct lockdown_result namespaces = { 0 };
	int control[2], audit[2], client[2], status, memory;
	bool waits = strcmp(argv[4], "wait") == 0;
	pid_t pid;

	if (strcmp(argv[1], "-") != 0) {
		plan.uid = (uid_t)strtoul(argv[1], NULL, 10);
		plan.gid = (gid_t)strtoul(argv[2], NULL, 10);
	}
	snprintf(plan.chroot, sizeof(plan.chroot), "%s", argv[3]);
	make_pair(control);
	make_pair(audit);
	make_pair(client);
	if (waits && dup3(STDIN_FILENO, client[1], O_CLOEXEC) < 0)
		broken("client");
	int ring = make_ring(plan.wanted);
	memory = memfd_create("memory", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, RING) < 0)
		broken("memory");

	lockdown_namespaces(&namespaces);
	print_layers(&plan, &namespaces);
	if (lockdown_broker() < 0)
		broken("lockdown_broker");
	pid = spawn(self, &plan, argv, control, audit);
	printf("pid %d\n", (int)pid);
	fflush(stdout);
	/* The peer attaches a descriptor to its first message. */
	if (!waits)
		send_or_break(client[0], &memory, 1);
	send_or_break(control[0], (const int[]){ client[1], ring, memory }, 3);
	(void)close(client[1]);
	if (waitpid(pid, &status, 0) < 0)
		broken("wait");
	print_outcome(status);
	return 0;
}

static int
try_trace(const char *pid)
{
	return ptrace(PTRACE_SEIZE, (pid_t)atoi(pid), NULL, NULL) < 0 ? errno
								      : 0;
}

static int
try_maps(const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	return open(path, O_RDONLY) < 0 ? errno : 0;
}

static int
print_kernel(void)
{
	for (unsigned i = 0; i < LAYER_COUNT; i++) {
		if ((lockdown_kernel_layers() & UINT32_C(1) << i) != 0)
			puts(lockdown_layer_name(i));
	}
	return fflush(stdout);
}

int
main(int argc, char **argv)
{
	int r = BROKEN;

	if (argc == 6 && strcmp(argv[1], "locked") == 0)
		r = locked(argv + 2);
	else if (argc >= 7 && strcmp(argv[1], "start") == 0)
		r = start(argv[0], argv + 2);
	else if (argc == 3 && strcmp(argv[1], "trace") == 0)
		r = try_trace(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "maps") == 0)
		r = try_maps(argv[2]);
	else if (argc == 2 && strcmp(argv[1], "kernel") == 0)
		r = print_kernel();
	else if (argc == 2 && strcmp(argv[1], "euid") == 0)
		r = geteuid() == 0 ? 0 : EPERM;
	/* Without the exit handlers of a sanitizer, which would trace us. */
	_exit(r);
}
