#include "broker/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static uint64_t *generation_page;

int
generation_open(int *out)
{
	const unsigned seals =
		F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	void *page;
	int fd, saved;

	fd = memfd_create("keyd-generation", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, sizeof(*generation_page)) < 0)
		goto err_fd;
	page = mmap(NULL, sizeof(*generation_page), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		goto err_fd;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		goto err_page;
	generation_page = page;
	*out = fd;
	return 0;
err_page:
	saved = errno;
	(void)munmap(page, sizeof(*generation_page));
	errno = saved;
err_fd:
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

uint64_t
generation_get(void)
{
	return __atomic_load_n(generation_page, __ATOMIC_ACQUIRE);
}

void
generation_set(uint64_t generation)
{
	__atomic_store_n(generation_page, generation, __ATOMIC_RELEASE);
}
