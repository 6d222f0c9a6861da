#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/policy_file.h"
#include "wire/tlsgroup.h"

enum {
	NOW = 1767225600, /* 2026-01-01 */
	DAY = 86400,
	MAX_REPORTS = 16,
};

static struct {
	int priority;
	unsigned line;
	char text[512];
} reports[MAX_REPORTS];
static unsigned nreports;

static int
look_up(const char *name, uint32_t *id, const char *known)
{
	if (strcmp(name, "broken") == 0)
		return EIO;
	if (strcmp(name, "nobody") == 0)
		*id = 65534;
	else if (strcmp(name, known) == 0)
		*id = 33;
	else if (strcmp(name, "root") == 0)
		*id = 0;
	else
		return ENOENT;
	return 0;
}

static int
user(void *arg, const char *name, uint32_t *id)
{
	(void)arg;
	return look_up(name, id, "www");
}

static int
group(void *arg, const char *name, uint32_t *id)
{
	(void)arg;
	return look_up(name, id, "ssl-cert");
}

static void
report(void *arg, int priority, unsigned line, const char *text)
{
	(void)arg;
	cr_assert_lt(nreports, MAX_REPORTS);
	reports[nreports].priority = priority;
	reports[nreports].line = line;
	(void)snprintf(
		reports[nreports].text, sizeof(reports[0].text), "%s", text);
	nreports++;
}

static int
parse(const char *text, struct policy *out)
{
	const struct policy_hooks hooks = {
		.user = user, .group = group, .report = report, .now = NOW
	};

	nreports = 0;
	return policy_file_parse(text, strlen(text), &hooks, out);
}

static void
assert_error(const char *text, unsigned line, const char *words)
{
	struct policy p;
	unsigned i;

	memset(&p, 0xaa, sizeof(p));
	cr_assert_eq(parse(text, &p), -1, "accepted: %s", text);
	cr_assert_eq(p.allow.nuids, 0xaa, "written on failure");
	for (i = 0; i < nreports; i++)
		if (reports[i].priority == 3 && reports[i].line == line &&
			strstr(reports[i].text, words) != NULL)
			return;
	cr_assert_fail("no '%s' in line %u, but '%s'", words, line,
		nreports > 0 ? reports[0].text : "");
}

Test(policy_file, has_the_defaults_of_the_specification)
{
	struct policy p;

	cr_assert_eq(parse("allow = www\nuse = tls-server\n", &p), 0);
	cr_assert_eq(nreports, 0);
	cr_assert_eq(p.allow.nuids, 1);
	cr_assert_eq(p.allow.uids[0], 33);
	cr_assert_eq(p.use, PROTO_USE_TLS_SERVER);
	cr_assert_eq(p.tls12, PROTO_TLS12_ANY);
	cr_assert_eq(p.tls12_groups, TLSGROUP_DEFAULT);
	cr_assert_eq(p.flags, 0);
	cr_assert_eq(p.enforce_from, 0);
	cr_assert_str_eq(p.certificate, "");
	cr_assert_not(p.weak_keys);
}

Test(policy_file, takes_every_setting)
{
	struct policy p;

	cr_assert_eq(parse("# comment\n"
			   "allow = root, www uid:1000 group:ssl-cert gid:7 "
			   "unit:nginx.service unit:a@b.service\n"
			   "use = tls-server csr,tls-client\ttls-dhe, decrypt\n"
			   "certificate = ../ssl/www.crt\n"
			   "tls12 = no\n"
			   "tls12-groups = X25519 P-521,brainpoolp512R1\n"
			   "weak-digests = yes\n"
			   "weak-keys = yes\n"
			   "enforce = log until 2026-02-01\n",
			     &p),
		0);
	cr_assert_eq(nreports, 0);
	cr_assert_eq(p.allow.nuids, 3);
	cr_assert_eq(p.allow.uids[0], 0);
	cr_assert_eq(p.allow.uids[1], 33);
	cr_assert_eq(p.allow.uids[2], 1000);
	cr_assert_eq(p.allow.ngids, 2);
	cr_assert_eq(p.allow.gids[0], 7);
	cr_assert_eq(p.allow.gids[1], 33);
	cr_assert_eq(p.allow.nunits, 2);
	cr_assert_str_eq(p.allow.units[0], "a@b.service");
	cr_assert_str_eq(p.allow.units[1], "nginx.service");
	cr_assert_eq(p.use, PROTO_USE_TLS_SERVER | PROTO_USE_CSR |
				    PROTO_USE_TLS_CLIENT | PROTO_USE_TLS_DHE |
				    PROTO_USE_DECRYPT);
	cr_assert_eq(p.use_line, 3);
	cr_assert(p.weak_keys);
	cr_assert_str_eq(p.certificate, "../ssl/www.crt");
	cr_assert_eq(p.certificate_line, 4);
	cr_assert_eq(p.tls12, PROTO_TLS12_NO);
	cr_assert_eq(p.tls12_groups, tlsgroup_bit("x25519") |
					     tlsgroup_bit("P-521") |
					     tlsgroup_bit("brainpoolP512r1"));
	cr_assert_eq(p.flags, PROTO_KEY_WEAK_DIGESTS | PROTO_KEY_ENFORCE_LOG);
	cr_assert_eq(p.enforce_from, NOW + 31 * DAY);
}

