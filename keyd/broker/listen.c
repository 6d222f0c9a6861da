#include "broker/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/due.h"
#include "broker/log.h"
#include "ini/ini.h"

enum {
	FIRST_INHERITED_FD = 3, /* SD_LISTEN_FDS_START */
	SOCKET_UMASK = 0111,    /* 0666: policy decides, not the file's mode */
};

/* An integer option of a socket, -1 if it is none. */
static int
option(int fd, int name)
{
	int v;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

/* Messages are to carry their sender's credentials from the first on; accept
 * never waits. */
static int
prepare(int fd)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -1;
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static int
name_of(int fd, char *out, size_t size)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);
	size_t n;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -1;
	if (addr.sun_family != AF_UNIX ||
		len <= offsetof(struct sockaddr_un, sun_path)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	n = len - offsetof(struct sockaddr_un, sun_path);
	if (addr.sun_path[0] != '\0')
		(void)snprintf(out, size, "%.*s", (int)n, addr.sun_path);
	else
		(void)snprintf(
			out, size, "@%.*s", (int)n - 1, addr.sun_path + 1);
	return 0;
}

static int
inherit(struct listeners *l, int fd)
{
	struct listener *one = &l->list[l->n];

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
		name_of(fd, one->name, sizeof(one->name)) < 0) {
		log_line(LOG_ERR,
			"descriptor %d of socket activation is not "
			"a UNIX socket: %s",
			fd, strerror(errno));
		return -1;
	}
	if (option(fd, SO_TYPE) != SOCK_SEQPACKET ||
		option(fd, SO_ACCEPTCONN) != 1) {
		log_line(LOG_ERR,
			"the inherited socket %s does not listen as "
			"SOCK_SEQPACKET: its unit needs "
			"ListenSequentialPacket=",
			one->name);
		return -1;
	}
	if (prepare(fd) < 0) {
		log_line(LOG_ERR, "the inherited socket %s: %s", one->name,
			strerror(errno));
		return -1;
	}
	one->fd = fd;
	one->inherited = true;
	l->n++;
	return 0;
}

int
listen_inherit(struct listeners *l)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	unsigned long n = 0, whose = 0, i;
	int r = 0;

	if (fds == NULL || pid == NULL)
		return 0;
	if (ini_number(pid, INT_MAX, &whose) < 0 ||
		whose != (unsigned long)getpid())
		goto out; /* meant for another process */
	if (ini_number(fds, LISTEN_MAX - CONFIG_MAX_SOCKETS - 1, &n) < 0) {
		log_line(LOG_ERR, "LISTEN_FDS is not a number up to %d: %s",
			LISTEN_MAX - CONFIG_MAX_SOCKETS - 1, fds);
		return -1;
	}
	for (i = 0; r == 0 && i < n; i++)
		r = inherit(l, FIRST_INHERITED_FD + (int)i);
out:
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDNAMES");
	return r;
}

static socklen_t
address(const char *name, struct sockaddr_un *addr)
{
	size_t len = strlen(name);

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, name, len);
	if (name[0] == '@')
		addr->sun_path[0] = '\0';
	else
		len++; /* a path's terminating zero */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Is path a socket that nobody listens on? Its file is removed then. */
static int
remove_stale(const char *path)
{
	struct sockaddr_un addr;
	socklen_t len = address(path, &addr);
	struct stat st;
	int fd, r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	r = connect(fd, (const struct sockaddr *)&addr, len);
	if (r == 0 || errno != ECONNREFUSED) {
		/* EAGAIN and EPROTOTYPE, too, come from someone listening. */
		(void)close(fd);
		errno = EADDRINUSE;
		return -1;
	}
	(void)close(fd);
	return unlink(path);
}

/* Has fd listen as one, under that name. 0, or -1 with errno; if that is
 * EADDRINUSE, fd may be tried again. */
static int
take(int fd, const char *name, struct listener *one)
{
	struct sockaddr_un addr;
	socklen_t len = address(name, &addr);
	struct stat st = { 0 };
	mode_t mask;
	int r;

	mask = umask(SOCKET_UMASK);
	r = bind(fd, (const struct sockaddr *)&addr, len);
	(void)umask(mask);
	if (r < 0)
		return -1;
	if (prepare(fd) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		goto err_file;
	if (name[0] == '/' && lstat(name, &st) < 0)
		goto err_file;
	one->fd = fd;
	one->inherited = false;
	one->dev = st.st_dev;
	one->ino = st.st_ino;
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	return 0;
err_file:
	r = errno;
	if (name[0] == '/')
		(void)unlink(name);
	errno = r;
	return -1;
}

static int
bind_one(struct listener *one, const char *name)
{
	int fd, saved;

	if (name[0] == '/' && remove_stale(name) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (take(fd, name, one) == 0)
		return 0;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static bool
is_there(const struct listeners *l, const char *name)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->list[i].name, name) == 0)
			return true;
	return false;
}

