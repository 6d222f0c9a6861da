/*
 * Which providers an openssl.cnf activates, and the marked block that makes it
 * activate keyd.
 *
 * The block stands at the end of the file and nothing else changes. That is
 * enough for every file: sections may be repeated, and of two values of one name
 * the last holds. It ends by opening the section again that was in force before,
 * so that what is later added behind it means what it would mean without.
 */
#ifndef KEYD_CTL_ACTIVATION_H
#define KEYD_CTL_ACTIVATION_H

#include "bytes.h"
#include "cnf.h"

enum {
	ACTIVATION_MAX_BLOCK = 4096,
};

/* The settings of [openssl_keyd] besides activate; NULL: not written. */
struct activation_settings {
	const char *module, *socket, *abstract_socket, *server_user;
};

/* What a file says of providers. Strings are the file's, or NULL. */
struct activation {
	const char *init;            /* the section that openssl_conf names */
	const char *list;            /* the section that `providers` names */
	unsigned active;             /* how many are activated */
	bool has_default, has_keyd;  /* are they activated? */
	const char *default_section; /* if listed */
	const char *keyd_section;    /* if listed */
	const char *module, *socket, *abstract_socket; /* of keyd */
};

/* 0; or -1 with *f: refused, with the line that is not understood. */
__attribute__((warn_unused_result)) int
activation_find(const struct cnf *c, struct activation *out, struct fault *f);

/* Would default, which libcrypto activates where a file activates nothing, be
 * lost with keyd alone? */
bool activation_loses_default(const struct activation *a);

/*
 * The block that has to stand at the end of text, which *c is of and *a was
 * found in, terminated. Length, or -1 with *f.
 */
long activation_block(const struct cnf *c, const struct activation *a,
	const void *text, size_t len, const struct activation_settings *s,
	char out[ACTIVATION_MAX_BLOCK], struct fault *f);

/*
 * The text without marked blocks, in out, which holds as many bytes. Its length,
 * or -1 with *f if the marks do not pair. file is for words.
 */
long activation_strip(const char *file, const void *text, size_t len, void *out,
	struct fault *f);

/* What an operator has to add by hand, as lines of text, terminated. */
void activation_recipe(const struct activation *a, char *out, size_t size);

#endif
