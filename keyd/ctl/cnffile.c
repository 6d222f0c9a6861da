#include "cnffile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "activation.h"
#include "broker/trust.h"
#include "loadable.h"
#include "regular.h"

/* One name is enough: there is a lock. */
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
lock(const struct path_place *p, struct fault *f)
{
	if (flock(p->dir, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return fault_set(f, FAULT_FAILED,
		"%s: its directory is locked: another keydctl is at work: try "
		"again",
		p->real);
}

static int
name_backup(struct cnffile *c, struct fault *f)
{
	int n = snprintf(
		c->backup, sizeof(c->backup), "%s.before-keyd", c->place.name);

	if (n < 0 || (size_t)n >= sizeof(c->backup) ||
		snprintf(c->backup_path, sizeof(c->backup_path), "%s%s",
			c->place.real,
			".before-keyd") >= (int)sizeof(c->backup_path))
		return fault_set(f, FAULT_REFUSED, "%s: the name is too long",
			c->place.real);
	return 0;
}

int
cnffile_open(const char *path, struct cnffile *out, struct fault *f)
{
	struct cnffile c = { 0 };
	long len;

	if (path_find(path, &c.place, f) < 0)
		return -1;
	if (is_fit(&c.place, f) < 0 || name_backup(&c, f) < 0 ||
		lock(&c.place, f) < 0 ||
		swap_discard(&c.place, temporary, f) < 0 ||
		swap_read(&c.place, c.place.name, &c.old, f) < 0)
		goto err_place;
	c.base = malloc(c.old.bytes.len + 1);
	if (c.base == NULL) {
		(void)fault_set(f, FAULT_FAILED, "no memory");
		goto err_read;
	}
	len = activation_strip(
		c.place.real, c.old.bytes.data, c.old.bytes.len, c.base, f);
	if (len < 0)
		goto err_base;
	c.len = (size_t)len;
	*out = c;
	return 0;
err_base:
	free(c.base);
err_read:
	swap_free(&c.old);
err_place:
	path_close(&c.place);
	return -1;
}

void
cnffile_close(struct cnffile *c)
{
	free(c->base);
	swap_free(&c->old);
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

int
cnffile_back_up(const struct cnffile *c, struct fault *f)
{
	struct fault ignored;

	if (cnffile_is_backup(c, c->base, c->len) == 1)
		return 0;
	if (swap_prepare(
		    &c->place, temporary, c->base, c->len, &c->old.meta, f) < 0)
		return -1;
	if (rename_as(&c->place, temporary, c->backup, f) == 0)
		return 0;
	if (swap_discard(&c->place, temporary, &ignored) < 0)
		fault_add(f, "; and %s is left", temporary);
	return -1;
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
		return swap_discard(&c->place, temporary, f);
	/* Stuck: the only copy of what was there may be under that name. */
	if (r != SWAP_STUCK && swap_discard(&c->place, temporary, &ignored) < 0)
		fault_add(f, "; and %s is left", temporary);
	return -1;
}
