/* The forms that the policy recognises, and all that must not pass for one. */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "session/curve.h"
#include "session/grammar.h"
#include "tests/support/messages.h"

#define SERVER     "TLS 1.3, server CertificateVerify"
#define CLIENT     "TLS 1.3, client CertificateVerify"
#define CREDENTIAL "TLS, server delegated credentials"

static const uint8_t sentinel[8] = { 0x44, 0x4F, 0x57, 0x4E, 0x47, 0x52, 0x44,
	0x01 };
static const uint16_t groups[] = { 23, 24, 29, 25, 30, 26, 27, 28 };

enum {
	GROUPS = sizeof(groups) / sizeof(groups[0]),
};

static uint64_t seed = 88172645463325252U;
static struct message m, spki;

static void
set_up(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	cr_assert_eq(curve_init(), 0);
	messages_spki(&spki, key);
	EVP_PKEY_free(key);
}

TestSuite(grammar, .init = set_up, .timeout = 120);

static struct grammar_result
classify_for(const struct message *msg, const struct message *key)
{
	return grammar_classify((struct view){ msg->data, msg->len },
		(struct view){ key->data, key->len }, curve_has_point);
}

static struct grammar_result
classify(void)
{
	return classify_for(&m, &spki);
}

static bool
is_sound_ske(void)
{
	struct grammar_result g = classify();

	return g.form == GRAMMAR_TLS12_SERVER && g.defect == GRAMMAR_SOUND;
}

static bool
has_defect(enum grammar_defect defect)
{
	struct grammar_result g = classify();

	return g.form == GRAMMAR_TLS12_SERVER && g.defect == defect;
}

/* What a server key may sign, and a request. */
static bool
is_accepted(void)
{
	struct grammar_result g = classify();

	return g.defect == GRAMMAR_SOUND &&
	       (g.form == GRAMMAR_TLS13_SERVER || g.form == GRAMMAR_CSR ||
		       g.form == GRAMMAR_TLS12_SERVER);
}

