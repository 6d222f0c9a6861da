#include "proclibs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procdir.h"

/* TLS libraries that take no providers. */
static const struct {
	const char *file; /* how its name begins */
	const char *name;
} others[] = {
	{ "libgnutls.so", "GnuTLS" },
	{ "libnss3.so", "NSS" },
	{ "libmbedtls.so", "Mbed TLS" },
	{ "libwolfssl.so", "wolfSSL" },
	{ "libbotan-", "Botan" },
	{ "librustls.so", "rustls" },
	{ "libtls.so", "LibreSSL" },
};

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void
copy_path(char out[PATH_MAX], const char *path, bool *replaced)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(path), n = sizeof(deleted) - 1;

	*replaced = len > n && strcmp(path + len - n, deleted) == 0;
	(void)snprintf(
		out, PATH_MAX, "%.*s", (int)(*replaced ? len - n : len), path);
}

/* map_files has the same numbers as maps, without leading zeros. */
static void
copy_range(char out[40], const char *line)
{
	unsigned long long start, end = 0;
	char *rest;

	start = strtoull(line, &rest, 16);
	if (*rest == '-')
		end = strtoull(rest + 1, NULL, 16);
	(void)snprintf(out, 40, "%llx-%llx", start, end);
}

/* Of a module whose loading fails half-way, data may stay mapped. */
static bool
is_code(const char *line)
{
	const char *rights = strchr(line, ' ');

	return rights != NULL && strncmp(rights, " r-x", 4) == 0;
}

/* A line of "addresses rights offset device inode    PATH". */
static void
mapped(void *arg, char *line)
{
	struct proclibs *p = arg;
	const char *path = strchr(line, '/'), *base;
	size_t i;

	if (path == NULL)
		return;
	base = strrchr(path, '/') + 1;
	if (is_code(line) && (strcmp(base, "keyd.so") == 0 ||
				     strcmp(base, "keyd.so (deleted)") == 0))
		copy_path(p->keyd, path, &p->keyd_replaced);
	/* Version 3 counts, if there are several. */
	if (begins(base, "libcrypto.so") &&
		(p->crypto[0] == '\0' ||
			(begins(base, "libcrypto.so.3") &&
				strstr(p->crypto, "/libcrypto.so.3") ==
					NULL))) {
		copy_path(p->crypto, path, &p->crypto_replaced);
		copy_range(p->range, line);
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (begins(base, others[i].file))
			(void)snprintf(p->other, sizeof(p->other), "%s",
				others[i].name);
}

int
proclibs_read(int dir, struct proclibs *out)
{
	*out = (struct proclibs){ 0 };
	return procdir_lines(dir, "maps", mapped, out);
}
