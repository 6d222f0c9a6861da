#include "listeners.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

const char *
listeners_words(
	const struct config *c, const char *key, char out[LISTENERS_WORDS])
{
	size_t used = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < c->nlisteners; i++)
		if (listener_has_key(&c->listener[i], key))
			used += (size_t)snprintf(out + used,
				LISTENERS_WORDS - used, "%s%s",
				used > 0 ? " " : "", c->listener[i].name);
	return out;
}

bool
listeners_let_in(const struct listener_config *l, uid_t uid)
{
	const char *words = l->allow;
	const struct passwd *pw;
	struct listener_users u;
	struct ini_error ignored;

	while (listener_next_users(&words, &u, &ignored) > 0) {
		if (u.name[0] == '\0' && uid >= u.first && uid <= u.last)
			return true;
		pw = u.name[0] == '\0' ? NULL : getpwnam(u.name);
		if (pw != NULL && pw->pw_uid == uid)
			return true;
	}
	return false;
}

/* Can anybody whom the policy names come in? */
static bool
can_meet(const struct listener_config *l, const struct policy *p)
{
	const char *words = p->allow;
	char word[256];
	uid_t id;

	while (ini_next_word(&words, word, sizeof(word)) > 0) {
		if (policy_word(word, &id) != POLICY_USER ||
			listeners_let_in(l, id))
			return true;
	}
	return false;
}

void
listeners_examine_key(
	struct findings *v, const char *name, const struct policy *p)
{
	const struct config *c = &v->ctl->config;
	unsigned i;

	for (i = 0; i < c->nlisteners; i++)
		if (listener_has_key(&c->listener[i], name) &&
			!can_meet(&c->listener[i], p))
			finding_say(v, FINDING_WARNING, name,
				"[listener %s] has this key, but lets none of "
				"its users in (%s): both must name who is to "
				"use it there",
				c->listener[i].name, p->allow);
}

void
listeners_examine(struct findings *v, char *const *keys)
{
	const struct config *c = &v->ctl->config;
	char about[LISTENER_MAX_NAME + sizeof("[listener ]")];
	char *const *key;
	unsigned i;

	for (i = 0; i < c->nlisteners; i++) {
		for (key = keys; *key != NULL; key++)
			if (listener_has_key(&c->listener[i], *key))
				break;
		if (*key != NULL)
			continue;
		(void)snprintf(about, sizeof(about), "[listener %s]",
			c->listener[i].name);
		finding_say(v, FINDING_WARNING, about,
			"there is no key that its keys name (%s)",
			c->listener[i].keys);
	}
}
