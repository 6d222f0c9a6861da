#include "broker/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "broker/due.h"
#include "broker/holder.h"
#include "broker/log.h"
#include "ini/ini.h"

enum {
	FIRST_INHERITED_FD = 3, /* SD_LISTEN_FDS_START */
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
	if (ini_number(fds, LISTEN_MAX, &n) < 0) {
		log_line(LOG_ERR, "LISTEN_FDS is not a number up to %d: %s",
			LISTEN_MAX, fds);
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

/* The name as it stands in keyd.conf. */
static const char *
where(const struct config *c, const struct listener *one,
	char out[CONFIG_MAX_WHERE])
{
	const struct listener_config *l;

	if (one->name[0] == '@')
		return config_where(c, "abstract-socket", out);
	if (one->number == 0)
		return config_where(c, "socket", out);
	l = &c->listener[one->number - 1];
	(void)snprintf(out, CONFIG_MAX_WHERE, "%s:%u: [listener %s]: socket",
		c->file, l->line, l->name);
	return out;
}

/* Listens on what is bound. */
static int
start(int fd)
{
	return prepare(fd) < 0 ? -1 : listen(fd, LISTEN_BACKLOG);
}

static int
open_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

/* Paths are looked up in no network namespace: any socket will do. */
static int
take_path(struct listener *one, const struct config *c)
{
	int fd = open_socket(), saved;

	if (fd < 0) {
		(void)snprintf(one->why, SOCKFILE_WHY, "%s", strerror(errno));
		return -1;
	}
	if (sockfile_bind(fd, one->name, c->run, &one->file, one->why) < 0)
		goto err_socket;
	if (start(fd) < 0) {
		(void)snprintf(one->why, SOCKFILE_WHY, "%s", strerror(errno));
		sockfile_remove(one->name, &one->file);
		goto err_socket;
	}
	one->fd = fd;
	return 0;
err_socket:
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

/*
 * Any user may take a name of the abstract space first. The socket for it is
 * made at start, since later ones are of the broker's own network namespace.
 */
static int
take_name(struct listener *one)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(one->name);
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	char holder[HOLDER_TEXT];
	int saved;

	memcpy(addr.sun_path, one->name, len);
	addr.sun_path[0] = '\0';
	if (one->fd < 0)
		one->fd = open_socket();
	if (one->fd >= 0 &&
		bind(one->fd, (const struct sockaddr *)&addr, size) == 0 &&
		start(one->fd) == 0)
		return 0;
	saved = errno;
	if (saved != EADDRINUSE) {
		(void)snprintf(one->why, SOCKFILE_WHY, "%s", strerror(saved));
	} else if (!one->waiting) {
		/* Asked once: to ask is to connect. */
		holder_find(&addr, size, holder);
		(void)snprintf(one->why, SOCKFILE_WHY,
			"taken by another program (%s)", holder);
	}
	errno = saved;
	return -1;
}

static int
take(struct listener *one, const struct config *c)
{
	return one->name[0] == '@' ? take_name(one) : take_path(one, c);
}

/*
 * At start. A keyd that was killed while it started a session leaves a process
 * that holds its sockets for some milliseconds more.
 */
static int
take_in_time(struct listener *one, const struct config *c)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t until = due_now() + LISTEN_PATIENCE;

	while (take(one, c) < 0) {
		if (errno != EADDRINUSE || due_now() >= until)
			return -1;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

static struct listener *
find(struct listeners *l, const char *name)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->list[i].name, name) == 0)
			return &l->list[i];
	return NULL;
}

static unsigned
count_inherited(const struct listeners *l)
{
	unsigned i, n = 0;

	for (i = 0; i < l->n; i++)
		n += l->list[i].inherited;
	return n;
}

/* There is no other way in. */
static int
cannot_start(struct listeners *l, const struct config *c, struct listener *one)
{
	char text[CONFIG_MAX_WHERE];

	log_line(LOG_ERR, "%s: cannot listen on %s: %s", where(c, one, text),
		one->name, one->why);
	if (one->fd >= 0)
		(void)close(one->fd);
	l->n--;
	return -1;
}

static int
add(struct listeners *l, const struct config *c, const char *name,
	unsigned number, bool needed)
{
	struct listener *one = find(l, name);
	char text[CONFIG_MAX_WHERE];

	if (one != NULL) {
		/* All that were inherited with this name. */
		for (; one < l->list + l->n; one++)
			if (strcmp(one->name, name) == 0)
				one->number = number;
		return 0;
	}
	if (l->n == LISTEN_MAX) {
		log_line(LOG_ERR,
			"%s: no room to listen on %s beside %u inherited "
			"sockets: some stand twice in openssl-keyd.socket: "
			"take these out",
			c->file, name, count_inherited(l));
		return -1;
	}
	one = &l->list[l->n++];
	*one = (struct listener){ .fd = -1, .number = number };
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	if (take_in_time(one, c) == 0)
		return 0;
	if (needed)
		return cannot_start(l, c, one);
	one->waiting = true;
	l->due = due_now() + LISTEN_PAUSE;
	log_line(LOG_ERR,
		"%s: cannot listen on %s: %s: programs that can reach only "
		"this socket find no keyd; keyd tries again every %d s",
		where(c, one, text), name, one->why, LISTEN_PAUSE / 1000);
	return 0;
}

