#include "tlsgroup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct tlsgroup groups[] = {
	{ "x25519", NULL, TLSGROUP_X25519, 32, 0x01 },
	{ "P-256", "prime256v1", TLSGROUP_P256, 65, 0x02 },
	{ "P-384", "secp384r1", TLSGROUP_P384, 97, 0x04 },
	{ "P-521", "secp521r1", TLSGROUP_P521, 133, 0x08 },
	{ "x448", NULL, TLSGROUP_X448, 56, 0x10 },
	{ "brainpoolP256r1", "brainpoolP256r1", TLSGROUP_BP256R1, 65, 0x20 },
	{ "brainpoolP384r1", "brainpoolP384r1", TLSGROUP_BP384R1, 97, 0x40 },
	{ "brainpoolP512r1", "brainpoolP512r1", TLSGROUP_BP512R1, 129, 0x80 },
};

const struct tlsgroup *
tlsgroup_at(size_t n)
{
	return n < ROWS(groups) ? &groups[n] : NULL;
}

const struct tlsgroup *
tlsgroup_by_number(uint16_t number)
{
	size_t i;

	for (i = 0; i < ROWS(groups); i++)
		if (groups[i].number == number)
			return &groups[i];
	return NULL;
}

uint16_t
tlsgroup_bit(const char *name)
{
	size_t i;

	for (i = 0; i < ROWS(groups); i++)
		if (strcasecmp(groups[i].name, name) == 0)
			return groups[i].bit;
	return 0;
}

const char *
tlsgroup_names(char out[TLSGROUP_NAMES])
{
	size_t i, used = 0;

	for (i = 0; i < ROWS(groups); i++)
		used += (size_t)snprintf(out + used, TLSGROUP_NAMES - used,
			"%s%s", i > 0 ? " " : "", groups[i].name);
	return out;
}
