#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
file_check(int fd, enum file_guard guard, uid_t owner, struct fault *why)
{
	struct stat st;
	unsigned mode;

	if (fstat(fd, &st) < 0)
		return fault_set(
			why, "cannot be examined: %s", strerror(errno));
	mode = st.st_mode & 07777;
	if (!S_ISREG(st.st_mode))
		return fault_set(why, "is not a regular file");
	if (guard == FILE_PUBLIC)
		return 0;
	if (st.st_uid != 0 && st.st_uid != owner)
		return fault_set(why,
			"belongs to uid %u; it must belong to root (chown "
			"root)",
			st.st_uid);
	if (guard == FILE_SECRET && (mode & 077) != 0)
		return fault_set(why,
			"mode %04o lets others than its owner at the key; "
			"chmod 0600, and replace the key if they may have "
			"read it",
			mode);
	if ((mode & 022) != 0)
		return fault_set(why,
			"mode %04o lets others than its owner change it; "
			"chmod go-w",
			mode);
	return 0;
}

int
file_read(int fd, size_t max, struct view *text, struct fault *why)
{
	size_t len = 0;
	uint8_t *buf;
	ssize_t n;

	if (file_check(fd, FILE_PUBLIC, 0, why) < 0)
		return -1;
	buf = malloc(max + 1);
	if (buf == NULL)
		return fault_set(why, "no memory to read it");
	while (len <= max) {
		n = pread(fd, buf + len, max + 1 - len, (off_t)len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)fault_set(
				why, "cannot be read: %s", strerror(errno));
			goto err_buf;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > max) {
		(void)fault_set(
			why, "is larger than %zu bytes, the limit", max);
		goto err_buf;
	}
	*text = (struct view){ buf, len };
	return 0;

err_buf:
	explicit_bzero(buf, max + 1);
	free(buf);
	return -1;
}

void
file_release(struct view *text)
{
	uint8_t *buf = (uint8_t *)(uintptr_t)text->data;

	if (buf != NULL)
		explicit_bzero(buf, text->len);
	free(buf);
	*text = (struct view){ 0 };
}