static void
flip(size_t bit)
{
	m.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

Test(grammar, recognises_certificate_verify_of_a_tls13_server)
{
	messages_verify(&m, SERVER, 32, &seed);
	cr_assert_eq(m.len, 130);
	cr_assert_eq(classify().form, GRAMMAR_TLS13_SERVER);
	messages_verify(&m, SERVER, 48, &seed);
	cr_assert_eq(m.len, 146);
	cr_assert_eq(classify().form, GRAMMAR_TLS13_SERVER);
}

Test(grammar, tells_a_tls13_client_and_a_delegated_credential_apart)
{
	messages_verify(&m, CLIENT, 32, &seed);
	cr_assert_eq(classify().form, GRAMMAR_TLS13_CLIENT);
	messages_verify(&m, CREDENTIAL, 120, &seed);
	cr_assert_eq(classify().form, GRAMMAR_DELEGATED);
	messages_verify(&m, CREDENTIAL, 32, &seed);
	cr_assert_eq(classify().form, GRAMMAR_DELEGATED);
}

Test(grammar, refuses_every_other_length_of_certificate_verify)
{
	size_t len;

	messages_verify(&m, SERVER, 200, &seed);
	for (len = 0; len <= 298; len++) {
		m.len = len;
		if (len == 130 || len == 146)
			continue;
		cr_assert_not(is_accepted(), "length %zu", len);
	}
}

Test(grammar, refuses_every_changed_bit_before_the_transcript_hash)
{
	size_t bit;

	messages_verify(&m, SERVER, 32, &seed);
	for (bit = 0; bit < 8 * m.len; bit++) {
		flip(bit);
		cr_assert_eq(is_accepted(), bit >= 8 * 98, "bit %zu", bit);
		flip(bit);
	}
}

Test(grammar, recognises_server_key_exchange_of_each_group)
{
	static const size_t lengths[] = { 133, 165, 100, 201, 124, 133, 165,
		197 };
	size_t i;

	for (i = 0; i < GROUPS; i++) {
		messages_ske_group(&m, groups[i], &seed);
		cr_assert_eq(m.len, lengths[i]);
		cr_assert(is_sound_ske());
		cr_assert_eq(
			classify().groups, tlsgroup_by_number(groups[i])->bit);
		cr_assert_not(classify().sentinel);
		memcpy(m.data + 56, sentinel, 8);
		cr_assert(is_sound_ske());
		cr_assert(classify().sentinel);
	}
}

Test(grammar, takes_only_the_whole_sentinel_for_tls12)
{
	size_t bit;

	messages_ske_group(&m, 29, &seed);
	memcpy(m.data + 56, sentinel, 8);
	for (bit = 8 * 56; bit < 8 * 64; bit++) {
		flip(bit);
		cr_assert_not(classify().sentinel);
		flip(bit);
	}
	/* The sentinel for TLS 1.1 and below. */
	m.data[63] = 0;
	cr_assert_not(classify().sentinel);
}

Test(grammar, refuses_every_truncated_or_extended_key_exchange)
{
	size_t i, len, right;

	for (i = 0; i < GROUPS; i++) {
		memset(&m, 0, sizeof(m));
		messages_ske_group(&m, groups[i], &seed);
		right = m.len;
		for (len = 0; len < right + 100; len++) {
			m.len = len;
			cr_assert_eq(is_accepted(), len == right,
				"group %u length %zu", groups[i], len);
		}
	}
}

/* Randoms are random, and so is the point of x25519. */
Test(grammar, refuses_every_changed_bit_of_header_and_curve_point)
{
	size_t i, bit;
	bool harmless;

	for (i = 0; i < GROUPS; i++) {
		messages_ske_group(&m, groups[i], &seed);
		for (bit = 0; bit < 8 * m.len; bit++) {
			harmless = bit < 8 * 64 ||
				   (groups[i] >= 29 && bit >= 8 * 68);
			flip(bit);
			cr_assert_eq(is_accepted(), harmless,
				"group %u bit %zu", groups[i], bit);
			flip(bit);
		}
	}
}

Test(grammar, refuses_points_that_are_none)
{
	uint8_t zero[97] = { 0 };

	messages_ske(&m, 29, zero, 32, &seed);
	cr_assert(has_defect(GRAMMAR_POINT));
	zero[0] = 4;
	messages_ske(&m, 23, zero, 65, &seed);
	cr_assert(has_defect(GRAMMAR_POINT));
	/* Coordinates beyond the field. */
	memset(zero + 1, 0xFF, sizeof(zero) - 1);
	messages_ske(&m, 24, zero, 97, &seed);
	cr_assert(has_defect(GRAMMAR_POINT));
	/* Compressed, and hybrid: on the curve, but not in this form. */
	messages_ske_group(&m, 23, &seed);
	m.data[67] = 33;
	m.data[68] = 2 | (m.data[132] & 1);
	m.len = 101;
	cr_assert(has_defect(GRAMMAR_POINT));
	messages_ske_group(&m, 23, &seed);
	m.data[68] = 6 | (m.data[132] & 1);
	cr_assert(has_defect(GRAMMAR_POINT));
	/* The point at infinity. */
	zero[0] = 0;
	messages_ske(&m, 23, zero, 1, &seed);
	cr_assert(has_defect(GRAMMAR_POINT));
}

/* The same of longer points, whose leading bits are few. */
Test(grammar, refuses_points_that_are_none_of_the_other_groups)
{
	uint8_t point[133];
	size_t i;

	for (i = 3; i < GROUPS; i++) {
		messages_ske_group(&m, groups[i], &seed);
		memset(point, 0, sizeof(point));
		point[0] = groups[i] == 30 ? 0 : 4;
		memcpy(m.data + 68, point, m.len - 68);
		cr_assert(has_defect(GRAMMAR_POINT), "%u", groups[i]);
		if (groups[i] == 30)
			continue;
		memset(m.data + 69, 0xFF, m.len - 69);
		cr_assert(has_defect(GRAMMAR_POINT), "%u", groups[i]);
		/* The point at infinity, compressed, hybrid. */
		messages_ske(&m, groups[i], point + 1, 1, &seed);
		cr_assert(has_defect(GRAMMAR_POINT));
		messages_ske_group(&m, groups[i], &seed);
		m.data[68] = 6 | (m.data[m.len - 1] & 1);
		cr_assert(has_defect(GRAMMAR_POINT));
		m.len = 68U + 1 + (m.len - 69) / 2;
		m.data[67] = (uint8_t)(m.len - 68);
		m.data[68] = 2;
		cr_assert(has_defect(GRAMMAR_POINT));
	}
}

/* p of RFC 7748, little-endian, and n more or less. */
static void
field(uint16_t group, int n, uint8_t out[56])
{
	size_t len = group == 29 ? 32 : 56, i;

	memset(out, 0xFF, 56);
	if (group == 29) {
		out[0] = 0xED;
		out[31] = 0x7F;
	} else {
		out[28] = 0xFE;
	}
	for (i = 0; n < 0 && i < len && out[i]-- == 0; i++)
		;
	for (i = 0; n > 0 && i < len && ++out[i] == 0; i++)
		;
}

/* Does libcrypto agree a secret with this value? It refuses one of zeros. */
static bool
is_agreed(uint16_t group, const uint8_t *value)
{
	const char *type = group == 29 ? "X25519" : "X448";
	EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, type);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(
		NULL, type, NULL, value, group == 29 ? 32 : 56);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	uint8_t out[56];
	size_t len = sizeof(out);
	bool agreed;

	cr_assert_not_null(peer);
	cr_assert_eq(EVP_PKEY_derive_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	agreed = EVP_PKEY_derive(ctx, out, &len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return agreed;
}

static void
assert_small_order(uint16_t group, const uint8_t *value, const char *what)
{
	size_t len = group == 29 ? 32 : 56;

	messages_ske(&m, group, value, len, &seed);
	cr_assert(has_defect(GRAMMAR_POINT), "%u: %s", group, what);
	cr_assert_not(is_agreed(group, value), "%u: %s", group, what);
	/* One bit away it is somebody's key. */
	m.data[70] ^= 4;
	cr_assert(is_sound_ske(), "%u: %s", group, what);
	cr_assert(is_agreed(group, m.data + 68), "%u: %s", group, what);
}

/* Every encoding of each, by libcrypto's judgement of small order. */
Test(grammar, refuses_points_of_small_order)
{
	static const uint8_t eight[2][32] = {
		{ 0xE0, 0xEB, 0x7A, 0x7C, 0x3B, 0x41, 0xB8, 0xAE, 0x16, 0x56,
			0xE3, 0xFA, 0xF1, 0x9F, 0xC4, 0x6A, 0xDA, 0x09, 0x8D,
			0xEB, 0x9C, 0x32, 0xB1, 0xFD, 0x86, 0x62, 0x05, 0x16,
			0x5F, 0x49, 0xB8, 0x00 },
		{ 0x5F, 0x9C, 0x95, 0xBC, 0xA3, 0x50, 0x8C, 0x24, 0xB1, 0xD0,
			0xB1, 0x55, 0x9C, 0x83, 0xEF, 0x5B, 0x04, 0x44, 0x5C,
			0xC4, 0x58, 0x1C, 0x8E, 0x86, 0xD8, 0x22, 0x4E, 0xDD,
			0xD0, 0x9F, 0x11, 0x57 },
	};
	uint8_t value[56];
	uint16_t group;
	unsigned high;
	int n;

	for (group = 29; group <= 30; group++)
		/* X25519 ignores the highest bit. */
		for (high = 0; high <= (group == 29 ? 0x80 : 0); high += 0x80) {
			for (n = 0; n <= 1; n++) {
				memset(value, 0, sizeof(value));
				value[0] = (uint8_t)n;
				value[31] |= (uint8_t)high;
				assert_small_order(group, value, "0, 1");
			}
			for (n = -1; n <= 1; n++) {
				field(group, n, value);
				value[31] |= (uint8_t)high;
				assert_small_order(group, value, "p");
			}
			for (n = 0; n <= 1 && group == 29; n++) {
				memcpy(value, eight[n], 32);
				value[31] |= (uint8_t)high;
				assert_small_order(group, value, "order 8");
			}
		}
	/* Beyond those: not canonical, and of large order. */
	for (group = 29; group <= 30; group++) {
		field(group, 1, value);
		value[0]++;
		messages_ske(&m, group, value, group == 29 ? 32 : 56, &seed);
		cr_assert(is_sound_ske());
	}
}

Test(grammar, refuses_other_groups)
{
	static const struct {
		uint16_t group;
		size_t len;
	} other[] = { { 21, 57 }, { 22, 65 }, { 31, 65 }, { 0x0117, 65 },
		{ 0x1D00, 32 }, { 256, 200 }, { 0, 1 } };
	uint8_t point[255];
	size_t i;

	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		messages_fill(&seed, point, sizeof(point));
		messages_ske(&m, other[i].group, point, other[i].len, &seed);
		cr_assert(has_defect(GRAMMAR_GROUP), "%u", other[i].group);
		cr_assert_eq(classify().groups, 0);
	}
	/* Same size, another curve. */
	messages_ske_group(&m, 23, &seed);
	m.data[66] = 26;
	cr_assert(has_defect(GRAMMAR_POINT));
	messages_ske_group(&m, 27, &seed);
	m.data[66] = 24;
	cr_assert(has_defect(GRAMMAR_POINT));
	/* A point of one group under the number of another. */
	messages_ske_group(&m, 23, &seed);
	m.data[66] = 24;
	cr_assert(has_defect(GRAMMAR_POINT));
	m.data[66] = 29;
	cr_assert(has_defect(GRAMMAR_POINT));
}

Test(grammar, refuses_explicit_curves_and_finite_field_key_exchange)
{
	messages_ske_group(&m, 23, &seed);
	m.data[64] = 1;
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	m.data[64] = 2;
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	/* dh_p of 2048 bits, g = 2, Ys: 583 bytes. */
	messages_fill(&seed, m.data, 583);
	memcpy(m.data + 64, "\x01\x00", 2);
	memcpy(m.data + 322, "\x00\x01\x02\x01\x00", 5);
	m.len = 583;
	cr_assert_not(is_accepted());
}

/* ---- requests ---------------------------------------------------------- */

static EVP_PKEY *
make_key(size_t i)
{
	return i == 0 ? EVP_RSA_gen(2048)
		      : EVP_EC_gen(i == 1 ? "P-256" : "P-384");
}

Test(grammar, recognises_requests_for_this_key_only)
{
	struct message other = spki;
	EVP_PKEY *key;
	size_t i;

	for (i = 0; i < 3; i++) {
		key = make_key(i);
		messages_spki(&spki, key);
		messages_csr(&m, key);
		cr_assert_eq(classify().form, GRAMMAR_CSR);
		cr_assert_eq(classify_for(&m, &other).form, GRAMMAR_OTHER);
		EVP_PKEY_free(key);
	}
}

static void
make_request(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	memset(&m, 0, sizeof(m));
	messages_spki(&spki, key);
	messages_csr(&m, key);
	EVP_PKEY_free(key);
}

Test(grammar, refuses_every_truncated_or_extended_request)
{
	size_t len, right;

	make_request();
	right = m.len;
	for (len = 0; len < right + 300; len++) {
		m.len = len;
		cr_assert_eq(is_accepted(), len == right, "length %zu", len);
	}
}

/*
 * A changed bit passes only inside the name or the attributes, where it makes
 * another name or attribute; never in the frame or the key.
 */
Test(grammar, refuses_every_changed_bit_of_a_requests_frame_and_key)
{
	const uint8_t *key;
	size_t bit, byte, at, passed = 0;

	make_request();
	key = memmem(m.data, m.len, spki.data, spki.len);
	cr_assert_not_null(key);
	at = (size_t)(key - m.data);
	for (bit = 0; bit < 8 * m.len; bit++) {
		byte = bit / 8;
		flip(bit);
		if (is_accepted()) {
			cr_assert(byte > 8 && (byte < at ||
						      byte > at + spki.len + 2),
				"bit %zu", bit);
			passed++;
		}
		flip(bit);
	}
	cr_assert_gt(passed, 0);
	cr_assert(is_accepted());
}

/* A request written by hand: head, name, key, attributes as given. */
static void
put_request(const char *head, size_t head_len, const char *name,
	size_t name_len, const char *tail, size_t tail_len)
{
	size_t body = head_len + name_len + spki.len + tail_len, n = 0;

	m.data[n++] = 0x30;
	if (body >= 0x80)
		m.data[n++] = 0x81;
	m.data[n++] = (uint8_t)body;
	memcpy(m.data + n, head, head_len);
	n += head_len;
	memcpy(m.data + n, name, name_len);
	n += name_len;
	memcpy(m.data + n, spki.data, spki.len);
	n += spki.len;
	memcpy(m.data + n, tail, tail_len);
	m.len = n + tail_len;
}

#define BYTES(s) s, sizeof(s) - 1

static bool
is_request(void)
{
	struct grammar_result g = classify();

	return g.form == GRAMMAR_CSR && g.defect == GRAMMAR_SOUND;
}

Test(grammar, reads_requests_as_strict_der)
{
	put_request(
		BYTES("\x02\x01\x00"), BYTES("\x30\x00"), BYTES("\xA0\x00"));
	cr_assert(is_request());
	/* Version 1; version 0 in two bytes; no version. */
	put_request(
		BYTES("\x02\x01\x01"), BYTES("\x30\x00"), BYTES("\xA0\x00"));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x02\x00\x00"), BYTES("\x30\x00"),
		BYTES("\xA0\x00"));
	cr_assert_not(is_request());
	put_request(BYTES(""), BYTES("\x30\x00"), BYTES("\xA0\x00"));
	cr_assert_not(is_request());
	/* No attributes, a second set of them, another tag, a long length. */
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x00"), BYTES(""));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x00"),
		BYTES("\xA0\x00\xA0\x00"));
	cr_assert_not(is_request());
	put_request(
		BYTES("\x02\x01\x00"), BYTES("\x30\x00"), BYTES("\xA1\x00"));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x00"),
		BYTES("\xA0\x81\x00"));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x00"),
		BYTES("\xA0\x81\x08\x30\x06\x06\x02\x2A\x03\x31\x00"));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x80\x00\x00"),
		BYTES("\xA0\x00"));
	cr_assert_not(is_request());
}

