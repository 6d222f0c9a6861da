/*
 * What an operator writes into the block's section of keyd (socket, timeout, …)
 * is his, and stays when keydctl writes the block anew.
 */
#ifndef KEYD_CTL_KEPT_H
#define KEYD_CTL_KEPT_H

#include "activation.h"

enum {
	BLOCK_MAX = 8192, /* bytes of a block */
};

struct block_settings;

/* Lines of an operator, each ended by a newline; terminated if there are any. */
struct kept {
	char text[BLOCK_MAX];
	size_t len;
};

/* An openssl.cnf with blocks, which mark_strip() takes. */
struct kept_file {
	const char *name; /* for words */
	const void *text;
	size_t len;
	/* without the blocks, and what was found in that; both NULL: not
	 * known */
	const struct cnf *base;
	const struct activation *a;
};

/* Is there such a setting among them? */
bool kept_has(const struct kept *lines, const char *setting);

/*
 * What of the file's blocks a new one must hold, to be written with s: all lines
 * of keyd's section. 0; or -1 with *f: refused, with the line, if one says
 * something else than s, or stands elsewhere in the block. Of modules, that of
 * s holds.
 */
__attribute__((warn_unused_result)) int kept_take(const struct kept_file *file,
	const struct block_settings *s, struct kept *out, struct fault *f);

/* The lines in the file's blocks that enable would not write with s, for
 * words: as many as there is room for. */
void kept_foreign(const struct kept_file *file, const struct block_settings *s,
	struct kept *out);

#endif
