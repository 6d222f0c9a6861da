/*
 * tables                      prints the tables, a row a line, fields by tabs
 * tables keyd.conf FILE       prints what keyd makes of a keyd.conf
 * tables policy FILE          prints what keyd makes of a policy
 * tables provider NAME VALUE  prints what the provider makes of a setting
 *
 * The last three fail, with words, when the setting is refused.
 */
#include "tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "lockdown/lockdown.h"
#include "provider/errors.h"
#include "wire/keykind.h"
#include "wire/proto.h"
#include "wire/status.h"

enum {
	MAX_NUMBER = 4096, /* of a status or detail that is looked for */
	MAX_TEXT = 65536,
};

static void
settings(void)
{
	const struct config_setting *s;
	const struct listener_setting *l;

	for (s = config_settings; s->name != NULL; s++)
		(void)printf("keyd.conf\t%s\t%s\n", s->name, s->fallback);
	for (l = listener_settings; l->name != NULL; l++)
		(void)printf("listener\t%s\n", l->name);
}

static void
words(void)
{
	const struct keykind *k;
	char word[64];
	uint32_t bit;
	unsigned i;

	for (i = 0; i < LAYER_COUNT; i++)
		(void)printf("layer\t%s\n", lockdown_layer_name(i));
	for (bit = 1; bit <= PROTO_USE_ALL; bit <<= 1)
		(void)printf(
			"use\t%s\n", proto_use_names(bit, word, sizeof(word)));
	/* Those that keydctl makes: no weak ones. */
	for (i = 0; (k = keykind_at(i)) != NULL; i++)
		if (!keykind_is_weak(k, k->max_bits))
			(void)printf("type\t%s\t%d\n", k->option,
				keykind_is_rsa(k) ? 1 : 0);
}

static void
messages(void)
{
	const char *unknown = detail_text(MAX_NUMBER), *setting;
	const OSSL_ITEM *reason;
	uint16_t i;

	for (i = 0; status_name(i) != NULL; i++)
		(void)printf("status\t%u\t%s\t%s\n", i, status_name(i),
			status_text(i));
	for (i = 1; strcmp(detail_text(i), unknown) != 0; i++) {
		setting = detail_setting(i);
		(void)printf("detail\t%u\t%s\t%s\n", i, detail_text(i),
			setting == NULL ? "" : setting);
	}
	for (reason = errors_reasons(); reason->ptr != NULL; reason++)
		(void)printf("reason\t%s\n", (const char *)reason->ptr);
}

static int
read_config(const char *file)
{
	struct ini_error err = { 0 };
	static struct config c;
	unsigned i;

	if (config_load(file, &c, &err) < 0) {
		(void)fprintf(stderr, "%u: %s\n", err.line, err.text);
		return -1;
	}
	for (i = 0; i < c.nsockets; i++)
		(void)printf("socket %s\n", c.socket[i]);
	(void)printf("abstract-socket %s\nkeys %s\npolicies %s\nrun %s\n"
		     "user %s\nchroot %s\nrequire %#x\nsession-uids %u %u\n"
		     "max-sessions %u\nmax-sessions-per-user %u\n"
		     "spare-sessions %u\nidle-timeout %lu\nlog-level %d\n"
		     "user-namespace %d\n",
		c.abstract, c.keys, c.policies, c.run, c.user, c.chroot,
		c.require, c.session_uid_first, c.session_uid_count,
		c.max_sessions, c.max_sessions_per_user, c.spare_sessions,
		c.idle_timeout, c.log_level, c.user_namespace);
	for (i = 0; i < c.nlisteners; i++)
		(void)printf("listener %s: %s, %s, %s\n", c.listener[i].name,
			c.listener[i].socket, c.listener[i].keys,
			c.listener[i].allow);
	return 0;
}

static int
read_policy(const char *file)
{
	static char text[MAX_TEXT];
	FILE *in = fopen(file, "re");
	size_t n;

	if (in == NULL) {
		perror(file);
		return -1;
	}
	n = fread(text, 1, sizeof(text), in);
	(void)fclose(in);
	return tables_read_policy(text, n);
}

int
main(int argc, char **argv)
{
	int r = 0;

	if (argc == 3 && strcmp(argv[1], "keyd.conf") == 0) {
		r = read_config(argv[2]);
	} else if (argc == 3 && strcmp(argv[1], "policy") == 0) {
		r = read_policy(argv[2]);
	} else if (argc == 4 && strcmp(argv[1], "provider") == 0) {
		r = tables_read_provider(argv[2], argv[3]);
	} else if (argc == 1) {
		settings();
		tables_policy();
		tables_provider();
		words();
		messages();
		tables_client();
		tables_ctl();
	} else {
		r = -1;
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
