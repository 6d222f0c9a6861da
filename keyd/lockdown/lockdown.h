/*
 * The layers that lock a process in (docs/PROTOCOL.md §11, DESIGN). Used by session,
 * loader and logger; the broker uses lockdown_broker(). Each layer is a row in a
 * table: {bit, name, apply}. libc and libseccomp only.
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

/* What a process is to do to itself. Made by the broker, handed over as one argument. */
struct lockdown_plan {
	uid_t uid; /* (uid_t)-1: stay */
	gid_t gid;
	uint32_t
		wanted; /* layers to try; all that are possible, but for tests */
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

/* A plan as text for argv ("uid:gid:wanted:chroot"), and back. -1: does not fit, malformed. */
__attribute__((warn_unused_result)) int
lockdown_plan_print(const struct lockdown_plan *p, char *out, size_t size);
__attribute__((warn_unused_result)) int
lockdown_plan_parse(const char *text, struct lockdown_plan *out);

/*
 * In the broker, once, after its sockets are bound: a network and a mount namespace of its own, which
 * all that it starts inherit. result gets the two layers.
 */
void lockdown_namespaces(struct lockdown_result *result);

/*
 * In the broker, at the end of its boot: keeps only the capabilities that
 * it needs (docs/DESIGN.md), no_new_privs, not dumpable. 0, or -1 with errno.
 */
__attribute__((warn_unused_result)) int lockdown_broker(void);

/*
 * In a child, as the first thing in main(): everything from rlimits to undumpable, in the order of
 * DESIGN §3. A layer that the kernel lacks or that needs privileges this process never had is noted in *result as off. A layer
 * that could be had but fails (a chroot that is not there, a setresuid that is refused) is an error: -1, errno,
 * *failed names it. Verifies that privileges cannot be regained.
 */
__attribute__((warn_unused_result)) int
lockdown_enter(const struct lockdown_plan *p, struct lockdown_result *result,
	const char **failed);

/* The system-call filters, last step of each process. All but the named sets: killed. */
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
 * Installs the filter for role. For the session also sets RLIMIT_NOFILE to 0, so that nothing can be received.
 * Adds LAYER_SECCOMP to *result. 0, or -1 with errno; after -1 the process
 * must not go on, unless the layer is not in p->wanted.
 */
__attribute__((warn_unused_result)) int
lockdown_filter(enum lockdown_role role, const struct lockdown_plan *p,
	const struct lockdown_fds *fds, struct lockdown_result *result);

/* Does this kernel have memfd_secret, mseal, Landlock? Bits of layers. */
uint32_t lockdown_kernel_layers(void);

/* memfd_secret(2) with close-on-exec, or -1 with errno. */
int lockdown_memfd_secret(void);

/* mseal(2) on a mapping. 0, or -1 with errno (ENOSYS where the kernel lacks it). */
int lockdown_mseal(void *addr, size_t len);

#endif
