#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/trust.h"
#include "ini/ini.h"
#include "text.h"
#include "wire/proto.h"

enum {
	NOBODY = 65534, /* the kernel's overflow id */
};

int
policy_use(const char *words, uint32_t *use, struct fault *f)
{
	char word[64], known[128];
	uint32_t bit;
	int r;

	while ((r = ini_next_word(&words, word, sizeof(word))) > 0) {
		bit = proto_use_number(word);
		if (bit == 0)
			return fault_set(f, FAULT_USAGE,
				"--use %s: unknown: it is one or more of %s",
				word,
				proto_use_names(
					PROTO_USE_ALL, known, sizeof(known)));
		*use |= bit;
	}
	return r < 0 ? fault_set(f, FAULT_USAGE, "--use: a word is too long")
		     : 0;
}

static enum policy_who
number(const char *text, enum policy_who kind, uid_t *id)
{
	unsigned long n;

	if (ini_number(text, UINT32_MAX - 1, &n) < 0)
		return POLICY_UNKNOWN;
	*id = (uid_t)n;
	return kind;
}

enum policy_who
policy_word(const char *word, uid_t *id)
{
	const struct passwd *pw;
	const struct group *gr;

	*id = (uid_t)-1;
	if (strncmp(word, "unit:", 5) == 0)
		return word[5] != '\0' ? POLICY_UNIT : POLICY_UNKNOWN;
	if (strncmp(word, "uid:", 4) == 0)
		return number(word + 4, POLICY_USER, id);
	if (strncmp(word, "gid:", 4) == 0)
		return number(word + 4, POLICY_GROUP, id);
	if (strncmp(word, "group:", 6) == 0) {
		gr = getgrnam(word + 6);
		if (gr == NULL)
			return POLICY_UNKNOWN;
		*id = gr->gr_gid;
		return POLICY_GROUP;
	}
	pw = getpwnam(word);
	if (pw == NULL)
		return POLICY_UNKNOWN;
	*id = pw->pw_uid;
	return POLICY_USER;
}

int
policy_allow(struct policy *p, const char *words, struct fault *f)
{
	char word[256];
	size_t used;
	uid_t id;
	int r, n;

	while ((r = ini_next_word(&words, word, sizeof(word))) > 0) {
		if (policy_word(word, &id) == POLICY_UNKNOWN ||
			text_has_control(word))
			return fault_set(f, FAULT_USAGE,
				"--allow %s: there is no such user or group: "
				"it is a user's name, uid:N, group:NAME, gid:N "
				"or unit:NAME.service",
				word);
		if (id == NOBODY)
			return fault_set(f, FAULT_USAGE,
				"--allow %s: keyd never serves id 65534, "
				"which stands for anyone whom the kernel "
				"cannot name: give the program a user of its "
				"own",
				word);
		used = strlen(p->allow);
		n = snprintf(p->allow + used, sizeof(p->allow) - used, "%s%s",
			used > 0 ? " " : "", word);
		if (n < 0 || (size_t)n >= sizeof(p->allow) - used)
			return fault_set(f, FAULT_USAGE, "--allow: too long");
	}
	return r < 0 ? fault_set(f, FAULT_USAGE, "--allow: a word is too long")
		     : 0;
}

static int
copy(char *out, size_t size, const char *value)
{
	int n = snprintf(out, size, "%s", value);

	return n < 0 || (size_t)n >= size ? -1 : 0;
}

static int
get_setting(void *arg, const char *section, const char *name, const char *value,
	unsigned line, struct ini_error *err)
{
	struct policy *p = arg;
	struct fault f;
	int r = -1;

	(void)line;
	if (section[0] != '\0')
		r = -1;
	else if (strcmp(name, "allow") == 0)
		r = copy(p->allow, sizeof(p->allow), value);
	else if (strcmp(name, "use") == 0)
		r = policy_use(value, &p->use, &f);
	else if (strcmp(name, "certificate") == 0)
		r = copy(p->certificate, sizeof(p->certificate), value);
	else if (strcmp(name, "tls12") == 0)
		r = copy(p->tls12, sizeof(p->tls12), value);
	else if (strcmp(name, "tls12-groups") == 0)
		r = copy(p->tls12_groups, sizeof(p->tls12_groups), value);
	else if (strcmp(name, "weak-digests") == 0)
		r = copy(p->weak_digests, sizeof(p->weak_digests), value);
	else if (strcmp(name, "weak-keys") == 0)
		r = copy(p->weak_keys, sizeof(p->weak_keys), value);
	else if (strcmp(name, "enforce") == 0)
		r = copy(p->enforce, sizeof(p->enforce), value);
	/* Its words begin with the option's name, "--use". */
	if (r < 0 && section[0] == '\0' && strcmp(name, "use") == 0)
		(void)snprintf(
			err->text, sizeof(err->text), "%.200s", f.text + 2);
	else if (r < 0)
		(void)snprintf(err->text, sizeof(err->text),
			"%.64s: unknown setting, or a value it cannot have",
			name);
	return r;
}

