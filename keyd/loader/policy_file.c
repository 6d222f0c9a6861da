#include "policy_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ini/ini.h"
#include "wire/keykind.h"
#include "wire/tlsgroup.h"

enum {
	MAX_WORD = 256,
	MAX_WORDS = 128, /* all uses */
	MAX_MESSAGE = 512,
	OVERFLOW_ID = 65534,
	DAY = 86400,
	MAX_LOG_DAYS = 366,
	ERROR = 3,
	WARNING = 4,
};

struct parse {
	const struct policy_hooks *hooks;
	struct policy policy;
	unsigned line;
	bool failed, has_allow, has_use;
};

/* The line, setting and text to the hook; an error fails the parse. */
__attribute__((format(printf, 3, 4))) static void
report(struct parse *p, int priority, const char *format, ...)
{
	char text[MAX_MESSAGE];
	va_list ap;

	va_start(ap, format);
	/* clang-tidy 14 loses track of va_start() in some callers. */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (priority == ERROR)
		p->failed = true;
	p->hooks->report(p->hooks->arg, priority, p->line, text);
}

/* Adds an id to a list, once. */
static void
add_id(struct parse *p, uint32_t id, uint32_t *list, uint8_t *n, uint8_t max)
{
	uint8_t i;

	if (id == OVERFLOW_ID || id == UINT32_MAX) {
		report(p, ERROR,
			"allow: the id %u stands for nobody in particular and "
			"cannot be allowed; name a user or group of its own",
			id);
		return;
	}
	for (i = 0; i < *n; i++)
		if (list[i] == id)
			return;
	if (*n == max) {
		report(p, ERROR,
			"allow: more than %u users or %u groups; make a group "
			"for them and write group:NAME",
			BOOT_MAX_UIDS, BOOT_MAX_GIDS);
		return;
	}
	list[(*n)++] = id;
}

static void
add_uid(struct parse *p, uint32_t id)
{
	struct boot_set *a = &p->policy.allow;

	add_id(p, id, a->uids, &a->nuids, BOOT_MAX_UIDS);
}

static void
add_gid(struct parse *p, uint32_t id)
{
	struct boot_set *a = &p->policy.allow;

	add_id(p, id, a->gids, &a->ngids, BOOT_MAX_GIDS);
}

static int
get_number(struct parse *p, const char *form, const char *text, uint32_t *out)
{
	unsigned long n;

	if (ini_number(text, UINT32_MAX, &n) < 0) {
		report(p, ERROR, "allow: '%s%s' is not a number", form, text);
		return -1;
	}
	*out = (uint32_t)n;
	return 0;
}

static void
allow_uid(struct parse *p, const char *text)
{
	uint32_t id;

	if (get_number(p, "uid:", text, &id) == 0)
		add_uid(p, id);
}

static void
allow_gid(struct parse *p, const char *text)
{
	uint32_t id;

	if (get_number(p, "gid:", text, &id) == 0)
		add_gid(p, id);
}

static void
report_unknown(struct parse *p, const char *what, const char *name, int error)
{
	if (error == ENOENT)
		report(p, ERROR,
			"allow: there is no %s '%s'; create it, or correct or "
			"remove the word",
			what, name);
	else
		report(p, ERROR, "allow: the %s '%s' cannot be looked up: %s",
			what, name, strerror(error));
}

static void
allow_user(struct parse *p, const char *name)
{
	uint32_t id;
	int error;

	if (strchr(name, ':') != NULL) {
		report(p, ERROR,
			"allow: '%s' is none of NAME, uid:N, group:NAME, "
			"gid:N, "
			"unit:NAME.service",
			name);
		return;
	}
	error = p->hooks->user(p->hooks->arg, name, &id);
	if (error == 0)
		add_uid(p, id);
	else
		report_unknown(p, "user", name, error);
}

static void
allow_group(struct parse *p, const char *name)
{
	uint32_t id;
	int error = ENOENT;

	if (name[0] != '\0')
		error = p->hooks->group(p->hooks->arg, name, &id);
	if (error == 0)
		add_gid(p, id);
	else
		report_unknown(p, "group", name, error);
}

static bool
is_unit(const char *name)
{
	static const char suffix[] = ".service";
	static const char marks[] = ":_.@\\-";
	size_t len = strlen(name), tail = sizeof(suffix) - 1, i;

	if (len <= tail || len > BOOT_MAX_UNIT ||
		strcmp(name + len - tail, suffix) != 0)
		return false;
	for (i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
			!(name[i] >= 'A' && name[i] <= 'Z') &&
			!(name[i] >= '0' && name[i] <= '9') &&
			strchr(marks, name[i]) == NULL)
			return false;
	return true;
}

