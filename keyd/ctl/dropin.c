#include "dropin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "cnffile.h"
#include "confirm.h"
#include "enabled.h"
#include "path.h"
#include "probe.h"
#include "regular.h"
#include "shells.h"
#include "swap.h"
#include "text.h"
#include "unit.h"

static const char name[] = "openssl-keyd.conf";
static const char temporary[] = ".openssl-keyd.new";
static const char first_line[] =
	"# Written by keydctl enable --service; keydctl disable --service "
	"removes it.\n";
/* Whose folder was there already, it stays. */
static const char made[] = "# Its folder was made for it.\n";
static const char setting[] = "[Service]\nEnvironment=OPENSSL_CONF=";

struct dropin {
	struct ctl *ctl;
	const char *root, *unit;
	int root_dir;        /* where root's links lead to */
	char real[PATH_MAX]; /* root without links; empty: this system */
	bool dry_run, yes;
	char folder[PATH_MAX]; /* NAME.service.d */
	char path[PATH_MAX];
	char text[PATH_MAX + 256];
	struct unit_warnings warnings;
};

/* --- the file ------------------------------------------------------------- */

static int
name_it(struct dropin *d, struct fault *f)
{
	if (!unit_is_name(d->unit))
		return fault_set(f, FAULT_USAGE,
			"--service %s: not a service's name: NAME.service",
			d->unit);
	if (snprintf(d->folder, sizeof(d->folder), "%s/etc/systemd/system/%s.d",
		    d->root, d->unit) >= (int)sizeof(d->folder) ||
		snprintf(d->path, sizeof(d->path), "%s/%s", d->folder, name) >=
			(int)sizeof(d->path))
		return fault_set(f, FAULT_USAGE, "--root: it is too long");
	return 0;
}

/* As path_find(), but not out of that system by a link. */
static int
find_there(const struct dropin *d, const char *path, struct path_place *out,
	struct fault *f)
{
	size_t len = strlen(d->real);

	if (path_find(path, out, f) < 0)
		return -1;
	if (strncmp(out->real, d->real, len) == 0 && out->real[len] == '/')
		return 0;
	path_close(out);
	return fault_set(f, FAULT_REFUSED,
		"%s: a symbolic link on the way leads out of --root %s: to %s",
		path, d->root, out->real);
}

/* 1: ours, and file must be freed; 0: there is none; or -1. */
static int
read_ours(const struct path_place *p, struct swap_file *file, struct fault *f)
{
	size_t len = sizeof(first_line) - 1;

	if (!p->exists)
		return 0;
	if (swap_read(p, p->name, file, f) < 0)
		return -1;
	if (file->bytes.len >= len &&
		memcmp(file->bytes.data, first_line, len) == 0)
		return 1;
	swap_free(file);
	return fault_set(f, FAULT_REFUSED,
		"%s: it was not written by keydctl: remove it, or move it "
		"away",
		p->real);
}

static void
mark_made(struct dropin *d)
{
	size_t used = strlen(d->text);

	(void)snprintf(d->text + used, sizeof(d->text) - used, "%s", made);
}

/* Does the text of one say that its folder was made for it? */
static bool
has_mark(const struct bytes *b)
{
	return memmem(b->data, b->len, made, sizeof(made) - 1) != NULL;
}

/* The folder, beside whatever else there is in systemd's. */
static int
make_folder(struct dropin *d, struct fault *f)
{
	char beside[PATH_MAX];
	struct path_place p;
	int r, saved;

	if (access(d->folder, F_OK) == 0)
		return 0;
	(void)snprintf(beside, sizeof(beside), "%.*s.keydctl",
		(int)(sizeof(beside) - 16), d->folder);
	if (find_there(d, beside, &p, f) < 0)
		return -1;
	r = path_enter(&p, f);
	if (r == 0) {
		beside[strlen(d->folder)] = '\0';
		r = mkdirat(p.dir, strrchr(beside, '/') + 1, 0755);
		saved = errno;
		/* Our umask leaves it to us alone. */
		if (r == 0 &&
			fchmodat(p.dir, strrchr(beside, '/') + 1, 0755, 0) < 0)
			saved = errno;
		if (r < 0)
			(void)fault_set(f, FAULT_FAILED, "%s: %s", d->folder,
				strerror(saved));
		else
			mark_made(d);
	}
	path_leave(&p);
	path_close(&p);
	return r;
}

