/*
 * A renewal with the same key writes the key into the file whose shell it was. To
 * import it again is to put the shell back, under the name and with the policy
 * that the key has.
 */
#ifndef KEYD_CTL_IMPORT_AGAIN_H
#define KEYD_CTL_IMPORT_AGAIN_H

#include "import.h"

/*
 * Is the key that was found in the file one of the store's, by its journal? 1 if it came from
 * this file: j has its name, journal and policy then; 0 if no; -1 with *f,
 * also if it came from elsewhere.
 */
__attribute__((warn_unused_result)) int
import_again_find(struct import_job *j, struct fault *f);

/* What the store has of the key is as the file has it now. */
__attribute__((warn_unused_result)) int
import_again_keep(struct import_job *j, struct fault *f);

/* Takes that back, and the journal. What goes wrong with that is added to *f. */
void import_again_undo(struct import_job *j, struct fault *f);

void import_again_say(const struct import_job *j);

#endif
