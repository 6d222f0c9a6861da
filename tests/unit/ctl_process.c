/* Other processes and their files, as check --pid reads them. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl/procdir.h"
#include "ctl/reach.h"
#include "ctl/scan.h"

static const char *const words[] = { "first", "second" };

static int
memory_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

static void
put(int fd, const char *text, off_t at)
{
	cr_assert_eq(pwrite(fd, text, strlen(text), at), (ssize_t)strlen(text));
}

/* --- scan ----------------------------------------------------------------- */

Test(scan, finds_a_word_across_the_pieces_it_reads)
{
	const off_t piece = 1024 * 1024;
	struct scan s;
	off_t at;
	int fd;

	for (at = piece - 7; at <= piece; at++) {
		fd = memory_file();
		put(fd, "second", at);
		put(fd, "second", 3 * piece);
		cr_assert_eq(scan_file(fd, words, 2, &s), 0);
		cr_assert_eq(s.found, 2);
		cr_assert_eq(s.end[1], at + 6, "not the first one");
		cr_assert(s.whole);
		(void)close(fd);
	}
}

Test(scan, ends_early_with_the_first_word_alone)
{
	int fd = memory_file();
	struct scan s;

	put(fd, "second", 0);
	put(fd, "first", 5 * 1024 * 1024);
	put(fd, "second", 8 * 1024 * 1024);
	cr_assert_eq(scan_file(fd, words, 2, &s), 0);
	cr_assert_eq(s.found, 3);
	cr_assert_eq(s.end[1], 6);
	(void)close(fd);
}

Test(scan, tells_what_it_did_not_look_at)
{
	int fd = memory_file(), folder = open("/", O_RDONLY | O_CLOEXEC);
	struct scan s;

	put(fd, "first", SCAN_MAX + 64);
	cr_assert_eq(scan_file(fd, words, 1, &s), 0);
	cr_assert_eq(s.found, 0);
	cr_assert_not(s.whole);
	(void)close(fd);
	/* Cannot be read. */
	cr_assert_eq(scan_file(folder, words, 1, &s), 0);
	cr_assert_not(s.whole);
	(void)close(folder);
}

struct shrinking {
	int fd;
	atomic_bool over;
};

static void *
shrink(void *arg)
{
	struct shrinking *f = arg;

	while (!f->over) {
		(void)!ftruncate(f->fd, 0);
		(void)!ftruncate(f->fd, 16 * 1024 * 1024);
	}
	return NULL;
}

/* Had it been mapped, this would be a SIGBUS. */
Test(scan, survives_a_file_that_is_cut_short_meanwhile, .timeout = 60)
{
	struct shrinking f = { .fd = memory_file() };
	pthread_t thread;
	struct scan s;
	int i;

	cr_assert_eq(pthread_create(&thread, NULL, shrink, &f), 0);
	for (i = 0; i < 200; i++)
		cr_assert_eq(scan_file(f.fd, words, 2, &s), 0);
	f.over = true;
	cr_assert_eq(pthread_join(thread, NULL), 0);
	(void)close(f.fd);
}

/* --- files of /proc ------------------------------------------------------- */

/* A folder that is not of /proc serves as well. */
static int
folder_with(const char *name, size_t lines, size_t len)
{
	char path[] = "/tmp/keyd-process-XXXXXX", *line = malloc(len + 1);
	int dir, fd;

	cr_assert_not_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	memset(line, 'x', len);
	line[len] = '\n';
	for (; lines > 0; lines--)
		cr_assert_eq(write(fd, line, len + 1), (ssize_t)len + 1);
	cr_assert_eq(write(fd, "end", 3), 3);
	free(line);
	(void)close(fd);
	return dir;
}

static void
drop(int dir, const char *name)
{
	char link[64], path[256];
	ssize_t n;

	(void)unlinkat(dir, name, 0);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > 0) {
		path[n] = '\0';
		(void)rmdir(path);
	}
	(void)close(dir);
}

struct lines {
	size_t n, longest;
	char last[8];
};

static void
count(void *arg, char *line)
{
	struct lines *l = arg;

	l->n++;
	if (strlen(line) > l->longest)
		l->longest = strlen(line);
	(void)snprintf(l->last, sizeof(l->last), "%s", line);
}

