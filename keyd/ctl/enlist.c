#include "enlist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "daemon.h"
#include "origin.h"
#include "recover.h"
#include "text.h"

int
enlist_ready(const struct config *c, bool offline, struct fault *f)
{
	pid_t pid;

	if (daemon_pid(c, &pid, f) < 0)
		return -1;
	if (pid == 0 && !offline)
		return fault_set(f, FAULT_NOT_RUNNING,
			"keyd does not run with %s: %s, or say --offline: then "
			"nothing is tried before it counts",
			c->file, daemon_start_words(c));
	if (pid != 0 && offline)
		return fault_set(f, FAULT_REFUSED,
			"--offline: keyd runs (process %ld): leave it out",
			(long)pid);
	return 0;
}

int
enlist_inspect(const struct store *s, const char *name, const struct policy *p,
	struct helper_answer *out, struct fault *f)
{
	char path[PATH_MAX], cert[PATH_MAX] = "";
	int key, fd = -1, r = store_has(s, STORE_KEY, name, f);

	if (r == 0)
		return fault_set(f, FAULT_FAILED,
			"%s: there is no key of this name: keydctl list", name);
	if (r < 0)
		return -1;
	r = -1;
	if (p != NULL && policy_certificate(s->config, p, cert) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: path too long", p->certificate);
	key = store_fd(s, STORE_KEY, name, f);
	if (key < 0)
		return -1;
	if (cert[0] != '\0')
		fd = certificate_of_policy(cert, f);
	if (cert[0] == '\0' || fd >= 0 || fd == CERTIFICATE_FOREIGN)
		r = helper_inspect(s->config,
			store_path(s, STORE_KEY, name, path), key,
			fd < 0 ? -1 : fd, out, f);
	(void)close(key);
	if (fd >= 0)
		(void)close(fd);
	return r;
}

int
enlist_inspect_both(const struct store *s, const char *name,
	const struct policy *p, struct helper_answer *out, struct fault *told,
	struct fault *f)
{
	told->text[0] = '\0';
	if (enlist_inspect(s, name, p, out, told) == 0)
		return 0;
	if (p->certificate[0] != '\0' &&
		enlist_inspect(s, name, NULL, out, f) == 0)
		return 0;
	*f = *told;
	return -1;
}

/*
 * Does the journal say that it is another key? With it a store of thousands is searched
 * without parsing one of them; without one, or if it says yes, the key itself tells.
 */
static bool
is_other(const struct store *s, const char *name,
	const uint8_t hash[PROTO_HASH_LEN])
{
	struct origin *o = malloc(sizeof(*o));
	char want[2 * PROTO_HASH_LEN + 1];
	struct fault ignored;
	bool other;

	text_hex(hash, PROTO_HASH_LEN, want);
	other = o != NULL && origin_get(s, name, o, &ignored) == 1 &&
		o->hash[0] != '\0' && strcmp(o->hash, want) != 0;
	free(o);
	return other;
}

static bool
has_hash(const struct store *s, const char *name,
	const uint8_t hash[PROTO_HASH_LEN], struct helper_answer *a)
{
	struct fault ignored;

	return !is_other(s, name, hash) &&
	       enlist_inspect(s, name, NULL, a, &ignored) == 0 &&
	       memcmp(a->d.hash, hash, PROTO_HASH_LEN) == 0;
}

int
enlist_find(const struct store *s, const uint8_t hash[PROTO_HASH_LEN],
	const char *name, char out[PROTO_MAX_NAME + 1], struct fault *f)
{
	struct helper_answer *a = malloc(sizeof(*a));
	char **names = store_names(s, STORE_KEY, f), **n = names;
	int r = 0;

	if (a == NULL)
		(void)fault_set(f, FAULT_FAILED, "out of memory");
	if (a == NULL || names == NULL)
		r = -1;
	if (r == 0 && name[0] != '\0' && has_hash(s, name, hash, a)) {
		(void)snprintf(out, PROTO_MAX_NAME + 1, "%s", name);
		r = 1;
	}
	for (; r == 0 && *n != NULL; n++)
		if (has_hash(s, *n, hash, a)) {
			(void)snprintf(out, PROTO_MAX_NAME + 1, "%s", *n);
			r = 1;
		}
	free(a);
	free(names);
	return r;
}

/* Compares with every key of the store. */
static int
find_twin(const struct enlist *e, const char *path, struct fault *f)
{
	char twin[PROTO_MAX_NAME + 1];
	int r = enlist_find(e->store, e->key->hash, "", twin, f);

	if (r <= 0)
		return r;
	return fault_set(f, FAULT_REFUSED,
		"%s: keyd has this very key as %s: put its shell there instead "
		"(keydctl shell %s)",
		path, twin, twin);
}

/* Was the key that has the name imported from this very path? */
static bool
came_from(const struct enlist *e, const char *path)
{
	struct origin *o = calloc(1, sizeof(*o));
	struct fault ignored;
	bool r;

	r = o != NULL && origin_get(e->store, e->name, o, &ignored) > 0 &&
	    strcmp(o->path, path) == 0;
	free(o);
	return r;
}

int
enlist_free(const struct enlist *e, const char *path, bool all, struct fault *f)
{
	static const enum store_kind kinds[] = { STORE_KEY, STORE_POLICY,
		STORE_ORIGIN, STORE_ORIGINAL };
	char there[PATH_MAX];
	size_t i;
	int r;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		r = store_has(e->store, kinds[i], e->name, f);
		if (r < 0)
			return -1;
		if (r > 0 && came_from(e, path))
			return fault_set(f, FAULT_REFUSED,
				"%s: an older key of this file is kept as %s, "
				"which running programs may need until they "
				"have reloaded: choose another name with "
				"--name, and when they have, keydctl remove %s",
				path, e->name, e->name);
		if (r > 0)
			return fault_set(f, FAULT_REFUSED,
				"%s: %s is there already: choose another "
				"name%s",
				path,
				store_path(e->store, kinds[i], e->name, there),
				all ? " with --name" : "");
	}
	return all ? find_twin(e, path, f) : 0;
}