/* The new file under a name that systemd does not read, then the real one. */
static int
write_it(struct dropin *d, struct fault *f)
{
	struct path_place p;
	int r;

	if (make_folder(d, f) < 0 || find_there(d, d->path, &p, f) < 0)
		return -1;
	r = swap_discard(&p, temporary, f);
	if (r == 0)
		r = swap_prepare(
			&p, temporary, d->text, strlen(d->text), NULL, f);
	if (r == 0)
		r = path_enter(&p, f);
	if (r == 0 && renameat(p.dir, temporary, p.dir, p.name) < 0)
		r = fault_set(
			f, FAULT_FAILED, "%s: %s", d->path, strerror(errno));
	path_leave(&p);
	if (r == 0 && fsync(p.dir) < 0)
		r = fault_set(
			f, FAULT_FAILED, "%s: %s", d->path, strerror(errno));
	path_close(&p);
	return r;
}

/* pending: something has been changed, or had been, that takes effect by a
 * restart. */
static void
say(struct dropin *d, const char *outcome, bool pending)
{
	struct json *j = &d->ctl->out;
	char next[NAME_MAX + 64] = "";
	unsigned i;

	if (pending && d->real[0] == '\0')
		(void)snprintf(next, sizeof(next),
			"systemctl daemon-reload && systemctl restart %s",
			d->unit);
	if (!d->ctl->json) {
		(void)printf("%s: %s\n", d->path, outcome);
		for (i = 0; i < d->warnings.n; i++)
			(void)printf("warning  %s\n", d->warnings.text[i]);
		if (next[0] != '\0')
			(void)printf("Now run: %s\n", next);
		else if (pending)
			(void)printf("It counts from the next start of the "
				     "system in %s on\n",
				d->real);
		return;
	}
	json_open(j, NULL, '{');
	json_string(j, "file", d->path);
	json_string(j, "outcome", outcome);
	json_open(j, "warnings", '[');
	for (i = 0; i < d->warnings.n; i++)
		json_string(j, NULL, d->warnings.text[i]);
	json_close(j, ']');
	if (next[0] != '\0')
		json_string(j, "next", next);
	json_close(j, '}');
}

/* Does a service get with cnf what it got before, and keyd? */
static int
try_out(const char *cnf, struct fault *f)
{
	struct probe *before = malloc(sizeof(*before));
	struct probe *after = malloc(sizeof(*after));
	char system[PATH_MAX], old[PATH_MAX + 16], new[PATH_MAX + 16];
	int r = -1;

	(void)cnffile_default(system);
	(void)snprintf(old, sizeof(old), ".include %s\n", system);
	(void)snprintf(new, sizeof(new), ".include %s\n", cnf);
	if (before == NULL || after == NULL)
		(void)fault_set(f, FAULT_FAILED, "no memory");
	else if (probe_file(system, before, f) == 0 &&
		 probe_file(cnf, after, f) == 0)
		r = probe_compare(before, after, f);
	if (r == PROBE_INACTIVE)
		probe_why(&(struct probe_conf){ old, strlen(old) },
			&(struct probe_conf){ new, strlen(new) }, NULL, f);
	if (r < 0) {
		f->code = FAULT_REFUSED;
		fault_add(f,
			": let %s hold the one line \".include %s\" and run "
			"keydctl enable --openssl-cnf %s",
			cnf, system, cnf);
	}
	free(before);
	free(after);
	return r;
}

/* Is the file that the service is to read there? An image may get its packages
 * later. */