Test(grammar, reads_names_and_attributes_as_such)
{
	put_request(BYTES("\x02\x01\x00"),
		BYTES("\x30\x0C\x31\x0A\x30\x08\x06\x03\x55\x04\x03\x0C\x01x"),
		BYTES("\xA0\x08\x30\x06\x06\x02\x2A\x03\x31\x00"));
	cr_assert(is_request());
	/* An AlgorithmIdentifier, as in a version 1 certificate. */
	put_request(BYTES("\x02\x01\x00"),
		BYTES("\x30\x06\x06\x02\x2A\x03\x05\x00"), BYTES("\xA0\x00"));
	cr_assert_not(is_request());
	/* An empty set; a pair without value; with two. */
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x02\x31\x00"),
		BYTES("\xA0\x00"));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x01\x00"),
		BYTES("\x30\x08\x31\x06\x30\x04\x06\x02\x2A\x03"),
		BYTES("\xA0\x00"));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x01\x00"),
		BYTES("\x30\x0C\x31\x0A\x30\x08\x06\x02\x2A\x03\x05\x00\x05"
		      "\x00"),
		BYTES("\xA0\x00"));
	cr_assert_not(is_request());
	/* An attribute whose values are no set, or not DER inside. */
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x00"),
		BYTES("\xA0\x08\x30\x06\x06\x02\x2A\x03\x30\x00"));
	cr_assert_not(is_request());
	put_request(BYTES("\x02\x01\x00"), BYTES("\x30\x00"),
		BYTES("\xA0\x0A\x30\x08\x06\x02\x2A\x03\x31\x02\x04\x05"));
	cr_assert_not(is_request());
}

