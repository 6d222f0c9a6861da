#include "curve.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	uint16_t group;
	int nid;
} curves[] = {
	{ GRAMMAR_P256, NID_X9_62_prime256v1 },
	{ GRAMMAR_P384, NID_secp384r1 },
};

/* Made once, before the first client byte; never changed. */
static EC_GROUP *groups[ROWS(curves)];

int
curve_init(void)
{
	size_t i;

	for (i = 0; i < ROWS(curves); i++) {
		if (groups[i] == NULL)
			groups[i] = EC_GROUP_new_by_curve_name(curves[i].nid);
		if (groups[i] == NULL)
			return -1;
	}
	return 0;
}

bool
curve_has_point(uint16_t group, const uint8_t *point, size_t len)
{
	EC_POINT *p;
	bool on = false;
	size_t i;

	for (i = 0; i < ROWS(curves) && curves[i].group != group; i++)
		;
	if (i == ROWS(curves) || groups[i] == NULL)
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
