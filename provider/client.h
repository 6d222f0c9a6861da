/*
 * Operations of keyd, as the provider and keydctl call them: the connection
 * pool, one retry path. libc only: no OpenSSL here. Split in begin and finish,
 * so that an operation can later be suspended in between.
 *
 * A good guest: no threads, locks, signals or handlers, errno as it was before,
 * a deadline on every wait. Any number of threads may call at the same time
 * with one client, and any of them may fork at any time.
 */
#ifndef KEYD_PROVIDER_CLIENT_H
#define KEYD_PROVIDER_CLIENT_H

#include <sys/types.h>

#include "provider/pool.h"
#include "wire/proto.h"

struct client; /* settings and pool; one per provider context */

enum {
	CLIENT_DEFAULT_TIMEOUT = 5000,
	CLIENT_MAX_TIMEOUT = 600000,
	CLIENT_WHERE = 160,
	CLIENT_TEXT = 768, /* bytes that hold any text of an error */
	/* What the kernel calls any user that it cannot name: nobody's. */
	CLIENT_OVERFLOW_UID = 65534,
};

#define CLIENT_DEFAULT_SOCKET   "/run/openssl-keyd/keyd.sock"
#define CLIENT_DEFAULT_ABSTRACT "openssl-keyd"

struct client_settings {
	const char *socket;          /* path, NULL or "": none set */
	const char *abstract_socket; /* without @; NULL or "": none set */
	unsigned timeout;            /* ms; 0: the default */
	/* (uid_t)-1: none; CLIENT_OVERFLOW_UID: not of this user namespace */
	uid_t server_user;
	bool no_pool; /* a connection per operation, as on old kernels */
};

enum client_result {
	CLIENT_OK = 0,
	CLIENT_REFUSED = -1,     /* keyd answered with a status: see error */
	CLIENT_UNREACHABLE = -2, /* no connection by the deadline: sys_errno */
	CLIENT_UNTRUSTED = -3,   /* who listens is not who may: server_uid */
	CLIENT_TIMEOUT = -4,     /* connected, no answer by the deadline */
	CLIENT_PROTOCOL = -5,    /* an answer that is not of the protocol */
	CLIENT_TOO_LARGE = -6,   /* request over PROTO_MAX_REQUEST */
	CLIENT_NO_MEMORY = -7,   /* the caller's; never returned here */
};

/* What went wrong, for words: which socket, what it said. */
struct client_error {
	enum client_result result;
	uint16_t status, detail;   /* CLIENT_REFUSED */
	int sys_errno;             /* CLIENT_UNREACHABLE: of the last attempt */
	uid_t server_uid;          /* CLIENT_UNTRUSTED */
	char where[CLIENT_WHERE];  /* socket last tried: a path, or "@name" */
	char before[CLIENT_WHERE]; /* the one tried before it, or "" */
	int before_errno;          /* why that one failed */
	unsigned timeout;          /* ms that it had */
	bool fast; /* failed at once: deadline was missed a moment ago */
};

/*
 * Copies the settings. NULL if there is no memory. Opens nothing, starts
 * nothing. With neither socket set, the defaults are those of docs (path first,
 * then abstract); with both set, the path is tried first.
 */
struct client *client_new(const struct client_settings *s);

/*
 * Closes the descriptors that this process opened, without a word on them. No
 * operation may be under way. c may be NULL.
 */
void client_free(struct client *c);

/* Are connections kept for the next operation? No with no_pool, and on kernels
 * before 4.14, which cannot keep them from a forked child. */
bool client_may_pool(const struct client *c);

/* An operation under way. Lives on the caller's stack; fields are private, but
 * conn.fd may be polled for the reply. */
struct client_op {
	struct client *client;
	uint8_t *request; /* the caller's, until finish */
	size_t request_len;
	uint32_t id;
	uint8_t type;
	bool is_probe;
	bool is_pooled; /* the connection had been used before */
	struct pool_conn conn;
	uint64_t start, deadline; /* CLOCK_MONOTONIC, ms */
	unsigned attempt, strikes;
};

/*
 * Takes a connection (pooled or new) and sends the request, a whole frame made
 * with proto_put_request() and id 1: begin writes the real id into it. Repeats
 * as finish does.
 * Returns CLIENT_OK, and the operation must be finished; otherwise it is over,
 * and *err is written.
 */
MUST_USE enum client_result client_begin(struct client *c, struct client_op *op,
	uint8_t *request, size_t len, struct client_error *err);

/*
 * Waits for the reply, repeats on a lost connection, gives the connection back.
 * reply: size bytes of the caller's, PROTO_MAX_REPLY hold any; a longer answer is
 * CLIENT_PROTOCOL. out's views point into it.
 * CLIENT_OK only when the status is PROTO_OK; otherwise *err is written. May be
 * called in a child of the process that began: then it begins anew.
 */
MUST_USE enum client_result client_finish(struct client_op *op, uint8_t *reply,
	size_t size, struct proto_reply *out, struct client_error *err);

/* begin and finish in one. */
MUST_USE enum client_result
client_call(struct client *c, uint8_t *request, size_t len, uint8_t *reply,
	size_t size, struct proto_reply *out, struct client_error *err);

/*
 * The error in a sentence or two with what to do, for operator's eyes; key may
 * be NULL. Returns out; CLIENT_TEXT bytes hold all of it.
 */
const char *client_error_text(
	const struct client_error *e, const char *key, char *out, size_t size);

#endif
