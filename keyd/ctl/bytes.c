#include "bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int
bytes_read(int fd, size_t max, struct bytes *out)
{
	struct bytes b = { .data = calloc(1, max + 1) };
	ssize_t n = 0;

	if (b.data == NULL)
		return -1;
	do {
		n = pread(fd, b.data + b.len, max + 1 - b.len, (off_t)b.len);
		if (n > 0)
			b.len += (size_t)n;
	} while ((n > 0 && b.len <= max) || (n < 0 && errno == EINTR));
	if (n < 0 || b.len > max) {
		int saved = n < 0 ? errno : EFBIG;

		b.len = max + 1;
		bytes_free(&b);
		errno = saved;
		return -1;
	}
	*out = b;
	return 0;
}

int
bytes_write(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
bytes_file(const struct bytes *b)
{
	int fd = memfd_create("key", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fchmod(fd, 0600) < 0 || bytes_write(fd, b->data, b->len) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
bytes_equal(const struct bytes *a, const struct bytes *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

void
bytes_free(struct bytes *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->len);
	free(b->data);
	b->data = NULL;
	b->len = 0;
}
