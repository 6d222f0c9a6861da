/* Asks before what cannot be undone. */
#ifndef KEYD_CTL_CONFIRM_H
#define KEYD_CTL_CONFIRM_H

#include <stdbool.h>

#include "fault.h"

/* 0 if the answer is yes, or yes was said beforehand (--yes); -1 with *f, also
 * when there is no one to ask. */
__attribute__((warn_unused_result)) int
confirm(bool yes, const char *question, struct fault *f);

#endif
