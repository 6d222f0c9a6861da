#include "recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "shellfile.h"
#include "text.h"

struct half {
	const struct store *store;
	const char *name;
	struct origin origin;
	struct path_place place;
	struct bytes key;      /* what stood in it, by the store */
	struct swap_file file; /* the application's; no bytes if missing */
	bool has_key, is_shell, is_key, has_tmp;
};

int
recover_drop(const struct store *s, const char *name, struct fault *f)
{
	if (store_drop(s, STORE_KEY, name, f) < 0)
		return -1;
	if (store_drop(s, STORE_ORIGINAL, name, f) == 0 &&
		store_drop(s, STORE_POLICY, name, f) == 0 &&
		store_drop(s, STORE_ORIGIN, name, f) == 0)
		return 0;
	f->code = FAULT_PARTLY;
	fault_add(f,
		"; the key %s has gone from the store: remove this as well",
		name);
	return -1;
}

/* Is the key in these bytes, as all of them, or as a block of a bundle whose
 * other parts may have changed? */
static bool
has_key(const struct half *h, const struct bytes *b)
{
	if (!h->has_key)
		return false;
	if (h->origin.form != SHELLFILE_BLOCK)
		return bytes_equal(b, &h->key);
	return memmem(b->data, b->len, h->key.data, h->key.len) != NULL;
}

static bool
has_shell(const struct half *h, const struct bytes *b)
{
	struct view part;

	return shellfile_find(h->origin.form, b, h->name, &part);
}

/* Are these the very bytes that were read at the import? */
static bool
is_as_read(const struct half *h, const struct bytes *b)
{
	uint8_t rest[ORIGIN_HASH];
	struct view part;

	if (!has_key(h, b))
		return false;
	if (h->origin.form != SHELLFILE_BLOCK)
		return true;
	part.data = memmem(b->data, b->len, h->key.data, h->key.len);
	part.len = h->key.len;
	return origin_rest(b, part, rest) == 0 &&
	       memcmp(rest, h->origin.rest, sizeof(rest)) == 0;
}

static int
look(struct half *h, struct fault *f)
{
	int r;

	if (path_find(h->origin.path, &h->place, f) < 0)
		return -1;
	if (h->place.exists) {
		if (swap_read(&h->place, h->place.name, &h->file, f) < 0)
			return -1;
		h->is_shell = has_shell(h, &h->file.bytes);
		h->is_key = has_key(h, &h->file.bytes);
	}
	r = h->origin.tmp[0] == '\0' ? 0
				     : swap_exists(&h->place, h->origin.tmp, f);
	h->has_tmp = r == 1;
	return r < 0 ? -1 : 0;
}

static int
note(const struct half *h, const char *words)
{
	char real[PATH_MAX];

	(void)fprintf(stderr, "keydctl: %s: %s\n",
		text_shown(h->place.real, real), words);
	return 0;
}

static int
settle(struct half *h, const char *words, struct fault *f)
{
	h->origin.phase = ORIGIN_IMPORTED;
	h->origin.tmp[0] = '\0';
	if (origin_put(h->store, h->name, &h->origin, f) < 0)
		return -1;
	return note(h, words);
}

static int
drop(struct half *h, const char *words, struct fault *f)
{
	if (recover_drop(h->store, h->name, f) < 0)
		return -1;
	return note(h, words);
}

static int
no_tmp(struct half *h, struct fault *f)
{
	return h->has_tmp ? swap_discard(&h->place, h->origin.tmp, f) : 0;
}

static int
strange(const struct half *h, struct fault *f)
{
	return fault_set(f, FAULT_REFUSED,
		"%s: while its key was being moved as %s, the move was "
		"interrupted and the file replaced: if the key in keyd is not "
		"needed any more, keydctl remove %s",
		h->place.real, h->name, h->name);
}

/* Under the temporary name: the key that was read, or another's file? 1, 0,
 * or -1 with *f. */