static int
is_there(struct dropin *d, const char *cnf, bool installed, struct fault *f)
{
	int fd = unit_open(d->root_dir, cnf), saved = errno;

	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	if (installed && d->real[0] != '\0' && saved == ENOENT) {
		unit_warn(&d->warnings,
			"%s: there is none in %s yet: openssl-keyd has to be "
			"installed there before the service is started",
			cnf, d->real);
		return 0;
	}
	if (d->real[0] != '\0')
		return fault_set(f, FAULT_FAILED,
			"--openssl-cnf %s: in %s: %s: it is the path that the "
			"service will see there",
			cnf, d->real, strerror(saved));
	return fault_set(f, FAULT_FAILED, "%s: %s%s", cnf, strerror(saved),
		installed ? ": is openssl-keyd installed whole?" : "");
}

/* The text of the drop-in, after the file it names was looked at. */
static int
compose(struct dropin *d, const char *cnf, struct fault *f)
{
	bool installed = cnf == NULL;

	if (installed)
		cnf = KEYD_SYSCONFDIR "/openssl-keyd/openssl.cnf";
	if (cnf[0] != '/' || strlen(cnf) >= PATH_MAX || text_has_control(cnf) ||
		strpbrk(cnf, " \"'\\%$") != NULL)
		return fault_set(f, FAULT_USAGE,
			"--openssl-cnf %s: the whole path, without blanks, "
			"quotes, %% and $",
			cnf);
	if (is_there(d, cnf, installed, f) < 0)
		return -1;
	(void)snprintf(
		d->text, sizeof(d->text), "%s%s%s\n", first_line, setting, cnf);
	return d->real[0] == '\0' ? try_out(cnf, f) : 0;
}

static int
enable(struct dropin *d, const char *cnf, struct fault *f)
{
	struct path_place p;
	struct swap_file file;
	int ours = 0;
	bool same;

	if (name_it(d, f) < 0 || compose(d, cnf, f) < 0)
		return -1;
	if (d->real[0] == '\0' && !unit_exists(d->root_dir, d->unit))
		return fault_set(f, FAULT_REFUSED,
			"--service %s: no such unit was found: systemctl cat "
			"%s",
			d->unit, d->unit);
	if (access(d->path, F_OK) == 0) {
		if (find_there(d, d->path, &p, f) < 0)
			return -1;
		ours = read_ours(&p, &file, f);
		path_close(&p);
		if (ours < 0)
			return -1;
	}
	if (ours == 1 && has_mark(&file.bytes))
		mark_made(d);
	same = ours == 1 && file.bytes.len == strlen(d->text) &&
	       memcmp(file.bytes.data, d->text, file.bytes.len) == 0;
	if (ours == 1)
		swap_free(&file);
	unit_examine(d->root_dir, d->unit, name, &d->warnings);
	if (!same && !d->dry_run && write_it(d, f) < 0)
		return -1;
	say(d,
		same         ? "already enabled"
		: d->dry_run ? "would be written"
			     : "written",
		!d->dry_run);
	return 0;
}

/* On this machine: does the service lose what it may need? */
static int
ask(const struct dropin *d, struct fault *f)
{
	char question[2048];
	struct shells s;

	if (d->real[0] != '\0' || d->dry_run || enabled_system())
		return 0;
	shells_find(&d->ctl->config, &s);
	if (s.n == 0)
		return 0;
	(void)snprintf(question, sizeof(question),
		"%s: take keyd from it, while there are shells (%s): it cannot "
		"load any, from its next restart on (keydctl restore NAME, "
		"before this, puts the keys back)",
		d->unit, s.words);
	return confirm(d->yes, question, f);
}

static int
disable(struct dropin *d, struct fault *f)
{
	struct path_place p;
	struct swap_file file;
	bool mine = false;
	int r;

	if (name_it(d, f) < 0)
		return -1;
	if (access(d->path, F_OK) < 0) {
		say(d, "not enabled", false);
		return 0;
	}
	if (find_there(d, d->path, &p, f) < 0)
		return -1;
	r = read_ours(&p, &file, f);
	if (r == 1) {
		mine = has_mark(&file.bytes);
		swap_free(&file);
	}
	if (r == 1)
		r = ask(d, f) < 0 ? -1 : 1;
	if (r == 1 && !d->dry_run)
		r = swap_discard(&p, p.name, f);
	path_close(&p);
	if (r < 0)
		return -1;
	/* Unless there are other drop-ins. */
	if (mine && !d->dry_run)
		(void)rmdir(d->folder);
	say(d, d->dry_run ? "would be removed" : "removed", !d->dry_run);
	return 0;
}

