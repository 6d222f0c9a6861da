#include "running.h"

#include <stdlib.h>

#include "daemon.h"

static void
left_out(struct findings *v, const struct daemon_state *s)
{
	unsigned i;

	for (i = 0; i < s->left_out_names.n; i++)
		finding_say(v, FINDING_ERROR, s->left_out_names.pair[i].value,
			"keyd leaves it out since it had faults: mend them, "
			"then keydctl reload");
	if (s->left_out > s->left_out_names.n)
		finding_say(v, FINDING_ERROR, "keyd",
			"it leaves out %llu keys more",
			s->left_out - s->left_out_names.n);
}

void
running_examine(struct findings *v)
{
	struct daemon_state *s = malloc(sizeof(*s));
	struct fault f = { 0 };

	if (s == NULL) {
		finding_say(v, FINDING_ERROR, "keyd", "no memory");
		return;
	}
	if (daemon_state(&v->ctl->config, s, &f) < 0) {
		finding_say(v, FINDING_WARNING, "keyd", "%s", f.text);
	} else {
		left_out(v, s);
		if (!s->reload_ok)
			finding_say(v, FINDING_WARNING, "keyd",
				"it refused the last reload, and goes on with "
				"what it had: keydctl status says why");
	}
	free(s);
}
