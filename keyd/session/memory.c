#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "lockdown/lockdown.h"

void
memory_init(void)
{
	(void)mallopt(M_MMAP_MAX, 0);
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	(void)mallopt(M_ARENA_MAX, 1);
}

/* Secret memory cannot be sealed; nothing else may be left unsealed. */
static int
check_file(int fd, size_t len, bool *secret)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	struct statfs fs;
	struct stat st;
	int have;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return -1;
	if (len == 0 || st.st_size < 0 || (uint64_t)st.st_size < len) {
		errno = EMSGSIZE;
		return -1;
	}
	*secret = fs.f_type == SECRETMEM_MAGIC;
	if (*secret)
		return 0;
	have = fcntl(fd, F_GET_SEALS);
	if (have < 0 || (have & seals) != seals) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

int
memory_map(
	int fd, size_t len, bool seal, struct keys_map *out, uint32_t *layers)
{
	bool secret;
	void *p;

	if (check_file(fd, len, &secret) < 0)
		return -1;
	p = mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	if (madvise(p, len, MADV_DONTDUMP) < 0)
		goto err_map;
	if (seal && lockdown_mseal(p, len) < 0)
		goto err_map;
	if (secret)
		*layers |= LAYER_SECRET_MEMORY;
	if (seal)
		*layers |= LAYER_MSEAL;
	*out = (struct keys_map){ .data = p, .len = len };
	return 0;
err_map:
	(void)munmap(p, len);
	return -1;
}

const _Atomic uint64_t *
memory_generation(int fd)
{
	void *p = mmap(NULL, sizeof(uint64_t), PROT_READ,
		MAP_SHARED | MAP_POPULATE, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}
