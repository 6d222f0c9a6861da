#include "links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linksearch.h"

int
links_add(struct links *l, const char *path, struct fault *f)
{
	if (l->n == LINKS_MAX)
		return fault_set(f, FAULT_REFUSED,
			"%s: more than %d hard links", path, LINKS_MAX);
	if (path_find(path, &l->at[l->n], f) < 0)
		return -1;
	l->n++;
	return 0;
}

void
links_close(struct links *l)
{
	while (l->n > 0)
		path_close(&l->at[--l->n]);
}

/* The same directory may be seen at several paths, as of bind mounts. */
static bool
is_same_name(const struct path_place *a, const struct path_place *b)
{
	struct stat x, y;

	return strcmp(a->name, b->name) == 0 && fstat(a->dir, &x) == 0 &&
	       fstat(b->dir, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Hard links are made within one mount only, though it be the same file system. */
static bool
is_same_mount(const struct path_place *a, const struct path_place *b)
{
	struct statx x, y;

	return statx(a->dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) == 0 &&
	       statx(b->dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &y) == 0 &&
	       x.stx_mnt_id == y.stx_mnt_id;
}

/* Is the last place another name of the file? 1, 0, or -1 with *f. */
static int
is_link(const struct links *l, const struct stat *file, struct fault *f)
{
	const struct path_place *last = &l->at[l->n - 1];
	struct stat st;
	unsigned i;

	for (i = 0; i + 1 < l->n; i++)
		if (is_same_name(&l->at[i], last))
			return 0;
	if (!last->exists || !is_same_mount(l->at, last))
		return 0;
	if (swap_stat(last, last->name, &st, f) < 0)
		return -1;
	return st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* Adds the path if it is one more name of the file. */
static int
join_one(struct links *l, const struct stat *file, const char *path,
	struct fault *f)
{
	const struct path_place *first = l->at, *last;
	int r;

	if (links_add(l, path, f) < 0) {
		fault_add(f, " (a hard link of %s?)", first->real);
		return -1;
	}
	last = &l->at[l->n - 1];
	r = is_link(l, file, f);
	if (r > 0 && last->uid != first->uid)
		r = fault_set(f, FAULT_REFUSED,
			"%s: it is a hard link of %s, but its directory is uid "
			"%u's, and the other's uid %u's, and neither may have "
			"a say in what is the other's: remove one of the two",
			last->real, first->real, (unsigned)last->uid,
			(unsigned)first->uid);
	if (r <= 0)
		path_close(&l->at[--l->n]);
	return r < 0 ? -1 : 0;
}

static int
search(struct links *l, const struct stat *file, struct linksearch *s,
	struct fault *f)
{
	unsigned i;

	if (linksearch(l->at, file, s, f) < 0)
		return -1;
	for (i = 0; i < s->n; i++)
		if (join_one(l, file, s->found[i], f) < 0)
			return -1;
	return 0;
}

/* Those that are known are listed: the others are somewhere else. */
static int
too_few(const struct links *l, const struct stat *file, bool whole,
	struct fault *f)
{
	unsigned i;

	(void)fault_set(f, FAULT_REFUSED,
		"%s: it has %lu hard links, and %lu of them %s not found%s: "
		"nothing was changed. Name them after it, or remove them (find "
		"MOUNTPOINT -xdev -inum %lu). They may be below a mount point, "
		"or in a container; a path that leads through another mount "
		"does not count. Found:",
		l->at[0].real, (unsigned long)file->st_nlink,
		(unsigned long)file->st_nlink - l->n,
		file->st_nlink - l->n == 1 ? "was" : "were",
		whole ? "" : ", before the search had become too long",
		(unsigned long)file->st_ino);
	for (i = 0; i < l->n; i++)
		fault_add(f, " %s", l->at[i].real);
	return -1;
}

int
links_join(struct links *l, const struct stat *st, char *const *named,
	struct fault *f)
{
	for (; *named != NULL && l->n < st->st_nlink; named++)
		if (join_one(l, st, *named, f) < 0)
			return -1;
	return 0;
}

int
links_find(struct links *l, const struct stat *st, char *const *named,
	struct fault *f)
{
	struct linksearch *s;
	int r;

	if (st->st_nlink > LINKS_MAX)
		return fault_set(f, FAULT_REFUSED,
			"%s: it has %lu hard links, and %d are the most that "
			"can be replaced together: remove some",
			l->at[0].real, (unsigned long)st->st_nlink, LINKS_MAX);
	if (links_join(l, st, named, f) < 0)
		return -1;
	if (l->n == st->st_nlink)
		return 0;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	r = search(l, st, s, f);
	if (r == 0 && l->n != st->st_nlink)
		r = too_few(l, st, s->whole, f);
	free(s);
	return r;
}

const char *
links_tmp(const char *tmp, unsigned i, char out[SWAP_NAME])
{
	if (i == 0)
		(void)snprintf(out, SWAP_NAME, "%s", tmp);
	else
		(void)snprintf(out, SWAP_NAME, "%.40s-%u", tmp, i);
	return out;
}

/* One more temporary name for the new file. */
static int
link_to(const struct links *l, const char *tmp, unsigned i, struct fault *f)
{
	const struct path_place *first = l->at, *p = &l->at[i];
	char name[SWAP_NAME];
	int r, saved;

	if (path_enter(first, f) < 0) {
		path_leave(first);
		return -1;
	}
	r = linkat(first->dir, tmp, p->dir, links_tmp(tmp, i, name), 0);
	saved = errno;
	path_leave(first);
	if (r == 0)
		return 0;
	return fault_set(f, FAULT_FAILED,
		"%s: it cannot become a hard link of what %s becomes: %s",
		p->real, first->real, strerror(saved));
}

int
links_prepare(const struct links *l, const char *tmp, const void *data,
	size_t len, const struct meta *m, struct fault *f)
{
	struct fault more;
	unsigned i;

	if (swap_prepare(l->at, tmp, data, len, m, f) < 0)
		return -1;
	for (i = 1; i < l->n; i++)
		if (link_to(l, tmp, i, f) < 0) {
			if (links_discard(l, tmp, NULL, &more) < 0)
				fault_add(f, "; %s", more.text);
			return -1;
		}
	return 0;
}

/* The first n are as they were again. */
static int
go_back(const struct links *l, const char *tmp, unsigned n,
	const struct stat *ours, struct fault *f)
{
	char name[SWAP_NAME];
	struct fault more;
	unsigned i;
	int r = -1;

	for (i = 0; i < n; i++) {
		if (swap_back(&l->at[i], links_tmp(tmp, i, name), ours,
			    &more) == 0)
			continue;
		fault_add(f,
			"; %s could not be put back: what it was is under the "
			"name %s in its directory (%s)",
			l->at[i].real, name, more.text);
		r = SWAP_STUCK;
	}
	return r;
}

int
links_exchange(const struct links *l, const char *tmp,
	const struct swap_file *old, struct fault *f)
{
	char name[SWAP_NAME];
	struct stat ours;
	unsigned i;
	int r = 0, back;

	if (swap_stat(l->at, tmp, &ours, f) < 0)
		return -1;
	for (i = 0; i < l->n; i++) {
		r = swap_exchange(&l->at[i], links_tmp(tmp, i, name), old, f);
		if (r < 0)
			break;
	}
	if (r == 0)
		return 0;
	back = go_back(l, tmp, i, &ours, f);
	return r == SWAP_STUCK ? r : back;
}

/* Of the file that is about to lose its names. */
static int
hold(const struct links *l, const char *tmp)
{
	char name[SWAP_NAME];
	struct fault ignored;
	int fd = -1;
	unsigned i;

	for (i = 0; i < l->n && fd < 0; i++) {
		if (path_enter(&l->at[i], &ignored) == 0)
			fd = openat(l->at[i].dir, links_tmp(tmp, i, name),
				O_PATH | O_NOFOLLOW | O_CLOEXEC);
		path_leave(&l->at[i]);
	}
	return fd;
}

int
links_discard(
	const struct links *l, const char *tmp, unsigned *left, struct fault *f)
{
	int held = left == NULL ? -1 : hold(l, tmp), r = 0;
	char name[SWAP_NAME];
	struct fault more;
	struct stat st;
	unsigned i;

	for (i = 0; i < l->n; i++) {
		if (swap_discard(&l->at[i], links_tmp(tmp, i, name), &more) ==
			0)
			continue;
		if (r == 0)
			*f = more;
		else
			fault_add(f, "; %s", more.text);
		r = -1;
	}
	if (left != NULL)
		*left = r == 0 && held >= 0 && fstat(held, &st) == 0
				? (unsigned)st.st_nlink
				: 0;
	if (held >= 0)
		(void)close(held);
	return r;
}