/* ---- known confusions -------------------------------------------------- */

static bool
is_confusable(void)
{
	return has_defect(GRAMMAR_CONFUSABLE);
}

/* ssh-keygen -Y: the verifier does not look at what is reserved. */
Test(grammar, refuses_what_ssh_signs)
{
	size_t i;

	for (i = 0; i < GROUPS; i++) {
		messages_ske_group(&m, groups[i], &seed);
		memcpy(m.data, "SSHSIG\0\0\0\4file", 14);
		cr_assert(is_confusable(), "%u", groups[i]);
		m.data[5] = 'H';
		cr_assert(is_sound_ske(), "%u", groups[i]);
	}
}

/* Any document whose signature's trailer the point ends with. */
Test(grammar, refuses_what_openpgp_signs)
{
	static const uint8_t wrong[] = { 3, 7, 0 };
	static const uint16_t any[] = { 29, 30 };
	size_t i, j;

	for (i = 0; i < 2; i++) {
		messages_ske_group(&m, any[i], &seed);
		for (j = 4; j <= 6; j += 2) {
			memcpy(m.data + m.len - 6, "\4\xFF\0\0\0\x0C", 6);
			m.data[m.len - 6] = (uint8_t)j;
			cr_assert(is_confusable(), "%zu", j);
		}
		for (j = 0; j < 3; j++) {
			m.data[m.len - 6] = wrong[j];
			cr_assert(is_sound_ske());
		}
		/* More than there is before it. */
		memcpy(m.data + m.len - 6, "\4\xFF\0\0\1\x0C", 6);
		cr_assert(is_sound_ske());
		memcpy(m.data + m.len - 10, "\5\xFF\0\0\0\0\0\0\0\x5A", 10);
		cr_assert(is_confusable());
		m.data[m.len - 4] = 1;
		cr_assert(is_sound_ske());
	}
}

