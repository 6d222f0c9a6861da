/*
 * The sockets on which clients connect: those of systemd's socket activation
 * (sd_listen_fds(3)), and the configured ones that are not among them.
 */
#ifndef KEYD_BROKER_LISTEN_H
#define KEYD_BROKER_LISTEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "config/config.h"

enum {
	LISTEN_MAX = CONFIG_MAX_SOCKETS + 1 + 16,
	LISTEN_BACKLOG = 512,
};

struct listener {
	int fd;
	char name[112]; /* a path, or "@" and a name */
	bool inherited; /* from systemd, who also removes it */
	dev_t dev;      /* of our socket file, so that no other is removed */
	ino_t ino;
};

struct listeners {
	struct listener list[LISTEN_MAX];
	unsigned n;
};

/*
 * Takes over the sockets that LISTEN_FDS names, if LISTEN_PID is this process, and
 * removes both from the environment. Before any other descriptor is opened. 0, or
 * -1 with a line in the log: too many, or not a listening SOCK_SEQPACKET.
 */
__attribute__((warn_unused_result)) int listen_inherit(struct listeners *l);

/*
 * Binds what c names and was not inherited, mode 0666. A socket file without anyone
 * listening is replaced; one that answers, or another file, is not. 0, or -1 with a line
 * in the log.
 */
__attribute__((warn_unused_result)) int
listen_bind(struct listeners *l, const struct config *c);

/* Closes all, and removes the files that listen_bind() made. */
void listen_close(struct listeners *l);

#endif
