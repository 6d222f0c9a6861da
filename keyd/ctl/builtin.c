#include "builtin.h"

#include <string.h>
#include <unistd.h>

#include "apart.h"
#include "scan.h"

int
builtin_folder(int libcrypto, const char *word, char *out, size_t size)
{
	struct scan s;
	int r = -1;
	ssize_t n = 0;
	size_t len;

	if (libcrypto < 0)
		return -1;
	if (scan_file(libcrypto, &word, 1, &s) == 0 && s.found == 1)
		n = pread(libcrypto, out, size - 1, s.end[0]);
	if (n > 0) {
		out[n] = '\0';
		len = strcspn(out, "\"");
		r = len < (size_t)n ? 0 : -1;
		out[len] = '\0';
	}
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

struct answer {
	unsigned found;
	bool whole;
};

static void
look_through(void *arg, int out)
{
	struct scan s = { 0 };
	struct answer a = { 0 };
	int fd = process_program(arg);

	if (fd >= 0 &&
		scan_file(fd, marks, sizeof(marks) / sizeof(marks[0]), &s) == 0)
		a = (struct answer){ s.found, s.whole };
	apart_answer(out, &a, sizeof(a), -1);
}

const char *
builtin_library(struct process *p, bool *whole)
{
	struct answer a = { 0 };
	size_t i;

	*whole = apart_run(look_through, p, APART_LONG, &a, sizeof(a), NULL) ==
			 0 &&
		 a.whole;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if ((a.found & 1U << i) != 0)
			return names[i];
	return "";
}
