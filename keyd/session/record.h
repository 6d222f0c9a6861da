/* Audit records of a session: docs/PROTOCOL.md §9. */
#ifndef KEYD_SESSION_RECORD_H
#define KEYD_SESSION_RECORD_H

#include "wire/audit.h"

struct record {
	int fd;              /* the audit socket */
	uint32_t lost;       /* not delivered since the last that was */
	uint64_t generation; /* for every record */
};

/*
 * Sends a, with generation and the count of lost ones filled in. Waits no
 * longer than the socket's SO_SNDTIMEO; what cannot be sent is counted.
 */
void record_send(struct record *r, struct audit *a);

#endif
