#include "process.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/peer.h"
#include "bytes.h"
#include "regular.h"
#include "text.h"

enum {
	MAX_TEXT = 4 * 1024 * 1024,     /* of a file in /proc */
	MAX_PROGRAM = 32 * 1024 * 1024, /* what of it is looked through */
	MAX_DEPTH = 16,
	CONNECT_TIMEOUT = 5000, /* ms */
};

/* --- files of /proc ------------------------------------------------------- */

/* All of /proc/PID/NAME, terminated; to be freed. NULL: errno. */
static char *
slurp(pid_t pid, const char *name, size_t *len)
{
	size_t size = 65536, n = 0;
	char path[64], *text = malloc(size), *grown;
	ssize_t got = -1;
	int fd, saved;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = text == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (got = read(fd, text + n, size - n - 1)) > 0) {
		n += (size_t)got;
		if (n + 1 < size)
			continue;
		grown = size >= MAX_TEXT ? NULL : realloc(text, 2 * size);
		if (grown == NULL) {
			got = -1;
			break;
		}
		text = grown;
		size *= 2;
	}
	saved = errno;
	if (fd >= 0)
		(void)close(fd);
	if (got < 0) {
		free(text);
		errno = saved;
		return NULL;
	}
	text[n] = '\0';
	if (len != NULL)
		*len = n;
	return text;
}

/* What stands behind "NAME:" at a line's start, or NULL. */
static const char *
field(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, name, len) == 0)
			return text + len;
		text = strchr(text, '\n');
		text = text == NULL ? NULL : text + 1;
	}
	return NULL;
}

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

static int
read_status(struct process *p, const char *text)
{
	const char *uids = field(text, "Uid:"), *gids = field(text, "Gid:"),
		   *groups = field(text, "Groups:"),
		   *name = field(text, "Name:\t");
	unsigned long uid, gid;
	char *end;

	/* The real one, then the effective one, which counts to keyd. */
	if (uids == NULL || gids == NULL || groups == NULL || name == NULL ||
		number(uids, 2, &uid) < 0 || number(gids, 2, &gid) < 0)
		return -1;
	p->id.uid = (uid_t)uid;
	p->overflow = uid == PEER_OVERFLOW_ID;
	p->id.gid = (gid_t)gid;
	while (*groups != '\n' && *groups != '\0' &&
		p->id.ngroups < USER_MAX_GROUPS) {
		p->id.groups[p->id.ngroups] = (gid_t)strtoul(groups, &end, 10);
		if (end == groups)
			break;
		p->id.ngroups++;
		groups = end + strspn(end, " ");
	}
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

/* Ticks since boot are in field 22 of stat, behind the program's name in
 * brackets. */
static long long
start_time(const char *stat)
{
	const char *s = strrchr(stat, ')');
	long ticks = sysconf(_SC_CLK_TCK);
	unsigned n;

	for (n = 2; s != NULL && n < 22; n++)
		s = strchr(s + 1, ' ');
	if (s == NULL || ticks <= 0)
		return 0;
	return clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME) +
	       strtoll(s, NULL, 10) * 1000 / ticks;
}