static bool
is_named(const struct config *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->nsockets; i++)
		if (strcmp(c->socket[i], name) == 0)
			return true;
	for (i = 0; i < c->nlisteners; i++)
		if (strcmp(c->listener[i].socket, name) == 0)
			return true;
	return name[0] == '@' && c->abstract[0] != '\0' &&
	       strcmp(c->abstract, name + 1) == 0;
}

static int
check_inherited(const struct listeners *l, const struct config *c)
{
	unsigned i;

	for (i = 0; i < l->n; i++) {
		if (is_named(c, l->list[i].name))
			continue;
		log_line(LOG_ERR,
			"%s: the inherited socket %s stands neither in "
			"`socket` nor in a listener: add it there, or take it "
			"out of openssl-keyd.socket",
			c->file, l->list[i].name);
		return -1;
	}
	return 0;
}

int
listen_bind(struct listeners *l, const struct config *c)
{
	char name[sizeof(c->abstract) + 1];
	unsigned i;

	if (check_inherited(l, c) < 0)
		return -1;
	for (i = 0; i < c->nsockets; i++)
		if (add(l, c, c->socket[i], 0, i == 0) < 0)
			return -1;
	for (i = 0; i < c->nlisteners; i++)
		if (add(l, c, c->listener[i].socket, i + 1, false) < 0)
			return -1;
	if (c->abstract[0] == '\0')
		return 0;
	(void)snprintf(name, sizeof(name), "@%s", c->abstract);
	return add(l, c, name, 0, c->nsockets == 0);
}

uint64_t
listen_due(const struct listeners *l)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (l->list[i].waiting)
			return l->due;
	return DUE_NEVER;
}

bool
listen_retry(struct listeners *l, const struct config *c)
{
	char before[SOCKFILE_WHY], text[CONFIG_MAX_WHERE];
	struct listener *one;
	bool news = false;

	l->due = due_now() + LISTEN_PAUSE;
	for (one = l->list; one < l->list + l->n; one++) {
		if (!one->waiting)
			continue;
		memcpy(before, one->why, sizeof(before));
		one->waiting = take(one, c) < 0;
		if (!one->waiting)
			log_line(LOG_INFO, "listening on %s now", one->name);
		else if (strcmp(before, one->why) != 0)
			log_line(LOG_ERR, "%s: cannot listen on %s: %s",
				where(c, one, text), one->name, one->why);
		news = news || !one->waiting || strcmp(before, one->why) != 0;
	}
	return news;
}

bool
listen_refresh(struct listeners *l, const struct config *c)
{
	struct listener *one;

	for (one = l->list; one < l->list + l->n; one++) {
		if (one->waiting || one->inherited || one->name[0] != '/' ||
			sockfile_is_there(one->name, &one->file))
			continue;
		log_line(LOG_WARNING,
			"the socket %s has gone: it is made again", one->name);
		(void)close(one->fd);
		one->fd = -1;
		one->waiting = true;
		one->why[0] = '\0';
	}
	return listen_retry(l, c);
}

void
listen_close(struct listeners *l)
{
	const struct listener *one;

	while (l->n > 0) {
		one = &l->list[--l->n];
		if (!one->inherited && !one->waiting && one->name[0] == '/')
			sockfile_remove(one->name, &one->file);
		if (one->fd >= 0)
			(void)close(one->fd);
	}
}

/* Is the folder there, or made at the start? */
static int
check_folder(const struct config *c, const struct listener *one)
{
	char text[CONFIG_MAX_WHERE], folder[PATH_MAX];
	size_t n = strlen(c->run);

	/* An absolute path. */
	(void)snprintf(folder, sizeof(folder), "%.*s",
		(int)(strrchr(one->name, '/') - one->name + 1), one->name);
	if (access(folder, F_OK) == 0)
		return 0;
	if (strncmp(folder, c->run, n) == 0 && folder[n] == '/' &&
		strchr(folder + n + 1, '/') == strrchr(folder, '/'))
		return 0;
	log_line(LOG_ERR, "%s: cannot listen on %s: the folder %s: %s",
		where(c, one, text), one->name, folder, strerror(errno));
	return -1;
}

int
listen_check(const struct config *c)
{
	struct listener one = { .fd = -1 };
	unsigned i;
	int r = 0;

	for (i = 0; i < c->nsockets; i++) {
		(void)snprintf(one.name, sizeof(one.name), "%s", c->socket[i]);
		if (check_folder(c, &one) < 0)
			r = -1;
	}
	for (i = 0; i < c->nlisteners; i++) {
		one.number = i + 1;
		(void)snprintf(one.name, sizeof(one.name), "%s",
			c->listener[i].socket);
		if (check_folder(c, &one) < 0)
			r = -1;
	}
	return r;
}
