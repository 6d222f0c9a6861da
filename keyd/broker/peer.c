#include "broker/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum {
	MAX_GROUPS = 65536, /* NGROUPS_MAX of the kernel */
	MAX_CGROUP = 16384,
};

/* 0, or -1 with errno. */
static int
get_groups(int fd, struct peer *p)
{
	socklen_t len = 0;

	p->groups = NULL;
	p->ngroups = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0)
		return 0;
	if (errno != ERANGE || len > MAX_GROUPS * sizeof(gid_t))
		return -1;
	p->groups = malloc(len);
	if (p->groups == NULL)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups, &len) < 0) {
		free(p->groups);
		return -1;
	}
	p->ngroups = len / sizeof(gid_t);
	return 0;
}

enum peer_result
peer_get(int fd, struct peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct peer p = { 0 };

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return PEER_FAILED;
	p.pid = cred.pid;
	p.uid = cred.uid;
	p.gid = cred.gid;
	/* The group 65534 is real users' (nobody's, sshd's); it permits nothing,
	 * see peer_has_group(). */
	if (p.pid <= 0 || p.uid == PEER_OVERFLOW_ID || p.uid == (uid_t)-1 ||
		p.gid == (gid_t)-1) {
		*out = p;
		return PEER_NOBODY;
	}
	if (get_groups(fd, &p) < 0)
		return PEER_FAILED;
	*out = p;
	return PEER_OK;
}

void
peer_free(struct peer *p)
{
	free(p->groups);
	p->groups = NULL;
	p->ngroups = 0;
}

bool
peer_has_group(const struct peer *p, gid_t gid)
{
	size_t i;

	if (gid == PEER_OVERFLOW_ID)
		return false;
	if (p->gid == gid)
		return true;
	for (i = 0; i < p->ngroups; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

/* The path in a line of systemd's hierarchy: "0::/a/b" (version 2) or
 * "1:name=systemd:/a/b" (version 1). NULL for other lines. */
static const char *
systemd_path(const char *line)
{
	static const char v1[] = ":name=systemd:";
	const char *colon;

	if (strncmp(line, "0::/", 4) == 0)
		return line + 3;
	colon = strchr(line, ':');
	if (colon != NULL && strncmp(colon, v1, sizeof(v1) - 1) == 0)
		return colon + sizeof(v1) - 1;
	return NULL;
}

static bool
is_slice(const char *name, size_t len)
{
	static const char suffix[] = ".slice";
	const size_t n = sizeof(suffix) - 1;

	return len > n && memcmp(name + len - n, suffix, n) == 0;
}

/* The first component of the path that is not a slice. */
static int
unit_of_path(const char *path, size_t len, char *out, size_t size)
{
	const char *end = path + len;
	size_t n;

	while (path < end) {
		if (*path == '/') {
			path++;
			continue;
		}
		n = strcspn(path, "/\n");
		if (!is_slice(path, n)) {
			if (n >= size)
				return -1;
			memcpy(out, path, n);
			out[n] = '\0';
			return 0;
		}
		path += n;
	}
	return -1;
}

int
peer_cgroup_unit(const char *text, char *out, size_t size)
{
	const char *path;
	char line[MAX_CGROUP];
	size_t len;

	while (*text != '\0') {
		len = strcspn(text, "\n");
		if (len >= sizeof(line))
			return -1;
		memcpy(line, text, len);
		line[len] = '\0';
		path = systemd_path(line);
		if (path != NULL &&
			unit_of_path(path, strlen(path), out, size) == 0)
			return 0;
		text += len;
		if (*text == '\n')
			text++;
	}
	return -1;
}

/* Reads all of /proc/PID/cgroup, terminated. 0 or -1. */
static int
read_cgroup(pid_t pid, char *out, size_t size)
{
	char path[64];
	size_t got = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	do {
		n = read(fd, out + got, size - 1 - got);
		if (n > 0)
			got += (size_t)n;
	} while (n > 0 && got < size - 1);
	(void)close(fd);
	if (n != 0)
		return -1; /* an error, or longer than we read */
	out[got] = '\0';
	return 0;
}

void
peer_find_unit(struct peer *p, int fd)
{
	char text[MAX_CGROUP];
	socklen_t len = sizeof(int);
	struct pollfd alive = { .fd = -1, .events = POLLIN };

	p->unit[0] = '\0';
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &alive.fd, &len) < 0)
		return;
	/* The pid was this process's all the while if it still is alive
	 * after the reading. */
	if (read_cgroup(p->pid, text, sizeof(text)) < 0 ||
		peer_cgroup_unit(text, p->unit, sizeof(p->unit)) < 0 ||
		poll(&alive, 1, 0) != 0)
		p->unit[0] = '\0';
	(void)close(alive.fd);
}
