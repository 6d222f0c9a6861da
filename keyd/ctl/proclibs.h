/* The TLS libraries that a process has in its memory. */
#ifndef KEYD_CTL_PROCLIBS_H
#define KEYD_CTL_PROCLIBS_H

#include <limits.h>
#include <stdbool.h>

struct proclibs {
	char keyd[PATH_MAX];   /* our module, "" */
	char crypto[PATH_MAX]; /* libcrypto, "" */
	char range[40];        /* where that is: its name in map_files */
	char other[64];        /* another TLS library, "" */
	bool keyd_replaced, crypto_replaced; /* on disk, since */
};

/* What the process with this /proc folder has mapped. 0, or -1 with errno. */
__attribute__((warn_unused_result)) int
proclibs_read(int dir, struct proclibs *out);

#endif
