/* The modes `inspect`, `extract` and `generate`: one question of keydctl, one
 * answer. */
#ifndef KEYD_LOADER_INSPECT_H
#define KEYD_LOADER_INSPECT_H

#include "loader/talk.h"

/* Answers with a description, or with reports and done. */
void inspect_run(struct talk *t);

/* The same for a file whose key is to be kept: asks for the passphrase if it is
 * encrypted, and answers with where the key stands and its description. */
void inspect_extract(struct talk *t);

/* Answers with a new key, or with reports and done. */
void inspect_generate(struct talk *t);

#endif