/* Writes an SKE header of this group at byte 64, of the right length. */
static void
shape(uint16_t group)
{
	m.data[64] = 3;
	m.data[65] = (uint8_t)(group >> 8);
	m.data[66] = (uint8_t)group;
	m.data[67] = (uint8_t)(m.len - 68);
}

static const uint8_t ed25519_spki[44] = { 0x30, 0x2A, 0x30, 0x05, 0x06, 0x03,
	0x2B, 0x65, 0x70, 0x03, 0x21, 0x00, 0x5A };

/*
 * A request for an Ed25519 key of exactly len bytes whose name holds what has
 * to be at byte 64.
 */
static void
request_shaped(size_t len, uint16_t group)
{
	size_t n = 0, name = len - 46 - (len > 129 ? 3 : 2) - 3;

	memset(m.data, 'a', len);
	m.len = len;
	m.data[n++] = 0x30;
	if (len > 129)
		m.data[n++] = 0x81;
	m.data[n] = (uint8_t)(len - n - 1);
	n++;
	memcpy(m.data + n, "\x02\x01\x00", 3);
	n += 3;
	if (len > 129) {
		memcpy(m.data + n, "\x30\x81\x00\x31\x81\x00\x30\x81\x00", 9);
		m.data[n + 2] = (uint8_t)(name - 3);
		m.data[n + 5] = (uint8_t)(name - 6);
		m.data[n + 8] = (uint8_t)(name - 9);
		memcpy(m.data + n + 9, "\x06\x03\x55\x04\x03\x04\x81", 7);
		m.data[n + 16] = (uint8_t)(name - 17);
	} else {
		memcpy(m.data + n, "\x30\x00\x31\x00\x30\x00", 6);
		m.data[n + 1] = (uint8_t)(name - 2);
		m.data[n + 3] = (uint8_t)(name - 4);
		m.data[n + 5] = (uint8_t)(name - 6);
		memcpy(m.data + n + 6, "\x06\x03\x55\x04\x03\x04", 6);
		m.data[n + 12] = (uint8_t)(name - 13);
	}
	memcpy(m.data + n + name, ed25519_spki, sizeof(ed25519_spki));
	memcpy(m.data + len - 2, "\xA0\x00", 2);
	shape(group);
}

