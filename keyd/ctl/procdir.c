#include "procdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
procdir_open(pid_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool
procdir_is_gone(int error)
{
	return error == ESRCH || error == ENOENT;
}

/* Doubles the room, which is full. 0, or -1: errno. */
static int
grow(char **text, size_t *size)
{
	char *grown;

	if (*size >= PROCDIR_MAX_TEXT) {
		errno = EFBIG;
		return -1;
	}
	grown = realloc(*text, 2 * *size);
	if (grown == NULL)
		return -1;
	*text = grown;
	*size *= 2;
	return 0;
}

char *
procdir_text(int dir, const char *name, size_t *len)
{
	size_t size = 4096, n = 0;
	char *text = malloc(size);
	ssize_t got = -1;
	int saved, fd;

	if (text == NULL)
		return NULL;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		goto err_text;
	while ((got = read(fd, text + n, size - n - 1)) > 0) {
		n += (size_t)got;
		if (n + 1 == size && grow(&text, &size) < 0)
			goto err_fd;
	}
	if (got < 0)
		goto err_fd;
	(void)close(fd);
	text[n] = '\0';
	if (len != NULL)
		*len = n;
	return text;

err_fd:
	saved = errno;
	(void)close(fd);
	errno = saved;
err_text:
	saved = errno;
	free(text);
	errno = saved;
	return NULL;
}

/* A line that comes in pieces. */
struct line {
	char text[PROCDIR_MAX_LINE];
	size_t n;
	procdir_line_fn *fn;
	void *arg;
};

static void
end(struct line *l)
{
	l->text[l->n] = '\0';
	l->n = 0;
	l->fn(l->arg, l->text);
}

static void
piece(struct line *l, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] == '\n')
			end(l);
		else if (l->n + 1 < sizeof(l->text))
			l->text[l->n++] = data[i];
}

int
procdir_lines(int dir, const char *name, procdir_line_fn *fn, void *arg)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), saved;
	struct line l = { .n = 0, .fn = fn, .arg = arg };
	size_t total = 0;
	ssize_t n = -1;
	char buf[32768];

	if (fd < 0)
		return -1;
	errno = EFBIG;
	while (total < PROCDIR_MAX_LINES &&
		(n = read(fd, buf, sizeof(buf))) > 0) {
		piece(&l, buf, (size_t)n);
		total += (size_t)n;
		errno = EFBIG;
	}
	if (n == 0 && l.n > 0)
		end(&l);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return n == 0 ? 0 : -1;
}

int
procdir_is_other(int dir, const char *kind)
{
	char path[32], theirs[64] = "", ours[64] = "", our_path[48];

	(void)snprintf(path, sizeof(path), "ns/%s", kind);
	(void)snprintf(our_path, sizeof(our_path), "/proc/self/ns/%s", kind);
	if (readlinkat(dir, path, theirs, sizeof(theirs) - 1) < 0 ||
		readlink(our_path, ours, sizeof(ours) - 1) < 0)
		return -1;
	return strcmp(theirs, ours) != 0;
}

const char *
procdir_field(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, name, len) == 0)
			return text + len;
		text = strchr(text, '\n');
		text = text == NULL ? NULL : text + 1;
	}
	return NULL;
}

const char *
procdir_stat(const char *stat, unsigned n)
{
	const char *s = strrchr(stat, ')');
	unsigned i;

	for (i = 2; s != NULL && i < n; i++) {
		s = strchr(s + 1, ' ');
	}
	return s == NULL ? NULL : s + 1;
}
