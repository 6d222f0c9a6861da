/*
 * A keyd that misbehaves on demand, for tests of the client. A process of its
 * own, one thread a connection; it checks identities as a session does.
 */
#ifndef KEYD_TESTS_FAKE_KEYD_H
#define KEYD_TESTS_FAKE_KEYD_H

#include <stdatomic.h>
#include <sys/types.h>

enum fake_mode {
	FAKE_SERVE,       /* answers well */
	FAKE_STATUS,      /* answers with the status and detail set */
	FAKE_REFUSE,      /* at accept: refusal with these, and closes */
	FAKE_REFUSE_LATE, /* the same, when the request lies there unread */
	FAKE_SILENT,      /* reads, never answers */
	FAKE_LATE,        /* answers 600 ms after it read */
	FAKE_EOF,         /* reads, closes */
	FAKE_RESET,       /* closes without reading */
	FAKE_WRONG_ID,    /* each of these answers, but not well: */
	FAKE_WRONG_TYPE,
	FAKE_REQUEST,       /* the request itself */
	FAKE_VERSION,       /* version 2 */
	FAKE_TRUNCATED,     /* half a header */
	FAKE_OVERSIZED,     /* more than PROTO_MAX_REPLY */
	FAKE_TWICE,         /* well, but sends it twice */
	FAKE_FD,            /* well, but with a descriptor attached */
	FAKE_STRAY_REFUSAL, /* refusal of status 0 */
};

/* Shared with the server. */
struct fake_shared {
	_Atomic int mode;
	_Atomic int times; /* requests or accepts until FAKE_SERVE; 0: ever */
	_Atomic int status, detail;
	_Atomic int accepted, requests, identity_errors, closed;
};

struct fake {
	pid_t pid;
	char folder[64];
	char path[108]; /* as the client's setting, or "@name" */
	struct fake_shared *shared;
};

/*
 * Starts one on a path in a scratch folder, or if name is not NULL, on this
 * abstract name; as uid, if not (uid_t)-1; backlog as in listen(), negative:
 * listens but never accepts, with a queue of -backlog - 1.
 */
void fake_start(struct fake *f, const char *name, uid_t uid, int backlog);

/* Ends it; the socket stays where it is, as with a crash. */
void fake_stop(struct fake *f);

/* Starts it again on the same socket. */
void fake_restart(struct fake *f, uid_t uid, int backlog);

/* Ends it and removes everything. */
void fake_end(struct fake *f);

/* times 0: until changed. */
void fake_set(struct fake *f, enum fake_mode mode, int times);

#endif
