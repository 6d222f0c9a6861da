#include "attacks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
};

/* What a system call returned, as an attack's outcome. */
static int
outcome(long r)
{
	return r < 0 ? errno : 0;
}

static int
try_open(const struct attack_scene *s)
{
	return outcome(syscall(SYS_open, s->arg, O_RDONLY));
}

static int
try_openat(const struct attack_scene *s)
{
	return outcome(openat(AT_FDCWD, s->arg, O_RDONLY));
}

static int
try_stat(const struct attack_scene *s)
{
	struct stat st;

	return outcome(stat(s->arg, &st));
}

static int
try_proc(const struct attack_scene *s)
{
	(void)s;
	return outcome(open("/proc/self/mem", O_RDWR));
}

static int
try_socket(const struct attack_scene *s)
{
	(void)s;
	return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int
try_socketpair(const struct attack_scene *s)
{
	int sv[2];

	(void)s;
	return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
}

/* On the socket it has: SEQPACKET allows no second connect, but the filter
 * must not let it come that far. */
static int
try_connect(const struct attack_scene *s)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX,
		.sun_path = "/nowhere" };

	return outcome(connect(s->client, (struct sockaddr *)&un, sizeof(un)));
}

static int
try_connect_tcp(const struct attack_scene *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(s->arg)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	return outcome(connect(fd, (struct sockaddr *)&in, sizeof(in)));
}

static int
try_connect_abstract(const struct attack_scene *s)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(s->arg);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	memcpy(un.sun_path + 1, s->arg, n);
	return outcome(connect(fd, (struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)));
}

/* A child that was made only ends itself. */
static int
child(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	return outcome(waitpid((pid_t)pid, NULL, 0));
}

static int
try_fork(const struct attack_scene *s)
{
	(void)s;
	return child(syscall(SYS_fork));
}

static int
try_vfork(const struct attack_scene *s)
{
	pid_t pid = vfork();

	(void)s;
	if (pid == 0)
		_exit(0);
	return child(pid);
}

static int
try_clone(const struct attack_scene *s)
{
	(void)s;
	return child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int
try_clone3(const struct attack_scene *s)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	(void)s;
	return child(syscall(SYS_clone3, &args, sizeof(args)));
}

static int
try_execve(const struct attack_scene *s)
{
	char *argv[] = { strdup(s->arg), strdup("euid"), NULL };

	(void)execve(s->arg, argv, argv + 2);
	return errno;
}

static int
try_execveat(const struct attack_scene *s)
{
	char *argv[] = { NULL };

	(void)syscall(SYS_execveat, s->memory, "", argv, argv, AT_EMPTY_PATH);
	return errno;
}

