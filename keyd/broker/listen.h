/*
 * The sockets on which clients connect: those of systemd's socket activation
 * (sd_listen_fds(3)), and the configured ones that are not among them.
 */
#ifndef KEYD_BROKER_LISTEN_H
#define KEYD_BROKER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "broker/holder.h"
#include "config/config.h"

enum {
	LISTEN_MAX = CONFIG_MAX_SOCKETS + 1 + 16,
	LISTEN_BACKLOG = 512,
	LISTEN_PAUSE = 5000, /* ms until a taken name is tried again */
};

struct listener {
	int fd;
	char name[112]; /* a path, or "@" and a name */
	bool inherited; /* from systemd, who also removes it */
	dev_t dev;      /* of our socket file, so that no other is removed */
	ino_t ino;
};

/* The abstract name, while another program has it. */
struct listen_claim {
	bool waiting;
	int fd; /* not bound yet */
	char name[112];
	char holder[HOLDER_TEXT]; /* at start */
	uint64_t due;             /* ms */
};

struct listeners {
	struct listener list[LISTEN_MAX];
	unsigned n;
	struct listen_claim claim;
};

/*
 * Takes over the sockets that LISTEN_FDS names, if LISTEN_PID is this process, and
 * removes both from the environment. Before any other descriptor is opened. 0, or
 * -1 with a line in the log: too many, or not a listening SOCK_SEQPACKET.
 */
__attribute__((warn_unused_result)) int listen_inherit(struct listeners *l);

/*
 * Binds what c names and was not inherited, mode 0666. A socket file without anyone
 * listening is replaced; one that answers, or another file, is not. An abstract name that another
 * program has is an error in the log, no failure, if there is a path to listen on: it is claimed. 0,
 * or -1 with a line in the log.
 */
__attribute__((warn_unused_result)) int
listen_bind(struct listeners *l, const struct config *c);

/* When a claimed name is to be tried again, DUE_NEVER if there is none. */
uint64_t listen_due(const struct listeners *l);

/* Tries it. Is there one more listener now? */
__attribute__((warn_unused_result)) bool listen_retry(struct listeners *l);

/* Closes all, and removes the files that listen_bind() made. */
void listen_close(struct listeners *l);

/* Could the paths be bound, as far as their folders go? 0, or -1 with a line in
 * the log for each that could not. */
__attribute__((warn_unused_result)) int listen_check(const struct config *c);

#endif
