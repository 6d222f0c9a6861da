#include "tryout.h"

#include <stdlib.h>
#include <string.h>

#include "prove.h"

void
tryout_key(struct findings *v, const struct config *c,
	const struct user_identity *who, const char *words, bool running,
	const char *name, const struct policy *p,
	const struct boot_description *d)
{
	struct prove_key key = { .name = name,
		.type = d->key_type,
		.spki = d->spki,
		.use = p->use };
	struct user_answer *a;
	struct fault f;

	if (!running || !user_may_be(who->uid)) {
		bool may = policy_names(p, who);

		finding_say(v, may ? FINDING_OK : FINDING_ERROR, name,
			"allow %s %s (not tried: %s)",
			may ? "names" : "does not name", words,
			running ? "run keydctl as root" : "keyd does not run");
		return;
	}
	a = malloc(sizeof(*a));
	memcpy(key.hash, d->hash, sizeof(key.hash));
	if (a == NULL)
		finding_say(v, FINDING_ERROR, name, "no memory");
	else if (prove_use(c, who, &key, a, &f) < 0)
		finding_say(v, FINDING_ERROR, name, "%s", f.text);
	else if (a->ok && a->text[0] == '\0')
		finding_say(v, FINDING_WARNING, name,
			"not tried as %s: no operation of its use can be made "
			"up",
			words);
	else if (a->ok)
		finding_say(v, FINDING_OK, name,
			"%s can use it for %s: what keyd did was verified "
			"with the public key",
			words, a->text);
	else
		finding_say(v, FINDING_ERROR, name, "%s cannot use it%s: %s",
			words,
			policy_has_unit(p) ? ", outside of the units in allow"
					   : "",
			a->text);
	free(a);
}