static void
cannot_listen(const struct config *c, const char *setting, const char *name)
{
	char where[CONFIG_MAX_WHERE];

	log_line(LOG_ERR, "%s: cannot listen on %s: %s%s",
		config_where(c, setting, where), name, strerror(errno),
		errno == EADDRINUSE ? " (another program, or another keyd, "
				      "listens there)"
				    : "");
}

static int
bind_unless_there(struct listeners *l, const struct config *c,
	const char *setting, const char *name)
{
	if (is_there(l, name))
		return 0;
	if (bind_one(&l->list[l->n], name) < 0) {
		cannot_listen(c, setting, name);
		return -1;
	}
	l->n++;
	return 0;
}

static bool
has_path(const struct listeners *l)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (l->list[i].name[0] == '/')
			return true;
	return false;
}

/*
 * Any user may take a name of the abstract space first: that is no reason not
 * to serve the others. The socket for it is made now, since later ones
 * are of the broker's own network namespace.
 */
static int
claim(struct listeners *l, const struct config *c, const char *name)
{
	struct listen_claim *k = &l->claim;
	char where[CONFIG_MAX_WHERE];
	struct sockaddr_un addr;
	socklen_t len = address(name, &addr);

	k->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (k->fd < 0) {
		log_line(LOG_ERR, "%s: %s", name, strerror(errno));
		return -1;
	}
	k->waiting = true;
	k->due = due_now() + LISTEN_PAUSE;
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	holder_find(&addr, len, k->holder);
	log_line(LOG_ERR,
		"%s: another program has the name %s (%s): programs that "
		"cannot reach the socket's path find no keyd until it ends; "
		"keyd tries again every %d s",
		config_where(c, "abstract-socket", where), name, k->holder,
		LISTEN_PAUSE / 1000);
	return 0;
}

int
listen_bind(struct listeners *l, const struct config *c)
{
	char name[sizeof(c->abstract) + 1];
	unsigned i;
	int r;

	for (i = 0; i < c->nsockets; i++)
		if (bind_unless_there(l, c, "socket", c->socket[i]) < 0)
			return -1;
	if (c->abstract[0] == '\0')
		return 0;
	(void)snprintf(name, sizeof(name), "@%s", c->abstract);
	if (is_there(l, name))
		return 0;
	r = bind_one(&l->list[l->n], name);
	if (r == 0)
		l->n++;
	else if (errno == EADDRINUSE && has_path(l))
		r = claim(l, c, name);
	else
		cannot_listen(c, "abstract-socket", name);
	return r;
}

uint64_t
listen_due(const struct listeners *l)
{
	return l->claim.waiting ? l->claim.due : DUE_NEVER;
}

bool
listen_retry(struct listeners *l)
{
	struct listen_claim *k = &l->claim;

	if (!k->waiting)
		return false;
	k->due = due_now() + LISTEN_PAUSE;
	if (take(k->fd, k->name, &l->list[l->n]) < 0) {
		if (errno != EADDRINUSE)
			log_line(LOG_ERR, "%s: %s", k->name, strerror(errno));
		return false;
	}
	k->waiting = false;
	l->n++;
	log_line(LOG_INFO, "listening on %s, which is free now", k->name);
	return true;
}

void
listen_close(struct listeners *l)
{
	const struct listener *one;
	struct stat st;

	if (l->claim.waiting)
		(void)close(l->claim.fd);
	l->claim.waiting = false;
	while (l->n > 0) {
		one = &l->list[--l->n];
		if (!one->inherited && one->name[0] == '/' &&
			lstat(one->name, &st) == 0 && st.st_dev == one->dev &&
			st.st_ino == one->ino)
			(void)unlink(one->name);
		(void)close(one->fd);
	}
}

int
listen_check(const struct config *c)
{
	char where[CONFIG_MAX_WHERE], folder[PATH_MAX];
	unsigned i;
	int r = 0;

	for (i = 0; i < c->nsockets; i++) {
		/* An absolute path. */
		(void)snprintf(folder, sizeof(folder), "%.*s",
			(int)(strrchr(c->socket[i], '/') - c->socket[i] + 1),
			c->socket[i]);
		if (access(folder, F_OK) == 0)
			continue;
		log_line(LOG_ERR, "%s: cannot listen on %s: the folder %s: %s",
			config_where(c, "socket", where), c->socket[i], folder,
			strerror(errno));
		r = -1;
	}
	return r;
}
