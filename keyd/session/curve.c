#include "curve.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>

/* By the rows of tlsgroup.h. Made once, before the first client byte; never
 * changed. */
static EC_GROUP *groups[16];

_Static_assert((unsigned)TLSGROUP_ALL >> 16 == 0, "a row for each bit");

int
curve_init(void)
{
	const struct tlsgroup *g;
	size_t i;

	for (i = 0; (g = tlsgroup_at(i)) != NULL; i++) {
		if (g->curve == NULL)
			continue;
		if (groups[i] == NULL)
			groups[i] = EC_GROUP_new_by_curve_name(
				OBJ_sn2nid(g->curve));
		/* Some builds of libcrypto have no brainpool curves, and so no
		 * server that could want one. */
		if (groups[i] == NULL && (g->bit & TLSGROUP_DEFAULT) != 0)
			return -1;
	}
	ERR_clear_error();
	return 0;
}

bool
curve_has_point(uint16_t group, const uint8_t *point, size_t len)
{
	const struct tlsgroup *g;
	EC_POINT *p;
	bool on = false;
	size_t i;

	for (i = 0; (g = tlsgroup_at(i)) != NULL && g->number != group; i++)
		;
	if (g == NULL || groups[i] == NULL)
		return false;
	p = EC_POINT_new(groups[i]);
	if (p != NULL) {
		/* Checks the coordinates' range and the curve's equation. */
		on = EC_POINT_oct2point(groups[i], p, point, len, NULL) == 1;
		EC_POINT_free(p);
	}
	if (!on)
		ERR_clear_error();
	return on;
}
