/* A caller of provider/client.h with its buffers, for tests against a fake. */
#ifndef KEYD_TESTS_CALLER_H
#define KEYD_TESTS_CALLER_H

#include "provider/client.h"
#include "tests/support/fake_keyd.h"

struct caller {
	struct client *client;
	uint8_t request[64], reply[PROTO_MAX_REPLY];
	struct client_op op;
	struct proto_reply out;
	struct client_error err;
	struct proto_status_reply status; /* keys: number of the connection */
	char text[CLIENT_TEXT];           /* the error's, after a failure */
};

/* Settings that reach this fake. */
struct client_settings caller_settings(const struct fake *f, unsigned timeout);

/* Aborts if there is no memory. */
void caller_init(struct caller *c, const struct client_settings *s);

/* Asks for the status, in one call, or in two. */
enum client_result caller_ask(struct caller *c);
enum client_result caller_begin(struct caller *c);
enum client_result caller_finish(struct caller *c);

/* Asks again until the answer is not a fast failure any more. */
enum client_result caller_ask_until_tried(struct caller *c);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t caller_now(void);

/* Waits until *value is want, at most 10 s; what it was last. */
int caller_wait(_Atomic int *value, int want);

#endif
