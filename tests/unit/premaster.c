/* The unpadding of a TLS premaster, against one that is plain to read. */
#include <criterion/criterion.h>

#include <string.h>

#include "session/premaster.h"

enum { MOST = 1024 };

static const uint16_t versions[] = { 0x0301, 0x0302, 0x0303, 0xFEFF, 0xFEFD };
static const size_t lengths[] = { PREMASTER_LEAST, 64, 129, 256, MOST };

static uint8_t em[MOST], fallback[PREMASTER_RANDOM], out[PROTO_PREMASTER_LEN];
static uint64_t seed = 88172645463325252U;

static uint8_t
any_byte(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint8_t)seed;
}

static void
set_up(void)
{
	memset(fallback, 'F', sizeof(fallback));
}

TestSuite(premaster, .init = set_up, .timeout = 60);

/* 00 02, random bytes but 0, 00, version, random bytes. */
static void
make(size_t len, uint16_t version)
{
	size_t i, zero = len - PROTO_PREMASTER_LEN - 1;

	for (i = 0; i < len; i++)
		em[i] = any_byte();
	em[0] = 0;
	em[1] = 2;
	for (i = 2; i < zero; i++)
		em[i] |= 1;
	em[zero] = 0;
	em[zero + 1] = (uint8_t)(version >> 8);
	em[zero + 2] = (uint8_t)version;
	/* So that the true one is never taken for the other. */
	em[zero + 3] = 'T';
}

static bool
is_right(size_t len, uint16_t version)
{
	size_t i, zero = len - PROTO_PREMASTER_LEN - 1;

	if (em[0] != 0 || em[1] != 2)
		return false;
	for (i = 2; i < zero; i++)
		if (em[i] == 0)
			return false;
	return em[zero] == 0 && em[zero + 1] == version >> 8 &&
	       em[zero + 2] == (version & 0xFF);
}

static void
expect(bool right, size_t len, uint16_t version, const char *what, size_t at)
{
	const uint8_t *random = em + len - PREMASTER_RANDOM;

	memset(out, 0xAA, sizeof(out));
	premaster_unpad(em, len, version, fallback, out);
	cr_assert_eq(out[0], version >> 8);
	cr_assert_eq(out[1], version & 0xFF);
	cr_assert_arr_eq(out + 2, right ? random : fallback, PREMASTER_RANDOM,
		"%s at %zu of %zu", what, at, len);
}

Test(premaster, the_right_one_comes_out)
{
	size_t i, v;

	for (i = 0; i < 5; i++)
		for (v = 0; v < 5; v++) {
			make(lengths[i], versions[v]);
			expect(true, lengths[i], versions[v], "right", 0);
		}
}

/* Each byte that matters, with each value that it must not have. */
Test(premaster, one_wrong_byte_anywhere_gives_the_other)
{
	size_t i, at, len, zero;
	unsigned value;
	uint8_t was;

	for (i = 0; i < 5; i++) {
		len = lengths[i];
		zero = len - PROTO_PREMASTER_LEN - 1;
		make(len, 0x0303);
		for (at = 0; at < zero + 3; at++) {
			was = em[at];
			for (value = 0; value < 256; value++) {
				em[at] = (uint8_t)value;
				expect(is_right(len, 0x0303), len, 0x0303,
					"a byte", at);
			}
			em[at] = was;
		}
		for (; at < len; at++) {
			em[at] = (uint8_t)(em[at] ^ 0x80);
			expect(true, len, 0x0303, "a random byte", at);
		}
	}
}

Test(premaster, of_another_version_gives_the_other)
{
	size_t v, w;

	for (v = 0; v < 5; v++)
		for (w = 0; w < 5; w++) {
			make(256, versions[v]);
			expect(v == w, 256, versions[w], "version", v);
		}
}

/* A length of 47 and of 49: the zero one byte further on, or earlier. */
Test(premaster, of_another_length_gives_the_other)
{
	size_t zero = 256 - PROTO_PREMASTER_LEN - 1, at;

	for (at = 2; at < 256; at++) {
		make(256, 0x0303);
		em[zero] = 1;
		em[at] = 0;
		expect(at == zero, 256, 0x0303, "the zero", at);
	}
	make(256, 0x0303);
	em[zero] = 1; /* none at all */
	for (at = zero + 3; at < 256; at++)
		em[at] |= 1;
	expect(false, 256, 0x0303, "no zero", 0);
}

Test(premaster, all_zeros_and_all_ones_give_the_other)
{
	memset(em, 0, sizeof(em));
	expect(false, 256, 0x0303, "zeros", 0);
	memset(em, 0xFF, sizeof(em));
	expect(false, 256, 0x0303, "ones", 0);
}

Test(premaster, agrees_with_what_is_plain_to_read)
{
	size_t n, i;

	for (n = 0; n < 200000; n++) {
		make(64, 0x0303);
		for (i = any_byte() % 4U; i > 0; i--)
			em[any_byte() % 18U] = any_byte() & 3;
		expect(is_right(64, 0x0303), 64, 0x0303, "round", n);
	}
}
