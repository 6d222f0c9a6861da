#include "broker/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_LINE = 2000,
};

static struct {
	int level;
	bool plain;
	int fd;
	unsigned lost; /* lines, since the last that was written */
} log_state = { LOG_DEBUG, false, STDERR_FILENO, 0 };

void
log_init(void)
{
	log_state.plain = isatty(STDERR_FILENO) == 1;
	/* The reader's end must not be ours. */
	(void)signal(SIGPIPE, SIG_IGN);
}

void
log_never_wait(void)
{
	struct stat st;
	int fd;

	/* An open file of our own, since others share the one of stderr, and
	 * its flags. Sockets cannot be opened so, and need not be; files are
	 * never waited for, and have one position for all who write. */
	if (fstat(STDERR_FILENO, &st) < 0 ||
		(!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)))
		return;
	fd = open("/proc/self/fd/2",
		O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		log_state.fd = fd;
}

/* 0, or -1: nobody takes it now. Never waits. */
static int
put(const char *line, size_t len)
{
	ssize_t n = send(log_state.fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = write(log_state.fd, line, len);
	return n < 0 ? -1 : 0;
}

/* What has gone missing since the last line, in words. */
static int
put_lost(void)
{
	char line[96];
	int n = snprintf(line, sizeof(line),
		"%s%u lines of the log could not be written before this one\n",
		log_state.plain ? "" : "<4>", log_state.lost);

	if (put(line, (size_t)n) < 0)
		return -1;
	log_state.lost = 0;
	return 0;
}

void
log_level(int level)
{
	log_state.level = level;
}

void
log_line(int priority, const char *format, ...)
{
	char line[MAX_LINE + 8];
	int saved = errno;
	size_t len = 0, i;
	va_list args;
	int n;

	if (priority > log_state.level)
		return;
	if (!log_state.plain)
		len = (size_t)snprintf(line, sizeof(line), "<%d>", priority);
	va_start(args, format);
	n = vsnprintf(line + len, MAX_LINE, format, args);
	va_end(args);
	if (n < 0)
		return;
	i = len;
	len += n < MAX_LINE ? (size_t)n : MAX_LINE - 1;
	for (; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	if ((log_state.lost > 0 && put_lost() < 0) || put(line, len) < 0)
		log_state.lost++;
	errno = saved;
}