Test(procdir, too_long_a_text_is_named_so)
{
	int dir = folder_with("maps", 80000, 100);

	errno = ESRCH;
	cr_assert_null(procdir_text(dir, "maps", NULL));
	cr_assert_eq(errno, EFBIG);
	drop(dir, "maps");
}

Test(procdir, lines_of_long_files_all_come)
{
	int dir = folder_with("maps", 80000, 100);
	struct lines l = { 0 };

	cr_assert_eq(procdir_lines(dir, "maps", count, &l), 0);
	cr_assert_eq(l.n, 80001);
	cr_assert_eq(l.longest, 100);
	cr_assert_str_eq(l.last, "end");
	drop(dir, "maps");
}

Test(procdir, long_lines_are_cut)
{
	int dir = folder_with("maps", 2, 100000);
	struct lines l = { 0 };

	cr_assert_eq(procdir_lines(dir, "maps", count, &l), 0);
	cr_assert_eq(l.n, 3);
	cr_assert_eq(l.longest, PROCDIR_MAX_LINE - 1);
	drop(dir, "maps");
}

Test(procdir, fields_stand_behind_the_name_whatever_that_is)
{
	static const char stat[] = "7 (a) S 9) Z 1 (b)) R 5 6 7";

	cr_assert_eq(*procdir_stat(stat, 3), 'R');
	cr_assert_eq(*procdir_stat(stat, 4), '5');
	cr_assert_null(procdir_stat(stat, 30));
	cr_assert_null(procdir_stat("no brackets", 3));
}

/* --- a number that becomes another's --------------------------------------- */

/* A child that waits, with this pid if it is not 0; -1: that may not be chosen. */
static pid_t
waiting_child(pid_t wanted)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = wanted == 0 ? 0 : (uint64_t)(uintptr_t)&wanted,
		.set_tid_size = wanted != 0,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	return pid;
}

static void
end(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(process, a_recycled_number_is_another_process)
{
	pid_t pid = waiting_child(0), again;
	struct process p, other;
	struct lines l = { 0 };
	struct fault f;

	cr_assert_gt(pid, 0);
	cr_assert_eq(process_open(pid, &p, &f), 0, "%s", f.text);
	end(pid);
	cr_assert_eq(process_open(pid, &other, &f), PROCESS_GONE);
	again = waiting_child(pid);
	if (again == pid)
		cr_assert_eq(process_open(pid, &other, &f), 0, "%s", f.text);
	cr_assert_null(procdir_text(p.dir, "status", NULL));
	cr_assert(procdir_is_gone(errno));
	cr_assert_lt(procdir_lines(p.dir, "maps", count, &l), 0);
	cr_assert_lt(process_program(&p), 0);
	process_close(&p);
	if (again != pid)
		cr_skip_test("a pid may not be chosen here: not as root");
	process_close(&other);
	end(again);
}

Test(process, one_that_has_ended_and_waits_for_its_parent_is_gone)
{
	pid_t pid = fork();
	struct process p;
	struct fault f;
	siginfo_t info;

	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(process_open(pid, &p, &f), PROCESS_GONE);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* --- the child that connects ---------------------------------------------- */

static bool stops;

/* Instead of libc's: the child is stopped by the user whom it has become. */
int
connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	if (stops)
		(void)raise(SIGSTOP);
	return (int)syscall(SYS_connect, fd, addr.__sockaddr__, len);
}

Test(reach, a_child_that_is_stopped_is_not_waited_for, .timeout = 30)
{
	struct process p;
	struct reach r;
	struct fault f;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	pid = waiting_child(0);
	cr_assert_eq(process_open(pid, &p, &f), 0, "%s", f.text);
	cr_assert_eq(reach_try(&p, "/nowhere/at/all", &r), ENOENT);
	cr_assert_eq(reach_try(&p, "@nowhere", &r), ECONNREFUSED);
	stops = true;
	cr_assert_eq(reach_try(&p, "@nowhere", &r), ETIMEDOUT);
	stops = false;
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), 0, "a child is left");
	process_close(&p);
	end(pid);
}
