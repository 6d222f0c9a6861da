/*
 * A session for tests: the real keyd-session, or the loop in a child of the
 * test, with keys of this test's making.
 */
#ifndef TESTS_SUPPORT_SESSION_H
#define TESTS_SUPPORT_SESSION_H

#include <stdatomic.h>
#include <sys/types.h>

#include <openssl/types.h>

#include "ring/ring.h"
#include "wire/audit.h"

enum {
	FIXTURE_MAX_KEYS = 1024,
	FIXTURE_PID_OTHER = 1, /* a pid that is not this process's */
};

struct fixture_key {
	EVP_PKEY *pkey; /* NULL: the private key is nonsense */
	uint8_t spki[1200], private_key[5120]; /* of RSA-8192 */
	uint8_t secret[RING_SECRET];
	char name[PROTO_MAX_NAME + 1];
};

struct fixture {
	struct ring_entry entries[FIXTURE_MAX_KEYS];
	struct fixture_key keys[FIXTURE_MAX_KEYS];
	uint32_t count;
	uint8_t foreign[PROTO_HASH_LEN]; /* in the index only */
	unsigned idle_ms;                /* 0: as long as the test lasts */
	uint32_t peer_pid;               /* 0: this process */
	uint64_t generation;             /* that the session is told */

	pid_t pid;
	int client; /* the test's end */
	int audit;  /* the logger's end */
	int audit_sender;
	_Atomic uint64_t *current;
};

/* A new one with an index entry of nobody's here. */
void fixture_init(struct fixture *f);

/*
 * Adds a key and returns its entry, to be changed before the start: `use` is
 * `sign` where the type signs, else `decrypt`. type is a name of keykind's
 * ("P-256", "X25519"), of RSA with the bits ("RSA:2048", "RSA-PSS:2048"
 * or, restricted to a digest, "RSA-PSS:2048:SHA384"), or NULL
 * for a key that is only named. An RSA entry has K ready in secrets; its
 * length is set at the start.
 */
struct ring_entry *
fixture_add(struct fixture *f, const char *type, const char *name);

/* Starts build/keyd/keyd-session, and returns when it is ready. */
void fixture_start(struct fixture *f);

/* Runs loop_run() in a child, without lock-in. */
void fixture_start_loop(struct fixture *f);

/* Hands the real program a ring of ring_fd and length; does not wait. */
void fixture_start_with(struct fixture *f, int ring_fd, uint32_t ring_len);

/* A sealed memory file with the ring. */
int fixture_ring(struct fixture *f, int seals, uint32_t *len);

/* Sends a datagram with this process's credentials and an optional fd. */
void
fixture_send(const struct fixture *f, const void *data, size_t len, int attach);

/* The reply's length; 0: the session has closed the connection. */
size_t fixture_receive(const struct fixture *f, uint8_t reply[PROTO_MAX_REPLY]);

/* A request and its reply. */
void fixture_ask(const struct fixture *f, const struct writer *request,
	uint8_t reply[PROTO_MAX_REPLY], struct proto_reply *out);

/* Signs and returns the status; *sig points into a static buffer. */
uint16_t fixture_sign(const struct fixture *f, const struct proto_sign *m,
	struct view *sig, uint16_t *detail);

/* Decrypts or derives, and returns the status; *out as of fixture_sign(). */
uint16_t fixture_decrypt(const struct fixture *f, const struct proto_decrypt *m,
	struct view *out, uint16_t *detail);
uint16_t fixture_derive(const struct fixture *f, const struct proto_derive *m,
	struct view *out, uint16_t *detail);

/* The next audit record; false if none comes within 100 ms. */
bool fixture_audit(const struct fixture *f, struct audit *out);

/* Exit code, or 256 + signal; fails the test after ten seconds. */
int fixture_wait(struct fixture *f);

#endif
