/*
 * The marked block that makes an openssl.cnf activate keyd.
 *
 * It stands at the end of the file and nothing else changes. That is enough for
 * every file: sections may be repeated, and of two values of one name the last
 * holds. It ends by opening the section again that was in force before, so that
 * what is later added behind it means what it would mean without.
 */
#ifndef KEYD_CTL_BLOCK_H
#define KEYD_CTL_BLOCK_H

#include "activation.h"
#include "config/config.h"
#include "kept.h"

extern const char block_about[]; /* its comment */
/* Names of sections that it uses, and nobody else. */
extern const char block_init[], block_list[], block_default[], block_keyd[];

/* The settings of keyd's section besides activate; NULL: not written. */
struct block_settings {
	const char *module, *socket, *abstract_socket, *server_user;
	const struct kept *kept; /* as kept_take() gave them */
	char user[16];
};

/* What of keyd.conf a provider has to be told; no module, nothing kept. */
void block_settings(const struct config *c, struct block_settings *out);

/*
 * The block that has to stand at the end of text, which *c is of and *a was
 * found in, terminated. Length, or -1 with *f.
 */
long block_write(const struct cnf *c, const struct activation *a,
	const void *text, size_t len, const struct block_settings *s,
	char out[BLOCK_MAX], struct fault *f);

/* What an operator has to add by hand, as lines of text, terminated. */
void block_recipe(const struct activation *a, char *out, size_t size);

#endif
