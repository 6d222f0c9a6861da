/* Writes what is public (a shell, a request) to a new file. */
#ifndef KEYD_CTL_PUBLISH_H
#define KEYD_CTL_PUBLISH_H

#include <stddef.h>

#include "fault.h"

/* Walks to path as path.h does. Refused if the file is there. 0, or -1 with *f,
 * and nothing is left. */
__attribute__((warn_unused_result)) int
publish_new(const char *path, const char *text, size_t len, struct fault *f);

#endif
