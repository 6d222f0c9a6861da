/*
 * The loader's side of the conversation with its starter: docs/PROTOCOL.md §10. libc only.
 *
 * Like a cursor, a conversation remembers its first failure: once lost, every further
 * call does nothing and answers no, so that the caller may look at lost once
 * in a while.
 */
#ifndef KEYD_LOADER_TALK_H
#define KEYD_LOADER_TALK_H

#include "wire/boot.h"

enum talk_priority {
	TALK_ERROR = 3,
	TALK_WARNING = 4,
	TALK_INFO = 6,
};

enum {
	TALK_FOREIGN = -1,
};

struct talk {
	int fd;
	uint32_t errors; /* reported so far */
	bool lost;       /* the starter is gone or talks nonsense */
};

void talk_ready(struct talk *t, uint32_t on, uint32_t off);

/*
 * Asks for the next key. 1 and *key, with the caller's descriptors *key_fd and
 * *policy_fd (-1 where its errno is set); 0 at the end, or when lost.
 */
MUST_USE int
talk_next(struct talk *t, struct boot_key *key, int *key_fd, int *policy_fd);

/* Opens a file of the policies folder: 0 and the caller's *fd, an errno, or
 * TALK_FOREIGN with *why: it was not opened. */
MUST_USE int
talk_open(struct talk *t, const char *path, int *fd, struct boot_foreign *why);

/* Looks up a name: 0 and *id, or an errno. */
MUST_USE int talk_user(struct talk *t, const char *name, uint32_t *id);
MUST_USE int talk_group(struct talk *t, const char *name, uint32_t *id);

/* Reports "WHERE:LINE: TEXT" (line 0: "WHERE: TEXT"). What is not printable
 * ASCII becomes a question mark, what is too long is cut off. */
void talk_report(struct talk *t, enum talk_priority priority, const char *where,
	unsigned line, const char *text);

/* The key just reported to have a fault will be in no ring. */
void talk_left_out(struct talk *t, const char *name);

void talk_index(struct talk *t, uint32_t len, uint32_t keys, int fd);
void talk_set(struct talk *t, const struct boot_set *set, int fd);
void talk_done(struct talk *t, bool ok, uint32_t keys);

/* One datagram as it is, for inspect and generate. */
void talk_send(struct talk *t, const void *data, size_t len);

/* Receives one datagram of the given type. A reader behind the type octet; the caller owns
 * the descriptors. 0, or -1, and the conversation is lost. */
MUST_USE int talk_receive(struct talk *t, uint8_t buf[BOOT_MAX],
	enum boot_type type, struct reader *r, int fds[2], size_t *nfds);

#endif
