#include "shellfile.h"

#include <stdio.h>
#include <string.h>

#include "text.h"
#include "wire/shell.h"

/* PEM readers skip what stands before the first line of dashes. */
static int
comment(const char *name, char *out, size_t size)
{
	return snprintf(out, size,
		"# openssl-keyd shell for key %.63s: the private key is kept "
		"by keyd, not here.\n",
		name);
}

long
shellfile_print(const char *name, struct view spki, char out[SHELLFILE_MAX],
	struct fault *f)
{
	uint8_t der[SHELL_MAX];
	size_t len;
	long n, m = -1;

	n = comment(name, out, SHELLFILE_MAX);
	if (shell_encode(name, spki, der, sizeof(der), &len) == 0)
		m = text_pem("PRIVATE KEY", der, len, out + n,
			SHELLFILE_MAX - (size_t)n);
	if (m < 0)
		return fault_set(f, FAULT_FAILED,
			"key %s: its public key does not fit into a shell",
			name);
	return n + m;
}

bool
shellfile_is(const struct bytes *b, const char *name)
{
	char start[256];
	size_t n = (size_t)comment(name, start, sizeof(start));

	return b->len > n && memcmp(b->data, start, n) == 0;
}
