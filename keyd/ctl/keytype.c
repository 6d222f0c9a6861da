#include "keytype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ini/ini.h"

enum {
	MAX_OPTIONS = 512,
};

/* Names of curves that neither libcrypto nor our table calls so. */
static const struct {
	const char *alias;
	const char *group;
} aliases[] = {
	{ "secp256r1", "prime256v1" }, /* SEC 2, TLS */
};

static bool
is_group(const struct keykind *k, const char *text)
{
	size_t i;

	if (strcasecmp(text, k->name) == 0 || strcasecmp(text, k->group) == 0)
		return true;
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcasecmp(text, aliases[i].alias) == 0 &&
			strcmp(k->group, aliases[i].group) == 0)
			return true;
	return false;
}

/* Behind "rsa:". */
static bool
get_bits(const struct keykind *k, const char *text, uint16_t *bits)
{
	unsigned long n;

	if (ini_number(text, k->max_bits, &n) < 0 || n < k->min_bits ||
		n % KEYKIND_RSA_STEP != 0)
		return false;
	*bits = (uint16_t)n;
	return true;
}

static bool
is_type(const struct keykind *k, const char *text, uint16_t *bits)
{
	size_t len = strlen(k->option);

	*bits = k->min_bits;
	if (keykind_is_rsa(k))
		return strncasecmp(text, k->option, len) == 0 &&
		       text[len] == ':' && get_bits(k, text + len + 1, bits);
	if (keykind_is_ec(k))
		return strncasecmp(text, "ec:", 3) == 0 &&
		       is_group(k, text + 3);
	return strcasecmp(text, k->option) == 0;
}

/* Curves that are weak are kept where they are in use already. */
static bool
is_for_new(const struct keykind *k)
{
	return !keykind_is_weak(k, k->max_bits);
}

int
keytype_parse(const char *text, struct keytype *out, struct fault *f)
{
	char options[MAX_OPTIONS];
	const struct keykind *k;
	uint16_t bits;
	size_t i;

	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		if (!is_for_new(k) || !is_type(k, text, &bits))
			continue;
		*out = (struct keytype){ k, bits };
		return 0;
	}
	(void)fault_set(f, FAULT_USAGE, "--type %.64s: it is one of %s", text,
		keytype_options(options, sizeof(options)));
	return -1;
}

const char *
keytype_options(char *out, size_t size)
{
	const struct keykind *k;
	size_t i, n = 0;

	for (i = 0; (k = keykind_at(i)) != NULL && n < size; i++) {
		if (!is_for_new(k))
			continue;
		n += (size_t)snprintf(out + n, size - n, "%s%s",
			i > 0 ? ", " : "", k->option);
		if (keykind_is_rsa(k) && n < size)
			n += (size_t)snprintf(out + n, size - n,
				":%u…%u (in steps of %d)", k->min_bits,
				k->max_bits, KEYKIND_RSA_STEP);
	}
	return out;
}

int
keytype_allows(const struct keykind *k, uint32_t use, struct fault *f)
{
	char odd[128], fit[128];

	if ((use & ~k->uses) == 0)
		return 0;
	return fault_set(f, FAULT_USAGE,
		"--use: a key of type %s cannot be for %s; it can be for %s",
		k->name, proto_use_names(use & ~k->uses, odd, sizeof(odd)),
		proto_use_names(k->uses, fit, sizeof(fit)));
}