int
policy_get(const struct store *s, const char *name, struct policy *out,
	struct fault *f)
{
	struct ini_error err = { 0 };
	struct bytes text;
	char path[PATH_MAX];
	int r = store_get(s, STORE_POLICY, name, &text, f);

	if (r <= 0)
		return r;
	memset(out, 0, sizeof(*out));
	if (ini_parse((const char *)text.data, text.len, get_setting, out,
		    &err) < 0)
		r = fault_set(f, FAULT_FAILED, "%s:%u: %s",
			store_path(s, STORE_POLICY, name, path), err.line,
			err.text);
	bytes_free(&text);
	return r;
}

int
policy_set_certificate(struct policy *p, const char *path, struct fault *f)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".", real[PATH_MAX];
	const char *base = slash == NULL ? path : slash + 1;
	size_t len;
	int n;

	if (slash != NULL)
		(void)snprintf(folder, sizeof(folder), "%.*s",
			(int)(slash - path), path);
	if (path[0] == '/')
		n = snprintf(
			p->certificate, sizeof(p->certificate), "%s", path);
	else if (realpath(folder, real) == NULL)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	else
		n = snprintf(p->certificate, sizeof(p->certificate), "%s/%s",
			real, base);
	len = strlen(p->certificate);
	if (n < 0 || (size_t)n > INI_MAX_LINE - 32)
		return fault_set(
			f, FAULT_FAILED, "%s: the path is too long", path);
	if (text_has_control(p->certificate) || base[0] == '\0' ||
		p->certificate[len - 1] == ' ')
		return fault_set(f, FAULT_USAGE,
			"--certificate %s: such a name cannot stand in a "
			"policy: rename the file",
			path);
	return 0;
}

/* A row of the file, unless there is no value. */
static void
add_row(char *out, size_t size, size_t *used, const char *comment,
	const char *name, const char *value)
{
	size_t room = *used < size ? size - *used : 0;
	int n;

	if (value[0] == '\0')
		return;
	n = snprintf(
		out + (size - room), room, "%s%s = %s\n", comment, name, value);
	*used += n < 0 ? size : (size_t)n;
}

long
policy_print(const struct policy *p, char *out, size_t size)
{
	char words[128];
	size_t used = 0;

	(void)proto_use_names(p->use, words, sizeof(words));
	add_row(out, size, &used,
		"# Who may use the key, and what for. After a change: keydctl "
		"reload\n",
		"allow", p->allow);
	add_row(out, size, &used, "", "use", words);
	add_row(out, size, &used, "", "certificate", p->certificate);
	add_row(out, size, &used,
		"# How much of TLS 1.2 it signs: any, sentinel or no. Only "
		"`no` "
		"makes sure that\n# nothing else than a handshake is ever "
		"signed.\n",
		"tls12", p->tls12);
	add_row(out, size, &used, "", "weak-keys", p->weak_keys);
	return used >= size ? -1 : (long)used;
}

void
policy_show_tls12(struct policy *p, const struct keykind *k)
{
	const uint32_t tls12 =
		1U << PROTO_RSA_PKCS1 | 1U << PROTO_RSA_PSS | 1U << PROTO_ECDSA;

	if ((p->use & (PROTO_USE_TLS_SERVER | PROTO_USE_TLS_CLIENT)) != 0 &&
		(k->algorithms & tls12) != 0)
		(void)copy(p->tls12, sizeof(p->tls12),
			proto_tls12_name(PROTO_TLS12_ANY));
}

const char *
policy_judge_tls12(const struct policy *p, const struct keykind *k)
{
	const uint32_t ed = 1U << PROTO_ED25519 | 1U << PROTO_ED448;

	if ((p->use & PROTO_USE_TLS_SERVER) == 0 || (k->algorithms & ed) == 0)
		return "";
	return "signs TLS 1.3 only: switch TLS 1.2 off in the server (nginx: "
	       "ssl_protocols TLSv1.3), or use no Ed25519 or Ed448 certificate "
	       "beside others: it would be chosen for TLS 1.2 too, and fail";
}

