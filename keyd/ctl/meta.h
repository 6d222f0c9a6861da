/*
 * What a file is besides its bytes: owner, mode, ACL and extended attributes.
 * An ACL is an extended attribute (system.posix_acl_access), so one list holds
 * all.
 */
#ifndef KEYD_CTL_META_H
#define KEYD_CTL_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fault.h"

enum {
	META_MAX_XATTRS = 64,
	META_MAX_BYTES = 16384, /* of all values together */
};

struct meta_xattr {
	char name[256];
	size_t at, len; /* in bytes[] */
};

struct meta {
	uid_t uid;
	gid_t gid;
	mode_t mode; /* with set-id and sticky bits */
	unsigned nxattrs;
	struct meta_xattr xattrs[META_MAX_XATTRS];
	uint8_t bytes[META_MAX_BYTES];
	size_t used;
};

/*
 * Of the open file. path is for words. security.ima and security.evm are left
 * out: they sign the bytes, which will be others.
 */
__attribute__((warn_unused_result)) int
meta_get(int fd, const char *path, struct meta *out, struct fault *f);

/* Gives the open file all of it. */
__attribute__((warn_unused_result)) int
meta_set(int fd, const char *path, const struct meta *m, struct fault *f);

/* Adds an attribute, or more bytes to the last one if that has this name. 0, or
 * -1: too many. */
__attribute__((warn_unused_result)) int
meta_add(struct meta *m, const char *name, const void *data, size_t len);

#endif
