/*
 * The sockets on which clients connect: those of systemd's socket activation
 * (sd_listen_fds(3)), and the configured ones that are not among them.
 */
#ifndef KEYD_BROKER_LISTEN_H
#define KEYD_BROKER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/sockfile.h"
#include "config/config.h"

enum {
	LISTEN_MAX = CONFIG_MAX_SOCKETS + LISTENER_MAX + 1,
	LISTEN_BACKLOG = 512,
	LISTEN_PAUSE = 5000,   /* ms until it is tried again */
	LISTEN_PATIENCE = 500, /* ms at start, for one that is being let go */
};

struct listener {
	int fd;          /* of a path that waits: -1 */
	char name[112];  /* a path, or "@" and a name */
	unsigned number; /* of the listener of keyd.conf, from 1; 0: of none */
	bool inherited;  /* from systemd, who also removes it */
	bool waiting;    /* nobody can connect yet, for this reason: */
	char why[SOCKFILE_WHY];
	struct sockfile file; /* of our socket file */
};

struct listeners {
	struct listener list[LISTEN_MAX];
	unsigned n;
	uint64_t due; /* ms: those that wait are tried again */
};

/*
 * Takes over the sockets that LISTEN_FDS names, if LISTEN_PID is this process, and
 * removes both from the environment. Before any other descriptor is opened. 0, or
 * -1 with a line in the log: too many, or not a listening SOCK_SEQPACKET.
 */
__attribute__((warn_unused_result)) int listen_inherit(struct listeners *l);

/*
 * Binds what c names and was not inherited. The first path must be had, or, if there is none, the
 * abstract name. What else cannot be (a chroot that is not there yet, a name that another program
 * has) is an error in the log, and waits. An inherited socket that c does not name is a
 * failure: nobody has said who may come in there; so is one more than LISTEN_MAX with those
 * that were inherited twice. 0, or -1 with a line in the log.
 */
__attribute__((warn_unused_result)) int
listen_bind(struct listeners *l, const struct config *c);

/* When those that wait are to be tried again, DUE_NEVER if none does. */
uint64_t listen_due(const struct listeners *l);

/* Tries them. Is there one more listener now, or another reason? */
__attribute__((warn_unused_result)) bool
listen_retry(struct listeners *l, const struct config *c);

/* At a reload: socket files that have gone (a chroot that was made anew) are made again. Likewise. */
__attribute__((warn_unused_result)) bool
listen_refresh(struct listeners *l, const struct config *c);

/* Closes all, and removes the files that listen_bind() made. */
void listen_close(struct listeners *l);

/* Could the paths be bound, as far as their folders go? 0, or -1 with a line in
 * the log for each that could not. */
__attribute__((warn_unused_result)) int listen_check(const struct config *c);

#endif
