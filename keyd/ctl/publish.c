#include "publish.h"

#include "swap.h"

int
publish_new(const char *path, const char *text, size_t len, struct fault *f)
{
	struct path_place place;
	int r;

	if (path_find(path, &place, f) < 0)
		return -1;
	if (place.exists)
		r = fault_set(f, FAULT_REFUSED,
			"%s: it is there already: move it away first",
			place.real);
	else
		r = swap_create(&place, text, len, f);
	path_close(&place);
	return r;
}
