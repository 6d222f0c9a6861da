/*
 * A policy file as keydctl writes and shows it: docs/PROTOCOL.md §13. What is
 * in force is what keyd-load makes of it.
 */
#ifndef KEYD_CTL_POLICY_H
#define KEYD_CTL_POLICY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store.h"
#include "user.h"
#include "wire/keykind.h"

struct policy {
	char allow[2048]; /* words */
	uint32_t use;
	char certificate[PATH_MAX]; /* as written; "" for none */
	char tls12[16], tls12_groups[256], weak_digests[8], weak_keys[8],
		enforce[64];
};

/* 1, 0 if there is none, or -1 with *f. */
__attribute__((warn_unused_result)) int policy_get(const struct store *s,
	const char *name, struct policy *out, struct fault *f);

/* Sets the certificate: an absolute path, whose last component stays as it is,
 * for what it points to changes with each renewal. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
policy_set_certificate(struct policy *p, const char *path, struct fault *f);

/* The file's text; only what is set. Length, or -1 if it does not fit. */
long policy_print(const struct policy *p, char *out, size_t size);

/* Has the default of tls12 written, where the use makes it matter: for a key
 * that can sign in TLS 1.2. */
void policy_show_tls12(struct policy *p, const struct keykind *k);

/* Words of warning where the policy lets a key sign for a server, and the key can
 * do so in TLS 1.3 alone; "" for others. */
const char *policy_judge_tls12(const struct policy *p, const struct keykind *k);

/* Absolute path of its certificate, "" for none. 0, or -1 if too long. */
__attribute__((warn_unused_result)) int policy_certificate(
	const struct config *c, const struct policy *p, char out[PATH_MAX]);

/* Words on what keyd will not check its certificate for, that someone else than
 * root can change it; "" if there is nothing to say. */
void policy_judge_certificate(const struct policy *p, char *out, size_t size);

/* Words of use into bits, added to *use. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
policy_use(const char *words, uint32_t *use, struct fault *f);

/* Adds words of --allow to p->allow, after checking that each user and group
 * exists. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int
policy_allow(struct policy *p, const char *words, struct fault *f);

enum policy_who {
	POLICY_USER,
	POLICY_GROUP,
	POLICY_UNIT,
	POLICY_UNKNOWN, /* no such user or group, or not a word of allow */
};

/* What one word names; *id is the uid or gid. */
enum policy_who policy_word(const char *word, uid_t *id);

/* May the user with this uid, by what the policy says of users and groups? */
bool policy_may(const struct policy *p, uid_t uid);

/* The same, with the groups that a process really has. */
bool policy_names(const struct policy *p, const struct user_identity *who);

/* Is the unit in allow? */
bool policy_names_unit(const struct policy *p, const char *unit);

/* Are there units in allow? keydctl can be in none of them. */
bool policy_has_unit(const struct policy *p);

/*
 * A user in allow: one who is named, else a member of a group that is. 1 and
 * *uid, 0 if there is none (units only, empty groups).
 */
int policy_pick(const struct policy *p, uid_t *uid);

#endif
