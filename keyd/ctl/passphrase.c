#include "passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "bytes.h"
#include "ini/ini.h"
#include "text.h"
#include "wire/boot.h"

struct passphrase {
	bool is_given; /* by --passin; else the terminal is asked */
	size_t len;
	uint8_t text[BOOT_MAX_PASSPHRASE + 1]; /* and room for a newline */
};

/* The first line of fd, without its end. 0, or -1 with errno (E2BIG). One byte at a
 * time, since what follows may be another's. */
static int
read_line(int fd, struct passphrase *p)
{
	ssize_t n;

	p->len = 0;
	for (;;) {
		n = read(fd, p->text + p->len, 1);
		if (n < 0)
			return -1;
		if (n == 0 || p->text[p->len] == '\n')
			return 0;
		if (p->len == BOOT_MAX_PASSPHRASE) {
			errno = E2BIG;
			return -1;
		}
		p->len++;
	}
}

static int
cannot(const char *what, struct fault *f)
{
	return fault_set(f, FAULT_FAILED, "--passin: %s: %s", what,
		errno == E2BIG ? "longer than 1023 bytes" : strerror(errno));
}

/* The rest of the option's word, which is wiped. */
static int
take_text(char *from, const char *what, struct passphrase *p, struct fault *f)
{
	size_t len = strlen(from);

	if (len > BOOT_MAX_PASSPHRASE) {
		errno = E2BIG;
		return cannot(what, f);
	}
	memcpy(p->text, from, len);
	p->len = len;
	explicit_bzero(from, len);
	return 0;
}

static int
take_pass(char *arg, struct passphrase *p, struct fault *f)
{
	return take_text(arg, "pass:", p, f);
}

static int
take_env(char *arg, struct passphrase *p, struct fault *f)
{
	char *value = getenv(arg);

	if (value == NULL)
		return fault_set(f, FAULT_USAGE,
			"--passin env:%s: there is no such variable", arg);
	return take_text(value, "env:", p, f);
}

static int
take_file(char *arg, struct passphrase *p, struct fault *f)
{
	int fd = open(arg, O_RDONLY | O_NOCTTY | O_CLOEXEC), r;

	if (fd < 0)
		return cannot(arg, f);
	r = read_line(fd, p) < 0 ? cannot(arg, f) : 0;
	(void)close(fd);
	return r;
}

static int
take_fd(char *arg, struct passphrase *p, struct fault *f)
{
	unsigned long fd;

	if (ini_number(arg, INT32_MAX, &fd) < 0)
		return fault_set(f, FAULT_USAGE,
			"--passin fd:%s: not the number of a descriptor", arg);
	return read_line((int)fd, p) < 0 ? cannot("fd:", f) : 0;
}

static int
take_stdin(char *arg, struct passphrase *p, struct fault *f)
{
	(void)arg;
	return read_line(STDIN_FILENO, p) < 0 ? cannot("stdin", f) : 0;
}

static const struct form {
	const char *prefix;
	bool alone; /* nothing may follow */
	int (*take)(char *arg, struct passphrase *p, struct fault *f);
} forms[] = {
	{ "pass:", false, take_pass },
	{ "env:", false, take_env },
	{ "file:", false, take_file },
	{ "fd:", false, take_fd },
	{ "stdin", true, take_stdin },
};

static int
take(char *passin, struct passphrase *p, struct fault *f)
{
	size_t i, n;

	p->is_given = true;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		n = strlen(forms[i].prefix);
		if (strncmp(passin, forms[i].prefix, n) == 0 &&
			(!forms[i].alone || passin[n] == '\0'))
			return forms[i].take(passin + n, p, f);
	}
	/* What it is may be a passphrase: not to be shown. */
	return fault_set(f, FAULT_USAGE,
		"--passin: not one of pass:PASSPHRASE, env:VARIABLE, "
		"file:PATH, fd:NUMBER, stdin");
}

int
passphrase_open(char *passin, struct passphrase **out, struct fault *f)
{
	struct passphrase *p = bytes_secret(sizeof(*p));

	if (p == NULL)
		return fault_set(f, FAULT_FAILED,
			"no memory for a passphrase: %s", strerror(errno));
	if (passin != NULL && take(passin, p, f) < 0) {
		passphrase_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

/* --- the terminal --------------------------------------------------------- */

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
}

/* Signals that would leave the terminal without echo. */
static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

enum {
	ENDINGS = sizeof(endings) / sizeof(endings[0]),
};

/* Without echo, and with it again whatever happens. 0, or -1 with errno. */
static int
read_silently(int tty, struct passphrase *p)
{
	struct sigaction sa = { .sa_handler = on_signal }, old[ENDINGS];
	struct termios loud, silent;
	int i, r, saved;

	if (tcgetattr(tty, &loud) < 0)
		return -1;
	silent = loud;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	caught = 0;
	/* No SA_RESTART: the read is to end. */
	for (i = 0; i < ENDINGS; i++)
		(void)sigaction(endings[i], &sa, &old[i]);
	r = tcsetattr(tty, TCSAFLUSH, &silent);
	if (r == 0)
		r = read_line(tty, p);
	saved = errno;
	(void)tcsetattr(tty, TCSAFLUSH, &loud);
	for (i = 0; i < ENDINGS; i++)
		(void)sigaction(endings[i], &old[i], NULL);
	/* The Enter was not shown. */
	if (bytes_write(tty, "\n", 1) < 0 && r == 0) {
		saved = errno;
		r = -1;
	}
	if (caught != 0) {
		p->len = 0;
		explicit_bzero(p->text, sizeof(p->text));
		(void)raise(caught);
		saved = EINTR;
		r = -1;
	}
	errno = saved;
	return r;
}

static int
ask(struct passphrase *p, const char *path, unsigned wrong, struct fault *f)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), r;
	char question[PATH_MAX + 128], shown[PATH_MAX];

	if (tty < 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: the key is encrypted, and there is no terminal to "
			"ask for its passphrase: say --passin file:PATH (or "
			"pass:, env:, fd:, stdin)",
			path);
	(void)snprintf(question, sizeof(question),
		"%sPassphrase of %s: ", wrong > 0 ? "That was not it. " : "",
		text_shown(path, shown));
	r = bytes_write(tty, question, strlen(question));
	if (r == 0)
		r = read_silently(tty, p);
	if (r < 0)
		(void)fault_set(f, FAULT_FAILED,
			"%s: reading its passphrase from the terminal: %s",
			path,
			errno == E2BIG ? "longer than 1023 bytes"
				       : strerror(errno));
	(void)close(tty);
	return r;
}

int
passphrase_get(struct passphrase *p, const char *path, unsigned wrong,
	struct view *out, struct fault *f)
{
	if (wrong >= (p->is_given ? 1 : PASSPHRASE_TRIES))
		return fault_set(f, FAULT_FAILED,
			"%s: %s is not the key's passphrase", path,
			p->is_given ? "what --passin gives"
				    : "what was given three times");
	if (!p->is_given && ask(p, path, wrong, f) < 0)
		return -1;
	*out = (struct view){ p->text, p->len };
	return 0;
}

void
passphrase_free(struct passphrase *p)
{
	bytes_secret_free(p, sizeof(*p));
}