/* A request for key in every respect, and not accepted. */
static bool
is_confusable_for(const struct message *key)
{
	struct grammar_result g = classify_for(&m, key);

	return g.form == GRAMMAR_CSR && g.defect == GRAMMAR_CONFUSABLE;
}

Test(grammar, refuses_key_exchanges_that_are_requests_too)
{
	struct message key = { .len = sizeof(ed25519_spki) };

	memcpy(key.data, ed25519_spki, sizeof(ed25519_spki));
	request_shaped(124, 30);
	cr_assert(is_confusable_for(&key));
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
	/* The sentinel lies inside the name as well. */
	memcpy(m.data + 56, sentinel, 8);
	cr_assert(is_confusable_for(&key));
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
	request_shaped(201, 25);
	cr_assert(is_confusable_for(&key));
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
	/* A group that no client knows: a request and nothing else. */
	request_shaped(201, 0x0119);
	cr_assert_eq(classify_for(&m, &key).form, GRAMMAR_CSR);
	cr_assert_eq(classify_for(&m, &key).defect, GRAMMAR_SOUND);
}

/* Puts a start over a sound x25519 message of 100 bytes. */
static void
start_with(const char *start, size_t len)
{
	messages_ske_group(&m, 29, &seed);
	cr_assert(is_sound_ske());
	memcpy(m.data, start, len);
}

