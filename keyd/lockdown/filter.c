#include "lockdown/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Which of the role's descriptors argument 0 has to be. */
enum on_fd {
	ANY_FD,
	ON_CLIENT,
	ON_AUDIT,
	ON_CONTROL,
	ON_LOG,
};

/*
 * One permitted form of one call. All of its conditions must hold; a call with
 * several rows may take any of the forms.
 */
struct rule {
	int call;
	enum on_fd fd;
	unsigned n;
	struct scmp_arg_cmp arg[2];
};

/* Has every bit of mask the value of its bit in bits? */
#define MASKED(i, mask, bits)                                                  \
	{                                                                      \
		(i), SCMP_CMP_MASKED_EQ, (mask), (bits)                        \
	}
#define EQUALS(i, value)                                                       \
	{                                                                      \
		(i), SCMP_CMP_EQ, (value), 0                                   \
	}

static const struct rule session_talk[] = {
	{ SCMP_SYS(recvmsg), ON_CLIENT, 0, { { 0 } } },
	{ SCMP_SYS(sendmsg), ON_CLIENT, 0, { { 0 } } },
	{ SCMP_SYS(sendmsg), ON_AUDIT, 0, { { 0 } } },
};

static const struct rule loader_talk[] = {
	{ SCMP_SYS(recvmsg), ON_CONTROL, 0, { { 0 } } },
	{ SCMP_SYS(sendmsg), ON_CONTROL, 0, { { 0 } } },
};

static const struct rule logger_talk[] = {
	{ SCMP_SYS(recvmsg), ON_AUDIT, 0, { { 0 } } },
	{ SCMP_SYS(write), ON_LOG, 0, { { 0 } } },
	{ SCMP_SYS(writev), ON_LOG, 0, { { 0 } } },
};

static const struct rule heap[] = {
	{ SCMP_SYS(brk), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(munmap), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(mmap), ANY_FD, 2,
		{ MASKED(2, PROT_EXEC, 0),
			EQUALS(3, MAP_PRIVATE | MAP_ANONYMOUS) } },
};

static const struct rule random_numbers[] = {
	{ SCMP_SYS(getrandom), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(getpid), ANY_FD, 0, { { 0 } } },
};

static const struct rule clocks[] = {
	{ SCMP_SYS(clock_gettime), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(gettimeofday), ANY_FD, 0, { { 0 } } },
};

static const struct rule once[] = {
	{ SCMP_SYS(futex), ANY_FD, 1, { EQUALS(1, FUTEX_WAKE_PRIVATE) } },
};

static const struct rule leave[] = {
	{ SCMP_SYS(exit_group), ANY_FD, 0, { { 0 } } },
};

static const struct rule key_files[] = {
	{ SCMP_SYS(read), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(pread64), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(lseek), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(fstat), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(newfstatat), ANY_FD, 1, { EQUALS(3, AT_EMPTY_PATH) } },
	{ SCMP_SYS(close), ANY_FD, 0, { { 0 } } },
};

static const struct rule new_rings[] = {
	{ SCMP_SYS(memfd_create), ANY_FD, 0, { { 0 } } },
	{ KERNEL_MEMFD_SECRET, ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(ftruncate), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(fcntl), ANY_FD, 1, { EQUALS(1, F_ADD_SEALS) } },
	{ SCMP_SYS(mmap), ANY_FD, 2,
		{ MASKED(2, PROT_EXEC, 0), EQUALS(3, MAP_SHARED) } },
};

#ifdef __SANITIZE_ADDRESS__
static const struct rule sanitizers[] = {
	{ SCMP_SYS(sigaltstack), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(madvise), ANY_FD, 0, { { 0 } } },
	{ SCMP_SYS(write), ANY_FD, 1, { EQUALS(0, STDERR_FILENO) } },
	{ SCMP_SYS(mmap), ANY_FD, 2,
		{ MASKED(2, PROT_EXEC, 0),
			MASKED(3, ~(scmp_datum_t)MAP_NORESERVE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) } },
};
#endif

enum {
	SESSION = 1 << LOCKDOWN_SESSION,
	LOADER = 1 << LOCKDOWN_LOADER,
	LOGGER = 1 << LOCKDOWN_LOGGER,
};

#define RULES(r) (r), sizeof(r) / sizeof((r)[0])

