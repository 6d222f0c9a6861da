/* The key itself stands where its shell was: a renewal kept the key, and wrote it
 * there again. */
#include "import_again.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Does the journal say that it is this key? */
static bool
is_key(const struct import_job *j, const struct origin *o)
{
	char hash[2 * PROTO_HASH_LEN + 1];

	text_hex(j->answer.d.hash, PROTO_HASH_LEN, hash);
	return strcmp(hash, o->hash) == 0;
}

static int
elsewhere(const struct import_job *j, const char *name, const struct origin *o,
	struct fault *f)
{
	return fault_set(f, FAULT_REFUSED,
		"%s: keyd has this very key as %s%s%s: put its shell here, "
		"too (keydctl shell %s, in the key's place: restore does not "
		"bring this file back then)",
		j->place->real, name, o->path[0] != '\0' ? ", from " : "",
		o->path, name);
}

/* What the key is to be from now on is what it was. */
static int
take(struct import_job *j, const char *name, struct fault *f)
{
	int r = policy_get(j->store, name, &j->policy, f);

	if (r == 0)
		(void)fault_set(f, FAULT_FAILED,
			"%s: the key %s has no policy, so that keyd does not "
			"serve it: write one, and import it again",
			j->place->real, name);
	if (r <= 0)
		return -1;
	if (j->before.nlinks + 1 != j->links.n)
		return fault_set(f, FAULT_REFUSED,
			"%s: it was imported as %s under %u names (hard "
			"links), and has %u now: make them as they were (ln "
			"-f; keydctl show %s), or put the shell there yourself "
			"(keydctl shell %s)",
			j->place->real, name, j->before.nlinks + 1, j->links.n,
			name, name);
	(void)snprintf(j->name, sizeof(j->name), "%s", name);
	j->again = true;
	return 1;
}

int
import_again_find(struct import_job *j, struct fault *f)
{
	char **names = store_names(j->store, STORE_ORIGIN, f), **n;
	struct fault ignored;
	int r = names == NULL ? -1 : 0;

	for (n = names; r == 0 && *n != NULL; n++) {
		if (origin_get(j->store, *n, &j->before, &ignored) <= 0 ||
			!is_key(j, &j->before) ||
			store_has(j->store, STORE_KEY, *n, &ignored) <= 0)
			continue;
		if (j->before.phase == ORIGIN_IMPORTED &&
			strcmp(j->before.path, j->place->real) == 0)
			r = take(j, *n, f);
		else
			r = elsewhere(j, *n, &j->before, f);
	}
	free(names);
	return r;
}

int
import_again_keep(struct import_job *j, struct fault *f)
{
	struct bytes was;
	int r = store_get(j->store, STORE_ORIGINAL, j->name, &j->original, f);
	bool same;

	if (r < 0)
		return -1;
	j->has_original = r > 0;
	r = origin_part(j->store, j->name, &was, f);
	if (r < 0)
		return -1;
	same = r > 0 && was.len == j->part.len &&
	       memcmp(was.data, j->part.data, was.len) == 0;
	if (r > 0)
		bytes_free(&was);
	/* What restore puts back is what stands there now. */
	return same ? 0
		    : store_put(j->store, STORE_ORIGINAL, j->name, j->part.data,
			      j->part.len, f);
}

void
import_again_undo(struct import_job *j, struct fault *f)
{
	struct fault undo;
	int r;

	if (j->has_original)
		r = store_put(j->store, STORE_ORIGINAL, j->name,
			j->original.data, j->original.len, &undo);
	else
		r = store_drop(j->store, STORE_ORIGINAL, j->name, &undo);
	if (r == 0)
		r = origin_put(j->store, j->name, &j->before, &undo);
	if (r < 0)
		fault_add(f, "; taking it back: %s", undo.text);
}

/* Does the command line say something else than the policy? */
static bool
differs(const struct import_job *j)
{
	const struct policy *want = &j->options->policy;

	return strcmp(want->allow, j->policy.allow) != 0 ||
	       (want->use != 0 && want->use != j->policy.use);
}

void
import_again_say(const struct import_job *j)
{
	bool dry = j->options->dry_run, other = differs(j);
	struct json *out = &j->ctl->out;
	char file[PATH_MAX], words[128];

	(void)proto_use_names(j->policy.use, words, sizeof(words));
	if (j->ctl->json) {
		json_open(out, NULL, '{');
		json_string(out, "file", j->file);
		json_string(out, "real", j->place->real);
		json_string(out, "outcome",
			dry ? "would put its shell back" : "shell put back");
		json_string(out, "name", j->name);
		json_words(out, "allow", j->policy.allow);
		json_words(out, "use", words);
		json_bool(out, "policy-differs", other);
		json_string(out, "proof", j->enlist.proof);
		json_close(out, '}');
		return;
	}
	(void)printf("%s: the key of %s itself, which keyd has: its shell %s "
		     "put back\n",
		text_shown(j->file, file), j->name, dry ? "would be" : "is");
	if (j->options->name != NULL && strcmp(j->options->name, j->name) != 0)
		(void)printf("  --name has no effect: it is the same key, and "
			     "stays %s\n",
			j->name);
	(void)printf("  Its policy stays%s: allow = %s, use = %s\n",
		other ? ", AND IS ANOTHER THAN THIS COMMAND'S: to change it, "
			"edit keys.d and keydctl reload"
		      : "",
		j->policy.allow, words);
	if (!dry)
		(void)printf(
			"  %s\n  The key was on this disk in plain text again, "
			"and may be in backups.\n  What was restarted "
			"meanwhile has it in memory: restart it once "
			"more.\n",
			j->enlist.proof);
}