static bool
is_other_namespace(pid_t pid, const char *name)
{
	char path[64], theirs[64] = "", ours[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	if (readlink(path, theirs, sizeof(theirs) - 1) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	if (readlink(path, ours, sizeof(ours) - 1) < 0)
		return false;
	return strcmp(theirs, ours) != 0;
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

/* A title written over it leaves no NAME=VALUE at its start. */
static void
read_environment(struct process *p, const char *text, size_t len)
{
	static const char name[] = "OPENSSL_CONF=";
	const char *pos = text, *end = text + len, *equal;

	p->env = PROCESS_ENV_UNSET;
	while (pos < end) {
		equal = strchr(pos, '=');
		if (equal == NULL || equal == pos) {
			p->env = PROCESS_ENV_UNKNOWN;
			return;
		}
		if (strncmp(pos, name, sizeof(name) - 1) == 0) {
			p->env = PROCESS_ENV_SET;
			(void)snprintf(p->conf, sizeof(p->conf), "%s",
				pos + sizeof(name) - 1);
			return;
		}
		pos += strlen(pos) + 1;
	}
}

/* --- what is mapped ------------------------------------------------------- */

/* TLS libraries that take no providers. */
static const struct {
	const char *file; /* how its name begins */
	const char *name;
} libraries[] = {
	{ "libgnutls.so", "GnuTLS" },
	{ "libnss3.so", "NSS" },
	{ "libmbedtls.so", "Mbed TLS" },
	{ "libwolfssl.so", "wolfSSL" },
	{ "libbotan-", "Botan" },
	{ "librustls.so", "rustls" },
	{ "libtls.so", "LibreSSL" },
};

static void
copy_path(char out[PATH_MAX], const char *path, bool *replaced)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(path), n = sizeof(deleted) - 1;

	*replaced = len > n && strcmp(path + len - n, deleted) == 0;
	(void)snprintf(
		out, PATH_MAX, "%.*s", (int)(*replaced ? len - n : len), path);
}

static void
mapped(struct process *p, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t i;

	base = base == NULL ? path : base + 1;
	if (strcmp(base, "keyd.so") == 0 ||
		strcmp(base, "keyd.so (deleted)") == 0)
		copy_path(p->keyd, path, &p->keyd_replaced);
	/* Version 3 counts, if there are several. */
	if (strncmp(base, "libcrypto.so", 12) == 0 &&
		strncmp(p->crypto[0] == '\0' ? "" : strrchr(p->crypto, '/') + 1,
			"libcrypto.so.3", 14) != 0)
		copy_path(p->crypto, path, &p->crypto_replaced);
	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (strncmp(base, libraries[i].file,
			    strlen(libraries[i].file)) == 0)
			(void)snprintf(p->other, sizeof(p->other), "%s",
				libraries[i].name);
}

/* Lines of "addresses rights offset device inode    PATH". */
static void
read_maps(struct process *p, char *text)
{
	char *line, *rest = NULL, *path;

	for (line = strtok_r(text, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		path = strchr(line, '/');
		if (path != NULL)
			mapped(p, path);
	}
}

/* --- all of it ------------------------------------------------------------ */

static int
look(struct process *p)
{
	char *status = slurp(p->pid, "status", NULL);
	char *stat = slurp(p->pid, "stat", NULL);
	char *maps = slurp(p->pid, "maps", NULL);
	char *cgroup = slurp(p->pid, "cgroup", NULL);
	char *ids = slurp(p->pid, "uid_map", NULL);
	size_t nauxv = 0, nenv = 0;
	char *auxv = slurp(p->pid, "auxv", &nauxv);
	char *env = slurp(p->pid, "environ", &nenv);
	int r = -1;

	if (status != NULL && stat != NULL && maps != NULL && auxv != NULL &&
		env != NULL && read_status(p, status) == 0) {
		p->started = start_time(stat);
		read_maps(p, maps);
		if (cgroup == NULL ||
			peer_cgroup_unit(cgroup, p->unit, sizeof(p->unit)) <
				0 ||
			strstr(p->unit, ".service") == NULL)
			p->unit[0] = '\0';
		p->root_unmapped = ids != NULL && !maps_root(ids);
		p->secure = is_secure(auxv, nauxv);
		read_environment(p, env, nenv);
		r = 0;
	}
	free(env);
	free(auxv);
	free(ids);
	free(cgroup);
	free(maps);
	free(stat);
	free(status);
	return r;
}

int
process_open(pid_t pid, struct process *out, struct fault *f)
{
	struct process p = { .pid = pid, .root = -1 };
	struct stat theirs, ours;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (access(path, F_OK) < 0)
		return fault_set(f, FAULT_USAGE,
			"--pid %d: there is no such process", (int)pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	p.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p.root < 0 || look(&p) < 0 || fstat(p.root, &theirs) < 0 ||
		stat("/", &ours) < 0) {
		(void)fault_set(f, FAULT_FAILED,
			"process %d: %s: run keydctl as root, while it lives",
			(int)pid, strerror(errno));
		process_close(&p);
		return -1;
	}
	p.own_mount = is_other_namespace(pid, "mnt");
	p.own_root =
		theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino;
	p.own_net = is_other_namespace(pid, "net");
	p.own_user = is_other_namespace(pid, "user");
	*out = p;
	return 0;
}

void
process_close(struct process *p)
{
	if (p->root >= 0)
		(void)close(p->root);
	p->root = -1;
}

int
process_outside(const struct process *p, struct process *out)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return -1;
	*out = *p;
	out->root = root;
	out->own_root = false;
	return 0;
}

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
process_include(void *arg, const char *path, struct fault *f)
{
	(void)f;
	return process_file(arg, path);
}

/* --- what is in files ----------------------------------------------------- */

/*
 * The file's bytes, up to a limit, to be freed; NULL. Read, not mapped: its
 * owner may make it shorter meanwhile.
 */
static char *
load(int fd, size_t *len)
{
	struct stat st;
	ssize_t n = 1;
	size_t size;
	char *p;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_size <= 0)
		return NULL;
	size = st.st_size < MAX_PROGRAM ? (size_t)st.st_size : MAX_PROGRAM;
	p = malloc(size);
	for (*len = 0; p != NULL && *len < size && n > 0; *len += (size_t)n) {
		n = pread(fd, p + *len, size - *len, (off_t)*len);
		if (n < 0)
			n = 0;
	}
	return p;
}

int
process_built_in(const struct process *p, const char *file, const char *words,
	char *out, size_t size)
{
	int fd = process_file(p, file);
	size_t len = 0, n;
	const char *at = NULL;
	char *text = load(fd, &len);
	int r = -1;

	if (text != NULL)
		at = memmem(text, len, words, strlen(words));
	if (at != NULL) {
		at += strlen(words);
		for (n = 0; n + 1 < size && at + n < text + len &&
			    at[n] != '\0' && at[n] != '"';
			n++)
			out[n] = at[n];
		out[n] = '\0';
		r = 0;
	}
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return r;
}

const char *
process_static_library(const struct process *p)
{
	static const struct {
		const char *text, *name;
	} marks[] = {
		{ "BoringSSL", "BoringSSL" },
		{ "LibreSSL ", "LibreSSL" },
		{ "OPENSSLDIR: ", "OpenSSL" },
		{ "crypto/tls.(*Conn)", "Go's own TLS" },
		{ "rustls", "rustls" },
	};
	const char *found = "";
	char *text;
	size_t len = 0, i;
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)p->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	text = load(fd, &len);
	for (i = 0; text != NULL && found[0] == '\0' &&
		    i < sizeof(marks) / sizeof(marks[0]);
		i++)
		if (memmem(text, len, marks[i].text, strlen(marks[i].text)) !=
			NULL)
			found = marks[i].name;
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return found;
}

