/*
 * Which providers an openssl.cnf activates.
 */
#ifndef KEYD_CTL_ACTIVATION_H
#define KEYD_CTL_ACTIVATION_H

#include "cnf.h"

/* What a file says of providers. Strings are the file's, or NULL. */
struct activation {
	const char *init;            /* the section that openssl_conf names */
	const char *list;            /* the section that `providers` names */
	unsigned active;             /* how many are activated */
	bool has_default, has_keyd;  /* are they activated? */
	const char *default_section; /* if listed */
	const char *keyd_section;    /* if listed */
	const char *module, *socket, *abstract_socket,
		*server_user; /* of keyd */
};

/* 0; or -1 with *f: refused, with the line that is not understood. */
__attribute__((warn_unused_result)) int
activation_find(const struct cnf *c, struct activation *out, struct fault *f);

/* Would default, which libcrypto activates where a file activates nothing, be
 * lost with keyd alone? */
bool activation_loses_default(const struct activation *a);

/* A setting of c (of its init section, or of its list of providers), where own
 * was found, that has no effect in all, where whole was found, and which holds
 * more than c does: NULL, if there is none. */
const struct cnf_entry *
activation_hidden(const struct cnf *c, const struct activation *own,
	const struct cnf *all, const struct activation *whole);

/* A name as libcrypto reads it here: without what stands before its first
 * dot. */
const char *activation_bare(const char *name);

#endif