Test(policy_file, makes_equal_sets_of_the_same_words_in_any_order)
{
	struct policy a, b;

	cr_assert_eq(parse("allow = www uid:5 unit:b.service unit:a.service "
			   "gid:2 gid:1\nuse = sign\n",
			     &a),
		0);
	cr_assert_eq(parse("allow = unit:a.service,gid:1,unit:b.service,gid:2 "
			   "uid:5 uid:33 uid:5 www gid:1 unit:a.service\n"
			   "use = sign\n",
			     &b),
		0);
	cr_assert_eq(memcmp(&a.allow, &b.allow, sizeof(a.allow)), 0);
}

static const struct {
	const char *text, *words;
	unsigned line;
} bad[] = {
	{ "", "allow is missing", 0 },
	{ "use = sign\n", "allow is missing", 0 },
	{ "allow = www\n", "use is missing", 0 },
	{ "allow =\nuse = sign\n", "nobody is named", 1 },
	{ "allow = www\nuse =\n", "nothing is named", 2 },
	{ "use = sign\nallow = ghost\n", "no user 'ghost'", 2 },
	{ "use = sign\nallow = 1000\n", "no user '1000'", 2 },
	{ "use = sign\nallow = group:ghost\n", "no group 'ghost'", 2 },
	{ "use = sign\nallow = group:\n", "no group ''", 2 },
	{ "use = sign\nallow = broken\n", "'broken' cannot be looked up", 2 },
	{ "use = sign\nallow = nobody\n", "65534", 2 },
	{ "use = sign\nallow = uid:65534\n", "65534", 2 },
	{ "use = sign\nallow = gid:65534\n", "65534", 2 },
	{ "use = sign\nallow = group:nobody\n", "65534", 2 },
	{ "use = sign\nallow = uid:4294967295\n", "4294967295", 2 },
	{ "use = sign\nallow = uid:4294967296\n", "not a number", 2 },
	{ "use = sign\nallow = uid:\n", "not a number", 2 },
	{ "use = sign\nallow = uid:-1\n", "not a number", 2 },
	{ "use = sign\nallow = gid:x\n", "not a number", 2 },
	{ "use = sign\nallow = user:www\n", "is none of", 2 },
	{ "use = sign\nallow = unit:nginx\n", "does not name a unit", 2 },
	{ "use = sign\nallow = unit:.service\n", "does not name a unit", 2 },
	{ "use = sign\nallow = unit:a.socket\n", "does not name a unit", 2 },
	{ "use = sign\nallow = unit:a/b.service\n", "does not name a unit", 2 },
	{ "allow = www\nuse = fly\n",
		"'fly' is none of tls-server csr sign tls-client tls-dhe "
		"tls-rsa-kx decrypt",
		2 },
	{ "allow = www\nuse = sign SIGN\n", "'SIGN' is none of", 2 },
	{ "allow = www\nuse = sign\ntls12 = yes\n", "tls12: 'yes'", 3 },
	{ "allow = www\nuse = sign\ntls12-groups = x25519, P-520\n",
		"tls12-groups: 'P-520' is none of x25519 P-256 P-384 P-521 "
		"x448 "
		"brainpoolP256r1 brainpoolP384r1 brainpoolP512r1",
		3 },
	{ "allow = www\nuse = sign\ntls12-groups =\n",
		"tls12-groups: nothing is named; write one or more of x25519",
		3 },
	{ "allow = www\nuse = sign\nweak-digests = maybe\n",
		"weak-digests: 'maybe'", 3 },
	{ "allow = www\nuse = sign\nweak-keys = 1024\n",
		"weak-keys: '1024' is neither", 3 },
	{ "allow = www\nuse = sign\ncertificate =\n", "not a path", 3 },
	{ "allow = www\nuse = sign\nenforce = no\n", "enforce: 'no'", 3 },
	{ "allow = www\nuse = sign\nenforce = log\n", "enforce: 'log'", 3 },
	{ "allow = www\nuse = sign\nenforce = log until 2026-02-30\n",
		"enforce: 'log until 2026-02-30'", 3 },
	{ "allow = www\nuse = sign\nenforce = log until 2026-13-01\n",
		"enforce:", 3 },
	{ "allow = www\nuse = sign\nenforce = log until 2026-2-1\n",
		"enforce:", 3 },
	{ "allow = www\nuse = sign\nenforce = log until 2026-02-01 x\n",
		"enforce:", 3 },
	{ "allow = www\nuse = sign\nenforce = log until 2027-01-03\n",
		"more than 366 days", 3 },
	{ "allow = www\nuse = sign\ncolour = red\n", "colour: unknown", 3 },
	{ "[key]\nallow = www\nuse = sign\n", "no sections", 2 },
	{ "allow = www\nallow = www\nuse = sign\n", "repeated", 2 },
	{ "allow = www\nuse\n", "", 2 },
};

