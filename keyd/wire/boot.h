/*
 * Messages between keyd's own processes at start: loader protocol and session start,
 * docs/PROTOCOL.md §10, §11. Each side checks what the other sends.
 */
#ifndef KEYD_WIRE_BOOT_H
#define KEYD_WIRE_BOOT_H

#include "proto.h"

enum {
	BOOT_FD_CONTROL = 3,
	BOOT_FD_AUDIT = 4,
	BOOT_FD_GENERATION = 5,
	BOOT_MAX = 8192,
	BOOT_MAX_UIDS = 32,
	BOOT_MAX_GIDS = 32,
	BOOT_MAX_UNITS = 8,
	BOOT_MAX_UNIT = 63, /* bytes of a unit's name */
	BOOT_MAX_SETS = 4096,
	BOOT_MAX_RINGS = 64,
	BOOT_MAX_RING = 64 * 1024 * 1024,
	BOOT_MAX_PATH = 4095,
	BOOT_MAX_TEXT = 2048,
	BOOT_MAX_PASSPHRASE =
		1023, /* bytes, as many as OpenSSL's commands take */
	BOOT_MAX_KEY_FILE = 64 * 1024,
};

enum boot_type {
	BOOT_NEXT = 1,
	BOOT_KEY = 2,
	BOOT_END = 3,
	BOOT_OPEN = 4,
	BOOT_FILE = 5,
	BOOT_USER = 6,
	BOOT_GROUP = 7,
	BOOT_ID = 8,
	BOOT_NO = 9,
	BOOT_REPORT = 10,
	BOOT_SET = 11,
	BOOT_INDEX = 12,
	BOOT_DONE = 13,
	BOOT_READY = 14,
	BOOT_FOREIGN = 15,
	BOOT_LEFT_OUT = 16,
	BOOT_INSPECT = 20,
	BOOT_DESCRIPTION = 21,
	BOOT_GENERATE = 22,
	BOOT_GENERATED = 23,
	BOOT_EXTRACT = 24,
	BOOT_LOCKED = 25,
	BOOT_PASSPHRASE = 26,
	BOOT_EXTRACTED = 27,
	/* session control, §11, numbered by their own table there */
	BOOT_SESSION_READY = 1,
	BOOT_SESSION_START = 2,
};

enum boot_ring_kind {
	BOOT_RING_SECRET = 1, /* memfd_secret */
	BOOT_RING_SEALED = 2, /* memfd with seals */
};

/* One key for the loader. Its files are attached, key first, unless an errno
 * tells why not. */
struct boot_key {
	char name[PROTO_MAX_NAME + 1];
	uint32_t listeners; /* through which it may be used: bits, never 0 */
	uint32_t key_errno, policy_errno;
};

/* On the way to a file: what is not root's alone, so that it was not opened. */
struct boot_foreign {
	char path[BOOT_MAX_PATH + 1];
	uint32_t uid, mode; /* its owner, its permission bits */
};

struct boot_set {
	uint8_t nuids, ngids, nunits, ring_kind;
	uint32_t ring_len, keys;
	uint32_t listeners; /* as of its keys */
	uint32_t uids[BOOT_MAX_UIDS];
	uint32_t gids[BOOT_MAX_GIDS];
	char units[BOOT_MAX_UNITS][BOOT_MAX_UNIT + 1];
};

struct boot_start {
	uint64_t number, generation;
	uint32_t peer_pid, peer_uid, peer_gid;
	uint32_t index_len;
	uint8_t nrings;
	uint32_t ring_len[BOOT_MAX_RINGS];
};

enum boot_form {
	BOOT_FORM_PKCS8 = 1,
	BOOT_FORM_PKCS1 = 2,
	BOOT_FORM_SEC1 = 3,
	BOOT_FORM_SHELL = 4,
	BOOT_FORM_CERTIFICATE = 5,
};

/* What keyd-load tells keydctl of a key. Views point into the datagram. */
struct boot_description {
	uint8_t key_type;
	uint16_t bits;
	uint8_t hash[PROTO_HASH_LEN];
	uint8_t form;
	struct view name; /* empty, or a shell's */
	struct view spki;
	uint8_t certificate; /* 0 none, 1 matches, 2 does not */
	uint32_t use;        /* proposed */
	uint8_t certain;
	uint64_t not_before, not_after;
	struct view subject;
	struct view why;
};

/* Where in a file its key stands, and what is to be kept of it. Views point into the
 * datagram. */
struct boot_extracted {
	uint32_t start, len; /* the part that a shell would take the place of */
	uint8_t der;         /* 1: it is DER, not PEM */
	uint8_t encrypted;
	uint8_t own; /* 1: the certificate described stands in the file itself */
	uint8_t shells, more; /* in the file besides this key: shells, keys */
	struct view pem;      /* PKCS#8, if the part cannot be kept as it is */
};

/* Bodies after the type octet; the reader stands behind it. -1 if malformed or out of
 * the bounds above. */
void boot_put_key(struct writer *w, const struct boot_key *k);
MUST_USE int boot_get_key(struct reader *r, struct boot_key *out);
void boot_put_foreign(struct writer *w, const struct boot_foreign *f);
MUST_USE int boot_get_foreign(struct reader *r, struct boot_foreign *out);
void boot_put_set(struct writer *w, const struct boot_set *s);
MUST_USE int boot_get_set(struct reader *r, struct boot_set *out);
void boot_put_start(struct writer *w, const struct boot_start *s);
MUST_USE int boot_get_start(struct reader *r, struct boot_start *out);

void boot_put_description(struct writer *w, const struct boot_description *d);
MUST_USE int
boot_get_description(struct reader *r, struct boot_description *out);

void boot_put_extracted(struct writer *w, const struct boot_extracted *e);
MUST_USE int boot_get_extracted(struct reader *r, struct boot_extracted *out);

/*
 * Sends one datagram with nfds (at most BOOT_MAX_RINGS + 2) descriptors.
 * MSG_NOSIGNAL. 0, or -1 with errno.
 */
MUST_USE int
boot_send(int fd, const void *data, size_t len, const int *fds, size_t nfds);

/*
 * Receives one datagram, descriptors with close-on-exec. Returns its length, 0 at the end of the
 * connection, -1 with errno (EBADMSG: truncated, or more descriptors than max; those received are
 * closed then). *nfds: how many of fds were filled; they are the caller's.
 */
MUST_USE long
boot_recv(int fd, void *data, size_t size, int *fds, size_t max, size_t *nfds);

#endif
