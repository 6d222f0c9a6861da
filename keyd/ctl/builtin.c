#include "builtin.h"

#include <string.h>
#include <unistd.h>

#include "scan.h"

int
builtin_folder(
	const struct process *p, const char *word, char *out, size_t size)
{
	int fd = process_libcrypto(p), r = -1;
	struct scan s;
	ssize_t n = 0;
	size_t len;

	if (fd < 0)
		return -1;
	if (scan_file(fd, &word, 1, &s) == 0 && s.found == 1)
		n = pread(fd, out, size - 1, s.end[0]);
	if (n > 0) {
		out[n] = '\0';
		len = strcspn(out, "\"");
		r = len < (size_t)n ? 0 : -1;
		out[len] = '\0';
	}
	(void)close(fd);
	return r;
}

/* By how much a word tells: LibreSSL has the folder's too. */
static const char *const marks[] = {
	"BoringSSL",
	"LibreSSL ",
	"OPENSSLDIR: ",
	"crypto/tls.(*Conn)",
	"rustls",
};

static const char *const names[] = {
	"BoringSSL",
	"LibreSSL",
	"OpenSSL",
	"Go's own TLS",
	"rustls",
};

const char *
builtin_library(const struct process *p, bool *whole)
{
	const size_t n = sizeof(marks) / sizeof(marks[0]);
	struct scan s = { 0 };
	int fd = process_program(p);
	size_t i;

	*whole = false;
	if (fd < 0)
		return "";
	if (scan_file(fd, marks, n, &s) == 0)
		*whole = s.whole;
	(void)close(fd);
	for (i = 0; i < n; i++)
		if ((s.found & 1U << i) != 0)
			return names[i];
	return "";
}
