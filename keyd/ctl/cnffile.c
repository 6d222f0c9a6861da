#include "cnffile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "broker/trust.h"
#include "cnflock.h"
#include "loadable.h"
#include "mark.h"
#include "regular.h"

/* One name is enough: there is a lock. leftover() knows what may be there. */
static const char temporary[] = ".openssl-keyd.new";

const char *
cnffile_default(char out[PATH_MAX])
{
	const char *dir = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);

	(void)snprintf(out, PATH_MAX, "%s/openssl.cnf",
		dir == NULL ? "/etc/ssl" : dir);
	return out;
}

static int
is_fit(const struct path_place *p, struct fault *f)
{
	struct stat st;

	if (!p->exists)
		return fault_set(f, FAULT_REFUSED,
			"%s: there is none: say which with --openssl-cnf",
			p->real);
	/* Other than a regular file: swap_read() has words for it. */
	if (fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", p->real, strerror(errno));
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		return fault_set(f, FAULT_REFUSED,
			"%s: it has other hard links, which would stay as they "
			"are: remove them (find -samefile)",
			p->real);
	if (st.st_size > CNF_MAX)
		return fault_set(f, FAULT_REFUSED,
			"%s: it is too long for an openssl.cnf", p->real);
	return 0;
}

static int
name_beside(const struct path_place *p, const char *suffix,
	char name[NAME_MAX + 1], char path[PATH_MAX + 1], struct fault *f)
{
	int n = snprintf(name, NAME_MAX + 1, "%s%s", p->name, suffix);

	if (n < 0 || n > NAME_MAX ||
		snprintf(path, PATH_MAX + 1, "%s%s", p->real, suffix) >
			PATH_MAX)
		return fault_set(
			f, FAULT_REFUSED, "%s: the name is too long", p->real);
	return 0;
}

static bool
is_prefix(const struct bytes *b, const void *text, size_t len)
{
	return b->len <= len &&
	       (b->len == 0 || memcmp(b->data, text, b->len) == 0);
}

/* Is all that stands in it, whole or cut off, in the file or its backup too? But
 * for a block, which enable writes anew. */
static bool
is_known(const struct cnffile *c, const struct bytes *left)
{
	struct swap_file backup;
	struct fault ignored;
	char *base;
	long len;
	bool r;

	if (is_prefix(left, c->old.bytes.data, c->old.bytes.len) ||
		is_prefix(left, c->base, c->len))
		return true;
	if (swap_read(&c->place, c->backup, &backup, &ignored) == 0) {
		r = is_prefix(left, backup.bytes.data, backup.bytes.len);
		swap_free(&backup);
		if (r)
			return true;
	}
	base = malloc(left->len + 1);
	if (base == NULL)
		return false;
	len = mark_strip("", left->data, left->len, base, &ignored);
	if (len >= 0 && (size_t)len < left->len)
		r = (size_t)len == c->len && memcmp(base, c->base, c->len) == 0;
	else
		r = left->len > c->len &&
		    memcmp(left->data, c->base, c->len) == 0 &&
		    mark_begins(left->data + c->len, left->len - c->len);
	free(base);
	return r;
}

/* What stands under the temporary name: nothing, or what a killed keydctl wrote
 * there, or what came out of an exchange, which may be there only. */
static int
leftover(const struct cnffile *c, bool discard, struct fault *f)
{
	struct swap_file left;
	struct fault why;
	int r = swap_exists(&c->place, temporary, f);
	bool known;

	if (r <= 0)
		return r;
	if (swap_read(&c->place, temporary, &left, &why) < 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: %s in its directory is in the way: move it away "
			"(%s)",
			c->place.real, temporary, why.text);
	known = is_known(c, &left.bytes);
	swap_free(&left);
	if (known)
		return discard ? swap_discard(&c->place, temporary, f) : 0;
	return fault_set(f, FAULT_REFUSED,
		"%s: an earlier change of it was not ended, and %s in its "
		"directory may be the only copy of what it was: compare both, "
		"move what is right to %s, and remove the other",
		c->place.real, temporary, c->place.name);
}

static int
read_base(struct cnffile *c, struct fault *f)
{
	long len;

	if (swap_read(&c->place, c->place.name, &c->old, f) < 0)
		return -1;
	c->base = malloc(c->old.bytes.len + 1);
	if (c->base == NULL)
		return fault_set(f, FAULT_FAILED, "no memory");
	len = mark_strip(
		c->place.real, c->old.bytes.data, c->old.bytes.len, c->base, f);
	c->len = (size_t)len;
	return len < 0 ? -1 : 0;
}

int
cnffile_open(
	const char *path, bool change, struct cnffile *out, struct fault *f)
{
	struct cnffile c = { .lock = -1 };

	if (path_find(path, &c.place, f) < 0)
		return -1;
	if (is_fit(&c.place, f) < 0 ||
		name_beside(&c.place, ".before-keyd", c.backup, c.backup_path,
			f) < 0 ||
		name_beside(&c.place, ".with-keyd", c.kept, c.kept_path, f) <
			0 ||
		(change && cnflock_take(&c.place, &c.lock, f) < 0) ||
		read_base(&c, f) < 0 || leftover(&c, change, f) < 0) {
		cnffile_close(&c);
		return -1;
	}
	*out = c;
	return 0;
}

void
cnffile_close(struct cnffile *c)
{
	free(c->base);
	swap_free(&c->old);
	cnflock_release(&c->place, c->lock);
	path_close(&c->place);
}

int
cnffile_include(void *arg, const char *path, struct fault *f)
{
	struct trust_foreign why;

	(void)arg;
	if (geteuid() != 0)
		return regular_open(AT_FDCWD, path);
	if (loadable_path(path, f) < 0)
		return CNF_FOREIGN;
	return trust_open_any(path, &why);
}

int
cnffile_parse(const struct cnffile *c, const char *text, size_t len,
	struct cnf *out, struct fault *f)
{
	return cnf_read(
		c->place.real, text, len, cnffile_include, NULL, out, f);
}

int
cnffile_is_backup(const struct cnffile *c, const void *text, size_t len)
{
	struct swap_file file;
	struct fault ignored;
	int r;

	if (swap_read(&c->place, c->backup, &file, &ignored) < 0)
		return -1;
	r = file.bytes.len == len &&
	    (len == 0 || memcmp(file.bytes.data, text, len) == 0);
	swap_free(&file);
	return r;
}

static int
rename_as(const struct path_place *p, const char *from, const char *to,
	struct fault *f)
{
	int r = path_enter(p, f), saved;

	if (r == 0) {
		r = renameat(p->dir, from, p->dir, to);
		saved = errno;
		if (r < 0)
			(void)fault_set(f, FAULT_FAILED, "%s: %s: %s", p->real,
				to, strerror(saved));
	}
	path_leave(p);
	return r;
}

/* Gives another file beside it these bytes. */
static int
put_beside(const struct cnffile *c, const char *name, const void *text,
	size_t len, struct fault *f)
{
	struct fault ignored;

	if (swap_prepare(&c->place, temporary, text, len, &c->old.meta, f) < 0)
		return -1;
	if (rename_as(&c->place, temporary, name, f) == 0)
		return 0;
	if (swap_discard(&c->place, temporary, &ignored) < 0)
		fault_add(f, "; and %s is left", temporary);
	return -1;
}

int
cnffile_back_up(const struct cnffile *c, struct fault *f)
{
	if (cnffile_is_backup(c, c->base, c->len) == 1)
		return 0;
	return put_beside(c, c->backup, c->base, c->len, f);
}

int
cnffile_keep(const struct cnffile *c, struct fault *f)
{
	return put_beside(c, c->kept, c->old.bytes.data, c->old.bytes.len, f);
}

int
cnffile_drop_backup(const struct cnffile *c, struct fault *f)
{
	return swap_discard(&c->place, c->backup, f);
}

int
cnffile_replace(
	const struct cnffile *c, const void *text, size_t len, struct fault *f)
{
	struct fault ignored;
	int r;

	if (swap_prepare(&c->place, temporary, text, len, &c->old.meta, f) < 0)
		return -1;
	r = swap_exchange(&c->place, temporary, &c->old, f);
	if (r == 0)
		return swap_discard(&c->place, temporary, f) < 0 ? SWAP_STUCK
								 : 0;
	/* Stuck: the only copy of what was there may be under that name. */
	if (r != SWAP_STUCK && swap_discard(&c->place, temporary, &ignored) < 0)
		fault_add(f, "; and %s is left", temporary);
	return r;
}
