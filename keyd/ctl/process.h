/*
 * What /proc tells of a process that uses, or should use, OpenSSL with keyd.
 * Nothing of it is trusted beyond words: the process may write parts of it.
 */
#ifndef KEYD_CTL_PROCESS_H
#define KEYD_CTL_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "user.h"

enum {
	PROCESS_MAX_FAMILY = 256,
};

enum process_env {
	PROCESS_ENV_UNKNOWN, /* overwritten (by its title) */
	PROCESS_ENV_UNSET,
	PROCESS_ENV_SET,
};

struct process {
	pid_t pid;
	char name[32];  /* of the program, clean */
	char unit[256]; /* system unit, "" for none */
	int root;       /* its root folder */
	struct user_identity id;
	bool overflow; /* its user is one whom the kernel cannot name here */
	long long started; /* ms since 1970 */
	/* Other ones than keydctl's: */
	bool own_root, own_net, own_mount, own_user;
	bool root_unmapped; /* its user namespace does not know root */
	bool secure;        /* AT_SECURE: started with more rights */
	enum process_env env;
	char conf[PATH_MAX];                 /* OPENSSL_CONF, if set */
	char keyd[PATH_MAX];                 /* keyd.so in its memory, "" */
	char crypto[PATH_MAX];               /* libcrypto in its memory, "" */
	char other[64];                      /* another TLS library there, "" */
	bool keyd_replaced, crypto_replaced; /* on disk, since */
};

/* 0, and it must be closed; or -1 with *f: there is none, or it may not be
 * looked at. */
__attribute__((warn_unused_result)) int
process_open(pid_t pid, struct process *out, struct fault *f);
void process_close(struct process *p);

/*
 * The process as it was before it entered its root folder: the files are those
 * that keydctl finds. 0, and *out must be closed; or -1 with errno.
 */
__attribute__((warn_unused_result)) int
process_outside(const struct process *p, struct process *out);

/* Finds path as the process would, links included: a descriptor that can only
 * be looked at (O_PATH), or -1 with errno. */
__attribute__((warn_unused_result)) int
process_find(const struct process *p, const char *path);

/* Opens the regular file, or folder, that is there for reading. A descriptor, or
 * -1 with errno (EINVAL: something else). */
__attribute__((warn_unused_result)) int
process_file(const struct process *p, const char *path);

/* The same for cnf_read(); arg is the process. */
int process_include(void *arg, const char *path, struct fault *f);

/*
 * A text that stands in a file behind the words, up to a quote or zero: what
 * OpenSSL has built in. 0, or -1.
 */
__attribute__((warn_unused_result)) int
process_built_in(const struct process *p, const char *file, const char *words,
	char *out, size_t size);

/* A TLS library, or the lack of one, that is built into the program itself; ""
 * if none is known. */
const char *process_static_library(const struct process *p);

/*
 * Its descendants, and all that are in the same unit, without itself. Number of
 * pids.
 */
size_t process_family(const struct process *p, pid_t out[PROCESS_MAX_FAMILY]);

/* Is there a listening socket of this abstract name in its network? 1, 0, or
 * -1: cannot be seen. */
int process_sees_abstract(const struct process *p, const char *name);

/* Can it connect to the socket at path? In a child that becomes it: root folder,
 * user, groups. 0, or errno. Root only. */
int process_connect(const struct process *p, const char *path);

#endif
