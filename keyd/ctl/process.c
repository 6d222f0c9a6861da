#include "process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "apart.h"
#include "broker/peer.h"
#include "procdir.h"
#include "regular.h"
#include "text.h"

enum {
	MAX_LINE = 16, /* of ancestors with the same program */
};

/* --- its files ------------------------------------------------------------ */

/* The n-th number of a line. 0, or -1 if there is none. */
static int
number(const char *text, unsigned n, unsigned long *out)
{
	char *end;

	while (n-- > 0) {
		text += strspn(text, " \t");
		if (*text < '0' || *text > '9')
			return -1;
		*out = strtoul(text, &end, 10);
		text = end;
	}
	return 0;
}

/* The real one, then the effective one, which counts to keyd. */
static int
read_ids(const char *text, struct user_identity *id)
{
	const char *uids = procdir_field(text, "Uid:"),
		   *gids = procdir_field(text, "Gid:"),
		   *groups = procdir_field(text, "Groups:");
	unsigned long uid, gid;
	char *end;

	if (uids == NULL || gids == NULL || groups == NULL ||
		number(uids, 2, &uid) < 0 || number(gids, 2, &gid) < 0)
		return -1;
	*id = (struct user_identity){ .uid = (uid_t)uid, .gid = (gid_t)gid };
	while (*groups != '\n' && *groups != '\0' &&
		id->ngroups < USER_MAX_GROUPS) {
		id->groups[id->ngroups] = (gid_t)strtoul(groups, &end, 10);
		if (end == groups)
			break;
		id->ngroups++;
		groups = end + strspn(end, " ");
	}
	return 0;
}

static int
read_status(struct process *p, const char *text)
{
	const char *name = procdir_field(text, "Name:\t"),
		   *seccomp = procdir_field(text, "Seccomp:");
	unsigned long mode;

	if (name == NULL || read_ids(text, &p->id) < 0)
		return -1;
	p->overflow = p->id.uid == PEER_OVERFLOW_ID;
	p->filtered =
		seccomp != NULL && number(seccomp, 1, &mode) == 0 && mode == 2;
	(void)snprintf(p->name, sizeof(p->name), "%.*s",
		(int)strcspn(name, "\n"), name);
	text_clean(p->name);
	return 0;
}

/* Milliseconds of the clock. */
static long long
clock_ms(clockid_t clock)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Lines of "inside outside count": is the host's 0 among them? */
static bool
maps_root(const char *text)
{
	unsigned long outside, count;

	while (number(text, 2, &outside) == 0 && number(text, 3, &count) == 0) {
		if (outside == 0 && count > 0)
			return true;
		text = strchr(text, '\n');
		if (text == NULL)
			break;
		text++;
	}
	return false;
}

static bool
is_secure(const char *auxv, size_t len)
{
	Elf64_auxv_t entry;

	for (; len >= sizeof(entry);
		auxv += sizeof(entry), len -= sizeof(entry)) {
		memcpy(&entry, auxv, sizeof(entry));
		if (entry.a_type == AT_SECURE)
			return entry.a_un.a_val != 0;
	}
	return false;
}

/* --- all of it ------------------------------------------------------------ */

/* Has it ended, and only not been waited for yet? */
static bool
is_zombie(const char *stat)
{
	const char *state = procdir_stat(stat, 3);

	return state != NULL && (*state == 'Z' || *state == 'X');
}

static pid_t
parent_of(const char *stat)
{
	const char *parent = procdir_stat(stat, 4);

	return parent == NULL ? 0 : (pid_t)strtol(parent, NULL, 10);
}

static unsigned long long
ticks_of(const char *stat)
{
	const char *ticks = procdir_stat(stat, 22);

	return ticks == NULL ? 0 : strtoull(ticks, NULL, 10);
}

/* Did an exec come between the two? Each lays the memory out anew, unless that is
 * switched off; then the program may still be another. */
