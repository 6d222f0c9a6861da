/*
 * A key's way into the store and into keyd, all or nothing: files, load, proof.
 * Shared by import and generate.
 */
#ifndef KEYD_CTL_ENLIST_H
#define KEYD_CTL_ENLIST_H

#include "ctl.h"
#include "helper.h"
#include "policy.h"
#include "prove.h"

struct enlist {
	const struct config *config;
	const struct store *store;
	const char *name;
	const struct policy *policy;
	const struct boot_description *key;
	bool offline;    /* keyd does not run: no load, no proof */
	bool loaded;     /* keyd has been told */
	char proof[400]; /* how it was proved, or why not */
};

/* Does keyd run, or not, as the operator says? 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
enlist_ready(const struct config *c, bool offline, struct fault *f);

/* What stands in the key file of the store; a certificate if policy has one. */
__attribute__((warn_unused_result)) int
enlist_inspect(const struct store *s, const char *name, const struct policy *p,
	struct helper_answer *out, struct fault *f);

/*
 * The same of a key whose certificate cannot be read, too: it is described then as if it had
 * none. 0, and *told says what is wrong with the certificate, or is ""; or -1 with *f.
 */
__attribute__((warn_unused_result)) int enlist_inspect_both(
	const struct store *s, const char *name, const struct policy *p,
	struct helper_answer *out, struct fault *told, struct fault *f);

/*
 * Which key of the store has this hash? Looked for under the name first, if it
 * is one there. 1 and out, its name; 0: none that can be read; -1 with *f.
 */
__attribute__((warn_unused_result)) int
enlist_find(const struct store *s, const uint8_t hash[PROTO_HASH_LEN],
	const char *name, char out[PROTO_MAX_NAME + 1], struct fault *f);

/* Is the name free, and, if all is asked, the key in the store under no other
 * name? 0, or -1 with *f. */
__attribute__((warn_unused_result)) int enlist_free(
	const struct enlist *e, const char *path, bool all, struct fault *f);

/* Writes policy and key, has keyd load them, tries the key. On failure nothing
 * of it is left, but for the journal. */
__attribute__((warn_unused_result)) int
enlist_add(struct enlist *e, struct view key, struct fault *f);

/* A key that is in the store: has keyd load, and tries it. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
enlist_again(struct enlist *e, struct fault *f);

/* Takes it all back, journal too. What goes wrong with that is added to *f. */
void enlist_undo(struct enlist *e, struct fault *f);

#endif
