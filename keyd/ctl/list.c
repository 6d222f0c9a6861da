/* keydctl list: the keys of the store. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "enlist.h"
#include "listeners.h"
#include "text.h"

static void
row(struct ctl *c, const struct store *s, const char *name,
	struct helper_answer *a, int *code)
{
	struct policy p = { 0 };
	char listeners[LISTENERS_WORDS];
	char words[128] = "", hash[2 * PROTO_HASH_LEN + 1] = "";
	const char *type = "unreadable";
	struct fault f;

	if (enlist_inspect(s, name, NULL, a, &f) == 0) {
		type = proto_key_type_name(a->d.key_type);
		text_hex(a->d.hash, PROTO_HASH_LEN, hash);
	} else {
		*code = fault_print(&f);
	}
	if (policy_get(s, name, &p, &f) < 0)
		*code = fault_print(&f);
	(void)proto_use_names(p.use, words, sizeof(words));
	if (!c->json) {
		(void)printf(
			"%-24s %-15s %-16s %s\n", name, type, words, p.allow);
		return;
	}
	json_open(&c->out, NULL, '{');
	json_string(&c->out, "name", name);
	json_string(&c->out, "type", type);
	json_string(&c->out, "hash", hash);
	json_words(&c->out, "use", words);
	json_words(&c->out, "allow", p.allow);
	json_words(&c->out, "listeners",
		listeners_words(&c->config, name, listeners));
	json_close(&c->out, '}');
}

int
list_verb(struct ctl *c, int argc, char **argv)
{
	struct helper_answer *a;
	struct fault f = { 0 };
	struct store store;
	char **names, **n;
	int code = 0;

	(void)argv;
	if (argc != 1)
		return ctl_usage("list");
	if (store_open(&c->config, false, &store, &f) < 0)
		return fault_print(&f);
	a = malloc(sizeof(*a));
	names = a == NULL ? NULL : store_names(&store, STORE_KEY, &f);
	if (names == NULL)
		code = fault_print(&f);
	if (c->json)
		json_open(&c->out, NULL, '[');
	for (n = names; n != NULL && *n != NULL; n++)
		row(c, &store, *n, a, &code);
	if (c->json)
		json_close(&c->out, ']');
	free(names);
	free(a);
	store_close(&store);
	return code;
}
