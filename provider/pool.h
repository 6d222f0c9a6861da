/*
 * The connections of one client, right under threads and forks without locks,
 * atfork handlers or process ids.
 *
 * What is idle stands in a page that the kernel empties in a forked child
 * (MADV_WIPEONFORK): a child finds no connection there, whatever other threads
 * did at the moment of the fork. Which descriptors this client ever opened, and
 * which socket each of them was, stands in ordinary memory: from that a child
 * closes on its first use what it inherited, and only that. Nothing is ever
 * sent on, received from or shut down on a socket that another process opened.
 *
 * Descriptors belong to the application: it may close ours (closefrom) and get
 * the number again for a file of its own. So a descriptor is used and closed
 * only while it is still the socket that was recorded (device and inode).
 *
 * What can leak: a child forked in the microseconds between socket() and
 * pool_adopt() in another thread, or while over POOL_SLOTS operations run at
 * once, keeps those descriptors until it executes or exits. It never uses them.
 */
#ifndef KEYD_PROVIDER_POOL_H
#define KEYD_PROVIDER_POOL_H

#include "wire/cursor.h"

#include <sys/types.h>

enum {
	POOL_SLOTS = 256, /* connections known at once; those over are not kept
			   */
};

struct pool;

/* A connection in the hands of one operation. */
struct pool_conn {
	int fd;
	int slot; /* in the pool's tables; -1: in none, closed after use */
	uint32_t epoch; /* tells processes apart */
	dev_t dev;
	ino_t ino;
	uid_t uid; /* effective ids with which it was connected */
	gid_t gid;
	unsigned wait; /* ms, as set on the socket; 0: not set */
};

/*
 * NULL if there is no memory. With keep false, or where the kernel has no
 * MADV_WIPEONFORK (before Linux 4.14), nothing is kept: each operation has a
 * connection of its own, closed at its end.
 */
struct pool *pool_new(bool keep);

/* Does it keep connections? */
bool pool_may_keep(const struct pool *p);

/* Closes the idle connections, and in a child those inherited. No operation
 * may be under way. */
void pool_free(struct pool *p);

/*
 * An idle connection that was made with these effective ids. Those made with
 * others are closed on the way: keyd would refuse them, and a process that has
 * dropped a privilege should not hold on to it.
 * 0 and *out, or -1: there is none.
 */
MUST_USE int
pool_take(struct pool *p, uid_t uid, gid_t gid, struct pool_conn *out);

/*
 * Makes a new socket known, before it is connected. The pool then owns it.
 * 0 and *out, or -1 with errno; then fd is still the caller's.
 */
MUST_USE int
pool_adopt(struct pool *p, int fd, uid_t uid, gid_t gid, struct pool_conn *out);

/* Is it still this process's, and still that socket? */
bool pool_is_ours(struct pool *p, const struct pool_conn *conn);

/* The operation is over, the connection in order: keeps it for the next. */
void pool_put(struct pool *p, const struct pool_conn *conn);

/* The operation is over, the connection is not to be used again. */
void pool_drop(struct pool *p, const struct pool_conn *conn);

#endif
