#include "bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void *
bytes_secret(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int saved;

	if (p == MAP_FAILED)
		return NULL;
	/* Kept out of swap where the limit lets us. */
	(void)mlock(p, size);
	if (madvise(p, size, MADV_DONTFORK) == 0 &&
		madvise(p, size, MADV_DONTDUMP) == 0)
		return p;
	saved = errno;
	(void)munmap(p, size);
	errno = saved;
	return NULL;
}

void
bytes_secret_free(void *p, size_t size)
{
	if (p == NULL)
		return;
	explicit_bzero(p, size);
	(void)munmap(p, size);
}

int
bytes_read(int fd, size_t max, struct bytes *out)
{
	struct bytes b = { .data = bytes_secret(max + 1), .size = max + 1 };
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
bytes_splice(const struct bytes *in, size_t start, size_t len, const void *with,
	size_t n, struct bytes *out)
{
	size_t after = in->len - start - len;
	struct bytes b = { .len = start + n + after };

	b.size = b.len + 1;
	b.data = bytes_secret(b.size);
	if (b.data == NULL)
		return -1;
	if (start > 0)
		memcpy(b.data, in->data, start);
	if (n > 0)
		memcpy(b.data + start, with, n);
	if (after > 0)
		memcpy(b.data + start + n, in->data + start + len, after);
	*out = b;
	return 0;
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
	bytes_secret_free(b->data, b->size);
	*b = (struct bytes){ 0 };
}