static bool
is_forked(int dir, const char *stat, int parent, const char *parent_stat)
{
	const char *stack = procdir_stat(stat, 28),
		   *parent_stack = procdir_stat(parent_stat, 28);
	struct stat program, parent_program;

	return stack != NULL && parent_stack != NULL &&
	       strtoull(stack, NULL, 10) == strtoull(parent_stack, NULL, 10) &&
	       fstatat(dir, "exe", &program, 0) == 0 &&
	       fstatat(parent, "exe", &parent_program, 0) == 0 &&
	       program.st_dev == parent_program.st_dev &&
	       program.st_ino == parent_program.st_ino;
}

/* One of the line of processes that were only forked, one from another. */
struct forebear {
	int dir;
	char *stat;
};

static void
let_go(const struct forebear *of)
{
	free(of->stat);
	if (of->dir >= 0)
		(void)close(of->dir);
}

/* Back through the parents from whom it was forked with all that they had
 * loaded; itself, if there is none. */
static struct forebear
first_of_line(const struct forebear *own)
{
	struct forebear first = *own, next;
	unsigned n;
	pid_t pid;

	for (n = 0; n < MAX_LINE; n++) {
		pid = parent_of(first.stat);
		next.dir = pid > 1 ? procdir_open(pid) : -1;
		if (next.dir < 0)
			break;
		next.stat = procdir_text(next.dir, "stat", NULL);
		/* A parent is older, unless its number is another's now. */
		if (next.stat == NULL ||
			ticks_of(next.stat) > ticks_of(first.stat) ||
			!is_forked(own->dir, own->stat, next.dir, next.stat)) {
			let_go(&next);
			break;
		}
		if (first.dir != own->dir)
			let_go(&first);
		first = next;
	}
	return first;
}

/* --- its environment ------------------------------------------------------ */

struct environment {
	int found, error;
	char conf[PATH_MAX];
};

/* It decides what its memory is: pages of a file on a file system of its own,
 * which never come. */
static void
look_for_conf(void *arg, int out)
{
	const struct forebear *of = arg;
	struct environment e = { 0 };

	e.found = procenv_find(
		of->dir, of->stat, "OPENSSL_CONF", e.conf, sizeof(e.conf));
	e.error = errno;
	apart_answer(out, &e, sizeof(e), -1);
}

/* Of the one that has read openssl.cnf, which is what counts. */
static int
read_environment(struct process *p, struct forebear *first)
{
	struct environment e = { 0 };
	int error;

	p->env = PROCENV_UNKNOWN;
	error = apart_run(
		look_for_conf, first, APART_TIMEOUT, &e, sizeof(e), NULL);
	p->hangs = error == ETIMEDOUT;
	if (p->hangs)
		return 0;
	if (error != 0 || e.found < 0) {
		errno = error != 0 ? error : e.error;
		return -1;
	}
	p->env = (enum procenv)e.found;
	(void)snprintf(p->conf, sizeof(p->conf), "%s", e.conf);
	return 0;
}

static int
read_namespaces(struct process *p)
{
	int mount = procdir_is_other(p->dir, "mnt"),
	    net = procdir_is_other(p->dir, "net"),
	    user = procdir_is_other(p->dir, "user");
	struct stat theirs, ours;
	ssize_t n;

	if (mount < 0 || net < 0 || user < 0)
		return -1;
	p->own_mount = mount == 1;
	p->own_net = net == 1;
	p->own_user = user == 1;
	p->root = openat(p->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->root < 0 || fstat(p->root, &theirs) < 0 || stat("/", &ours) < 0)
		return -1;
	p->own_root =
		theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino;
	n = readlinkat(p->dir, "root", p->root_path, sizeof(p->root_path) - 1);
	p->root_path[n > 0 ? n : 0] = '\0';
	return 0;
}

static int
read_first(struct process *p, struct forebear *first)
{
	char *status = procdir_text(first->dir, "status", NULL);
	int r = status == NULL ? -1 : read_ids(status, &p->reader);

	free(status);
	p->first = ticks_of(first->stat);
	return r < 0 ? -1 : read_environment(p, first);
}

