/*
 * What the parts of `keydctl check --pid` share: the findings, and the process
 * in hand. A file for each question: pidlib.c (does it use OpenSSL, is keyd.so
 * loaded), pidconf.c (its openssl.cnf), pidway.c (the way to keyd), pidlisten.c (through a [listener]), pidkeys.c
 * (which keys); pid.c puts them to each process.
 */
#ifndef KEYD_CTL_PIDCHECK_H
#define KEYD_CTL_PIDCHECK_H

#include "finding.h"
#include "process.h"
#include "store.h"

enum {
	PID_NOTES = 12,
};

/* What a child that reads for us has found, to be said by its parent. */
struct pid_notes {
	unsigned n;
	struct pid_note {
		enum finding_level level;
		char path[PATH_MAX]; /* "": text is all; else a file to be
				      * enabled, and what it lacks */
		char text[2048];
	} note[PID_NOTES];
	bool conf_is_right;
	char socket[108], abstract[108], server_user[64];
};

struct pid_check {
	struct findings findings;
	struct pid_notes *notes; /* in that child, else NULL */
	pid_t keyd;              /* that runs, or 0 */
	bool stored;             /* the store is open */
	struct store store;
	unsigned nusers; /* of OpenSSL 3, of those seen */
	unsigned usable; /* keys that one of them may use */
	/* of the process in hand */
	struct process *p;
	char about[64];
	bool conf_is_right; /* its openssl.cnf activates keyd */
	/* that it names; "" for none */
	char socket[108], abstract[108], server_user[64];
	const struct listener_config *listener; /* whose socket it reaches */
	/* The way by which it reaches keyd: the socket's name, "" for none, and
	 * a descriptor of it if it is a path. */
	char reached[110];
	int reached_socket;
};

/* About the process in hand. */
__attribute__((format(printf, 3, 4))) void pidcheck_say(
	struct pid_check *k, enum finding_level level, const char *fmt, ...);

/* In the child. */
void pidcheck_note(struct pid_check *k, enum finding_level level,
	const char *path, const char *text);

/* Is it a user of OpenSSL 3? If not, that is an error. */
bool pidlib_library(struct pid_check *k);

/* Is keyd.so in its memory? */
void pidlib_provider(struct pid_check *k);

/* Which openssl.cnf it reads, and what of keyd is in it: fills in conf_is_right
 * and the sockets. */
void pidconf_judge(struct pid_check *k);

/* Can it reach keyd, and if not, what would help where it lives? */
void pidway_judge(struct pid_check *k);

/* Is this file, a socket that it can connect to, that of a [listener]? */
void pidlisten_find(struct pid_check *k, dev_t dev, ino_t ino);

/* If so: does that let its user in? */
void pidlisten_judge(struct pid_check *k);

/* Does keyd serve its user at all? */
void pidway_user(struct pid_check *k);

/* Who may listen for it, but root and keyd: its server-user; (uid_t)-1 for none,
 * CLIENT_OVERFLOW_UID for unmapped. */
uid_t pidway_server(const struct pid_check *k);

/* Which keys may it use? They are tried by the way that it has to keyd. */
void pidkeys_try(struct pid_check *k);

#endif
