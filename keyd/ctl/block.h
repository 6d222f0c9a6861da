/*
 * The marked block that makes an openssl.cnf activate keyd.
 *
 * It stands at the end of the file and nothing else changes. That is enough for
 * every file: sections may be repeated, and of two values of one name the last
 * holds. It ends by opening the section again that was in force before, so that
 * what is later added behind it means what it would mean without.
 *
 * What an operator writes into its section of keyd (socket, timeout, …) is his,
 * and stays when keydctl writes the block anew.
 */
#ifndef KEYD_CTL_BLOCK_H
#define KEYD_CTL_BLOCK_H

#include "activation.h"
#include "config/config.h"

enum {
	BLOCK_MAX = 8192,
	BLOCK_MAX_NAME = 256,
};

/* Lines of an operator, each ended by a newline; terminated if there are any. */
struct block_lines {
	char text[BLOCK_MAX];
	size_t len;
};

/* The settings of keyd's section besides activate; NULL: not written. */
struct block_settings {
	const char *module, *socket, *abstract_socket, *server_user;
	const struct block_lines *kept; /* as block_keep() gave them */
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

/*
 * The text without marked blocks, in out, which holds as many bytes. Its length,
 * or -1 with *f if the marks do not pair. file is for words.
 */
long block_strip(const char *file, const void *text, size_t len, void *out,
	struct fault *f);

/* Does the text begin as what block_write() writes does, as far as it goes? */
bool block_begins(const void *text, size_t len);

/* A line in a block that enable would not write there by itself. */
struct block_line {
	unsigned line; /* number in the file */
	const char *text;
	size_t len;    /* without its end */
	bool settings; /* it stands in keyd's section */
	/* of a setting, else empty */
	char name[BLOCK_MAX_NAME], value[BLOCK_MAX_NAME];
};

typedef int block_line_fn(void *arg, const struct block_line *l);

/*
 * Calls fn for each such line of the blocks in text, which block_strip() takes;
 * base is the file without them, *a what was found in that (both NULL: not
 * known). 0, or what fn returned if that was not 0.
 */
int block_lines(const void *text, size_t len, const struct cnf *base,
	const struct activation *a, block_line_fn *fn, void *arg);

/*
 * What of the old text's blocks a new one must hold, to be written with s: all
 * lines of keyd's section. 0; or -1 with *f: refused, with the line, if one says
 * something else than s, or stands elsewhere in the block. Of modules, that of
 * s holds.
 */
__attribute__((warn_unused_result)) int block_keep(const char *file,
	const void *text, size_t len, const struct cnf *base,
	const struct activation *a, const struct block_settings *s,
	struct block_lines *out, struct fault *f);

/* The lines that an operator has written, for words: those that enable would
 * not write with s. */
void block_foreign(const void *text, size_t len, const struct cnf *base,
	const struct activation *a, const struct block_settings *s,
	struct block_lines *out);

/* What an operator has to add by hand, as lines of text, terminated. */
void block_recipe(const struct activation *a, char *out, size_t size);

#endif
