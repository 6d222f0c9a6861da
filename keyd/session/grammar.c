#include "grammar.h"

#include "confusable.h"
#include "csr.h"
#include "dhe.h"
#include "montgomery.h"
#include "transcript.h"

#include <string.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum {
	BLANKS = 64, /* RFC 8446 §4.4.3: room for two randoms */
	CONTEXT = 33,
	RANDOMS = 64,
	CURVE_NAMED = 3,
	LAST_CURVE = 0xFF, /* far beyond the registry's last */
	/* randoms, curve type, group, length, the longest point */
	ECDHE_MAX = RANDOMS + 1 + 2 + 1 + 255,
	UNCOMPRESSED = 4,
};

/* All contexts are as long as each other, which keeps this simple. */
static const struct {
	enum grammar_form form;
	const char *text;
} contexts[] = {
	{ GRAMMAR_TLS13_SERVER, "TLS 1.3, server CertificateVerify" },
	{ GRAMMAR_TLS13_CLIENT, "TLS 1.3, client CertificateVerify" },
	{ GRAMMAR_DELEGATED, "TLS, server delegated credentials" },
	{ GRAMMAR_DELEGATED, "TLS, client delegated credentials" },
};

static const uint8_t sentinel[8] = { 'D', 'O', 'W', 'N', 'G', 'R', 'D', 1 };

/*
 * 64 blanks, context, 00; then exactly a SHA-256 or SHA-384 transcript hash,
 * but for delegated credentials, where anything may follow.
 */
static enum grammar_form
classify_blanks(struct view m)
{
	struct reader r = reader_init(m.data, m.len);
	struct view blanks = reader_bytes(&r, BLANKS);
	struct view text = reader_bytes(&r, CONTEXT);
	uint8_t zero = reader_u8(&r);
	enum grammar_form form = GRAMMAR_OTHER;
	size_t i;

	if (r.failed || zero != 0)
		return GRAMMAR_OTHER;
	for (i = 0; i < BLANKS; i++)
		if (blanks.data[i] != ' ')
			return GRAMMAR_OTHER;
	for (i = 0; i < ROWS(contexts); i++)
		if (memcmp(text.data, contexts[i].text, CONTEXT) == 0)
			form = contexts[i].form;
	if (form != GRAMMAR_DELEGATED && reader_left(&r) != 32 &&
		reader_left(&r) != 48)
		return GRAMMAR_OTHER;
	return form;
}

static bool
is_point(const struct tlsgroup *g, struct view point,
	grammar_on_curve_fn *on_curve)
{
	if (g->number == TLSGROUP_X25519)
		return montgomery_is_x25519(point);
	if (g->number == TLSGROUP_X448)
		return montgomery_is_x448(point);
	return point.len == g->point && point.data[0] == UNCOMPRESSED &&
	       on_curve(g->number, point.data, point.len);
}

/* 03 ‖ group ‖ length ‖ point, and nothing more. */
static bool
classify_ecdhe(struct reader r, grammar_on_curve_fn *on_curve,
	struct grammar_result *out)
{
	uint8_t type = reader_u8(&r);
	const struct tlsgroup *group = tlsgroup_by_number(reader_u16(&r));
	struct view point = reader_vec8(&r);

	if (reader_finish(&r) < 0 || type != CURVE_NAMED || point.len == 0)
		return false;
	out->form = GRAMMAR_TLS12_SERVER;
	out->groups = group == NULL ? 0 : group->bit;
	if (group == NULL)
		out->defect = GRAMMAR_GROUP;
	else if (!is_point(group, point, on_curve))
		out->defect = GRAMMAR_POINT;
	return true;
}

static bool
classify_dhe(struct reader r, struct grammar_result *out)
{
	enum dhe dhe = dhe_look(reader_bytes(&r, reader_left(&r)));

	if (dhe == DHE_NONE)
		return false;
	out->form = GRAMMAR_TLS12_DHE;
	if (dhe != DHE_SOUND)
		out->defect = GRAMMAR_DHE_GROUP;
	return true;
}

/*
 * client_random ‖ server_random ‖ parameters. Anything with this outline is a
 * ServerKeyExchange, sound or not.
 */
static bool
classify_ske(struct view m, struct view spki, grammar_on_curve_fn *on_curve,
	struct grammar_result *out)
{
	struct reader r = reader_init(m.data, m.len);
	struct view randoms = reader_bytes(&r, RANDOMS);

	if (r.failed ||
		(!classify_ecdhe(r, on_curve, out) && !classify_dhe(r, out)))
		return false;
	out->sentinel = memcmp(randoms.data + RANDOMS - sizeof(sentinel),
				sentinel, sizeof(sentinel)) == 0;
	if (confusable(m, spki))
		out->defect = GRAMMAR_CONFUSABLE;
	return true;
}

/*
 * Could some TLS client take m for a ServerKeyExchange, sound or not? By chance
 * a transcript once in 2^28 (measured), a request hardly ever.
 */
static bool
passes_for_ske(struct view m)
{
	struct reader r = reader_init(m.data, m.len), ecdhe;
	uint8_t type;
	uint16_t group;
	struct view point;

	(void)reader_bytes(&r, RANDOMS);
	ecdhe = r;
	type = reader_u8(&ecdhe);
	group = reader_u16(&ecdhe);
	point = reader_vec8(&ecdhe);
	if (reader_finish(&ecdhe) == 0 && type == CURVE_NAMED &&
		group <= LAST_CURVE && point.len > 0)
		return true;
	return dhe_look(reader_bytes(&r, reader_left(&r))) >= DHE_WEAK;
}

struct grammar_result
grammar_classify(
	struct view message, struct view spki, grammar_on_curve_fn *on_curve)
{
	struct grammar_result g = { .form = classify_blanks(message) };

	if (g.form != GRAMMAR_OTHER)
		return g;
	if (csr_is_request(message, spki)) {
		g.form = GRAMMAR_CSR;
		if (passes_for_ske(message))
			g.defect = GRAMMAR_CONFUSABLE;
	} else if (transcript_is_client(message)) {
		g.form = GRAMMAR_TLS12_CLIENT;
		if (message.len <= ECDHE_MAX || passes_for_ske(message) ||
			confusable_transcript(message))
			g.defect = GRAMMAR_CONFUSABLE;
	} else {
		(void)classify_ske(message, spki, on_curve, &g);
	}
	return g;
}
