/*
 * The layers that lock a process in (docs/PROTOCOL.md §11, docs/DESIGN.md).
 * Used by session, loader and logger; the broker uses lockdown_broker(). Each
 * layer is a row in a table. libc and libseccomp only.
 */
#ifndef KEYD_LOCKDOWN_LOCKDOWN_H
#define KEYD_LOCKDOWN_LOCKDOWN_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum lockdown_layer {
	LAYER_RLIMITS = 1 << 0,
	LAYER_NETNS = 1 << 1,
	LAYER_MOUNTNS = 1 << 2,
	LAYER_CHROOT = 1 << 3,
	LAYER_USER = 1 << 4,        /* an unprivileged user of keyd's own */
	LAYER_SESSION_UID = 1 << 5, /* a uid per concurrent session */
	LAYER_CAPABILITIES = 1 << 6,
	LAYER_NO_NEW_PRIVS = 1 << 7,
	LAYER_LANDLOCK = 1 << 8,
	LAYER_UNDUMPABLE = 1 << 9,
	LAYER_SECCOMP = 1 << 10,
	LAYER_SECRET_MEMORY = 1 << 11,
	LAYER_MSEAL = 1 << 12,
	LAYER_COUNT = 13,
};

/*
 * The layers that the broker and keydctl ask for: all. Only with the build
 * option test-layers, which is never installed, the layers named in the
 * environment (KEYD_TEST_LAYERS_OFF, comma between) are left out.
 */
uint32_t lockdown_wanted(void);

/* What a process is to do to itself. Made by the broker, handed over as one
 * argument. */
struct lockdown_plan {
	uid_t uid; /* (uid_t)-1: stay */
	gid_t gid;
	uint32_t wanted;       /* layers to try: lockdown_wanted(), without
			    LAYER_SESSION_UID if uid is not this session's */
	char chroot[PATH_MAX]; /* "" : none */
};

/* Outcome: for each layer that is wanted and off, the errno that tells why. */
struct lockdown_result {
	uint32_t on;
	int error[LAYER_COUNT];
};

/* Name of a layer ("network-namespace"), its bit for a name (0: unknown). */
const char *lockdown_layer_name(unsigned bit_number);
uint32_t lockdown_layer_bit(const char *name);

/* A plan as text for argv ("uid:gid:wanted:chroot", decimal), and back. -1:
 * does not fit, malformed (a chroot is absolute or empty). */
__attribute__((warn_unused_result)) int
lockdown_plan_print(const struct lockdown_plan *p, char *out, size_t size);
__attribute__((warn_unused_result)) int
lockdown_plan_parse(const char *text, struct lockdown_plan *out);

/*
 * In the broker, once, after its sockets are bound: a network and a mount
 * namespace of its own, which all that it starts inherit. *result, which the
 * caller has zeroed, gets the two layers.
 */
void lockdown_namespaces(struct lockdown_result *result);

/*
 * In the broker, at the end of its boot and before it starts any process: keeps
 * only the capabilities that it needs (docs/DESIGN.md), no_new_privs, not
 * dumpable; raises RLIMIT_MEMLOCK for its children. 0, or -1 with errno.
 */
__attribute__((warn_unused_result)) int lockdown_broker(void);

/*
 * In a child, as the first thing in main(): everything from rlimits to
 * undumpable, in the order of the bits. The network and mount namespace are
 * the broker's and stay unset in *result. A layer that the kernel lacks or that
 * needs privileges this process never had is noted in *result as off. A layer
 * that could be had but fails (a chroot that is not there, not empty or not
 * root's, a setresuid that is refused) is an error: -1, errno, *failed names
 * it. Verifies that privileges cannot be regained. From then on the process
 * leads a session of its own and is killed when the thread that started it
 * ends.
 */
__attribute__((warn_unused_result)) int
lockdown_enter(const struct lockdown_plan *p, struct lockdown_result *result,
	const char **failed);

/* The system-call filters, last step of each process. Whatever calls something
 * else is killed. */
enum lockdown_role {
	LOCKDOWN_SESSION, /* client fd and audit fd only */
	LOCKDOWN_LOADER, /* control fd; fresh memory files; no file, no network */
	LOCKDOWN_LOGGER,
};

/* Descriptors that a filter lets through, -1 for none. */
struct lockdown_fds {
	int client;  /* session: recvmsg, sendmsg */
	int audit;   /* session: sendmsg; logger: recvmsg */
	int control; /* loader: recvmsg, sendmsg */
	int log;     /* logger: write */
};

/*
 * Installs the filter for role. Before that, sets the role's limits: for
 * session and logger RLIMIT_NOFILE 0, so that nothing can be opened or
 * received; RLIMIT_FSIZE, for the session 0, for the loader the size of a ring.
 * Without LAYER_RLIMITS or LAYER_SECCOMP in p->wanted that half is left out.
 * Adds LAYER_SECCOMP to *result. 0, or -1 with errno (also where the kernel has
 * no seccomp); then the process must not go on. What each role may still call
 * stands in filter.c; leave with _exit().
 */
__attribute__((warn_unused_result)) int
lockdown_filter(enum lockdown_role role, const struct lockdown_plan *p,
	const struct lockdown_fds *fds, struct lockdown_result *result);

/* Does this kernel have Landlock, seccomp, memfd_secret, mseal? Bits of
 * layers; found by asking, changes nothing. */
uint32_t lockdown_kernel_layers(void);

/* memfd_secret(2) with close-on-exec, or -1 with errno. */
int lockdown_memfd_secret(void);

/* mseal(2) on a mapping. 0, or -1 with errno (ENOSYS where the kernel lacks
 * it). */
int lockdown_mseal(void *addr, size_t len);

#endif