/* Opens the root folder of the system that is meant. */
static int
open_root(struct dropin *d, struct fault *f)
{
	const char *root = d->root[0] == '\0' ? "/" : d->root;

	d->root_dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->root_dir < 0 || realpath(root, d->real) == NULL)
		return fault_set(
			f, FAULT_USAGE, "--root %s: %s", root, strerror(errno));
	if (strcmp(d->real, "/") == 0)
		d->real[0] = '\0';
	return 0;
}

/* With cnf: enable, without: disable. */
static int
run(struct dropin *d, bool enabling, const char *cnf)
{
	struct fault f = { .code = FAULT_FAILED };
	int r = open_root(d, &f);

	if (r == 0)
		r = enabling ? enable(d, cnf, &f) : disable(d, &f);
	if (d->root_dir >= 0)
		(void)close(d->root_dir);
	return r < 0 ? fault_print(&f) : r;
}

static struct dropin *
start(struct ctl *c, const char *root, const char *unit, bool dry_run)
{
	static struct dropin d;

	d.ctl = c;
	d.root = root == NULL ? "" : root;
	d.unit = unit;
	d.dry_run = dry_run;
	return &d;
}

int
dropin_enable(struct ctl *c, const char *root, const char *unit,
	const char *cnf, bool dry_run)
{
	return run(start(c, root, unit, dry_run), true, cnf);
}

int
dropin_disable(struct ctl *c, const char *root, const char *unit, bool dry_run,
	bool yes)
{
	struct dropin *d = start(c, root, unit, dry_run);

	d->yes = yes;
	return run(d, false, NULL);
}

/* --- all of them ----------------------------------------------------------- */

/* The openssl.cnf that the text of one names. */
static int
named(const struct bytes *b, char out[PATH_MAX])
{
	const char *text = (const char *)b->data, *end = text + b->len, *s;
	size_t len;

	s = memmem(text, b->len, setting, sizeof(setting) - 1);
	if (s == NULL)
		return -1;
	s += sizeof(setting) - 1;
	len = (size_t)(end - s);
	if (memchr(s, '\n', len) != NULL)
		len = (size_t)((const char *)memchr(s, '\n', len) - s);
	if (len >= PATH_MAX)
		return -1;
	(void)snprintf(out, PATH_MAX, "%.*s", (int)len, s);
	return 0;
}

/* The one in NAME.service.d, if there is one. */
static int
read_named(int systemd, const char *folder, char out[PATH_MAX])
{
	char path[NAME_MAX + 64];
	struct bytes b;
	int fd, r;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = regular_open(systemd, path);
	if (fd < 0)
		return -1;
	r = bytes_read(fd, PATH_MAX + 256, &b);
	(void)close(fd);
	if (r < 0)
		return -1;
	r = named(&b, out);
	bytes_free(&b);
	return r;
}

void
dropin_each(void (*fn)(void *arg, const char *unit, const char *cnf), void *arg)
{
	DIR *dir = opendir("/etc/systemd/system");
	char unit[NAME_MAX + 1], cnf[PATH_MAX];
	const struct dirent *e;
	int len;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		len = (int)strlen(e->d_name) - 2;
		if (len <= 0 || strcmp(e->d_name + len, ".d") != 0 ||
			read_named(dirfd(dir), e->d_name, cnf) < 0)
			continue;
		(void)snprintf(unit, sizeof(unit), "%.*s", len, e->d_name);
		fn(arg, unit, cnf);
	}
	if (dir != NULL)
		(void)closedir(dir);
}
