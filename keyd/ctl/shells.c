#include "shells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "text.h"

enum {
	NAMED = 3, /* how many are named */
};

static bool
is_shell(const struct origin *o, const char *name)
{
	struct path_place place;
	struct swap_file file;
	struct fault ignored;
	struct view part;
	bool r = false;

	if (path_find(o->path, &place, &ignored) < 0)
		return false;
	if (place.exists &&
		swap_read_linked(&place, place.name, &file, &ignored) == 0) {
		r = shellfile_find(o->form, &file.bytes, name, &part);
		swap_free(&file);
	}
	path_close(&place);
	return r;
}

static void
add(struct shells *out, const char *path)
{
	size_t used = strlen(out->words);
	char shown[PATH_MAX];

	if (out->n++ < NAMED)
		(void)snprintf(out->words + used, sizeof(out->words) - used,
			"%s%.300s", used > 0 ? ", " : "",
			text_shown(path, shown));
}

void
shells_find(const struct config *c, struct shells *out)
{
	struct origin *o = malloc(sizeof(*o));
	struct fault ignored;
	char **names, **n;
	struct store s;
	size_t used;

	out->n = 0;
	out->words[0] = '\0';
	if (o == NULL || store_open(c, false, &s, &ignored) < 0) {
		free(o);
		return;
	}
	names = store_names(&s, STORE_ORIGIN, &ignored);
	for (n = names; n != NULL && *n != NULL; n++)
		if (origin_get(&s, *n, o, &ignored) > 0 &&
			o->phase == ORIGIN_IMPORTED && is_shell(o, *n))
			add(out, o->path);
	used = strlen(out->words);
	if (out->n > NAMED)
		(void)snprintf(out->words + used, sizeof(out->words) - used,
			" and %u more", out->n - NAMED);
	free(names);
	free(o);
	store_close(&s);
}