static void
allow_unit(struct parse *p, const char *name)
{
	struct boot_set *a = &p->policy.allow;
	uint8_t i;

	if (!is_unit(name)) {
		report(p, ERROR,
			"allow: 'unit:%s' does not name a unit; write "
			"unit:NAME.service, at most %u characters",
			name, BOOT_MAX_UNIT);
		return;
	}
	for (i = 0; i < a->nunits; i++)
		if (strcmp(a->units[i], name) == 0)
			return;
	if (a->nunits == BOOT_MAX_UNITS) {
		report(p, ERROR, "allow: more than %u units", BOOT_MAX_UNITS);
		return;
	}
	(void)snprintf(a->units[a->nunits++], BOOT_MAX_UNIT + 1, "%s", name);
}

/* The last row's empty prefix fits any word. */
static const struct {
	const char *prefix;
	void (*add)(struct parse *p, const char *rest);
} allow_forms[] = {
	{ "uid:", allow_uid },
	{ "gid:", allow_gid },
	{ "group:", allow_group },
	{ "unit:", allow_unit },
	{ "", allow_user },
};

static void
set_allow(struct parse *p, const char *value)
{
	char word[MAX_WORD];
	size_t i, len;
	int r;

	p->has_allow = true;
	if (value[0] == '\0')
		report(p, ERROR, "allow: nobody is named; name a user");
	while ((r = ini_next_word(&value, word, sizeof(word))) == 1) {
		for (i = 0;; i++) {
			len = strlen(allow_forms[i].prefix);
			if (strncmp(word, allow_forms[i].prefix, len) == 0)
				break;
		}
		allow_forms[i].add(p, word + len);
	}
	if (r < 0)
		report(p, ERROR, "allow: a word is too long");
}

static void
set_use(struct parse *p, const char *value)
{
	char word[MAX_WORD], known[MAX_WORDS];
	uint32_t bit;
	int r;

	p->has_use = true;
	p->policy.use_line = p->line;
	(void)proto_use_names(PROTO_USE_ALL, known, sizeof(known));
	if (value[0] == '\0')
		report(p, ERROR,
			"use: nothing is named; write one or more of %s",
			known);
	while ((r = ini_next_word(&value, word, sizeof(word))) == 1) {
		bit = proto_use_number(word);
		p->policy.use |= bit;
		if (bit == 0)
			report(p, ERROR, "use: '%s' is none of %s", word,
				known);
	}
	if (r < 0)
		report(p, ERROR, "use: a word is too long");
}

static void
set_certificate(struct parse *p, const char *value)
{
	if (value[0] == '\0' || strlen(value) > BOOT_MAX_PATH) {
		report(p, ERROR,
			"certificate: not a path; write one, or remove the "
			"line");
		return;
	}
	(void)snprintf(p->policy.certificate, sizeof(p->policy.certificate),
		"%s", value);
	p->policy.certificate_line = p->line;
}

static void
set_tls12(struct parse *p, const char *value)
{
	static const uint8_t values[] = { PROTO_TLS12_NO, PROTO_TLS12_SENTINEL,
		PROTO_TLS12_ANY };
	size_t i;

	for (i = 0; i < sizeof(values); i++) {
		if (strcmp(value, proto_tls12_name(values[i])) == 0) {
			p->policy.tls12 = values[i];
			return;
		}
	}
	report(p, ERROR, "tls12: '%s' is none of no, sentinel, any", value);
}

static void
set_tls12_groups(struct parse *p, const char *value)
{
	char word[MAX_WORD], known[TLSGROUP_NAMES];
	uint16_t bit, groups = 0;
	int r;

	if (value[0] == '\0')
		report(p, ERROR,
			"tls12-groups: nothing is named; write one or more of "
			"%s (or 'tls12 = no', if none is wanted)",
			tlsgroup_names(known));
	while ((r = ini_next_word(&value, word, sizeof(word))) == 1) {
		bit = tlsgroup_bit(word);
		groups |= bit;
		if (bit == 0)
			report(p, ERROR, "tls12-groups: '%s' is none of %s",
				word, tlsgroup_names(known));
	}
	if (r < 0)
		report(p, ERROR, "tls12-groups: a word is too long");
	p->policy.tls12_groups = groups;
}

