#include "recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "shellfile.h"
#include "text.h"

/* One name of the application's file. */
struct spot {
	struct stat st;
	bool is_shell, is_key, has_tmp;
};

struct half {
	const struct store *store;
	const char *name;
	struct origin origin;
	struct links links;
	struct spot spots[LINKS_MAX];
	struct bytes key; /* what stood in it, by the store */
	bool has_key;
	unsigned shells,
		keys; /* of the names; the rest are missing, or others' */
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
look_at(struct half *h, unsigned i, struct fault *f)
{
	const struct path_place *p = &h->links.at[i];
	struct spot *spot = &h->spots[i];
	char tmp[SWAP_NAME];
	struct swap_file file;
	int r;

	if (p->exists) {
		if (swap_read_linked(p, p->name, &file, f) < 0)
			return -1;
		spot->st = file.st;
		spot->is_shell = has_shell(h, &file.bytes);
		spot->is_key = !spot->is_shell && has_key(h, &file.bytes);
		swap_free(&file);
	}
	h->shells += spot->is_shell;
	h->keys += spot->is_key;
	if (h->origin.tmp[0] == '\0')
		return 0;
	r = swap_exists(p, links_tmp(h->origin.tmp, i, tmp), f);
	spot->has_tmp = r == 1;
	return r < 0 ? -1 : 0;
}

static int
look(struct half *h, struct fault *f)
{
	unsigned i;

	if (h->origin.path[0] == '\0')
		return 0;
	if (origin_get_links(&h->origin, &h->links, f) < 0)
		return -1;
	for (i = 0; i < h->links.n; i++)
		if (look_at(h, i, f) < 0)
			return -1;
	return 0;
}

static int
note(const struct half *h, const char *words)
{
	char real[PATH_MAX];

	(void)fprintf(stderr, "keydctl: %s: %s\n",
		h->links.n == 0 ? h->name
				: text_shown(h->links.at[0].real, real),
		words);
	return 0;
}

static int
settle(struct half *h, enum origin_phase phase, const char *words,
	struct fault *f)
{
	h->origin.phase = phase;
	h->origin.tmp[0] = '\0';
	if (phase == ORIGIN_GENERATED)
		h->origin.path[0] = '\0';
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

/* No temporary name is left; nor, if the key stood under them, a name that it was
 * given meanwhile. */
static int
no_tmp(const struct half *h, bool key, struct fault *f)
{
	unsigned left;

	if (h->origin.tmp[0] == '\0')
		return 0;
	if (links_discard(&h->links, h->origin.tmp, &left, f) < 0)
		return -1;
	if (key && left > 0)
		(void)note(h, LINKS_LEFT);
	return 0;
}

static int
strange(const struct half *h, struct fault *f)
{
	return fault_set(f, FAULT_REFUSED,
		"%s: while its key was being moved as %s, the move was "
		"interrupted and the file replaced: if the key in keyd is not "
		"needed any more, keydctl remove %s",
		h->links.at[0].real, h->name, h->name);
}

typedef bool is_fn(const struct half *h, const struct bytes *b);

/* Is it that what stands under the temporary name? 1, 0, or -1 with *f. */
static int
tmp_is(const struct half *h, unsigned i, is_fn *is, struct fault *f)
{
	char tmp[SWAP_NAME];
	struct swap_file file;
	int r;

	if (swap_read_linked(&h->links.at[i], links_tmp(h->origin.tmp, i, tmp),
		    &file, f) < 0)
		return -1;
	r = is(h, &file.bytes);
	swap_free(&file);
	return r;
}

static bool
is_ours(const struct half *h, const struct bytes *b)
{
	return has_key(h, b) || has_shell(h, b);
}

/* Is it that under all temporary names that are there? */
static int
all_tmp_are(const struct half *h, is_fn *is, struct fault *f)
{
	unsigned i;
	int r = 1;

	for (i = 0; i < h->links.n && r == 1; i++)
		if (h->spots[i].has_tmp)
			r = tmp_is(h, i, is, f);
	return r;
}

/* What is left of ours beside the file is in the store too, or public. */
static int
discard_ours(struct half *h, struct fault *f)
{
	char tmp[SWAP_NAME];
	unsigned i;
	int ours;

	for (i = 0; i < h->links.n; i++) {
		if (!h->spots[i].has_tmp)
			continue;
		ours = tmp_is(h, i, is_ours, f);
		if (ours < 0 ||
			(ours > 0 && swap_discard(&h->links.at[i],
					     links_tmp(h->origin.tmp, i, tmp),
					     f) < 0))
			return -1;
	}
	return 0;
}

/* A name of the file is neither key nor shell: someone has replaced it. */
static int
superseded(struct half *h, struct fault *f)
{
	return discard_ours(h, f) < 0 ? -1 : strange(h, f);
}

/*
 * Back to where it began, for the names that are shells, or keys, by now. One of them without its
 * temporary name belongs to a move that was over, but for the note of it; what was done to the
 * others since is the operator's.
 */
static int
go_back(struct half *h, bool shells, struct fault *f)
{
	char tmp[SWAP_NAME];
	unsigned i;

	for (i = 0; i < h->links.n; i++)
		if (h->spots[i].is_shell == shells && !h->spots[i].has_tmp)
			return strange(h, f);
	for (i = 0; i < h->links.n; i++)
		if (h->spots[i].is_shell == shells &&
			swap_back(&h->links.at[i],
				links_tmp(h->origin.tmp, i, tmp),
				&h->spots[i].st, f) < 0)
			return -1;
	return no_tmp(h, !shells, f);
}

static int
end_import(struct half *h, struct fault *f)
{
	int r;

	if (!h->has_key) {
		if (h->shells > 0)
			return strange(h, f);
		if (no_tmp(h, false, f) < 0)
			return -1;
		return drop(h, "an interrupted import was taken back", f);
	}
	if (h->shells + h->keys < h->links.n)
		return superseded(h, f);
	r = h->keys == 0 ? all_tmp_are(h, is_as_read, f) : 0;
	if (r < 0)
		return -1;
	if (r > 0) {
		if (no_tmp(h, true, f) < 0)
			return -1;
		return settle(h, ORIGIN_IMPORTED,
			"an interrupted import was finished", f);
	}
	/* Not all were exchanged, or what was swapped out is not what had been
	 * read. */
	if (go_back(h, true, f) < 0)
		return -1;
	return drop(h, "an interrupted import was taken back", f);
}

static int
end_restore(struct half *h, struct fault *f)
{
	int r;

	if (!h->has_key) {
		if (no_tmp(h, false, f) < 0)
			return -1;
		return drop(h, "an interrupted restore was finished", f);
	}
	if (h->shells + h->keys < h->links.n)
		return superseded(h, f);
	r = h->shells == 0 ? all_tmp_are(h, has_shell, f) : 0;
	if (r < 0)
		return -1;
	if (r > 0) {
		if (no_tmp(h, false, f) < 0)
			return -1;
		return drop(h, "an interrupted restore was finished", f);
	}
	if (go_back(h, false, f) < 0)
		return -1;
	return settle(
		h, ORIGIN_IMPORTED, "an interrupted restore was taken back", f);
}

/* The key stays, whatever stands in the file: it was in the store before. */
static int
end_renewal(struct half *h, struct fault *f)
{
	int r;

	if (!h->has_key)
		return strange(h, f);
	if (h->shells + h->keys < h->links.n) {
		if (discard_ours(h, f) < 0)
			return -1;
		return settle(h, ORIGIN_IMPORTED,
			"its shell was being put back, and another file has "
			"come meanwhile, which is left alone",
			f);
	}
	r = h->keys == 0 ? all_tmp_are(h, is_as_read, f) : 0;
	if (r < 0)
		return -1;
	if (r > 0 && no_tmp(h, true, f) < 0)
		return -1;
	if (r == 0 && go_back(h, true, f) < 0)
		return -1;
	return settle(h, ORIGIN_IMPORTED,
		r > 0 ? "an interrupted import was finished"
		      : "an interrupted import was taken back",
		f);
}

/* A key whose shell is there may be in use; another, no one knows of. */
static int
end_generate(struct half *h, struct fault *f)
{
	if (h->has_key && h->shells > 0)
		return settle(h, ORIGIN_GENERATED,
			"an interrupted generate was finished", f);
	return drop(h, "an interrupted generate was taken back", f);
}

static const struct {
	enum origin_phase phase;
	int (*end)(struct half *h, struct fault *f);
} ends[] = {
	{ ORIGIN_IMPORTING, end_import },
	{ ORIGIN_RESTORING, end_restore },
	{ ORIGIN_RENEWING, end_renewal },
	{ ORIGIN_GENERATING, end_generate },
};

/* Ends it; 0 if there is nothing to end. */
static int
end(struct half *h, struct fault *f)
{
	size_t i;
	int r;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (h->origin.phase != ends[i].phase)
			continue;
		r = origin_part(h->store, h->name, &h->key, f);
		h->has_key = r == 1;
		if (r >= 0)
			r = look(h, f);
		if (r == 0)
			r = ends[i].end(h, f);
		else if (!h->has_key && h->links.n == 0)
			/* No key, no way to the file: nothing of ours is
			 * anywhere. */
			r = recover_drop(h->store, h->name, f);
		return r < 0 ? -1 : 1;
	}
	return 0;
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
	r = origin_get(s, name, &h->origin, f);
	if (r > 0)
		r = end(h, f);
	bytes_free(&h->key);
	links_close(&h->links);
	free(h);
	return r;
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
