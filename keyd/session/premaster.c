#include "premaster.h"

/* The compiler forgets what it knows of x, and so cannot branch on it. */
static uint32_t
hide(uint32_t x)
{
	__asm__("" : "+r"(x));
	return x;
}

/* All ones if x is 0, else 0: only for 0 both factors have the top bit. */
static uint32_t
mask_zero(uint32_t x)
{
	return 0U - hide((~x & (x - 1U)) >> 31);
}

void
premaster_unpad(const uint8_t *em, size_t len, uint16_t version,
	const uint8_t fallback[PREMASTER_RANDOM],
	uint8_t out[PROTO_PREMASTER_LEN])
{
	/* From here on the positions are public: they follow from len. */
	const uint8_t *premaster = em + len - PROTO_PREMASTER_LEN;
	const uint8_t *zero = premaster - 1, *p;
	const uint8_t *random = premaster + 2;
	uint32_t wrong, good;
	size_t i;

	wrong = em[0];
	wrong |= em[1] ^ 2U;
	for (p = em + 2; p < zero; p++)
		wrong |= mask_zero(*p);
	wrong |= *zero;
	wrong |= premaster[0] ^ (uint32_t)(version >> 8);
	wrong |= premaster[1] ^ (version & 0xFFU);
	good = mask_zero(wrong);

	out[0] = (uint8_t)(version >> 8);
	out[1] = (uint8_t)version;
	for (i = 0; i < PREMASTER_RANDOM; i++)
		out[2 + i] =
			(uint8_t)((random[i] & good) | (fallback[i] & ~good));
}
