#include "scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PIECE = 1024 * 1024,
};

/* In a piece of the file that begins at start. */
static void
look(const char *text, size_t len, off_t start, const char *const *words,
	size_t n, struct scan *out)
{
	const char *at;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((out->found & 1U << i) != 0)
			continue;
		at = memmem(text, len, words[i], strlen(words[i]));
		if (at == NULL)
			continue;
		out->found |= 1U << i;
		out->end[i] = start + (at - text) + (off_t)strlen(words[i]);
	}
}

int
scan_file(int fd, const char *const *words, size_t n, struct scan *out)
{
	struct scan s = { 0 };
	char *text = malloc(SCAN_MAX_WORD + PIECE);
	size_t kept = 0; /* the end of what was read before */
	off_t pos = 0;
	ssize_t got = 1;

	if (text == NULL)
		return -1;
	while (pos < SCAN_MAX && (s.found & 1) == 0) {
		do
			got = pread(fd, text + kept, PIECE, pos);
		while (got < 0 && errno == EINTR);
		if (got <= 0)
			break;
		look(text, kept + (size_t)got, pos - (off_t)kept, words, n, &s);
		pos += got;
		kept += (size_t)got;
		if (kept > SCAN_MAX_WORD) {
			memmove(text, text + kept - SCAN_MAX_WORD,
				SCAN_MAX_WORD);
			kept = SCAN_MAX_WORD;
		}
	}
	s.whole = got == 0;
	free(text);
	*out = s;
	return 0;
}
