#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "activation.h"
#include "apart.h"
#include "builtin.h"
#include "bytes.h"
#include "loadable.h"
#include "pidcheck.h"
#include "stale.h"
#include "text.h"

/* How the file and what it includes are read, and when one of them was last
 * changed. */
struct reading {
	const struct process *p;
	bool outside; /* as it was before it entered its root folder */
	char path[PATH_MAX];
	long long changed; /* ms since 1970 */
	int libcrypto;
};

/* Where it looks for openssl.cnf. 0, or -1 after words. */
static int
find_path(struct pid_check *k, const struct reading *r, char out[PATH_MAX])
{
	const struct process *p = k->p;
	char folder[PATH_MAX - 16];

	if (p->env == PROCENV_SET && !p->secure) {
		(void)snprintf(out, PATH_MAX, "%s", p->conf);
		if (out[0] == '/')
			return 0;
		pidcheck_say(k, FINDING_ERROR,
			"OPENSSL_CONF=%s is no absolute path: which file that "
			"is depends on its folder: give it the whole path",
			p->conf);
		return -1;
	}
	if (p->env == PROCENV_SET)
		pidcheck_say(k, FINDING_WARNING,
			"OPENSSL_CONF is ignored, since it runs with more "
			"rights than who started it (AT_SECURE): enable keyd "
			"for the whole machine: keydctl enable");
	if (builtin_folder(
		    r->libcrypto, "OPENSSLDIR: \"", folder, sizeof(folder)) < 0)
		(void)snprintf(folder, sizeof(folder), "/usr/lib/ssl");
	(void)snprintf(out, PATH_MAX, "%s/openssl.cnf", folder);
	if (p->hangs)
		pidcheck_say(k, FINDING_WARNING,
			"its environment cannot be read: its memory does not "
			"answer (a file on a file system that hangs?)");
	else if (p->env == PROCENV_UNKNOWN && !p->secure)
		pidcheck_say(k,
			p->libs.keyd[0] == '\0' ? FINDING_WARNING : FINDING_OK,
			"its environment cannot be read (its title is written "
			"over it): that it reads %s holds unless OPENSSL_CONF "
			"is set: systemctl show -p Environment UNIT tells "
			"what it was started with",
			out);
	return 0;
}

/* --- the module ----------------------------------------------------------- */

/* keyd.so as its openssl.cnf names it: in its root folder? */
static void
find_module(struct pid_check *k, const struct reading *r,
	const struct activation *a)
{
	const char *name = a->module == NULL ? "keyd.so" : a->module;
	char folder[PATH_MAX / 2], path[PATH_MAX];
	struct statvfs vfs;
	int fd;

	if (name[0] == '/')
		(void)snprintf(path, sizeof(path), "%s", name);
	else if (builtin_folder(r->libcrypto, "MODULESDIR: \"", folder,
			 sizeof(folder)) == 0)
		(void)snprintf(path, sizeof(path), "%s/%.255s", folder, name);
	else
		return;
	fd = process_find(k->p, path);
	if (fd < 0) {
		pidcheck_say(k, FINDING_ERROR,
			"the module %s: %s%s: install openssl-keyd there, or "
			"name the module in the file (keydctl enable "
			"--module)",
			path, strerror(errno),
			k->p->own_root ? " in its root folder" : "");
		return;
	}
	/* The mount's flags, as it has it. */
	if (fstatvfs(fd, &vfs) == 0 && (vfs.f_flag & ST_NOEXEC) != 0)
		pidcheck_say(k, FINDING_ERROR,
			"the module %s: nothing there can be executed "
			"(noexec)%s",
			path,
			k->p->own_mount ? ": add its folder to ExecPaths= in "
					  "its unit"
					: "");
	(void)close(fd);
}

/* --- the file ------------------------------------------------------------- */

/* Is it this machine's file, and may keydctl change it as who it is? */
static bool
is_changeable(const struct process *p, const char *path)
{
	struct fault ignored;

	return !p->own_root && !p->own_mount && !text_has_control(path) &&
	       loadable_path(path, &ignored) == 0;
}

