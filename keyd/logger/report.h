/* A record in words: docs/PROTOCOL.md §9 to one line of the log. */
#ifndef KEYD_LOGGER_REPORT_H
#define KEYD_LOGGER_REPORT_H

#include "logger/limit.h"
#include "logger/line.h"
#include "logger/track.h"
#include "wire/audit.h"

/*
 * Writes the line for a record. session is the pid it is about, 0 for none; peer may be
 * NULL (unknown). Returns 1, or 0 if this record needs no line: a session that
 * started, or ended as it should.
 */
int report_line(const struct audit *a, uint32_t session,
	const struct track_peer *peer, int prefix, struct line *out);

/* The line for count lines of a kind that were held back. */
void report_held_back(const struct limit_id *what, uint32_t count, int prefix,
	struct line *out);

#endif
