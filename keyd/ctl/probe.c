#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "config/config.h"
#include "loadable.h"
#include "regular.h"

enum {
	TIMEOUT = 30 * 1000, /* ms for a piece of output */
	FILE_FD = 3,
	MAX_ENVIRONMENT = 512,
	ERROR_MAX = 512, /* bytes of words */
};

/* The caller's environment, since files may refer to it, but for what would
 * name other files. */
static void
environment(char *envp[MAX_ENVIRONMENT], char *conf)
{
	size_t n = 0;
	char **e;

	for (e = environ; *e != NULL && n + 2 < MAX_ENVIRONMENT; e++)
		if (strncmp(*e, "OPENSSL_", 8) != 0 &&
			strncmp(*e, "LD_", 3) != 0)
			envp[n++] = *e;
	envp[n++] = conf;
	envp[n] = NULL;
}

static void
run(const char *program, const char *path, int file, int out,
	const char *strict, pid_t parent)
{
	char name[] = "keyd-probe", how[] = "strict";
	char module[PATH_MAX];
	char *argv[] = { name, strict != NULL ? how : NULL, module, NULL };
	char conf[PATH_MAX + 16];
	char *envp[MAX_ENVIRONMENT];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)snprintf(
		module, sizeof(module), "%s", strict != NULL ? strict : "");
	(void)snprintf(conf, sizeof(conf), "OPENSSL_CONF=%s", path);
	environment(envp, conf);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		dup2(out, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(127);
	/* dup2 onto itself would keep close-on-exec. */
	if (file >= 0 && (file == FILE_FD ? fcntl(file, F_SETFD, 0) < 0
					  : dup2(file, FILE_FD) < 0))
		_exit(127);
	(void)execve(program, argv, envp);
	_exit(127);
}

/* All of its output. */
static int
collect(int in, struct probe *out, struct fault *f)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	size_t len = 0;
	ssize_t n;
	int r;

	for (;;) {
		r = poll(&p, 1, TIMEOUT);
		if (r < 0 && errno == EINTR)
			continue;
		n = r > 0 ? read(in, out->text + len,
				    sizeof(out->text) - 1 - len)
			  : -1;
		if (n < 0) {
			(void)fault_set(f, FAULT_FAILED,
				"a program that loads it hangs: a provider may "
				"be the reason");
			return PROBE_DIES;
		}
		len += (size_t)n;
		out->text[len] = '\0';
		if (n == 0)
			return 0;
	}
}

static int
wait_for(pid_t pid, struct fault *f)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fault_set(f, FAULT_FAILED, "keyd-probe: %s",
				strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return fault_set(f, FAULT_FAILED,
			"keyd-probe: exit status %d: is openssl-keyd "
			"installed whole?",
			WEXITSTATUS(status));
	(void)fault_set(f, FAULT_FAILED,
		"a program that loads it dies of signal %d", WTERMSIG(status));
	return PROBE_DIES;
}

/* strict: NULL, or the module whose errors are wanted. */
static int
start(const char *path, int file, const char *strict, struct probe *out,
	struct fault *f)
{
	char program[PATH_MAX];
	pid_t pid, parent = getpid();
	int p[2], r;

	out->text[0] = '\0';
	if (config_helper("keyd-probe", program, sizeof(program)) < 0)
		return fault_set(f, FAULT_FAILED,
			"keyd-probe: %s: is openssl-keyd installed whole?",
			strerror(errno));
	if (pipe2(p, O_CLOEXEC) < 0)
		return fault_set(f, FAULT_FAILED, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		run(program, path, file, p[1], strict, parent);
	(void)close(p[1]);
	if (pid < 0) {
		(void)close(p[0]);
		return fault_set(f, FAULT_FAILED, "fork: %s", strerror(errno));
	}
	r = collect(p[0], out, f);
	(void)close(p[0]);
	if (r < 0) {
		struct fault ignored;

		(void)kill(pid, SIGKILL);
		(void)wait_for(pid, &ignored);
		return r;
	}
	return wait_for(pid, f);
}

static int
try_text(const void *text, size_t len, const char *strict, struct probe *out,
	struct fault *f)
{
	struct bytes b = { 0 };
	char path[32];
	int fd, r;

