#include "dryrun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"

/* In the child: its standard error is the pipe. */
static void
run(const char *program, const char *config, int fd)
{
	char name[] = "keyd", test[] = "-t", option[] = "-c", file[PATH_MAX];
	char *argv[] = { name, test, option, file, NULL };
	char *envp[HELPER_ENVIRONMENT];

	(void)snprintf(file, sizeof(file), "%s", config);
	helper_environment(envp);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(127);
	(void)execve(program, argv, envp);
	_exit(127);
}

/* All that it says, as far as there is room; until it has ended. */
static size_t
read_all(int fd, char *out, size_t size)
{
	char rest[512];
	size_t len = 0;
	ssize_t n;

	do {
		if (len < size)
			n = read(fd, out + len, size - len);
		else
			n = read(fd, rest, sizeof(rest));
		if (n > 0 && len < size)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return len;
}

/* Its text and exit status; -1: errno says why it could not be started. */
static int
ask(const char *config, struct dryrun *out)
{
	char program[PATH_MAX];
	int fds[2], status;
	pid_t pid;

	if (config_helper("keyd", program, sizeof(program)) < 0 ||
		pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		run(program, config, fds[1]);
	(void)close(fds[1]);
	if (pid > 0)
		/* Two bytes stay for the end. */
		(void)read_all(fds[0], out->text, sizeof(out->text) - 2);
	(void)close(fds[0]);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static bool
is_error(const char *line)
{
	return line[0] == '<' && line[1] >= '0' && line[1] <= '3' &&
	       line[2] == '>';
}

/* "<N>about: text" */
static void
say(struct findings *v, const char *line)
{
	char about[PATH_MAX + 64];
	const char *text, *colon;

	/* No finding, or the sum of all, which comes last. */
	if (strlen(line) < 4 || line[0] != '<' || line[1] > '4' ||
		strncmp(line + 3, "checked ", 8) == 0)
		return;
	text = line + 3;
	colon = strstr(text, ": ");
	(void)snprintf(about, sizeof(about), "%.*s",
		colon == NULL ? 0 : (int)(colon - text), text);
	finding_say(v, is_error(line) ? FINDING_ERROR : FINDING_WARNING,
		colon == NULL ? "keyd" : about, "%s",
		colon == NULL ? text : colon + 2);
}

void
dryrun(struct findings *v, struct dryrun *out)
{
	unsigned before = v->count[FINDING_ERROR];
	char *line, *end;
	int status;

	memset(out, 0, sizeof(*out));
	status = ask(v->ctl->config.file, out);
	for (line = out->text; (end = strchr(line, '\n')) != NULL;
		line = end + 1) {
		*end = '\0';
		say(v, line);
	}
	if (status < 0)
		finding_say(v, FINDING_ERROR, "keyd", "keyd -t: %s",
			strerror(errno));
	else if (status != 0 && v->count[FINDING_ERROR] == before)
		finding_say(v, FINDING_ERROR, "keyd", "keyd -t fails: run it");
}

/* Is it "NAME.pem" or "NAME.conf", and then no more of a name? */
static bool
is_file_of(const char *text, const char *name)
{
	static const char *const suffixes[] = { ".pem:", ".conf:" };
	size_t i, n = strlen(name);

	if (strncmp(text, name, n) != 0)
		return false;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strncmp(text + n, suffixes[i], strlen(suffixes[i])) == 0)
			return true;
	return false;
}

bool
dryrun_refused(const struct dryrun *d, const char *name)
{
	const char *line, *slash, *colon;

	for (line = d->text; *line != '\0'; line += strlen(line) + 1) {
		if (!is_error(line))
			continue;
		/* Behind the folder, where one is named. */
		colon = strchr(line, ':');
		slash = colon == NULL
				? NULL
				: memrchr(line, '/', (size_t)(colon - line));
		if (is_file_of(slash == NULL ? line + 3 : slash + 1, name))
			return true;
	}
	return false;
}
