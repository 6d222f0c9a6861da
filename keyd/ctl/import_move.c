/* The key into keyd, the shell into its place. */
#include "import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "import_again.h"
#include "text.h"

/* The file as it will be. */
static int
put_together(struct import_job *j, struct bytes *out, struct fault *f)
{
	char shell[SHELLFILE_MAX];
	long n = shellfile_print(j->form, j->name, j->answer.d.spki, shell, f);

	if (n < 0)
		return -1;
	if (bytes_splice(&j->old.bytes, j->key->e.start, j->part.len, shell,
		    (size_t)n, out) < 0)
		return fault_set(f, FAULT_FAILED, "no memory for the file: %s",
			strerror(errno));
	/* It must be read again to be restored. */
	if (out->len <= SWAP_MAX)
		return 0;
	bytes_free(out);
	return fault_set(f, FAULT_REFUSED,
		"%s: with the shell it would be longer than 64 kB: put the key "
		"into a file of its own",
		j->place->real);
}

/* What the file will be, to the journal. */
static int
begin(struct import_job *j, struct fault *f)
{
	j->origin.phase = j->again ? ORIGIN_RENEWING : ORIGIN_IMPORTING;
	j->origin.meta = j->old.meta;
	j->origin.as = j->place->uid;
	j->origin.time = (uint64_t)time(NULL);
	text_hex(j->answer.d.hash, PROTO_HASH_LEN, j->origin.hash);
	origin_set_links(&j->origin, &j->links);
	j->origin.form = j->form;
	if (j->form == SHELLFILE_BLOCK &&
		origin_rest(&j->old.bytes, j->part, j->origin.rest) < 0)
		return fault_set(f, FAULT_FAILED, "out of memory");
	if (swap_name(j->origin.tmp, f) < 0)
		return -1;
	return origin_put(j->store, j->name, &j->origin, f);
}

/* The key into the store: as it is in the file, or else what keyd can load, and
 * beside it what restore puts back. */
static int
keep(struct import_job *j, struct fault *f)
{
	struct view key = j->key->e.pem;

	if (key.len == 0)
		return enlist_add(&j->enlist, j->part, f);
	if (store_put(j->store, STORE_ORIGINAL, j->name, j->part.data,
		    j->part.len, f) < 0)
		return -1;
	return enlist_add(&j->enlist, key, f);
}

static void
undo(struct import_job *j, struct fault *f)
{
	if (j->again)
		import_again_undo(j, f);
	else
		enlist_undo(&j->enlist, f);
}

/* Before anything else is written: what to look for if we are killed. But what
 * stands in the file now must be known by then, if it was a shell. */
static int
store(struct import_job *j, struct fault *f)
{
	if (!j->again)
		return begin(j, f) < 0 ? -1 : keep(j, f);
	if (import_again_keep(j, f) < 0 || begin(j, f) < 0)
		return -1;
	return enlist_again(&j->enlist, f);
}

/* Up to the exchange; what fails is taken back. */
static int
prepare(struct import_job *j, struct fault *f)
{
	struct bytes file;
	int r;

	if (put_together(j, &file, f) < 0)
		return -1;
	r = store(j, f);
	if (r == 0)
		r = links_prepare(&j->links, j->origin.tmp, file.data, file.len,
			&j->old.meta, f);
	bytes_free(&file);
	if (r < 0)
		undo(j, f);
	return r;
}

int
import_move(struct import_job *j, struct fault *f)
{
	unsigned left;
	int r;

	if (prepare(j, f) < 0)
		return -1;
	r = links_exchange(&j->links, j->origin.tmp, &j->old, f);
	if (r == SWAP_STUCK) {
		fault_add(f, ", and keyd has the key");
		return -1;
	}
	if (r < 0) {
		struct fault more;

		if (links_discard(&j->links, j->origin.tmp, NULL, &more) < 0)
			fault_add(f, "; %s", more.text);
		undo(j, f);
		return -1;
	}
	/* From here on there is no way back, and running again ends it. */
	if (links_discard(&j->links, j->origin.tmp, &left, f) < 0) {
		fault_add(f, "; THE KEY IS STILL THERE: run keydctl import "
			     "again when that is mended");
		return -1;
	}
	j->origin.phase = ORIGIN_IMPORTED;
	j->origin.tmp[0] = '\0';
	/* All is done but the note of it, which the next keydctl makes. */
	if (origin_put(j->store, j->name, &j->origin, f) < 0)
		(void)fault_print(f);
	if (left == 0)
		return 0;
	return fault_set(f, FAULT_PARTLY,
		"%s: it is a shell now, but " LINKS_LEFT, j->place->real);
}
