/*
 * An openssl.cnf as libcrypto 3 reads it (config(5)): sections that may be
 * repeated, the last value of a name, variables, quotes, comments, lines that go
 * on, files that are included. Written anew since libcrypto's reader tells no
 * line numbers, and since keydctl must not let it act on what it reads. What
 * this reader does not understand it refuses with the line.
 */
#ifndef KEYD_CTL_CNF_H
#define KEYD_CTL_CNF_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

enum {
	CNF_MAX = 60 * 1024,  /* bytes of one file */
	CNF_MAX_FILES = 64,   /* included ones counted */
	CNF_MAX_VALUE = 4096, /* bytes, expanded */
	/* of all files together: one value can stand in thousands of others */
	CNF_MAX_ENTRIES = 10000,
	CNF_MAX_KEPT = 1024 * 1024, /* bytes of names and values */
	CNF_FOREIGN = -2,
};

/* One setting, in the order of the files. */
struct cnf_entry {
	const char *section, *name;
	const char *value; /* NULL: it depends on the environment */
	const char *file;
	unsigned line;
};

struct cnf {
	struct cnf_entry *entries;
	size_t n, size;
	const char **sections; /* that have a header or a setting */
	size_t nsections;
	const char *last; /* the section in force at the end of the file */
	bool goes_on;     /* its last line ends in a backslash */
	unsigned files;
	struct cnf_chunk *memory;
	size_t kept; /* bytes of it */
};

/* Opens an included file or folder for reading: a descriptor, -1 with errno, or
 * CNF_FOREIGN with *f: the whole is to be refused. */
typedef int cnf_open_fn(void *arg, const char *path, struct fault *f);

/*
 * Reads text, which came from the file of that name. Included files are opened
 * with open_file (NULL: none can be); one that is missing is left out, as
 * libcrypto does. 0, and it must be freed; or -1 with *f: FAULT_REFUSED, with
 * file and line.
 */
__attribute__((warn_unused_result)) int
cnf_read(const char *file, const char *text, size_t len, cnf_open_fn *open_file,
	void *arg, struct cnf *out, struct fault *f);

void cnf_free(struct cnf *c);

/* Is there such a section? */
bool cnf_has_section(const struct cnf *c, const char *section);

/* The setting in force (the last one), or NULL. */
const struct cnf_entry *
cnf_find(const struct cnf *c, const char *section, const char *name);

/* The next one in force of the section behind after (NULL: from the start), or
 * NULL. */
const struct cnf_entry *cnf_next(const struct cnf *c, const char *section,
	const struct cnf_entry *after);

#endif