/* --- its family ----------------------------------------------------------- */

static pid_t
parent_of(pid_t pid)
{
	char *text = slurp(pid, "status", NULL);
	const char *parent = field(text, "PPid:");
	pid_t found = parent == NULL ? 0 : (pid_t)strtol(parent, NULL, 10);

	free(text);
	return found;
}

static bool
is_descendant(pid_t pid, pid_t of)
{
	unsigned depth;

	for (depth = 0; pid > 1 && depth < MAX_DEPTH; depth++) {
		pid = parent_of(pid);
		if (pid == of)
			return true;
	}
	return false;
}

static bool
is_in_unit(pid_t pid, const char *unit)
{
	char *text = slurp(pid, "cgroup", NULL), found[256];
	bool same = text != NULL &&
		    peer_cgroup_unit(text, found, sizeof(found)) == 0 &&
		    strcmp(found, unit) == 0;

	free(text);
	return same;
}

size_t
process_family(const struct process *p, pid_t out[PROCESS_MAX_FAMILY])
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	size_t n = 0;
	pid_t pid;

	while (dir != NULL && n < PROCESS_MAX_FAMILY &&
		(e = readdir(dir)) != NULL) {
		pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (pid > 0 && pid != p->pid && pid != getpid() &&
			((p->unit[0] != '\0' && is_in_unit(pid, p->unit)) ||
				is_descendant(pid, p->pid)))
			out[n++] = pid;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

/* --- sockets -------------------------------------------------------------- */

int
process_sees_abstract(const struct process *p, const char *name)
{
	char *text = slurp(p->pid, "net/unix", NULL), *line, *rest = NULL;
	char flags[16], end[128];
	int found = text == NULL ? -1 : 0;

	(void)snprintf(end, sizeof(end), " @%s", name);
	for (line = text == NULL ? NULL : strtok_r(text, "\n", &rest);
		line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		size_t len = strlen(line), n = strlen(end);

		/* Number, count, protocol, flags; 10000 is a listener. */
		if (len > n && strcmp(line + len - n, end) == 0 &&
			sscanf(line, "%*s %*s %*s %15s", flags) == 1 &&
			strcmp(flags, "00010000") == 0)
			found = 1;
	}
	free(text);
	return found;
}

/* The wrong type of socket finds out without a connection. */
static int
reach(const struct process *p, const char *path, pid_t parent)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%.107s", path);
	if (fd < 0 || fchdir(p->root) < 0 || chroot(".") < 0 ||
		setgroups((size_t)p->id.ngroups, p->id.groups) < 0 ||
		setresgid(p->id.gid, p->id.gid, p->id.gid) < 0 ||
		setresuid(p->id.uid, p->id.uid, p->id.uid) < 0 ||
		/* The change of user has cleared what was set before. */
		prctl(PR_SET_DUMPABLE, 0) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		return EPERM;
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return EADDRINUSE;
	return errno == EPROTOTYPE ? 0 : errno;
}

/* Within a bounded time? Its user, whom it has become, can stop it. */
static bool
ends(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool r = fd >= 0 && poll(&p, 1, CONNECT_TIMEOUT) > 0;

	if (fd >= 0)
		(void)close(fd);
	return r;
}

int
process_connect(const struct process *p, const char *path)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	/* All errno values of connect(2) fit into an exit status. */
	if (pid == 0)
		_exit(reach(p, path, parent));
	if (pid < 0)
		return errno;
	if (!ends(pid))
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ETIMEDOUT;
}
