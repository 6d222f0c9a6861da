#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lockdown/lockdown.h"

static int
fill_file(int fd, size_t size, memory_fill_fn *fill, void *arg)
{
	void *p;
	int r;

	if (ftruncate(fd, (off_t)size) < 0)
		return -1;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	r = fill(arg, p, size);
	(void)munmap(p, size);
	if (r < 0)
		errno = EINVAL;
	return r;
}

static void
discard(int fd)
{
	int error = errno;

	(void)close(fd);
	errno = error;
}

int
memory_sealed(size_t size, memory_fill_fn *fill, void *arg)
{
	int fd = memfd_create("keyd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (fill_file(fd, size, fill, arg) < 0 ||
		fcntl(fd, F_ADD_SEALS,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
				F_SEAL_SEAL) < 0) {
		discard(fd);
		return -1;
	}
	return fd;
}

int
memory_secret(size_t size, memory_fill_fn *fill, void *arg)
{
	int fd = lockdown_memfd_secret();

	if (fd < 0)
		return -1;
	if (fill_file(fd, size, fill, arg) < 0) {
		discard(fd);
		return -1;
	}
	return fd;
}
