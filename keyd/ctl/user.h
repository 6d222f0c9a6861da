/*
 * An operation of keyd as one of its users: in a child that becomes that user
 * for good, connects like any application, and sends the answer back through a
 * pipe.
 */
#ifndef KEYD_CTL_USER_H
#define KEYD_CTL_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/config.h"
#include "fault.h"
#include "wire/proto.h"

enum {
	USER_MAX_OUTPUT = PROTO_MAX_SIGNATURE,
	USER_MAX_GROUPS = 256,
};

/* The way to keyd, if it is not the user's own. */
struct user_way {
	int net;          /* network namespace to enter, or -1 */
	uid_t server;     /* who may listen but root and keyd, or (uid_t)-1 */
	const char *name; /* of the socket, for words */
};

/* Who asks. */
struct user_identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_MAX_GROUPS];
	int ngroups;
	const struct user_way *way; /* or NULL */
};

struct user_answer {
	bool ok;
	bool reached; /* keyd answered; if not ok: with status and detail */
	uint16_t status, detail;
	char text[600];                  /* if not ok: why */
	uint8_t output[USER_MAX_OUTPUT]; /* signature, plaintext or secret */
	size_t len;
};

/* Becomes that user for good, out of reach of his other processes; an ordinary
 * user stays himself. 0 or -1 with errno. */
__attribute__((warn_unused_result)) int
user_become(const struct user_identity *id);

/* Can this process become the user? Root can, others are only themselves. */
bool user_may_be(uid_t uid);

/* The user as the system's files know him; without an account, in no group. 0,
 * or -1 with *f. */
__attribute__((warn_unused_result)) int
user_find(uid_t uid, struct user_identity *out, struct fault *f);

/*
 * One operation with the key as the user. name is for words. 0, whatever keyd
 * said, or -1 with *f when it could not even be tried.
 */
__attribute__((warn_unused_result)) int
user_sign(const struct config *c, const struct user_identity *who,
	const char *name, const struct proto_sign *what,
	struct user_answer *out, struct fault *f);
__attribute__((warn_unused_result)) int
user_decrypt(const struct config *c, const struct user_identity *who,
	const char *name, const struct proto_decrypt *what,
	struct user_answer *out, struct fault *f);
__attribute__((warn_unused_result)) int
user_derive(const struct config *c, const struct user_identity *who,
	const char *name, const struct proto_derive *what,
	struct user_answer *out, struct fault *f);

/* The user's name, or "uid N". Returns out. */
const char *user_name(uid_t uid, char out[64]);

#endif
