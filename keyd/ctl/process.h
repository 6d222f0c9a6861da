/*
 * What /proc tells of a process that uses, or should use, OpenSSL with keyd.
 * Nothing of it is trusted beyond words: the process may write parts of it.
 */
#ifndef KEYD_CTL_PROCESS_H
#define KEYD_CTL_PROCESS_H

#include <limits.h>
#include <stdbool.h>

#include "procenv.h"
#include "proclibs.h"
#include "user.h"

enum {
	PROCESS_GONE = -2,
};

struct process {
	pid_t pid;
	int dir;                  /* its /proc folder: procdir.h */
	int root;                 /* its root folder */
	char name[32];            /* of the program, clean */
	char unit[256];           /* system unit, "" for none */
	char root_path[PATH_MAX]; /* its root folder, from ours; or "" */
	struct user_identity id;
	/* of the one that it was forked from, see first, which read the files */
	struct user_identity reader;
	bool overflow; /* its user is one whom the kernel cannot name here */
	/* Ticks since the start of the machine. */
	unsigned long long ticks; /* when it began: with pid, who it is */
	/* when the first of those began that it was forked from, one from
	 * another, with all that was loaded */
	unsigned long long first;
	/* Other ones than keydctl's: */
	bool own_root, own_net, own_mount, own_user;
	bool root_unmapped; /* its user namespace does not know root */
	bool secure;        /* AT_SECURE: started with more rights */
	bool filtered;      /* by seccomp */
	enum procenv env;
	bool hangs;          /* its environment could not be read in time */
	char conf[PATH_MAX]; /* OPENSSL_CONF, if set */
	struct proclibs libs;
};

/* 0, and it must be closed; or with *f PROCESS_GONE: there is none (any more), or
 * -1: it may not be looked at. */
__attribute__((warn_unused_result)) int
process_open(pid_t pid, struct process *out, struct fault *f);
void process_close(struct process *p);

/* When it, or the first that it was forked from, began: ms since 1970, rather a
 * little late. */
long long process_began(const struct process *p);

/* Has it left the machine's root folder, within the machine's mounts (chroot(2))?
 * What it loaded before came from outside. */
bool process_is_in_chroot(const struct process *p);

/* Finds path as the process would, links included: a descriptor that can only
 * be looked at (O_PATH), or -1 with errno. */
__attribute__((warn_unused_result)) int
process_find(const struct process *p, const char *path);

/* Opens the regular file, or folder, that is there for reading. A descriptor, or
 * -1 with errno (EINVAL: something else). */
__attribute__((warn_unused_result)) int
process_file(const struct process *p, const char *path);

/* The same in the machine's root folder, where it was before it left it. */
__attribute__((warn_unused_result)) int process_file_outside(const char *path);

/* The libcrypto, or the program, that it runs: the very file, even if it was
 * replaced since. The same returns. */
__attribute__((warn_unused_result)) int
process_libcrypto(const struct process *p);
__attribute__((warn_unused_result)) int
process_program(const struct process *p);

#endif
