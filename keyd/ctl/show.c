/* keydctl show: one key, its policy, its certificate, where it came from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "enlist.h"
#include "listeners.h"
#include "origin.h"
#include "text.h"

struct view_of {
	struct helper_answer answer;
	struct policy policy;
	struct origin origin;
	int code; /* 0, or of a policy or certificate that cannot be read */
	struct fault unread; /* why the certificate cannot; or "" */
	char words[128], hash[2 * PROTO_HASH_LEN + 1], until[32], when[32];
	char listeners[LISTENERS_WORDS], note[PATH_MAX + 128];
};

static int
look(const struct store *s, const char *name, struct view_of *v,
	struct fault *f)
{
	int r = store_has(s, STORE_KEY, name, f);

	if (r == 0)
		return fault_set(f, FAULT_FAILED,
			"%s: there is no key of this name: keydctl list", name);
	if (r < 0 || origin_get(s, name, &v->origin, f) < 0)
		return -1;
	r = policy_get(s, name, &v->policy, f);
	if (r == 0)
		return fault_set(f, FAULT_FAILED,
			"%s: it has no policy in %s: keyd will not load it",
			name, s->config->policies);
	if (r < 0) {
		/* The key can be shown all the same. */
		v->code = fault_print(f);
		memset(&v->policy, 0, sizeof(v->policy));
	}
	if (enlist_inspect_both(
		    s, name, &v->policy, &v->answer, &v->unread, f) < 0)
		return -1;
	if (v->unread.text[0] != '\0')
		v->code = fault_print(&v->unread);
	policy_judge_certificate(&v->policy, v->note, sizeof(v->note));
	(void)proto_use_names(v->policy.use, v->words, sizeof(v->words));
	text_hex(v->answer.d.hash, PROTO_HASH_LEN, v->hash);
	(void)text_time(v->answer.d.not_after, v->until);
	(void)text_time(v->origin.time, v->when);
	(void)listeners_words(s->config, name, v->listeners);
	return 0;
}

static const char *
certificate_words(const struct view_of *v)
{
	static const char *const words[] = { "none", "matches",
		"DOES NOT MATCH" };

	if (v->note[0] != '\0')
		return "not checked";
	return v->unread.text[0] != '\0' ? "CANNOT BE READ"
					 : words[v->answer.d.certificate];
}

static void
line(const char *name, const char *value)
{
	char shown[PATH_MAX];

	if (value[0] != '\0')
		(void)printf("  %-13s %s\n", name, text_shown(value, shown));
}

static void
say(const char *name, const struct view_of *v)
{
	unsigned i;

	(void)printf("%s: %s, %u bits\n", name,
		proto_key_type_name(v->answer.d.key_type),
		(unsigned)v->answer.d.bits);
	line("hash", v->hash);
	line("allow", v->policy.allow);
	line("listeners", v->listeners);
	line("use", v->words);
	line("tls12", v->policy.tls12);
	line("tls12-groups", v->policy.tls12_groups);
	line("weak-digests", v->policy.weak_digests);
	line("weak-keys", v->policy.weak_keys);
	line("enforce", v->policy.enforce);
	line("certificate", v->policy.certificate);
	line("", v->note);
	if (v->answer.d.certificate != 0 || v->unread.text[0] != '\0')
		line("", certificate_words(v));
	if (v->answer.d.certificate != 0) {
		line("subject", v->answer.subject);
		line("valid until", v->until);
	}
	if (v->origin.phase == 0)
		return;
	line(origin_phase_name(v->origin.phase), v->when);
	line("file", v->origin.path);
	for (i = 0; i < v->origin.nlinks; i++)
		line("hard link", v->origin.links[i]);
}

static void
say_json(struct json *j, const char *name, const struct view_of *v)
{
	unsigned i;

	json_open(j, NULL, '{');
	json_string(j, "name", name);
	json_string(j, "type", proto_key_type_name(v->answer.d.key_type));
	json_number(j, "bits", v->answer.d.bits);
	json_string(j, "hash", v->hash);
	json_words(j, "allow", v->policy.allow);
	json_words(j, "listeners", v->listeners);
	json_words(j, "use", v->words);
	json_string(j, "tls12", v->policy.tls12);
	json_words(j, "tls12-groups", v->policy.tls12_groups);
	json_string(j, "weak-digests", v->policy.weak_digests);
	json_string(j, "weak-keys", v->policy.weak_keys);
	json_string(j, "enforce", v->policy.enforce);
	json_string(j, "certificate", v->policy.certificate);
	json_string(j, "certificate-check", certificate_words(v));
	json_string(j, "certificate-note", v->note);
	json_string(j, "subject", v->answer.subject);
	json_number(j, "not-after", v->answer.d.not_after);
	json_string(j, "file", v->origin.path);
	json_open(j, "links", '[');
	for (i = 0; i < v->origin.nlinks; i++)
		json_string(j, NULL, v->origin.links[i]);
	json_close(j, ']');
	json_number(j, "time", v->origin.time);
	json_close(j, '}');
}

int
show_verb(struct ctl *c, int argc, char **argv)
{
	const char *name = ctl_name(argc - 1, argv + 1, "show");
	struct fault f = { 0 };
	struct view_of *v;
	struct store store;
	int r, code;

	if (name == NULL)
		return FAULT_USAGE;
	if (store_open(&c->config, false, &store, &f) < 0)
		return fault_print(&f);
	v = calloc(1, sizeof(*v));
	if (v == NULL) {
		store_close(&store);
		(void)fault_set(&f, FAULT_FAILED, "out of memory");
		return fault_print(&f);
	}
	r = look(&store, name, v, &f);
	store_close(&store);
	if (r == 0 && c->json)
		say_json(&c->out, name, v);
	else if (r == 0)
		say(name, v);
	code = v->code;
	free(v);
	return r < 0 ? fault_print(&f) : code;
}
