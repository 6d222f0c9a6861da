/*
 * The logger process and the socket of audit records, which outlives it: the
 * broker keeps the receiving end as well, so that nothing is lost while a dead
 * logger is replaced.
 */
#ifndef KEYD_BROKER_LOGGER_H
#define KEYD_BROKER_LOGGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/audit.h"

enum {
	LOGGER_PAUSE = 1000, /* ms before one that dies at once is replaced */
};

struct logger {
	int send_fd, receive_fd;
	const char *program, *plan;
	pid_t pid; /* -1: none */
	uint64_t started, restart_at;
	uint32_t lost;
};

/* Makes the socket and starts the program; both strings must stay. 0, or -1 with
 * a line in the log. */
MUST_USE int
logger_open(struct logger *l, const char *program, const char *plan);

/* Sends a record; one that cannot be sent at once is counted in the next. */
void logger_record(struct logger *l, const struct audit *a);

/* Was it the logger that waitpid(2) reaped? A new one is due soon then. */
bool logger_reaped(struct logger *l, pid_t pid, int status);

/* When logger_tick() has something to do. */
uint64_t logger_due(const struct logger *l);

/* Starts a new one if that is due. It knows no session but from the queue. */
void logger_tick(struct logger *l, uint64_t now);

/* Closes the sending end: once the sessions have closed theirs, too, the logger writes
 * what is left and ends. */
void logger_finish(struct logger *l);

#endif