	b.data = malloc(len + 1);
	if (b.data == NULL)
		return fault_set(f, FAULT_FAILED, "no memory");
	memcpy(b.data, text, len);
	b.len = len;
	fd = bytes_file(&b);
	free(b.data);
	if (fd < 0)
		return fault_set(
			f, FAULT_FAILED, "memfd_create: %s", strerror(errno));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", FILE_FD);
	r = start(path, fd, strict, out, f);
	(void)close(fd);
	return r;
}

int
probe_text(const char *file, const void *text, size_t len, struct probe *out,
	struct fault *f)
{
	if (loadable_text(file, text, len, f) < 0)
		return -1;
	return try_text(text, len, NULL, out, f);
}

/* A file that is missing activates nothing. */
static int
is_loadable(const char *path, struct fault *f)
{
	struct bytes b = { 0 };
	int fd, r;

	if (loadable_path(path, f) < 0)
		return -1;
	fd = regular_open(AT_FDCWD, path);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || bytes_read(fd, CNF_MAX, &b) < 0) {
		(void)fault_set(
			f, FAULT_REFUSED, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)close(fd);
	r = loadable_text(path, b.data, b.len, f);
	bytes_free(&b);
	return r;
}

int
probe_file(const char *path, struct probe *out, struct fault *f)
{
	if (is_loadable(path, f) < 0)
		return -1;
	return start(path, -1, NULL, out, f);
}

/* Does p have the line (as far as len)? */
static bool
has_line(const struct probe *p, const char *line, size_t len)
{
	const char *at = p->text;

	while (*at != '\0') {
		if (strcspn(at, "\n") == len && strncmp(at, line, len) == 0)
			return true;
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return false;
}

bool
probe_has(const struct probe *p, const char *provider)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "provider %s", provider);

	return has_line(p, line, (size_t)n);
}

int
probe_compare(
	const struct probe *before, const struct probe *after, struct fault *f)
{
	const char *line = before->text;
	size_t n;

	for (; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		if (!has_line(after, line, n))
			return fault_set(f, FAULT_FAILED,
				"with the new file this would no longer be so: "
				"%.*s",
				n < 200 ? (int)n : 200, line);
	}
	if (probe_has(after, "keyd"))
		return 0;
	(void)fault_set(f, FAULT_FAILED,
		"with the new file the provider keyd is not active");
	return PROBE_INACTIVE;
}

/* The first error that libcrypto has with the text and, behind it, the module,
 * as words; empty: none, or it cannot be told. */
static void
first_error(const struct probe_conf *text, const char *module, struct probe *p,
	char out[ERROR_MAX])
{
	static const char word[] = "error ";
	const char *line = p->text + sizeof(word) - 1;
	struct fault ignored;

	out[0] = '\0';
	if (try_text(text->data, text->len, module, p, &ignored) == 0 &&
		strncmp(p->text, word, sizeof(word) - 1) == 0)
		(void)snprintf(
			out, ERROR_MAX, "%.*s", (int)strcspn(line, "\n"), line);
}

void
probe_why(const struct probe_conf *before, const struct probe_conf *after,
	const char *module, struct fault *f)
{
	struct probe *p = malloc(sizeof(*p));
	const struct probe_conf nothing = { "", 0 };
	char error[ERROR_MAX];

	if (p == NULL)
		return;
	if (module == NULL)
		module = "keyd";
	first_error(&nothing, module, p, error);
	if (error[0] != '\0') {
		fault_add(f,
			": %s: if keyd.so is not in OpenSSL's modules folder, "
			"say where with --module",
			error);
		free(p);
		return;
	}
	/* A provider that is there always. */
	first_error(before, "default", p, error);
	if (error[0] != '\0') {
		fault_add(f,
			", since the file was broken before, without keyd's "
			"lines: %s: mend that first",
			error);
	} else {
		first_error(after, module, p, error);
		if (error[0] != '\0')
			fault_add(f, ": %s", error);
	}
	free(p);
}