int
policy_certificate(
	const struct config *c, const struct policy *p, char out[PATH_MAX])
{
	int n;

	if (p->certificate[0] == '\0' || p->certificate[0] == '/')
		return copy(out, PATH_MAX, p->certificate);
	n = snprintf(out, PATH_MAX, "%s/%s", c->policies, p->certificate);
	return n < 0 || n >= PATH_MAX ? -1 : 0;
}

void
policy_judge_certificate(const struct policy *p, char *out, size_t size)
{
	struct trust_foreign why;
	int fd;

	out[0] = '\0';
	/* A relative one lies with the policies. */
	if (p->certificate[0] != '/')
		return;
	fd = trust_open(AT_FDCWD, "", p->certificate, &why);
	if (fd >= 0)
		(void)close(fd);
	if (fd == TRUST_FOREIGN)
		(void)snprintf(out, size,
			"keyd will not check that it is the key's: %s is not "
			"root's alone (uid %u, mode %04o)",
			why.path, (unsigned)why.uid, (unsigned)why.mode);
	text_clean(out);
}

static bool
in_group(uid_t uid, gid_t gid)
{
	const struct passwd *pw = getpwuid(uid);
	gid_t groups[256];
	int i, n = 256;

	if (pw == NULL || getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		return false;
	for (i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

bool
policy_may(const struct policy *p, uid_t uid)
{
	const char *words = p->allow;
	enum policy_who kind;
	char word[256];
	uid_t id;

	while (ini_next_word(&words, word, sizeof(word)) > 0) {
		kind = policy_word(word, &id);
		if (kind == POLICY_USER && id == uid)
			return true;
		if (kind == POLICY_GROUP && in_group(uid, id))
			return true;
	}
	return false;
}

bool
policy_names(const struct policy *p, const struct user_identity *who)
{
	const char *words = p->allow;
	enum policy_who kind;
	char word[256];
	uid_t id;
	int i;

	while (ini_next_word(&words, word, sizeof(word)) > 0) {
		kind = policy_word(word, &id);
		if ((kind == POLICY_USER && id == who->uid) ||
			(kind == POLICY_GROUP && id == who->gid))
			return true;
		for (i = 0; kind == POLICY_GROUP && i < who->ngroups; i++)
			if (who->groups[i] == id)
				return true;
	}
	return false;
}

bool
policy_names_unit(const struct policy *p, const char *unit)
{
	static const char prefix[] = "unit:";
	const char *words = p->allow;
	char word[256];

	while (ini_next_word(&words, word, sizeof(word)) > 0)
		if (strncmp(word, prefix, sizeof(prefix) - 1) == 0 &&
			strcmp(word + sizeof(prefix) - 1, unit) == 0)
			return true;
	return false;
}

bool
policy_has_unit(const struct policy *p)
{
	const char *words = p->allow;
	char word[256];
	uid_t id;

	while (ini_next_word(&words, word, sizeof(word)) > 0)
		if (policy_word(word, &id) == POLICY_UNIT)
			return true;
	return false;
}

/* Some user whose primary or supplementary group it is. */
static int
a_member(gid_t gid, uid_t *uid)
{
	const struct group *gr = getgrgid(gid);
	const struct passwd *pw;
	char **m;
	int found = 0;

	for (m = gr == NULL ? NULL : gr->gr_mem; m != NULL && *m != NULL; m++) {
		pw = getpwnam(*m);
		if (pw != NULL) {
			*uid = pw->pw_uid;
			return 1;
		}
	}
	setpwent();
	while (found == 0 && (pw = getpwent()) != NULL)
		if (pw->pw_gid == gid) {
			*uid = pw->pw_uid;
			found = 1;
		}
	endpwent();
	return found;
}

int
policy_pick(const struct policy *p, uid_t *uid)
{
	static const enum policy_who order[] = { POLICY_USER, POLICY_GROUP };
	const char *words;
	char word[256];
	uid_t id;
	size_t i;

	for (i = 0; i < 2; i++) {
		words = p->allow;
		while (ini_next_word(&words, word, sizeof(word)) > 0) {
			if (policy_word(word, &id) != order[i])
				continue;
			if (order[i] == POLICY_USER) {
				*uid = id;
				return 1;
			}
			if (a_member(id, uid) == 1)
				return 1;
		}
	}
	return 0;
}
