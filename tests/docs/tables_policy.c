#include "tables.h"

#include "keyd/loader/policy_file.c"

void
tables_policy(void)
{
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		(void)printf("policy\t%s\n", settings[i].name);
}

/* Everyone exists. */
static int
find(void *arg, const char *name, uint32_t *id)
{
	(void)arg;
	*id = (uint32_t)strlen(name);
	return 0;
}

static void
say(void *arg, int priority, unsigned line, const char *text)
{
	(void)arg;
	(void)fprintf(stderr, "<%d>%u: %s\n", priority, line, text);
}

int
tables_read_policy(const char *text, size_t len)
{
	struct policy_hooks hooks = { .user = find,
		.group = find,
		.report = say,
		.now = (uint64_t)time(NULL) };
	struct policy p;
	unsigned i;

	if (policy_file_parse(text, len, &hooks, &p) < 0)
		return -1;
	for (i = 0; i < p.allow.nuids; i++)
		(void)printf("uid %u\n", p.allow.uids[i]);
	for (i = 0; i < p.allow.ngids; i++)
		(void)printf("gid %u\n", p.allow.gids[i]);
	for (i = 0; i < p.allow.nunits; i++)
		(void)printf("unit %s\n", p.allow.units[i]);
	(void)printf(
		"use %#x\ntls12 %u\ntls12-groups %#x\nflags %#x\nweak-keys %d\n"
		"enforce-from %llu\ncertificate %s\n",
		p.use, p.tls12, p.tls12_groups, p.flags, p.weak_keys,
		(unsigned long long)p.enforce_from, p.certificate);
	return 0;
}
