/* keydctl reload: load again, and wait for the outcome. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "daemon.h"

int
reload_verb(struct ctl *c, int argc, char **argv)
{
	struct daemon_state *s;
	char words[1024];
	struct fault f = { 0 };
	unsigned i;
	int r;

	(void)argv;
	if (argc != 1)
		return ctl_usage("reload");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return FAULT_FAILED;
	r = daemon_reload(&c->config, s, &f);
	if (r == 0 && c->json) {
		json_open(&c->out, NULL, '{');
		json_number(&c->out, "keys", s->keys);
		json_number(&c->out, "generation", s->generation);
		json_number(&c->out, "left-out", s->left_out);
		json_close(&c->out, '}');
	} else if (r == 0) {
		(void)printf("keyd has loaded %llu keys (generation %llu)\n",
			s->keys, s->generation);
	}
	for (i = 0; r == 0 && i < s->reasons.n; i++)
		(void)fprintf(stderr, "keydctl: warning: %s\n",
			s->reasons.pair[i].value);
	if (r == 0 && s->left_out > 0)
		r = fault_set(&f, FAULT_PARTLY,
			"keys that have faults are still left out: %s",
			daemon_left_out(s, words, sizeof(words)));
	free(s);
	return r < 0 ? fault_print(&f) : 0;
}