static int
try_ptrace(const struct attack_scene *s)
{
	(void)s;
	return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
try_kill(const struct attack_scene *s)
{
	return outcome(kill((pid_t)atoi(s->arg), 0));
}

static int
try_tgkill(const struct attack_scene *s)
{
	pid_t pid = (pid_t)atoi(s->arg);

	return outcome(syscall(SYS_tgkill, pid, pid, 0));
}

static int
try_pidfd_open(const struct attack_scene *s)
{
	return outcome(syscall(SYS_pidfd_open, atoi(s->arg), 0));
}

static int
try_process_vm_readv(const struct attack_scene *s)
{
	char byte;
	struct iovec to = { &byte, 1 }, from = { s->ring, 1 };

	return outcome(
		process_vm_readv((pid_t)atoi(s->arg), &to, 1, &from, 1, 0));
}

static int
try_ring_write(const struct attack_scene *s)
{
	return outcome(mprotect(s->ring, PAGE, PROT_READ | PROT_WRITE));
}

static int
try_ring_exec(const struct attack_scene *s)
{
	return outcome(mprotect(s->ring, PAGE, PROT_READ | PROT_EXEC));
}

static int
try_ring_mremap(const struct attack_scene *s)
{
	void *p = mremap(s->ring, PAGE, 2 * PAGE, MREMAP_MAYMOVE);

	return p == MAP_FAILED ? errno : 0;
}

static int
try_ring_munmap(const struct attack_scene *s)
{
	return outcome(munmap(s->ring, PAGE));
}

static int
try_ring_overlay(const struct attack_scene *s)
{
	void *p = mmap(s->ring, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
map(int prot, int flags, int fd)
{
	void *p = mmap(NULL, PAGE, prot, flags, fd, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
try_mmap_exec(const struct attack_scene *s)
{
	(void)s;
	return map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int
try_mmap_fd(const struct attack_scene *s)
{
	return map(PROT_READ | PROT_WRITE, MAP_SHARED, s->memory);
}

static int
try_mmap_fd_private(const struct attack_scene *s)
{
	return map(PROT_READ, MAP_PRIVATE, s->memory);
}

/* Not an attack: what malloc does. */
static int
try_mmap_heap(const struct attack_scene *s)
{
	(void)s;
	return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* Code of one's own: write it, then make it executable. */
static int
try_exec_gain(const struct attack_scene *s)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)s;
	if (p == MAP_FAILED)
		return errno;
	return outcome(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
}

static int
try_io_uring(const struct attack_scene *s)
{
	char params[256] = { 0 };

	(void)s;
	return outcome(syscall(SYS_io_uring_setup, 1, params));
}

static int
try_userfaultfd(const struct attack_scene *s)
{
	(void)s;
	return outcome(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int
try_bpf(const struct attack_scene *s)
{
	union bpf_attr attr;

	(void)s;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int
try_perf(const struct attack_scene *s)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr) };

	(void)s;
	return outcome(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int
try_keyctl(const struct attack_scene *s)
{
	(void)s;
	return outcome(syscall(SYS_keyctl, 0L, -3L, 1L));
}

static int
try_setuid(const struct attack_scene *s)
{
	(void)s;
	return outcome(setuid(0));
}

static int
try_setresuid(const struct attack_scene *s)
{
	(void)s;
	return outcome(setresuid(0, 0, 0));
}

static int
try_setgroups(const struct attack_scene *s)
{
	gid_t root = 0;

	(void)s;
	return outcome(syscall(SYS_setgroups, 1, &root));
}

static int
try_chroot(const struct attack_scene *s)
{
	(void)s;
	return outcome(chroot("/"));
}

static int
try_unshare(const struct attack_scene *s)
{
	(void)s;
	return outcome(unshare(CLONE_NEWUSER));
}

static int
try_setns(const struct attack_scene *s)
{
	return outcome(setns(s->client, 0));
}

static int
try_mount(const struct attack_scene *s)
{
	return outcome(mount("none", s->arg, "tmpfs", 0, NULL));
}

static int
try_pivot_root(const struct attack_scene *s)
{
	(void)s;
	return outcome(syscall(SYS_pivot_root, "/", "/"));
}

static int
try_memfd(const struct attack_scene *s)
{
	(void)s;
	return outcome(memfd_create("code", 0));
}

static int
try_prctl(const struct attack_scene *s)
{
	(void)s;
	return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
try_rlimit(const struct attack_scene *s)
{
	struct rlimit rl;

	(void)s;
	return outcome(getrlimit(RLIMIT_NOFILE, &rl));
}

static int
try_write(const struct attack_scene *s)
{
	(void)s;
	return outcome(write(STDERR_FILENO, "", 0));
}

static int
try_read(const struct attack_scene *s)
{
	char byte;

	return outcome(syscall(SYS_pread64, s->memory, &byte, 1, 0));
}

static int
try_dup(const struct attack_scene *s)
{
	return outcome(dup(s->client));
}

static int
try_sendto(const struct attack_scene *s)
{
	return outcome(sendto(s->client, "x", 1, MSG_NOSIGNAL, NULL, 0));
}

static int
try_recvfrom(const struct attack_scene *s)
{
	char byte;

	return outcome(recv(s->client, &byte, 1, MSG_DONTWAIT));
}

static int
message(int fd, int flags, bool send)
{
	char byte = 'x';
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return outcome(send ? sendmsg(fd, &m, flags | MSG_NOSIGNAL)
			    : recvmsg(fd, &m, flags));
}

static int
try_recvmsg_audit(const struct attack_scene *s)
{
	return message(s->audit, MSG_DONTWAIT, false);
}

static int
try_sendmsg_memory(const struct attack_scene *s)
{
	return message(s->memory, 0, true);
}

/* Not attacks: what the loop does. */
static int
try_recvmsg_client(const struct attack_scene *s)
{
	return message(s->client, 0, false);
}

static int
try_sendmsg_client(const struct attack_scene *s)
{
	return message(s->client, 0, true);
}

static int
try_sendmsg_audit(const struct attack_scene *s)
{
	return message(s->audit, 0, true);
}

/* The peer attaches a descriptor to what it sends. */
static int
try_receive_fd(const struct attack_scene *s)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space) };

	if (recvmsg(s->client, &m, 0) < 0)
		return errno;
	return CMSG_FIRSTHDR(&m) != NULL ? 0 : EMFILE;
}

static int
try_futex_wait(const struct attack_scene *s)
{
	uint32_t word = 0;

	(void)s;
	return outcome(syscall(SYS_futex, &word, 0, 1, NULL, NULL, 0));
}

static int
try_getppid(const struct attack_scene *s)
{
	(void)s;
	return outcome(getppid());
}

/* Not an attack: a session that says it is ready and waits for its client. */
static int
wait_for_client(const struct attack_scene *s)
{
	char byte = 'r';
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t n = sendmsg(s->client, &m, MSG_NOSIGNAL);

	while (n > 0)
		n = recvmsg(s->client, &m, 0);
	return outcome(n);
}

#ifdef __x86_64__
/* getpid by other tables of calls, whose numbers mean other calls there. */
static int
try_int80(const struct attack_scene *s)
{
	long r = 20;

	(void)s;
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	return r > 0 ? 0 : (int)-r;
}

static int
try_x32(const struct attack_scene *s)
{
	(void)s;
	return outcome(syscall(0x40000000L + SYS_getpid));
}
#endif

const struct attack attacks[] = {
	{ "wait", wait_for_client },
	{ "open", try_open },
	{ "openat", try_openat },
	{ "stat", try_stat },
	{ "proc", try_proc },
	{ "socket", try_socket },
	{ "socketpair", try_socketpair },
	{ "connect", try_connect },
	{ "connect-tcp", try_connect_tcp },
	{ "connect-abstract", try_connect_abstract },
	{ "fork", try_fork },
	{ "vfork", try_vfork },
	{ "clone", try_clone },
	{ "clone3", try_clone3 },
	{ "execve", try_execve },
	{ "execveat", try_execveat },
	{ "ptrace", try_ptrace },
	{ "kill", try_kill },
	{ "tgkill", try_tgkill },
	{ "pidfd_open", try_pidfd_open },
	{ "process_vm_readv", try_process_vm_readv },
	{ "ring-write", try_ring_write },
	{ "ring-exec", try_ring_exec },
	{ "ring-mremap", try_ring_mremap },
	{ "ring-munmap", try_ring_munmap },
	{ "ring-overlay", try_ring_overlay },
	{ "mmap-exec", try_mmap_exec },
	{ "mmap-fd", try_mmap_fd },
	{ "mmap-fd-private", try_mmap_fd_private },
	{ "mmap-heap", try_mmap_heap },
	{ "exec-gain", try_exec_gain },
	{ "io_uring", try_io_uring },
	{ "userfaultfd", try_userfaultfd },
	{ "bpf", try_bpf },
	{ "perf_event_open", try_perf },
	{ "keyctl", try_keyctl },
	{ "setuid", try_setuid },
	{ "setresuid", try_setresuid },
	{ "setgroups", try_setgroups },
	{ "chroot", try_chroot },
	{ "unshare", try_unshare },
	{ "setns", try_setns },
	{ "mount", try_mount },
	{ "pivot_root", try_pivot_root },
	{ "memfd_create", try_memfd },
	{ "prctl", try_prctl },
	{ "getrlimit", try_rlimit },
	{ "write", try_write },
	{ "pread", try_read },
	{ "dup", try_dup },
	{ "sendto", try_sendto },
	{ "recvfrom", try_recvfrom },
	{ "recvmsg-audit", try_recvmsg_audit },
	{ "sendmsg-other", try_sendmsg_memory },
	{ "recvmsg-client", try_recvmsg_client },
	{ "sendmsg-client", try_sendmsg_client },
	{ "sendmsg-audit", try_sendmsg_audit },
	{ "receive-fd", try_receive_fd },
	{ "futex-wait", try_futex_wait },
	{ "getppid", try_getppid },
#ifdef __x86_64__
	{ "int80", try_int80 },
	{ "x32", try_x32 },
#endif
	{ NULL, NULL },
};