/* Whom to try it as: ourselves if we cannot become another. */
static int
pick(const struct enlist *e, uid_t *uid)
{
	if (geteuid() != 0) {
		*uid = geteuid();
		return policy_may(e->policy, *uid);
	}
	return policy_pick(e->policy, uid);
}

static int
prove(struct enlist *e, struct fault *f)
{
	struct prove_key k = { .name = e->name,
		.type = e->key->key_type,
		.spki = e->key->spki,
		.use = e->policy->use };
	struct user_identity id;
	struct user_answer a;
	char who[64];
	uid_t uid;

	memcpy(k.hash, e->key->hash, sizeof(k.hash));
	if (pick(e, &uid) == 0) {
		(void)snprintf(e->proof, sizeof(e->proof),
			"not tried: allow names units only, or groups without "
			"a member");
		return 0;
	}
	if (user_find(uid, &id, f) < 0 ||
		prove_use(e->config, &id, &k, &a, f) < 0)
		return -1;
	(void)user_name(uid, who);
	if (!a.ok)
		return fault_set(f, FAULT_FAILED,
			"the key was tried as %s, without success: %s", who,
			a.text);
	if (a.text[0] == '\0')
		(void)snprintf(e->proof, sizeof(e->proof),
			"not tried: no operation of its use can be made up");
	else
		(void)snprintf(e->proof, sizeof(e->proof),
			"tried as %s for %.100s: what keyd did was verified "
			"with the public key",
			who, a.text);
	return 0;
}

static int
load(struct enlist *e, struct fault *f)
{
	if (e->offline) {
		(void)snprintf(e->proof, sizeof(e->proof),
			"not tried: keyd does not run");
		return 0;
	}
	e->loaded = true;
	/* Other keys' faults are no hindrance, if keyd leaves them out already. */
	return daemon_tell_of(e->config, e->name, f) < 0 ? -1 : prove(e, f);
}

int
enlist_add(struct enlist *e, struct view key, struct fault *f)
{
	char text[2 * PATH_MAX + 4096];
	long n = policy_print(e->policy, text, sizeof(text));

	if (n < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: the policy is too long", e->name);
	/* Never a key without a policy, which keyd would refuse to load. */
	if (store_put(e->store, STORE_POLICY, e->name, text, (size_t)n, f) < 0)
		return -1;
	if (store_put(e->store, STORE_KEY, e->name, key.data, key.len, f) < 0)
		return -1;
	return load(e, f);
}

int
enlist_again(struct enlist *e, struct fault *f)
{
	return load(e, f);
}

void
enlist_undo(struct enlist *e, struct fault *f)
{
	struct fault undo;

	if (recover_drop(e->store, e->name, &undo) < 0)
		fault_add(f, "; taking it back: %s", undo.text);
	if (e->loaded && daemon_tell(e->config, &undo) < 0)
		fault_add(f, "; loading without it: %s", undo.text);
}