Test(policy_file, refuses_what_is_not_specified_naming_line_and_setting)
{
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(bad[i].text, bad[i].line, bad[i].words);
}

Test(policy_file, refuses_more_than_there_is_room_for)
{
	char text[4096], *p = text;
	struct policy out;
	unsigned i;

	p += sprintf(p, "use = sign\nallow =");
	for (i = 0; i < BOOT_MAX_UIDS; i++)
		p += sprintf(p, " uid:%u gid:%u", i, i);
	for (i = 0; i < BOOT_MAX_UNITS; i++)
		p += sprintf(p, " unit:%u.service", i);
	cr_assert_eq(parse(text, &out), 0);
	cr_assert_eq(out.allow.nuids, BOOT_MAX_UIDS);
	cr_assert_eq(out.allow.nunits, BOOT_MAX_UNITS);
	(void)strcpy(p, " uid:99");
	assert_error(text, 2, "more than 32 users");
	(void)strcpy(p, " gid:99");
	assert_error(text, 2, "more than 32 users or 32 groups");
	(void)strcpy(p, " unit:99.service");
	assert_error(text, 2, "more than 8 units");
}

Test(policy_file, refuses_a_unit_that_is_longer_than_its_field)
{
	char text[256];
	struct policy out;

	(void)snprintf(text, sizeof(text),
		"use = sign\nallow = unit:%055d.service\n", 0);
	cr_assert_eq(parse(text, &out), 0);
	cr_assert_eq(strlen(out.allow.units[0]), BOOT_MAX_UNIT);
	(void)snprintf(text, sizeof(text),
		"use = sign\nallow = unit:%056d.service\n", 0);
	assert_error(text, 2, "does not name a unit");
}

Test(policy_file, reports_all_errors)
{
	struct policy p;

	cr_assert_eq(parse("allow = ghost phantom uid:65534\nuse = fly\n"
			   "tls12 = x\nenforce = y\n",
			     &p),
		-1);
	cr_assert_eq(nreports, 6);
}

Test(policy_file, enforces_again_when_the_date_is_over)
{
	struct policy p;

	cr_assert_eq(parse("allow = www\nuse = sign\n"
			   "enforce = log until 2026-01-02\n",
			     &p),
		0);
	cr_assert_eq(p.flags, PROTO_KEY_ENFORCE_LOG);
	cr_assert_eq(p.enforce_from, NOW + DAY);
	cr_assert_eq(nreports, 0);
	cr_assert_eq(parse("allow = www\nuse = sign\n"
			   "enforce = log until 2026-01-01\n",
			     &p),
		0);
	cr_assert_eq(p.flags, 0);
	cr_assert_eq(p.enforce_from, 0);
	cr_assert_eq(nreports, 1);
	cr_assert_eq(reports[0].priority, 4);
	cr_assert_not_null(strstr(reports[0].text, "is over"));
}

static void
assert_warned(const char *use, const char *words)
{
	char text[256];
	struct policy p;

	(void)snprintf(text, sizeof(text), "allow = www\nuse = %s\n", use);
	cr_assert_eq(parse(text, &p), 0);
	if (words == NULL) {
		cr_assert_eq(nreports, 0, "%s: %s", use, reports[0].text);
		return;
	}
	cr_assert_eq(nreports, 1, "%s", use);
	cr_assert_eq(reports[0].priority, 4);
	cr_assert_eq(reports[0].line, 2);
	cr_assert_not_null(
		strstr(reports[0].text, words), "%s: %s", use, reports[0].text);
}

Test(policy_file, warns_of_uses_that_are_dangerous_together_or_alone)
{
	assert_warned("tls-server sign", "'tls-server' beside it keeps");
	assert_warned("sign, csr, tls-client", "'tls-client' beside it keeps");
	assert_warned("tls-server tls-rsa-kx", "no forward secrecy");
	assert_warned("sign csr decrypt", NULL);
	assert_warned("tls-server tls-client csr tls-dhe decrypt", NULL);
}