static bool
get_bool(struct parse *p, const char *name, const char *value)
{
	int yes = ini_bool(value);

	if (yes < 0)
		report(p, ERROR, "%s: '%s' is neither yes nor no", name, value);
	return yes > 0;
}

static void
set_weak_digests(struct parse *p, const char *value)
{
	if (get_bool(p, "weak-digests", value))
		p->policy.flags |= PROTO_KEY_WEAK_DIGESTS;
}

static void
set_weak_keys(struct parse *p, const char *value)
{
	p->policy.weak_keys = get_bool(p, "weak-keys", value);
}

/* The number that n digits make. */
static int
digits(const char *text, size_t n)
{
	int v = 0;

	for (; n > 0; n--)
		v = v * 10 + (*text++ - '0');
	return v;
}

/* YYYY-MM-DD as the second at which that day begins. 0 or -1. */
static int
get_date(const char *text, uint64_t *out)
{
	static const char form[] = "dddd-dd-dd";
	struct tm given = { 0 }, day;
	time_t t;
	size_t i;

	if (strlen(text) != sizeof(form) - 1)
		return -1;
	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == '-' ? text[i] != '-'
				   : text[i] < '0' || text[i] > '9')
			return -1;
	given.tm_year = digits(text, 4) - 1900;
	given.tm_mon = digits(text + 5, 2) - 1;
	given.tm_mday = digits(text + 8, 2);
	day = given;
	t = timegm(&day);
	/* timegm() turns the 31st of June into the 1st of July. */
	if (t < 0 || day.tm_year != given.tm_year ||
		day.tm_mon != given.tm_mon || day.tm_mday != given.tm_mday)
		return -1;
	*out = (uint64_t)t;
	return 0;
}

static void
set_enforce(struct parse *p, const char *value)
{
	static const char log_until[] = "log until ";
	uint64_t now = p->hooks->now, date;

	if (strcmp(value, "yes") == 0)
		return;
	if (strncmp(value, log_until, sizeof(log_until) - 1) != 0 ||
		get_date(value + sizeof(log_until) - 1, &date) < 0) {
		report(p, ERROR,
			"enforce: '%s' is neither 'yes' nor 'log until "
			"YYYY-MM-DD'",
			value);
		return;
	}
	if (date > now + (uint64_t)MAX_LOG_DAYS * DAY) {
		report(p, ERROR,
			"enforce: the date is more than %u days ahead; choose "
			"an earlier one",
			MAX_LOG_DAYS);
		return;
	}
	if (date <= now) {
		report(p, WARNING,
			"enforce: '%s' is over, the policy is enforced; write "
			"'yes', or remove the line",
			value);
		return;
	}
	p->policy.flags |= PROTO_KEY_ENFORCE_LOG;
	p->policy.enforce_from = date;
}

static const struct {
	const char *name;
	void (*set)(struct parse *p, const char *value);
} settings[] = {
	{ "allow", set_allow },
	{ "use", set_use },
	{ "certificate", set_certificate },
	{ "tls12", set_tls12 },
	{ "tls12-groups", set_tls12_groups },
	{ "weak-digests", set_weak_digests },
	{ "weak-keys", set_weak_keys },
	{ "enforce", set_enforce },
};

/* Is something behind the value that looks like a comment? It may stand in a
 * file's name. */
static bool
has_comment(const char *name, const char *value)
{
	return strcmp(name, "certificate") != 0 &&
	       (strstr(value, " #") != NULL || strstr(value, " ;") != NULL ||
		       strstr(value, "\t#") != NULL);
}

/* One setting. Never fails, so that ini_parse() goes on to the next. */
static int
take_setting(void *arg, const char *section, const char *name,
	const char *value, unsigned line, struct ini_error *err)
{
	enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };
	struct parse *p = arg;
	size_t i;

	(void)err;
	p->line = line;
	for (i = 0; i < SETTINGS && strcmp(name, settings[i].name) != 0; i++)
		;
	if (section[0] != '\0')
		report(p, ERROR, "%s: a policy has no sections; remove [%s]",
			name, section);
	else if (i == SETTINGS)
		report(p, ERROR,
			"%s: unknown setting; known are allow, use, "
			"certificate, tls12, tls12-groups, weak-digests, "
			"weak-keys, enforce",
			name);
	else if (has_comment(name, value))
		report(p, ERROR, "%s: '%s': a comment needs a line of its own",
			name, value);
	else
		settings[i].set(p, value);
	return 0;
}

