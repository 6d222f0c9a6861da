/*
 * Bytes of a file in memory. They may be a key: no child of ours inherits them
 * (the one that becomes a service's user must not have them), no core dump
 * holds them, and they are wiped when given back.
 */
#ifndef KEYD_CTL_BYTES_H
#define KEYD_CTL_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data;
	size_t len;
	size_t size; /* of the mapping */
};

/* Such memory, zeroed. NULL: errno. */
void *bytes_secret(size_t size);

/* Wipes and frees it; NULL is none. */
void bytes_secret_free(void *p, size_t size);

/* All of fd from its start, at most max bytes. 0, or -1 with errno (EFBIG). */
__attribute__((warn_unused_result)) int
bytes_read(int fd, size_t max, struct bytes *out);

/* All of it to fd, from where it stands. 0, or -1 with errno. */
__attribute__((warn_unused_result)) int
bytes_write(int fd, const void *data, size_t len);

/* A private memory file with these bytes, mode 0600, at its start. -1: errno.
 */
__attribute__((warn_unused_result)) int bytes_file(const struct bytes *b);

/* A copy with other bytes in the place of len from start. 0, or -1: errno. */
__attribute__((warn_unused_result)) int
bytes_splice(const struct bytes *in, size_t start, size_t len, const void *with,
	size_t n, struct bytes *out);

int bytes_equal(const struct bytes *a, const struct bytes *b);

/* Wipes and frees. */
void bytes_free(struct bytes *b);

#endif