static int
read_stat(struct process *p)
{
	struct forebear own = { .dir = p->dir }, first;
	int r;

	own.stat = procdir_text(p->dir, "stat", NULL);
	if (own.stat == NULL)
		return -1;
	if (is_zombie(own.stat)) {
		free(own.stat);
		errno = ESRCH;
		return -1;
	}
	p->ticks = ticks_of(own.stat);
	first = first_of_line(&own);
	r = read_first(p, &first);
	/* It ends, or may not be looked at. */
	if (r < 0 && first.dir != own.dir)
		r = read_first(p, &own);
	if (first.dir != own.dir)
		let_go(&first);
	free(own.stat);
	return r;
}

static int
read_rest(struct process *p)
{
	char *status = procdir_text(p->dir, "status", NULL);
	char *cgroup = procdir_text(p->dir, "cgroup", NULL);
	char *ids = procdir_text(p->dir, "uid_map", NULL);
	size_t nauxv = 0;
	char *auxv = procdir_text(p->dir, "auxv", &nauxv);
	int r = -1, saved;

	if (auxv != NULL && status != NULL && read_status(p, status) == 0) {
		if (cgroup == NULL ||
			peer_cgroup_unit(cgroup, p->unit, sizeof(p->unit)) <
				0 ||
			strstr(p->unit, ".service") == NULL)
			p->unit[0] = '\0';
		p->root_unmapped = ids != NULL && !maps_root(ids);
		p->secure = is_secure(auxv, nauxv);
		r = 0;
	}
	saved = errno;
	free(auxv);
	free(ids);
	free(cgroup);
	free(status);
	errno = saved;
	return r;
}

int
process_open(pid_t pid, struct process *out, struct fault *f)
{
	struct process *p = out;
	int saved;

	*p = (struct process){ .pid = pid, .root = -1 };
	p->dir = procdir_open(pid);
	if (p->dir >= 0 && read_stat(p) == 0 && read_namespaces(p) == 0 &&
		read_rest(p) == 0 && proclibs_read(p->dir, &p->libs) == 0)
		return 0;
	saved = errno;
	process_close(p);
	if (procdir_is_gone(saved)) {
		(void)fault_set(f, FAULT_USAGE,
			"--pid %d: there is no such process", (int)pid);
		return PROCESS_GONE;
	}
	return fault_set(f, FAULT_FAILED, "process %d cannot be looked at: %s",
		(int)pid, strerror(saved));
}

void
process_close(struct process *p)
{
	if (p->root >= 0)
		(void)close(p->root);
	if (p->dir >= 0)
		(void)close(p->dir);
	p->root = p->dir = -1;
}

long long
process_began(const struct process *p)
{
	long a_second = sysconf(_SC_CLK_TCK);

	if (a_second <= 0)
		return 0;
	/* Clocks are read one after another, and a tick is long: two later. */
	return clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME) +
	       (long long)((p->first + 2) * 1000 / (unsigned long)a_second);
}

bool
process_is_in_chroot(const struct process *p)
{
	return p->own_root && !p->own_mount;
}

/* --- files as it sees them ------------------------------------------------ */

int
process_find(const struct process *p, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, p->root, path, &how, sizeof(how));
}

int
process_file(const struct process *p, const char *path)
{
	return regular_reopen(process_find(p, path));
}

int
process_file_outside(const char *path)
{
	return regular_open(AT_FDCWD, path);
}

int
process_libcrypto(const struct process *p)
{
	char link[64];
	int fd;

	(void)snprintf(link, sizeof(link), "map_files/%s", p->libs.range);
	fd = regular_open(p->dir, link);
	/* Not root; or mapped anew meanwhile. */
	return fd >= 0 ? fd : process_file(p, p->libs.crypto);
}

int
process_program(const struct process *p)
{
	return regular_open(p->dir, "exe");
}