/* A policy of these uses and a key of this type and size: the only report's
 * words, or none. */
static void
assert_fits(const char *settings, uint8_t type, unsigned bits, unsigned line,
	const char *words)
{
	const struct policy_hooks hooks = {
		.user = user, .group = group, .report = report, .now = NOW
	};
	char text[256];
	struct policy p;

	(void)snprintf(text, sizeof(text), "allow = www\n%s\n", settings);
	cr_assert_eq(parse(text, &p), 0);
	nreports = 0;
	cr_assert_eq(policy_file_check(&p, type, bits, &hooks),
		words == NULL ? 0 : -1, "%s with type %u", settings, type);
	cr_assert_eq(nreports, words != NULL);
	if (words == NULL)
		return;
	cr_assert_eq(reports[0].priority, 3);
	cr_assert_eq(reports[0].line, line);
	cr_assert_not_null(strstr(reports[0].text, words), "no '%s' in '%s'",
		words, reports[0].text);
}

Test(policy_file, refuses_a_use_that_does_not_fit_the_key)
{
	assert_fits("use = decrypt", PROTO_KEY_RSA, 2048, 0, NULL);
	assert_fits("use = decrypt", PROTO_KEY_BP512T1, 512, 0, NULL);
	assert_fits("use = decrypt", PROTO_KEY_X448, 448, 0, NULL);
	assert_fits("use = tls-server decrypt", PROTO_KEY_RSA_PSS, 2048, 2,
		"use: a key of type RSA-PSS cannot be for decrypt; it can be "
		"for tls-server csr sign tls-client tls-dhe");
	assert_fits("use = csr tls-rsa-kx tls-dhe", PROTO_KEY_P256, 256, 2,
		"cannot be for tls-dhe tls-rsa-kx; it can");
	assert_fits("use = decrypt", PROTO_KEY_ED25519, 256, 2,
		"type Ed25519 cannot be for decrypt");
	assert_fits("use = sign", PROTO_KEY_X25519, 253, 2,
		"type X25519 cannot be for sign; it can be for decrypt");
}

/* Reports of a policy with these settings for a key of this type: how many. */
static int
warnings_for(const char *settings, uint8_t type, unsigned bits)
{
	const struct policy_hooks hooks = {
		.user = user, .group = group, .report = report, .now = NOW
	};
	char text[256];
	struct policy p;

	(void)snprintf(text, sizeof(text), "allow = www\n%s\n", settings);
	cr_assert_eq(parse(text, &p), 0);
	nreports = 0;
	cr_assert_eq(policy_file_check(&p, type, bits, &hooks), 0);
	return (int)nreports;
}

Test(policy_file, warns_of_a_servers_key_that_tls12_would_break_on)
{
	cr_assert_eq(
		warnings_for("use = tls-server", PROTO_KEY_ED25519, 256), 1);
	cr_assert_eq(reports[0].priority, 4);
	cr_assert_eq(reports[0].line, 2);
	cr_assert_not_null(strstr(reports[0].text, "nginx: ssl_protocols "
						   "TLSv1.3"));
	cr_assert_not_null(strstr(reports[0].text, "an Ed25519 key"));
	cr_assert_eq(warnings_for("use = tls-server", PROTO_KEY_ED448, 456), 1);
	cr_assert_eq(warnings_for("use = tls-server\ntls12 = no",
			     PROTO_KEY_ED25519, 256),
		0);
	cr_assert_eq(warnings_for("use = csr sign tls-client",
			     PROTO_KEY_ED25519, 256),
		0);
	cr_assert_eq(warnings_for("use = tls-server", PROTO_KEY_P256, 256), 0);
	cr_assert_eq(warnings_for("use = tls-server", PROTO_KEY_RSA, 2048), 0);
}

Test(policy_file, refuses_a_weak_key_that_it_does_not_allow)
{
	assert_fits("use = sign", PROTO_KEY_RSA, 2048, 0, NULL);
	assert_fits("use = sign", PROTO_KEY_RSA, 2047, 0,
		"the RSA key has 2047 bits only, which can be broken; make a "
		"new one of 2048 bits or more, or write 'weak-keys = yes'");
	assert_fits("use = sign\nweak-keys = no", PROTO_KEY_RSA_PSS, 512, 0,
		"the RSA-PSS key has 512 bits only");
	assert_fits("use = sign\nweak-keys = yes", PROTO_KEY_RSA, 512, 0, NULL);
	assert_fits("use = sign\nweak-keys = yes", PROTO_KEY_RSA_PSS, 1024, 0,
		NULL);
}
