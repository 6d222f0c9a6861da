#include "lockdown/layers.h"

#include <sys/resource.h>

enum {
	/* 64 rings of 64 MiB (docs/PROTOCOL.md §5). */
	LOCKED_MIB = 64 * 64,
	/* The loader's memory files: a ring of the greatest size. */
	RING_MIB = 64,
	MIB = 1024 * 1024,
};

static int
set_limit(__rlimit_resource_t what, rlim_t limit)
{
	struct rlimit now, rl = { limit, limit };

	/* A limit that is lower already cannot be raised, and need not be. */
	if (getrlimit(what, &now) < 0)
		return -1;
	if (now.rlim_max < limit)
		rl.rlim_cur = rl.rlim_max = now.rlim_max;
	return setrlimit(what, &rl);
}

void
limits_raise_memlock(void)
{
	const rlim_t need = (rlim_t)LOCKED_MIB * MIB;
	struct rlimit rl;

	if (getrlimit(RLIMIT_MEMLOCK, &rl) < 0)
		return;
	if (rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur >= need)
		return;
	/* The hard limit needs CAP_SYS_RESOURCE; without it there is as much
	 * as the administrator allowed, and mapping a larger ring fails. */
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max >= need) {
		rl.rlim_cur = need;
		(void)setrlimit(RLIMIT_MEMLOCK, &rl);
		return;
	}
	if (setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ need, need }) == 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &rl);
}

int
limits_enter(const struct lockdown_plan *p)
{
	(void)p;
	limits_raise_memlock();
	if (set_limit(RLIMIT_CORE, 0) < 0)
		return -1;
	return set_limit(RLIMIT_NPROC, 0);
}

/*
 * The session can open and receive nothing more. The loader makes memory
 * files, whose size RLIMIT_FSIZE bounds like any file's. The logger's stderr
 * may be a file of any size.
 */
static const struct role_limit {
	enum lockdown_role role;
	__rlimit_resource_t what;
	rlim_t limit;
} role_limits[] = {
	{ LOCKDOWN_SESSION, RLIMIT_FSIZE, 0 },
	{ LOCKDOWN_SESSION, RLIMIT_NOFILE, 0 },
	{ LOCKDOWN_LOADER, RLIMIT_FSIZE, (rlim_t)RING_MIB *MIB },
	{ LOCKDOWN_LOGGER, RLIMIT_NOFILE, 0 },
};

int
limits_role(enum lockdown_role role)
{
	const size_t n = sizeof(role_limits) / sizeof(role_limits[0]);

	for (size_t i = 0; i < n; i++) {
		const struct role_limit *l = &role_limits[i];

		if (l->role == role && set_limit(l->what, l->limit) < 0)
			return -1;
	}
	return 0;
}
