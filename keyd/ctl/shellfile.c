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
shellfile_print(enum shellfile_form form, const char *name, struct view spki,
	char out[SHELLFILE_MAX], struct fault *f)
{
	uint8_t der[SHELL_MAX];
	size_t len;
	long n = 0, m = -1;

	if (shell_encode(name, spki, der, sizeof(der), &len) < 0)
		return fault_set(f, FAULT_FAILED,
			"key %s: its public key does not fit into a shell",
			name);
	if (form == SHELLFILE_DER) {
		memcpy(out, der, len);
		return (long)len;
	}
	n = comment(name, out, SHELLFILE_MAX);
	m = text_pem(
		"PRIVATE KEY", der, len, out + n, SHELLFILE_MAX - (size_t)n);
	return m < 0 ? -1 : n + m;
}

/* Up to the end of the line that ends the block. */
static size_t
block_len(const uint8_t *start, size_t max)
{
	static const char end[] = "\n-----END PRIVATE KEY-----\n";
	const uint8_t *p = memmem(start, max, end, sizeof(end) - 1);

	return p == NULL ? 0 : (size_t)(p - start) + sizeof(end) - 1;
}

bool
shellfile_find(enum shellfile_form form, const struct bytes *b,
	const char *name, struct view *part)
{
	char start[256];
	size_t n = (size_t)comment(name, start, sizeof(start));
	const uint8_t *p;
	struct shell shell;

	*part = (struct view){ b->data, b->len };
	if (b->len == 0)
		return false;
	if (form == SHELLFILE_DER)
		return shell_decode(b->data, b->len, &shell) == SHELL_OK &&
		       strcmp(shell.name, name) == 0;
	if (form == SHELLFILE_PEM)
		return b->len > n && memcmp(b->data, start, n) == 0;
	p = memmem(b->data, b->len, start, n);
	if (p == NULL)
		return false;
	part->data = p;
	part->len = block_len(p, b->len - (size_t)(p - b->data));
	return part->len > 0;
}
