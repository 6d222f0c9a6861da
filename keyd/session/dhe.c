#include "dhe.h"

#include <string.h>

enum {
	/* bytes of p */
	SHORTEST = 2048 / 8,
	LONGEST = 8192 / 8,
	SHORTEST_ANYWHERE = 512 / 8,
	LONGEST_ANYWHERE = 16384 / 8,
	TOP_BIT = 0x80,
};

static bool
is_modulus(struct view p)
{
	return p.len >= SHORTEST_ANYWHERE && p.len <= LONGEST_ANYWHERE &&
	       p.data[p.len - 1] % 2 == 1;
}

static bool
is_long_enough(struct view p)
{
	return p.len >= SHORTEST && p.len <= LONGEST && p.data[0] != 0 &&
	       (p.len > SHORTEST || p.data[0] >= TOP_BIT);
}

/*
 * 2 <= v <= p - 2, for a p without leading zeros. It is odd: p - 1 differs from
 * it in the last byte only.
 */
static bool
is_element(struct view v, struct view p)
{
	size_t last = p.len - 1;

	while (v.len > 0 && v.data[0] == 0)
		v = (struct view){ v.data + 1, v.len - 1 };
	if (v.len != p.len)
		return v.len > 1 || (v.len == 1 && v.data[0] >= 2);
	return memcmp(v.data, p.data, p.len) < 0 &&
	       (memcmp(v.data, p.data, last) != 0 ||
		       v.data[last] + 1 != p.data[last]);
}

enum dhe
dhe_look(struct view params)
{
	struct reader r = reader_init(params.data, params.len);
	struct view p = reader_vec16(&r);
	struct view g = reader_vec16(&r);
	struct view ys = reader_vec16(&r);

	if (reader_finish(&r) < 0 || g.len == 0 || ys.len == 0 ||
		g.len > p.len || ys.len > p.len)
		return DHE_NONE;
	if (!is_modulus(p))
		return DHE_OUTLINE;
	return is_long_enough(p) && is_element(g, p) && is_element(ys, p)
		       ? DHE_SOUND
		       : DHE_WEAK;
}