static const struct {
	const char *what;
	const char *start;
	size_t len;
} starts[] = {
	{ "request", BYTES("\x30\x62\x02\x01\x00\x30") },
	{ "version only", BYTES("\x30\x62\x02\x01\x00\x06") },
	{ "certificate", BYTES("\x30\x62\xA0\x03\x02\x01\x02") },
	{ "certificate, version 1", BYTES("\x30\x62\x02\x04\x01\x02\x03\x04"
					  "\x30") },
	{ "revocation list", BYTES("\x30\x62\x02\x01\x01\x30") },
	{ "revocation list, version 1", BYTES("\x30\x62\x30\x0D\x06\x09") },
	{ "OCSP by name", BYTES("\x30\x62\xA1\x20\x30\x1E") },
	{ "OCSP by key", BYTES("\x30\x62\xA2\x16\x04\x14") },
	{ "OCSP request by DNS name", BYTES("\x30\x62\xA1\x20\x82\x1E") },
	{ "OCSP request by name", BYTES("\x30\x62\xA1\x20\xA4\x1E") },
	{ "PKINIT AuthPack", BYTES("\x30\x62\xA0\x20\x30\x1E") },
	{ "KDCDHKeyInfo", BYTES("\x30\x62\xA0\x20\x03\x1E") },
	{ "POPOSigningKeyInput", BYTES("\x30\x62\xA0\x20\xA8\x1E") },
	{ "[4]", BYTES("\x30\x62\xA4\x20\x88\x1E") },
	{ "RPKI manifest", BYTES("\x30\x62\x02\x02\x12\x34\x18\x0F") },
	{ "DVCS request", BYTES("\x30\x62\x30\x20\x0A\x01\x01") },
	{ "DSSE", BYTES("DSSEv1 1 x 86 ") },
	{ "SPKAC", BYTES("\x30\x62\x30\x50\x30\x0D") },
	{ "CMP", BYTES("\x30\x62\x30\x20\x02\x01\x02") },
	{ "CMS attributes", BYTES("\x31\x62\x30\x18\x06\x09") },
	{ "length in two bytes", BYTES("\x30\x81\x61\x02\x01\x00") },
	{ "length in five bytes",
		BYTES("\x30\x84\x00\x00\x00\x5E\x02\x01\x00") },
	{ "length in nine bytes",
		BYTES("\x30\x88\x00\x00\x00\x00\x00\x00\x00\x5A\x02\x01\x00") },
	{ "integer's length in two", BYTES("\x30\x62\x02\x81\x01\x00\x30") },
	{ "indefinite inside", BYTES("\x30\x62\xA0\x80\x02\x01\x02") },
	{ "tag spelled out", BYTES("\x3F\x10\x61\x02\x01\x00") },
	{ "tag in three octets", BYTES("\x3F\x80\x10\x60\x02\x01\x00") },
	{ "integer's tag spelled out", BYTES("\x30\x62\x1F\x02\x01\x00") },
	{ "next tag spelled out",
		BYTES("\x30\x62\x02\x02\x00\x01\x3F\x80\x10") },
	{ "context tag spelled out", BYTES("\x30\x62\xBF\x00\x03\x02\x01"
					   "\x02") },
	{ "tag inside spelled out", BYTES("\x30\x62\xA0\x04\x1F\x02\x01"
					  "\x02") },
	{ "COSE_Sign1", BYTES("\x84\x6ASignature1\x43\xA1\x01\x26") },
	{ "COSE_Sign", BYTES("\x85\x69Signature\x43\xA1\x01\x26") },
	{ "countersignature", BYTES("\x85\x70"
				    "CounterSignature\x40") },
	{ "countersignature 0", BYTES("\x84\x71"
				      "CounterSignature0\x40") },
	{ "countersignature v2", BYTES("\x86\x72"
				       "CounterSignatureV2\x40") },
	{ "COSE, long heads", BYTES("\x98\x04\x78\x0ASignature1\x40") },
	{ "COSE, longer heads",
		BYTES("\x99\x00\x04\x79\x00\x0ASignature1\x40") },
	{ "tagged COSE_Sign1", BYTES("\xD2\x84\x43\xA1\x01\x26") },
	{ "a client's transcript", BYTES("\x01\x00\x00\x5F\x03\x03") },
	{ "a DTLS client's transcript",
		BYTES("\x01\x00\x00\x54\x00\x01\x00\x00\x00\x00\x00\x54"
		      "\xFE\xFD") },
	{ "tagged COSE_Sign", BYTES("\xD8\x62\x84\x43\xA1\x01\x26") },
};

Test(grammar, refuses_key_exchanges_that_start_another_format)
{
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		start_with(starts[i].start, starts[i].len);
		cr_assert(has_defect(GRAMMAR_CONFUSABLE), "%s", starts[i].what);
	}
	/* Indefinite length: ends with two zeros. */
	start_with(BYTES("\x30\x80\x02\x01\x00"));
	memcpy(m.data + 98, "\x00\x00", 2);
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
}

/* The 100 bytes from the first to the last are one Sig_structure. */
Test(grammar, refuses_a_key_exchange_that_is_a_whole_cose_structure)
{
	start_with(BYTES("\x84\x6ASignature1\x43\xA1\x01\x26\x40\x58\x51"));
	cr_assert_eq(m.len, 19 + 0x51);
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
}

/* A wrong length is no start of that format: these are honest randoms. */
Test(grammar, accepts_randoms_that_only_resemble_another_format)
{
	static const struct {
		const char *start;
		size_t len;
	} near[] = {
		{ BYTES("\x30\x61\x02\x01\x00\x30") },
		{ BYTES("\x30\x63\x02\x01\x00\x30") },
		{ BYTES("\x30\x62\x04\x01\x00\x30") },
		{ BYTES("\x30\x62\x02\x02\x00\x01\x31") },
		{ BYTES("\x30\x62\x02\x7F\x00\x30") },
		{ BYTES("\x30\x62\xA0\x03\x0C\x01") },
		{ BYTES("\x30\x62\xA0\x03\x04\x02") },
		{ BYTES("\x30\x62\xA0\x00\x04\x02") },
		{ BYTES("\x30\x62\xA5\x03\x04\x01") },
		{ BYTES("\x30\x62\x85\x03\x04\x01") },
		{ BYTES("\x30\x62\xA0\x03\xA9\x01") },
		{ BYTES("\x30\x62\xA0\x62\x04\x01") },
		{ BYTES("DSSEv1:1 x 86 ") },
		{ BYTES("\x30\x82\x00\x62\x02\x01") },
		{ BYTES("\x3F\x11\x61\x02\x01\x00") },
		{ BYTES("\x3F\x90\x10\x60\x02\x01\x00") },
		{ BYTES("\x3F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x10\x58\x02") },
		{ BYTES("\x84\x6ASignatura1") },
		{ BYTES("\x64\x6ASignature1") },
		{ BYTES("\xD2\x84\x43\xA1\x02") },
		{ BYTES("\x01\x00\x00\x60\x03\x03") },
		{ BYTES("\x01\x01\x00\x5C\x03\x03") },
		{ BYTES("\x01\x00\x00\x5C\x03\x02") },
		{ BYTES("\x01\x00\x00\x54\x01\x01\x00\x00\x00\x00\x00"
			"\x54\xFE\xFF") },
		{ BYTES("\x01\x00\x00\x54\x01\x01\x00\x00\x00\x00\x00"
			"\x53\xFE\xFD") },
	};
	size_t i;

	for (i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		start_with(near[i].start, near[i].len);
		/* Not by chance the two zeros of an indefinite length. */
		m.data[99] = 0x11;
		cr_assert(is_sound_ske(), "row %zu", i);
	}
}