static int
is_old_key(const struct half *h, struct fault *f)
{
	struct swap_file tmp;
	int r;

	if (swap_read(&h->place, h->origin.tmp, &tmp, f) < 0)
		return -1;
	r = is_as_read(h, &tmp.bytes);
	swap_free(&tmp);
	return r;
}

/* The file is neither key nor shell: someone has replaced it. What is left of
 * ours beside it is in the store too, or public. */
static int
superseded(struct half *h, struct fault *f)
{
	struct swap_file tmp;
	int ours;

	if (!h->has_tmp)
		return strange(h, f);
	if (swap_read(&h->place, h->origin.tmp, &tmp, f) < 0)
		return -1;
	ours = has_key(h, &tmp.bytes) || has_shell(h, &tmp.bytes);
	swap_free(&tmp);
	if (ours && no_tmp(h, f) < 0)
		return -1;
	return strange(h, f);
}

static int
end_import(struct half *h, struct fault *f)
{
	int r = 1;

	if (!h->has_key && !h->is_shell) {
		if (no_tmp(h, f) < 0)
			return -1;
		return drop(h, "an interrupted import was taken back", f);
	}
	if (h->is_shell && !h->has_key)
		return strange(h, f);
	if (h->is_shell) {
		if (h->has_tmp)
			r = is_old_key(h, f);
		if (r < 0)
			return -1;
		if (r == 1) {
			if (no_tmp(h, f) < 0)
				return -1;
			return settle(
				h, "an interrupted import was finished", f);
		}
		/* What was swapped out is not what had been read. */
		if (swap_back(&h->place, h->origin.tmp, &h->file.st, f) < 0)
			return -1;
	} else if (!h->is_key) {
		return superseded(h, f);
	}
	if (no_tmp(h, f) < 0)
		return -1;
	return drop(h, "an interrupted import was taken back", f);
}

static int
end_restore(struct half *h, struct fault *f)
{
	if (h->has_key && !h->is_key && !h->is_shell)
		return superseded(h, f);
	if (no_tmp(h, f) < 0)
		return -1;
	if (h->is_shell && h->has_key)
		return settle(h, "an interrupted restore was taken back", f);
	return drop(h, "an interrupted restore was finished", f);
}

/* 1 if there was something to end. */
static int
recover_one(const struct store *s, const char *name, struct fault *f)
{
	struct half *h = calloc(1, sizeof(*h));
	int r;

	if (h == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	h->store = s;
	h->name = name;
	h->place.dir = -1;
	r = origin_get(s, name, &h->origin, f);
	if (r <= 0 || (h->origin.phase != ORIGIN_IMPORTING &&
			      h->origin.phase != ORIGIN_RESTORING)) {
		free(h);
		return r < 0 ? -1 : 0;
	}
	r = origin_part(s, name, &h->key, f);
	h->has_key = r == 1;
	if (r >= 0)
		r = look(h, f);
	if (r == 0)
		r = h->origin.phase == ORIGIN_IMPORTING ? end_import(h, f)
							: end_restore(h, f);
	else if (!h->has_key && h->place.dir < 0)
		/* No key, no way to the file: nothing of ours is anywhere. */
		r = recover_drop(s, name, f);
	bytes_free(&h->key);
	swap_free(&h->file);
	path_close(&h->place);
	free(h);
	return r < 0 ? -1 : 1;
}

int
recover_all(const struct store *s, struct fault *f)
{
	char **names = store_names(s, STORE_ORIGIN, f), **n;
	struct fault one;
	int r, done = 0, failed = names == NULL;

	for (n = names; n != NULL && *n != NULL; n++) {
		r = recover_one(s, *n, &one);
		done += r > 0;
		if (r < 0 && failed)
			fault_add(f, "; %s", one.text);
		else if (r < 0)
			*f = one;
		failed |= r < 0;
	}
	free(names);
	return failed ? -1 : done;
}
