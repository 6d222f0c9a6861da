#include "broker/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "broker/log.h"

enum {
	LAST_RESERVED_FD = 9,
	MAX_ENVIRONMENT = 4,
};

#ifdef __SANITIZE_ADDRESS__
/* The sanitizers' own settings, in builds that have them. */
static const char *const passed_on[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS",
	NULL };
#else
static const char *const passed_on[] = { NULL };
#endif

static int null_fd = -1;

int
program_init(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -1;
		if (fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) < 0)
			return -1;
	} while (fd <= LAST_RESERVED_FD);
	null_fd = fd;
	return 0;
}

/* Descriptors as described in the header. 0, or an errno. */
static int
describe_fds(posix_spawn_file_actions_t *actions, const int *fds, size_t nfds)
{
	size_t i;
	int e;

	e = posix_spawn_file_actions_adddup2(actions, null_fd, STDIN_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(
			actions, null_fd, STDOUT_FILENO);
	for (i = 0; e == 0 && i < nfds; i++)
		e = posix_spawn_file_actions_adddup2(
			actions, fds[i], PROGRAM_FIRST_FD + (int)i);
	if (e == 0)
		e = posix_spawn_file_actions_addclosefrom_np(
			actions, PROGRAM_FIRST_FD + (int)nfds);
	return e;
}

/* Signals as a new program expects them. 0, or an errno. */
static int
describe_signals(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int e;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	e = posix_spawnattr_setsigdefault(attr, &all);
	if (e == 0)
		e = posix_spawnattr_setsigmask(attr, &none);
	if (e == 0)
		e = posix_spawnattr_setflags(
			attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return e;
}

/* The environment: names of passed_on that are set, as "NAME=value". */
static void
collect_environment(char *env[MAX_ENVIRONMENT])
{
	size_t i, n = 0, len;
	char **e;

	for (e = environ; *e != NULL; e++)
		for (i = 0; passed_on[i] != NULL; i++) {
			len = strlen(passed_on[i]);
			if (n < MAX_ENVIRONMENT - 1 &&
				strncmp(*e, passed_on[i], len) == 0 &&
				(*e)[len] == '=')
				env[n++] = *e;
		}
	env[n] = NULL;
}

/*
 * Where memory is short, the kernel is to end one of these, of which there will
 * be others, and not the broker, with whom all end. Best effort: proc(5).
 */
static void
go_before_us(pid_t pid)
{
	static const char score[] = "500";
	char path[40];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, score, sizeof(score) - 1) < 0)
		log_line(LOG_WARNING, "%s: %s", path, strerror(errno));
	(void)close(fd);
}

int
program_start(const char *path, const char *plan, const char *mode,
	const int *fds, size_t nfds, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char *env[MAX_ENVIRONMENT], *argv[4];
	pid_t child;
	int e;

	e = posix_spawn_file_actions_init(&actions);
	if (e != 0)
		goto out;
	e = posix_spawnattr_init(&attr);
	if (e != 0)
		goto out_actions;
	e = describe_fds(&actions, fds, nfds);
	if (e == 0)
		e = describe_signals(&attr);
	if (e != 0)
		goto out_attr;
	/* execve(2) takes them without const, and does not write. */
	argv[0] = (char *)(uintptr_t)path;
	argv[1] = (char *)(uintptr_t)plan;
	argv[2] = (char *)(uintptr_t)mode;
	argv[3] = NULL;
	collect_environment(env);
	e = posix_spawn(&child, path, &actions, &attr, argv, env);
	if (e == 0) {
		*pid = child;
		go_before_us(child);
	}
out_attr:
	(void)posix_spawnattr_destroy(&attr);
out_actions:
	(void)posix_spawn_file_actions_destroy(&actions);
out:
	errno = e;
	return e == 0 ? 0 : -1;
}
