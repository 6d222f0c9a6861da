#include "mark.h"

#include <string.h>

static const char begin[] = "# BEGIN openssl-keyd";
/* The same, when the line end before it is ours too. */
static const char begin_joined[] =
	"# BEGIN openssl-keyd (the line before had no end)";
static const char end_mark[] = "# END openssl-keyd";

const char *
mark_next_line(const char *pos, const char *end, size_t *len)
{
	const char *next = memchr(pos, '\n', (size_t)(end - pos));

	next = next == NULL ? end : next + 1;
	*len = (size_t)(next - pos);
	while (*len > 0 && (pos[*len - 1] == '\n' || pos[*len - 1] == '\r'))
		(*len)--;
	return next;
}

/* Does the line (with its end) hold the mark alone? */
static bool
is_mark(const char *line, size_t len, const char *mark)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	return len == strlen(mark) && memcmp(line, mark, len) == 0;
}

struct strip {
	char *out;
	size_t len;
	unsigned line, opened; /* line of the open mark, 0: none */
	size_t joined; /* length of the line end before it that is ours */
};

/* A line that opens a block. */
static void
open_block(struct strip *s, const char *line, size_t len, bool joined)
{
	bool crlf = len > 1 && line[len - 2] == '\r';

	s->opened = s->line;
	if (joined && crlf && s->len > 1 && s->out[s->len - 2] == '\r')
		s->joined = 2;
	else if (joined && s->len > 0)
		s->joined = 1;
}

static int
take(struct strip *s, const char *file, const char *line, size_t len,
	struct fault *f)
{
	bool joined = is_mark(line, len, begin_joined);

	s->line++;
	if (joined || is_mark(line, len, begin)) {
		if (s->opened != 0)
			return fault_set(f, FAULT_REFUSED,
				"%s:%u: a second \"%s\" without an end before "
				"it: remove what is left of the first",
				file, s->line, begin);
		open_block(s, line, len, joined);
	} else if (is_mark(line, len, end_mark)) {
		if (s->opened == 0)
			return fault_set(f, FAULT_REFUSED,
				"%s:%u: \"%s\" without its beginning: remove "
				"what is left of it",
				file, s->line, end_mark);
		s->opened = 0;
	} else if (s->opened == 0) {
		/* There is something behind: the line end stays. */
		s->joined = 0;
		memcpy(s->out + s->len, line, len);
		s->len += len;
	}
	return 0;
}

long
mark_strip(const char *file, const void *text, size_t len, void *out,
	struct fault *f)
{
	const char *pos = text, *end = pos + len, *next;
	struct strip s = { .out = out };

	for (; pos < end; pos = next) {
		next = memchr(pos, '\n', (size_t)(end - pos));
		next = next == NULL ? end : next + 1;
		if (take(&s, file, pos, (size_t)(next - pos), f) < 0)
			return -1;
	}
	if (s.opened != 0)
		return fault_set(f, FAULT_REFUSED,
			"%s:%u: \"%s\" without an end: remove what is left of "
			"it",
			file, s.opened, begin);
	return (long)(s.len - s.joined);
}

bool
mark_begins(const void *text, size_t len)
{
	const char *t = text, *line;
	size_t n;

	while (len > 0 && (*t == '\r' || *t == '\n')) {
		t++;
		len--;
	}
	line = memchr(t, '\n', len);
	if (line != NULL)
		return is_mark(t, (size_t)(line - t), begin) ||
		       is_mark(t, (size_t)(line - t), begin_joined);
	while (len > 0 && t[len - 1] == '\r')
		len--;
	n = sizeof(begin_joined) - 1;
	return memcmp(t, begin_joined, len < n ? len : n) == 0;
}

enum mark
mark_of(const char *line, size_t len)
{
	if (is_mark(line, len, begin) || is_mark(line, len, begin_joined))
		return MARK_BEGIN;
	return is_mark(line, len, end_mark) ? MARK_END : MARK_NONE;
}

const char *
mark_begin(bool joined)
{
	return joined ? begin_joined : begin;
}

const char *
mark_end(void)
{
	return end_mark;
}