static int
compare_ids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
compare_units(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What may be meant, but seldom is. */
static void
warn_of_uses(struct parse *p)
{
	static const uint32_t tls = PROTO_USE_TLS_SERVER | PROTO_USE_TLS_CLIENT;
	uint32_t use = p->policy.use;

	p->line = p->policy.use_line;
	if ((use & PROTO_USE_SIGN) != 0 && (use & tls) != 0)
		report(p, WARNING,
			"use: with 'sign' the key signs any message, so that "
			"%s beside it keeps nothing out: who breaks into the "
			"TLS program can sign as this key whatever there is; "
			"leave 'sign' out, or use two keys",
			(use & PROTO_USE_TLS_SERVER) != 0 ? "'tls-server'"
							  : "'tls-client'");
	if ((use & PROTO_USE_TLS_RSA_KX) != 0)
		report(p, WARNING,
			"use: 'tls-rsa-kx' has no forward secrecy: who can use "
			"the key later can read what was recorded today; "
			"keyd tells nobody whether a padding was right "
			"(Bleichenbacher), but leave it out where all clients "
			"have ECDHE");
}

/*
 * libssl takes such a certificate for TLS 1.2, also beside another, as soon as
 * the client knows it; `tls12 = no` tells that this has been thought of.
 */
static void
warn_of_tls12(
	struct parse *out, const struct keykind *kind, const struct policy *p)
{
	const uint32_t ed = 1U << PROTO_ED25519 | 1U << PROTO_ED448;

	if ((kind->algorithms & ed) == 0 || p->tls12 == PROTO_TLS12_NO ||
		(p->use & PROTO_USE_TLS_SERVER) == 0)
		return;
	report(out, WARNING,
		"use: an %s key signs TLS 1.3 only, and a server that has TLS "
		"1.2 too would fail with it, even beside an RSA or EC "
		"certificate; switch TLS 1.2 off there (nginx: ssl_protocols "
		"TLSv1.3) and write 'tls12 = no' here, or give that server "
		"no such certificate",
		kind->name);
}

/* Through the hooks, as in parsing. */
int
policy_file_check(const struct policy *p, uint8_t type, unsigned bits,
	const struct policy_hooks *hooks)
{
	const struct keykind *kind = keykind_by_type(type);
	struct parse out = { .hooks = hooks, .line = p->use_line };
	char fit[MAX_WORDS], words[MAX_WORDS];
	uint32_t odd = p->use & ~kind->uses;

	if (odd != 0)
		report(&out, ERROR,
			"use: a key of type %s cannot be for %s; it can be for "
			"%s",
			kind->name, proto_use_names(odd, words, sizeof(words)),
			proto_use_names(kind->uses, fit, sizeof(fit)));
	warn_of_tls12(&out, kind, p);
	out.line = 0;
	if (!p->weak_keys && keykind_is_weak(kind, bits))
		report(&out, ERROR,
			"the %s key has %u bits only, which can be broken; "
			"make a new one of %u bits or more, or write "
			"'weak-keys = yes' here",
			kind->name, bits, keykind_strong(kind));
	return out.failed ? -1 : 0;
}

int
policy_file_parse(const char *text, size_t len,
	const struct policy_hooks *hooks, struct policy *out)
{
	struct parse p = { .hooks = hooks };
	struct boot_set *a = &p.policy.allow;
	struct ini_error err = { 0 };

	p.policy.tls12 = PROTO_TLS12_ANY;
	p.policy.tls12_groups = TLSGROUP_DEFAULT;
	if (ini_parse(text, len, take_setting, &p, &err) < 0) {
		p.line = err.line;
		report(&p, ERROR, "%s", err.text);
		return -1;
	}
	p.line = 0;
	if (!p.has_allow)
		report(&p, ERROR,
			"allow is missing; name who may use this key, such as "
			"'allow = www-data'");
	if (!p.has_use)
		report(&p, ERROR,
			"use is missing; say what for, such as 'use = "
			"tls-server'");
	if (p.failed)
		return -1;
	warn_of_uses(&p);
	qsort(a->uids, a->nuids, sizeof(a->uids[0]), compare_ids);
	qsort(a->gids, a->ngids, sizeof(a->gids[0]), compare_ids);
	qsort(a->units, a->nunits, sizeof(a->units[0]), compare_units);
	*out = p.policy;
	return 0;
}
