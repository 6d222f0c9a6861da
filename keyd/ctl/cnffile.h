/*
 * The openssl.cnf that enable and disable change: walked to as path.h does,
 * changed in one step that keeps owner, mode and attributes, with the bytes from
 * before beside it in NAME.before-keyd.
 */
#ifndef KEYD_CTL_CNFFILE_H
#define KEYD_CTL_CNFFILE_H

#include "cnf.h"
#include "path.h"
#include "swap.h"

struct cnffile {
	struct path_place place;
	struct swap_file old; /* as it is */
	char *base;           /* without marked blocks */
	size_t len;
	int lock;
	/* names in the same folder, and paths for words: of what was there
	 * before enable, and of what disable took out */
	char backup[NAME_MAX + 1], kept[NAME_MAX + 1];
	char backup_path[PATH_MAX + 1], kept_path[PATH_MAX + 1];
};

/* The one that libcrypto reads when nothing else is said. Returns out. */
const char *cnffile_default(char out[PATH_MAX]);

/*
 * Opens and reads it. To change it, one keydctl at a time, and what a killed one
 * has left is removed; otherwise nothing is touched. Refused is what an exchange
 * that could not be ended has left, if anything would be lost with it. 0, and it
 * must be closed; or -1 with *f.
 */
__attribute__((warn_unused_result)) int cnffile_open(
	const char *path, bool change, struct cnffile *out, struct fault *f);
void cnffile_close(struct cnffile *c);

/* Its settings, those of included files too, from the text that may stand in
 * it. 0, and they must be freed; or -1 with *f. */
__attribute__((warn_unused_result)) int cnffile_parse(const struct cnffile *c,
	const char *text, size_t len, struct cnf *out, struct fault *f);

/* Opens an included regular file or folder: for cnf_read(). Root includes only
 * what is root's alone. */
int cnffile_include(void *arg, const char *path, struct fault *f);

/* Puts the base into the backup, unless that is what it holds. */
__attribute__((warn_unused_result)) int
cnffile_back_up(const struct cnffile *c, struct fault *f);

/* 1: the backup has these bytes; 0: other ones; -1: there is none. */
int cnffile_is_backup(const struct cnffile *c, const void *text, size_t len);

/* Puts all of the file as it is into kept. */
__attribute__((warn_unused_result)) int
cnffile_keep(const struct cnffile *c, struct fault *f);

/* Removes the backup. */
__attribute__((warn_unused_result)) int
cnffile_drop_backup(const struct cnffile *c, struct fault *f);

/* Gives the file these bytes. 0; or -1 with *f: it has the old ones; or
 * SWAP_STUCK with *f: they are under the name that the words tell. */
__attribute__((warn_unused_result)) int cnffile_replace(
	const struct cnffile *c, const void *text, size_t len, struct fault *f);

#endif
