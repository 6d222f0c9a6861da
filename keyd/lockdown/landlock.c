#include "lockdown/layers.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * landlock(7). Own definitions, since headers of the oldest distribution
 * supported stop at ABI 2. The numbers are the same on every architecture.
 */
enum {
	NR_CREATE_RULESET = 444,
	NR_RESTRICT_SELF = 446,
	CREATE_RULESET_VERSION = 1,
};

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;             /* ABI 6 */
};

/* What each ABI handles, from its lowest bit on: all of it is denied. */
static const struct abi {
	int version;
	unsigned fs_rights, net_rights, scopes;
} abis[] = {
	{ 6, 16, 2, 2 }, /* scopes: abstract sockets, signals */
	{ 5, 16, 2, 0 }, /* ioctl on devices */
	{ 4, 15, 2, 0 }, /* TCP bind and connect */
	{ 3, 15, 0, 0 }, /* truncate */
	{ 2, 14, 0, 0 }, /* rename or link across folders */
	{ 1, 13, 0, 0 },
};

int
landlock_abi(int *why)
{
	long version = syscall(
		NR_CREATE_RULESET, NULL, (size_t)0, CREATE_RULESET_VERSION);

	if (version < 1) {
		*why = version < 0 ? errno : ENOSYS;
		return 0;
	}
	return (int)version;
}

static uint64_t
low_bits(unsigned n)
{
	return (UINT64_C(1) << n) - 1;
}

int
landlock_enter(const struct lockdown_plan *p)
{
	const struct abi *abi = abis;
	struct ruleset_attr attr;
	int version, fd, why = 0, saved;
	long r;

	(void)p;
	version = landlock_abi(&why);
	if (version == 0)
		return why;
	while (abi->version > version)
		abi++;
	attr.handled_access_fs = low_bits(abi->fs_rights);
	attr.handled_access_net = low_bits(abi->net_rights);
	attr.scoped = low_bits(abi->scopes);

	/* A ruleset without rules denies all that it handles. An older kernel
	 * accepts the longer structure if what it does not know is 0. */
	fd = (int)syscall(NR_CREATE_RULESET, &attr, sizeof(attr), 0);
	if (fd < 0)
		return -1;
	r = syscall(NR_RESTRICT_SELF, fd, 0);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return r < 0 ? -1 : 0;
}
