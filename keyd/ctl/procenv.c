#include "procenv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procdir.h"

enum {
	MAX_ARGUMENTS = 65536,
	MAX_VARIABLES = 4096,
};

/* What of it a string tells: PROCENV_UNKNOWN if it is no NAME=VALUE. */
static enum procenv
judge(const char *text, const char *name, char *out, size_t size)
{
	size_t len = strcspn(text, "=");

	if (text[len] == '\0' || len == 0)
		return PROCENV_UNKNOWN;
	if (strlen(name) != len || memcmp(text, name, len) != 0)
		return PROCENV_UNSET;
	(void)snprintf(out, size, "%s", text + len + 1);
	return PROCENV_SET;
}

/* The strings as the kernel knows them. */
static enum procenv
in_text(const char *text, size_t len, const char *name, char *out, size_t size)
{
	const char *pos = text, *end = text + len;
	enum procenv r = PROCENV_UNSET;

	for (; pos < end && r == PROCENV_UNSET; pos += strlen(pos) + 1)
		r = judge(pos, name, out, size);
	return r;
}

/* A terminated string of its memory. 0 or -1. */
static int
get_string(int mem, uintptr_t at, char *out, size_t size)
{
	ssize_t n = pread(mem, out, size, (off_t)at);

	return n > 0 && memchr(out, '\0', (size_t)n) != NULL ? 0 : -1;
}

static int
get_word(int mem, uintptr_t at, uintptr_t *out)
{
	return pread(mem, out, sizeof(*out), (off_t)at) == (ssize_t)sizeof(*out)
		       ? 0
		       : -1;
}

/*
 * The array that main() got: behind its count and arguments, at the start of
 * the stack (System V ABI, process initialization).
 */
static enum procenv
in_array(int mem, uintptr_t stack, const char *name, char *out, size_t size)
{
	const size_t word = sizeof(uintptr_t);
	char text[PATH_MAX + 64];
	enum procenv r = PROCENV_UNSET;
	uintptr_t argc, at;
	unsigned n;

	if (get_word(mem, stack, &argc) < 0 || argc > MAX_ARGUMENTS)
		return PROCENV_UNKNOWN;
	stack += (argc + 2) * word;
	for (n = 0; r == PROCENV_UNSET; n++) {
		if (n == MAX_VARIABLES ||
			get_word(mem, stack + n * word, &at) < 0)
			return PROCENV_UNKNOWN;
		if (at == 0)
			break;
		/* One that is longer than a path is not ours. */
		text[0] = '\0';
		if (get_string(mem, at, text, sizeof(text)) < 0)
			text[sizeof(text) - 1] = '\0';
		r = judge(text, name, out, size);
	}
	return n == 0 ? PROCENV_UNKNOWN : r;
}

int
procenv_find(
	int dir, const char *stat, const char *name, char *out, size_t size)
{
	const char *stack = procdir_stat(stat, 28);
	enum procenv r;
	size_t len;
	char *text = procdir_text(dir, "environ", &len);
	int mem;

	if (text == NULL)
		return -1;
	r = in_text(text, len, name, out, size);
	free(text);
	if (r != PROCENV_UNKNOWN || stack == NULL)
		return r;
	mem = openat(dir, "mem", O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return PROCENV_UNKNOWN;
	r = in_array(
		mem, (uintptr_t)strtoull(stack, NULL, 10), name, out, size);
	(void)close(mem);
	return r;
}
