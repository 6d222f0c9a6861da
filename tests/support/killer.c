/*
 * killer N before|after PROGRAM ARG…
 *
 * Runs the program and kills it (SIGKILL) just before or just after its N-th
 * system call that changes something outside of it. Prints that call's name,
 * or, if there were fewer, "end" and their number, and exits with the program's
 * status. Its children are not counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct call {
	long number;
	const char *name;
	int flags_at; /* argument with open flags, of which O_CREAT counts */
} calls[] = {
	{ SYS_openat, "openat", 2 },
	{ SYS_write, "write", -1 },
	{ SYS_pwrite64, "pwrite64", -1 },
	{ SYS_writev, "writev", -1 },
	{ SYS_ftruncate, "ftruncate", -1 },
	{ SYS_renameat, "renameat", -1 },
	{ SYS_renameat2, "renameat2", -1 },
	{ SYS_unlinkat, "unlinkat", -1 },
	{ SYS_linkat, "linkat", -1 },
	{ SYS_symlinkat, "symlinkat", -1 },
	{ SYS_mkdirat, "mkdirat", -1 },
	{ SYS_fchmod, "fchmod", -1 },
	{ SYS_fchmodat, "fchmodat", -1 },
	{ SYS_fchown, "fchown", -1 },
	{ SYS_fchownat, "fchownat", -1 },
	{ SYS_fsetxattr, "fsetxattr", -1 },
	{ SYS_fremovexattr, "fremovexattr", -1 },
	{ SYS_fsync, "fsync", -1 },
	{ SYS_fdatasync, "fdatasync", -1 },
	{ SYS_flock, "flock", -1 },
	{ SYS_kill, "kill", -1 },
	{ SYS_pidfd_send_signal, "pidfd_send_signal", -1 },
#ifdef SYS_open
	{ SYS_open, "open", 1 },
	{ SYS_creat, "creat", -1 },
	{ SYS_rename, "rename", -1 },
	{ SYS_unlink, "unlink", -1 },
	{ SYS_link, "link", -1 },
	{ SYS_symlink, "symlink", -1 },
	{ SYS_mkdir, "mkdir", -1 },
	{ SYS_chmod, "chmod", -1 },
	{ SYS_chown, "chown", -1 },
#endif
};

static const struct call *
find(const struct __ptrace_syscall_info *info)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const struct call *c = &calls[i];

		if ((unsigned long)c->number != info->entry.nr)
			continue;
		if (c->flags_at >= 0 &&
			(info->entry.args[c->flags_at] & O_CREAT) == 0)
			return NULL;
		return c;
	}
	return NULL;
}

static int
fail(const char *what)
{
	perror(what);
	return 125;
}

static int
end(pid_t pid, const char *name)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)printf("%s\n", name);
	return 0;
}

static int
trace(pid_t pid, unsigned long n, int after)
{
	struct __ptrace_syscall_info info;
	const struct call *hit = NULL;
	unsigned long seen = 0;
	int status, sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, (long)sig) < 0)
			return fail("PTRACE_SYSCALL");
		if (waitpid(pid, &status, 0) != pid)
			return fail("waitpid");
		if (WIFEXITED(status)) {
			(void)printf("end %lu\n", seen);
			return WEXITSTATUS(status);
		}
		if (!WIFSTOPPED(status))
			return fail("the program died");
		sig = WSTOPSIG(status);
		if (sig != (SIGTRAP | 0x80)) {
			sig = sig == SIGTRAP ? 0 : sig;
			continue;
		}
		sig = 0;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <
			0)
			return fail("PTRACE_GET_SYSCALL_INFO");
		if (info.op == PTRACE_SYSCALL_INFO_EXIT && hit != NULL)
			return end(pid, hit->name);
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY ||
			find(&info) == NULL || ++seen != n)
			continue;
		if (!after)
			return end(pid, find(&info)->name);
		hit = find(&info);
	}
}

int
main(int argc, char **argv)
{
	unsigned long n = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
	int status;
	pid_t pid;

	if (argc < 4) {
		(void)fprintf(
			stderr, "usage: killer N before|after PROGRAM ARG…\n");
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		/* What it says goes with what is said about it. */
		if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
			ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(126);
		(void)execv(argv[3], argv + 3);
		_exit(126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return fail(argv[3]);
	if (ptrace(PTRACE_SETOPTIONS, pid, 0,
		    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		return fail("PTRACE_SETOPTIONS");
	return trace(pid, n, strcmp(argv[2], "after") == 0);
}
