/*
 * Operations of keyd, as the provider and keydctl call them: the connection pool, one retry path.
 * libc only: no OpenSSL here. Split in begin and finish, so that an operation can later be
 * suspended in between.
 */
#ifndef KEYD_PROVIDER_CLIENT_H
#define KEYD_PROVIDER_CLIENT_H

#include <sys/types.h>

#include "wire/proto.h"

struct client; /* settings and pool; one per provider context */

struct client_settings {
	const char *socket;          /* path, NULL or "": none set */
	const char *abstract_socket; /* without @; NULL or "": none set */
	unsigned timeout;            /* ms, 1 to 600000 */
	uid_t server_user;           /* (uid_t)-1: none */
};

enum client_result {
	CLIENT_OK = 0,
	CLIENT_REFUSED = -1,     /* keyd answered with a status: see error */
	CLIENT_UNREACHABLE = -2, /* no connection by the deadline: sys_errno */
	CLIENT_UNTRUSTED = -3,   /* who listens is not who may: server_uid */
	CLIENT_TIMEOUT = -4,     /* connected, no answer by the deadline */
	CLIENT_PROTOCOL = -5,    /* an answer that is not of the protocol */
	CLIENT_TOO_LARGE = -6,   /* request over PROTO_MAX_REQUEST */
	CLIENT_NO_MEMORY = -7,
};

/* What went wrong, for words: which socket, what it said. */
struct client_error {
	enum client_result result;
	uint16_t status, detail; /* CLIENT_REFUSED */
	int sys_errno;           /* CLIENT_UNREACHABLE: of the last attempt */
	uid_t server_uid;        /* CLIENT_UNTRUSTED */
	char where[160];         /* socket last tried: a path, or "@name" */
	bool fast; /* failed at once: deadline was missed a moment ago */
};

/*
 * Copies the settings. NULL if there is no memory. Opens nothing, starts nothing.
 * With neither socket set, the defaults are those of docs (path first, then abstract).
 */
struct client *client_new(const struct client_settings *s);

/* Closes the descriptors that this process opened, without a word on them. */
void client_free(struct client *c);

/* An operation under way. Lives on the caller's stack. */
struct client_op {
	struct client *client;
	const uint8_t *request; /* the caller's, until finish */
	size_t request_len;
	uint32_t id;
	uint8_t type;
	int fd;
	uint64_t deadline; /* CLOCK_MONOTONIC, ms */
	unsigned attempt;
};

/*
 * Takes a connection (pooled or new) and sends the request, a whole frame made with
 * proto_put_request() and id 1: begin writes the real id into it.
 * Returns CLIENT_OK, and the operation must be finished; otherwise it is over.
 */
MUST_USE enum client_result client_begin(struct client *c, struct client_op *op,
	uint8_t *request, size_t len, struct client_error *err);

/*
 * Waits for the reply, repeats on a lost connection, gives the connection back.
 * reply: PROTO_MAX_REPLY bytes of the caller's; out's views point into it.
 * CLIENT_OK only when the status is PROTO_OK.
 */
MUST_USE enum client_result client_finish(struct client_op *op, uint8_t *reply,
	size_t size, struct proto_reply *out, struct client_error *err);

/* begin and finish in one. */
MUST_USE enum client_result
client_call(struct client *c, uint8_t *request, size_t len, uint8_t *reply,
	size_t size, struct proto_reply *out, struct client_error *err);

/* The error in a sentence or two with what to do, for operator's eyes; key may be NULL. Returns out. */
const char *client_error_text(
	const struct client_error *e, const char *key, char *out, size_t size);

#endif
