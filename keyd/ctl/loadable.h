/*
 * May this openssl.cnf be tried out? libcrypto runs what the file names: modules
 * of providers, engines, and any other entry of its init section that it does
 * not know. So root tries a file out only if it, all it includes, and all it
 * can load are root's alone along the whole path (broker/trust.h). Whatever
 * cannot be told from the file is refused too: a path that depends on the
 * environment, or on the folder a program is started in.
 */
#ifndef KEYD_CTL_LOADABLE_H
#define KEYD_CTL_LOADABLE_H

#include <stddef.h>

#include "cnf.h"

/* Is the file or folder root's alone, or is this not root? 0, or -1 with *f,
 * which names the component. One that is missing is nobody's: 0. */
__attribute__((warn_unused_result)) int
loadable_path(const char *path, struct fault *f);

/* The same of what the settings make libcrypto load. */
__attribute__((warn_unused_result)) int
loadable_settings(const struct cnf *c, struct fault *f);

/* The same of a file of that name with this text, of what it includes and
 * loads. */
__attribute__((warn_unused_result)) int
loadable_text(const char *file, const void *text, size_t len, struct fault *f);

#endif