/*
 * Wherever a structure would have the key, whatever it is: six bytes of it in
 * a key exchange are no accident.
 */
Test(grammar, refuses_key_exchanges_that_hold_the_signing_key)
{
	size_t from, at;

	for (from = 0; from + 6 <= spki.len; from++) {
		at = from % 58; /* within the randoms */
		messages_ske_group(&m, 29, &seed);
		memcpy(m.data + at, spki.data + from, 6);
		cr_assert(has_defect(GRAMMAR_CONFUSABLE), "%zu", from);
		m.data[at + 2] ^= 0x80;
		cr_assert(is_sound_ske(), "%zu", from);
	}
	/* The server's own point as its ephemeral one. */
	messages_ske_group(&m, 23, &seed);
	memcpy(m.data + 68, spki.data + spki.len - 65, 65);
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
	/* Its x coordinate as an x25519 share. */
	messages_ske_group(&m, 29, &seed);
	memcpy(m.data + 68, spki.data + spki.len - 64, 32);
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
}

Test(grammar, refuses_key_exchanges_that_start_as_texts)
{
	static const char token[] = "eyJhbGciOiJFUzI1NiIsImI2\t\r\nNCI6Z";
	size_t i;

	start_with(token, 32);
	cr_assert(has_defect(GRAMMAR_CONFUSABLE));
	for (i = 0; i < 32; i++) {
		start_with(token, 32);
		memset(m.data + 32, 0x91, 32);
		cr_assert(has_defect(GRAMMAR_CONFUSABLE), "%zu", i);
		m.data[i] = i % 2 == 0 ? 0x1F : 0x7F;
		cr_assert(is_sound_ske(), "%zu", i);
	}
}

/* Base64 has no byte below 43, and byte 64 would have to be 3. */
Test(grammar, refuses_web_tokens)
{
	static const char token[] = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0";
	static const size_t lengths[] = { 36, 100, 130, 133, 146, 165 };
	size_t i, j;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		m.len = lengths[i];
		for (j = 0; j < m.len; j++)
			m.data[j] = (uint8_t)token[j % 36];
		cr_assert_eq(classify().form, GRAMMAR_OTHER);
	}
}

/* ClientHello first; longer than any ServerKeyExchange of ours. */
Test(grammar, refuses_a_tls12_clients_transcript)
{
	messages_fill(&seed, m.data, 2000);
	memcpy(m.data, "\x01\x00\x00\x7C\x03\x03", 6);
	m.len = 2000;
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	m.data[64] = 3;
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
}

Test(grammar, refuses_nothing_and_the_very_long)
{
	static uint8_t big[131072];

	m.len = 0;
	cr_assert_eq(classify().form, GRAMMAR_OTHER);
	cr_assert_eq(grammar_classify((struct view){ NULL, 0 },
			     (struct view){ NULL, 0 }, curve_has_point)
			     .form,
		GRAMMAR_OTHER);
	memset(big, 0x30, sizeof(big));
	cr_assert_eq(
		grammar_classify((struct view){ big, sizeof(big) },
			(struct view){ spki.data, spki.len }, curve_has_point)
			.form,
		GRAMMAR_OTHER);
}

/* ---- honest peers ------------------------------------------------------ */

Test(grammar, accepts_a_million_honest_messages)
{
	size_t i, refused = 0;

	for (i = 0; i < 1000000; i++) {
		if (i % 4 == 3)
			messages_verify(
				&m, SERVER, i % 8 == 3 ? 32 : 48, &seed);
		else
			messages_ske_group(&m, groups[i % 4], &seed);
		if (!is_accepted())
			refused++;
	}
	cr_assert_eq(refused, 0);
}
