/* Starts the real keyd-load and answers it as the broker or keydctl would. */
#ifndef TESTS_SUPPORT_STARTER_H
#define TESTS_SUPPORT_STARTER_H

#include <sys/types.h>

#include "wire/boot.h"

enum {
	STARTER_REPORTS = 64,
	STARTER_SETS = 16,
	STARTER_LEFT_OUT = 16,
};

/* NULL texts: there is no such file. */
struct starter_key {
	const char *name, *key, *policy;
	mode_t key_mode, policy_mode; /* 0: 0600, 0644 */
	uid_t key_owner;
	size_t key_len;     /* 0: key is a string */
	uint32_t listeners; /* 0: 1 */
};

struct starter_file {
	const char *path, *text; /* as policies name it */
	const char *foreign;     /* if set: what is not root's, the answer */
	uint32_t uid, mode;      /* its */
};

struct starter_report {
	uint8_t priority;
	char text[BOOT_MAX_TEXT + 1];
};

struct starter {
	/* to be set */
	const struct starter_key *keys;   /* ends with name NULL */
	const struct starter_file *files; /* ends with path NULL */
	uint32_t unwanted;                /* layers to leave out */
	uid_t uid;                        /* and gid: to become; 0: stay */
	const char *chroot;               /* NULL: none */

	/* what came back */
	uint32_t on, off;
	struct starter_report reports[STARTER_REPORTS];
	unsigned nreports;
	char left_out[STARTER_LEFT_OUT][PROTO_MAX_NAME + 1];
	unsigned nleft_out;
	struct boot_set sets[STARTER_SETS];
	void *rings[STARTER_SETS]; /* mapped read-only */
	int ring_fds[STARTER_SETS];
	unsigned nsets;
	void *index;
	uint32_t index_len, index_keys;
	int index_fd;
	uint8_t ok;
	uint32_t done_keys, done_errors;
	uint8_t answer[BOOT_MAX]; /* last datagram */
	size_t answer_len;
	int status; /* of waitpid(2) */
};

/* Runs mode load. Fails the test on whatever breaks docs/PROTOCOL.md §10. */
void starter_load(struct starter *s);

/* Runs mode inspect on texts (NULL: not given); reports and answer are filled in. */
void starter_inspect(struct starter *s, const char *key, size_t key_len,
	const char *certificate);

void starter_generate(struct starter *s, uint8_t type, uint16_t bits);

/* The one report whose text contains all of words, or NULL. */
const struct starter_report *
starter_find(const struct starter *s, uint8_t priority, const char *words);

/* Starts keyd-load in the given mode; its control socket in *fd. */
pid_t starter_spawn(const struct starter *s, const char *mode, int *fd);

/* An unlinked file of this content and mode, read-only. */
int starter_file(const void *data, size_t len, mode_t mode, uid_t owner);

#endif