/* The named sets. Whatever is in none of a role's sets kills the process. */
static const struct set {
	const char *name;
	unsigned roles;
	const struct rule *rules;
	size_t n;
} sets[] = {
	/* The loop: requests in, replies and audit records out, each on the
	 * one socket that it is for. */
	{ "session-talk", SESSION, RULES(session_talk) },

	/* Questions to the starter, and its answers. */
	{ "loader-talk", LOADER, RULES(loader_talk) },

	/* Records in, lines out. */
	{ "logger-talk", LOGGER, RULES(logger_talk) },

	/* malloc. New memory only, never executable and never from a
	 * descriptor. Nothing here changes a mapping's protection, so that a
	 * ring mapped read-only stays so: no mprotect, no mremap. */
	{ "heap", SESSION | LOADER | LOGGER, RULES(heap) },

	/* The DRBG reseeds from getrandom and asks for its pid to notice a
	 * fork. */
	{ "random-numbers", SESSION | LOADER, RULES(random_numbers) },

	/* Normally answered without the kernel (vdso(7)), not with every
	 * clock source. */
	{ "clocks", SESSION | LOADER | LOGGER, RULES(clocks) },

	/* pthread_once() wakes waiters that a process of one thread never has;
	 * waiting itself is not allowed. */
	{ "once", SESSION | LOADER, RULES(once) },

	{ "leave", SESSION | LOADER | LOGGER, RULES(leave) },

	/* What the starter opened. The loader cannot open anything itself. */
	{ "key-files", LOADER, RULES(key_files) },

	/* Rings and index: memory files made, filled, sealed. */
	{ "new-rings", LOADER, RULES(new_rings) },

#ifdef __SANITIZE_ADDRESS__
	/* What the sanitizer's runtime calls on its own. Only in builds with
	 * it, which are never installed. */
	{ "sanitizers", SESSION | LOADER | LOGGER, RULES(sanitizers) },
#endif
};

/* The descriptor a rule is bound to, -1 if the process has none such. */
static int
bound_fd(enum on_fd which, const struct lockdown_fds *fds)
{
	const int table[] = {
		[ANY_FD] = -1,
		[ON_CLIENT] = fds->client,
		[ON_AUDIT] = fds->audit,
		[ON_CONTROL] = fds->control,
		[ON_LOG] = fds->log,
	};

	return table[which];
}

/* Adds one rule: 0, or a negative errno. */
static int
add_rule(scmp_filter_ctx ctx, const struct rule *rule,
	const struct lockdown_fds *fds)
{
	struct scmp_arg_cmp arg[3];
	unsigned n = rule->n;
	int fd;

	for (unsigned i = 0; i < n; i++)
		arg[i] = rule->arg[i];
	if (rule->fd != ANY_FD) {
		fd = bound_fd(rule->fd, fds);
		if (fd < 0)
			return 0;
		arg[n++] = (struct scmp_arg_cmp)EQUALS(
			0, (scmp_datum_t)(unsigned)fd);
	}
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rule->call, n, arg);
}

/* Adds a role's sets: 0, or a negative errno. */
static int
add_sets(scmp_filter_ctx ctx, enum lockdown_role role,
	const struct lockdown_fds *fds)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		const struct set *set = &sets[i];

		if ((set->roles & 1U << role) == 0)
			continue;
		for (size_t j = 0; r == 0 && j < set->n; j++)
			r = add_rule(ctx, &set->rules[j], fds);
	}
	return r;
}

/* 0, or a negative errno. */
static int
load_filter(enum lockdown_role role, const struct lockdown_fds *fds)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (ctx == NULL)
		return -ENOMEM;
	r = seccomp_attr_set(
		ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r < 0)
		goto done;
	/* no_new_privs is a layer of its own, applied and proved as such. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (r < 0)
		goto done;
	r = add_sets(ctx, role, fds);
	if (r < 0)
		goto done;
	r = seccomp_load(ctx);
done:
	seccomp_release(ctx);
	return r;
}

int
lockdown_filter(enum lockdown_role role, const struct lockdown_plan *p,
	const struct lockdown_fds *fds, struct lockdown_result *result)
{
	int r;

	if ((p->wanted & LAYER_RLIMITS) != 0 && limits_role(role) < 0)
		return -1;
	if ((p->wanted & LAYER_SECCOMP) == 0)
		return 0;
	r = load_filter(role, fds);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	result->on |= LAYER_SECCOMP;
	return 0;
}
