#include "meta.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool
is_of_bytes(const char *name)
{
	return strcmp(name, "security.ima") == 0 ||
	       strcmp(name, "security.evm") == 0;
}

int
meta_add(struct meta *m, const char *name, const void *data, size_t len)
{
	struct meta_xattr *x = &m->xattrs[m->nxattrs - (m->nxattrs > 0)];

	if (len > sizeof(m->bytes) - m->used)
		return -1;
	if (m->nxattrs == 0 || strcmp(x->name, name) != 0) {
		if (m->nxattrs == META_MAX_XATTRS ||
			strlen(name) >= sizeof(x->name))
			return -1;
		x = &m->xattrs[m->nxattrs++];
		(void)snprintf(x->name, sizeof(x->name), "%s", name);
		x->at = m->used;
		x->len = 0;
	}
	if (len > 0)
		memcpy(m->bytes + m->used, data, len);
	m->used += len;
	x->len += len;
	return 0;
}

static int
get_xattrs(int fd, struct meta *m)
{
	char names[8192];
	uint8_t value[META_MAX_BYTES];
	ssize_t n = flistxattr(fd, names, sizeof(names)), len;
	const char *name;

	/* A file system without them has none to keep. */
	if (n < 0)
		return errno == ENOTSUP ? 0 : -1;
	for (name = names; name < names + n; name += strlen(name) + 1) {
		if (is_of_bytes(name))
			continue;
		len = fgetxattr(fd, name, value, sizeof(value));
		if (len < 0)
			return -1;
		if (meta_add(m, name, value, (size_t)len) < 0) {
			errno = E2BIG;
			return -1;
		}
	}
	return 0;
}

int
meta_get(int fd, const char *path, struct meta *out, struct fault *f)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (fstat(fd, &st) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	out->uid = st.st_uid;
	out->gid = st.st_gid;
	out->mode = st.st_mode & 07777;
	if (get_xattrs(fd, out) < 0)
		return fault_set(f, FAULT_FAILED,
			"%s: its extended attributes: %s", path,
			strerror(errno));
	return 0;
}

/* What the new file has got from its directory, and the old one had not: it
 * would let others at the key. */
static int
drop_inherited(int fd, const struct meta *m)
{
	static const char acl[] = "system.posix_acl_access";
	unsigned i;

	for (i = 0; i < m->nxattrs; i++)
		if (strcmp(m->xattrs[i].name, acl) == 0)
			return 0;
	if (fremovexattr(fd, acl) == 0 || errno == ENODATA || errno == ENOTSUP)
		return 0;
	return -1;
}

int
meta_set(int fd, const char *path, const struct meta *m, struct fault *f)
{
	unsigned i;

	if (fchown(fd, m->uid, m->gid) < 0)
		return fault_set(f, FAULT_FAILED,
			"%s: cannot keep its owner (uid %u, gid %u): %s", path,
			(unsigned)m->uid, (unsigned)m->gid, strerror(errno));
	/* Before the mode, whose group bits are an ACL's mask: without the
	 * ACL they would be the group's for a moment. */
	if (drop_inherited(fd, m) < 0)
		return fault_set(f, FAULT_FAILED,
			"%s: cannot remove the ACL that its directory gives: "
			"%s",
			path, strerror(errno));
	for (i = 0; i < m->nxattrs; i++) {
		const struct meta_xattr *x = &m->xattrs[i];

		if (fsetxattr(fd, x->name, m->bytes + x->at, x->len, 0) < 0)
			return fault_set(f, FAULT_FAILED,
				"%s: cannot keep its attribute %s: %s", path,
				x->name, strerror(errno));
	}
	/* After owner and ACL, which clear set-id bits. */
	if (fchmod(fd, m->mode) < 0)
		return fault_set(f, FAULT_FAILED,
			"%s: cannot keep its mode: %s", path, strerror(errno));
	return 0;
}