/* What to do so that the file activates keyd. */
static void
advise(struct pid_check *k, enum finding_level level, const char *path,
	const char *what)
{
	char file[4 * PATH_MAX], unit[4 * PATH_MAX];

	if (k->notes != NULL)
		pidcheck_note(k, level, path, what);
	else if (level == FINDING_ERROR && k->p->env != PROCENV_SET &&
		 k->p->unit[0] != '\0')
		pidcheck_say(k, level,
			"%s %s: keydctl enable, or for this service alone "
			"keydctl enable --service %s; and restart it",
			path, what, text_quoted(k->p->unit, unit));
	else if (is_changeable(k->p, path))
		pidcheck_say(k, level,
			"%s %s: keydctl enable --openssl-cnf %s, and restart "
			"it",
			path, what, text_quoted(path, file));
	else
		pidcheck_say(k, level,
			"%s %s, and is not root's alone or not this machine's: "
			"its owner can enable keyd there; then restart it",
			path, what);
}

/* Opened, with a note of when it was last changed: by the inode's time, which
 * mv(1) and cp -p do not take back. */
static int
open_noting(struct reading *r, const char *path)
{
	struct stat st;
	long long when;
	int fd;

	if (r->outside)
		fd = process_file_outside(path);
	else
		fd = process_file(r->p, path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fd;
	when = st.st_ctim.tv_sec * 1000LL + st.st_ctim.tv_nsec / 1000000;
	if (S_ISREG(st.st_mode) && when > r->changed)
		r->changed = when;
	return fd;
}

static int
include(void *arg, const char *path, struct fault *f)
{
	(void)f;
	return open_noting(arg, path);
}

/* Does enable's block in it fit the rest of it? */
static void
judge_block(struct pid_check *k, struct reading *r, const struct bytes *b)
{
	char words[STALE_MAX];
	struct fault f;

	if (stale_block(r->path, b->data, b->len, include, r, words, &f) > 0)
		advise(k, FINDING_WARNING, r->path, words);
}

/* It is loaded, or would have been: is that still what the file says? */
static void
judge_time(struct pid_check *k, const struct reading *r)
{
	bool loaded = k->p->libs.keyd[0] != '\0';

	if (r->changed <= process_began(k->p))
		return;
	pidcheck_say(k, loaded ? FINDING_WARNING : FINDING_ERROR,
		"it was started before %s, or what that includes, was "
		"changed: restart it",
		r->path);
}

static void
judge_activation(struct pid_check *k, struct reading *r, const struct bytes *b,
	const struct activation *a)
{
	bool loaded = k->p->libs.keyd[0] != '\0';

	if (!a->has_keyd && loaded && k->p->env == PROCENV_UNKNOWN) {
		pidcheck_say(k, FINDING_OK,
			"%s does not activate keyd, so OPENSSL_CONF names "
			"another file",
			r->path);
		return;
	}
	if (!a->has_keyd) {
		advise(k, loaded ? FINDING_WARNING : FINDING_ERROR, r->path,
			loaded ? "does not activate keyd (any more), and after "
				 "a restart it will be without"
			       : "does not activate keyd");
		return;
	}
	k->notes->conf_is_right = true;
	(void)snprintf(k->notes->socket, sizeof(k->socket), "%s",
		a->socket == NULL ? "" : a->socket);
	(void)snprintf(k->notes->abstract, sizeof(k->abstract), "%s",
		a->abstract_socket == NULL ? "" : a->abstract_socket);
	(void)snprintf(k->notes->server_user, sizeof(k->server_user), "%s",
		a->server_user == NULL ? "" : a->server_user);
	pidcheck_say(k, FINDING_OK, "%s activates keyd%s", r->path,
		r->outside ? " (read before it entered its root folder)" : "");
	judge_block(k, r, b);
	if (!loaded)
		find_module(k, r, a);
	judge_time(k, r);
}

/* Reads and judges the file; -1 with errno: it cannot be read. */
static int
read_conf(struct pid_check *k, struct reading *r)
{
	struct bytes b = { 0 };
	struct activation a;
	struct cnf cnf;
	struct fault f;
	int fd = open_noting(r, r->path), n, saved;

	if (fd < 0)
		return -1;
	n = bytes_read(fd, CNF_MAX, &b);
	saved = errno;
	(void)close(fd);
	errno = saved;
	if (n < 0)
		return -1;
	if (cnf_read(r->path, (const char *)b.data, b.len, include, r, &cnf,
		    &f) < 0) {
		pidcheck_say(k, FINDING_WARNING,
			"what it reads is not understood: %s", f.text);
		bytes_free(&b);
		return 0;
	}
	if (activation_find(&cnf, &a, &f) < 0)
		pidcheck_say(k, FINDING_WARNING,
			"what it reads is not understood: %s", f.text);
	else
		judge_activation(k, r, &b, &a);
	cnf_free(&cnf);
	bytes_free(&b);
	return 0;
}

/*
 * A server that has entered an empty folder with the provider loaded has read
 * the file before. It is the one that keydctl sees, if both have the same
 * mounts.
 */
static int
read_outside(struct pid_check *k, struct reading *r)
{
	if (!process_is_in_chroot(k->p)) {
		pidcheck_say(k, FINDING_OK,
			"it read %s before it entered its root folder",
			r->path);
		return 0;
	}
	r->outside = true;
	return read_conf(k, r);
}

/* With the rights of the one that has read it. */
static void
judge_as_reader(struct pid_check *k, int libcrypto)
{
	bool loaded = k->p->libs.keyd[0] != '\0';
	struct reading r = { .p = k->p, .libcrypto = libcrypto };
	char who[80] = "", name[64];
	int n, error;

	if (find_path(k, &r, r.path) < 0)
		return;
	n = read_conf(k, &r);
	if (n < 0 && errno == ENOENT && k->p->own_root && loaded)
		n = read_outside(k, &r);
	if (n == 0)
		return;
	error = errno;
	if (error == EACCES || error == EPERM)
		(void)snprintf(who, sizeof(who), " (to %s)",
			user_name(k->p->reader.uid, name));
	pidcheck_say(k, loaded ? FINDING_WARNING : FINDING_ERROR,
		"%s, which it reads: %s%s", r.path, strerror(error), who);
}

static void
in_child(void *arg, int out)
{
	static struct pid_notes notes;
	struct pid_check *k = arg;
	int libcrypto;

	k->notes = &notes;
	/* Only root gets at that. */
	libcrypto = process_libcrypto(k->p);
	if (user_become(&k->p->reader) < 0)
		pidcheck_say(k, FINDING_ERROR,
			"what it reads cannot be read as who it is: %s",
			strerror(errno));
	else
		judge_as_reader(k, libcrypto);
	apart_answer(out, &notes, sizeof(notes), -1);
}

static void
take_over(struct pid_check *k, const struct pid_notes *notes)
{
	const struct pid_note *note;
	unsigned i;

	for (i = 0; i < notes->n; i++) {
		note = &notes->note[i];
		if (note->path[0] != '\0')
			advise(k, note->level, note->path, note->text);
		else
			pidcheck_say(k, note->level, "%s", note->text);
	}
	k->conf_is_right = notes->conf_is_right;
	memcpy(k->socket, notes->socket, sizeof(k->socket));
	memcpy(k->abstract, notes->abstract, sizeof(k->abstract));
	memcpy(k->server_user, notes->server_user, sizeof(k->server_user));
}

void
pidconf_judge(struct pid_check *k)
{
	static struct pid_notes notes;
	int error = apart_run(
		in_child, k, APART_TIMEOUT, &notes, sizeof(notes), NULL);

	if (error == 0)
		take_over(k, &notes);
	else
		pidcheck_say(k, FINDING_ERROR,
			"its openssl.cnf, or what that includes, cannot be "
			"read: %s%s",
			strerror(error),
			error == ETIMEDOUT ? " (a file system that hangs?)"
					   : "");
}
