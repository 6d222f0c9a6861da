#include "load.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ini/ini.h"
#include "loader/certificate.h"
#include "loader/file.h"
#include "loader/key.h"
#include "loader/publish.h"
#include "loader/secret.h"
#include "ring/ring.h"

enum {
	MAX_FILE_NAME = PROTO_MAX_NAME + sizeof(".conf"),
};

/* The key at hand. */
struct item {
	struct load *load;
	struct boot_key key;
	int key_fd, policy_fd;
	char key_file[MAX_FILE_NAME];    /* as reports name it */
	char policy_file[MAX_FILE_NAME]; /* likewise */
};

static void
report_fault(struct item *i, const char *file, const struct fault *why)
{
	talk_report(i->load->talk, TALK_ERROR, file, why->line, why->text);
}

static int
hook_user(void *arg, const char *name, uint32_t *id)
{
	struct item *i = arg;

	return talk_user(i->load->talk, name, id);
}

static int
hook_group(void *arg, const char *name, uint32_t *id)
{
	struct item *i = arg;

	return talk_group(i->load->talk, name, id);
}

static void
hook_report(void *arg, int priority, unsigned line, const char *text)
{
	struct item *i = arg;

	talk_report(i->load->talk, (enum talk_priority)priority, i->policy_file,
		line, text);
}

/* A file of the key's that the starter could not open. */
static void
report_missing(struct item *i, const char *file, uint32_t error)
{
	struct fault why = { 0 };

	if (error == ELOOP)
		(void)fault_set(&why,
			"is a symbolic link, which is not followed here; put "
			"the file itself in its place");
	else if (error == EINVAL)
		(void)fault_set(&why, "is not a regular file");
	else
		(void)fault_set(
			&why, "cannot be opened: %s", strerror((int)error));
	report_fault(i, file, &why);
}

static struct policy_hooks
make_hooks(struct item *i)
{
	return (struct policy_hooks){ .user = hook_user,
		.group = hook_group,
		.report = hook_report,
		.arg = i,
		.now = i->load->now };
}

static int
read_policy(struct item *i, struct policy *out)
{
	struct policy_hooks hooks = make_hooks(i);
	struct fault why = { 0 };
	struct view text;
	int r;

	if (i->key.policy_errno == ENOENT) {
		(void)fault_set(&why,
			"the key has no policy; write %s with 'allow' and "
			"'use', or remove the key",
			i->policy_file);
		report_fault(i, i->key_file, &why);
		return -1;
	}
	if (i->key.policy_errno != 0) {
		report_missing(i, i->policy_file, i->key.policy_errno);
		return -1;
	}
	if (file_check(i->policy_fd, FILE_TRUSTED, i->load->owner, &why) < 0 ||
		file_read(i->policy_fd, INI_MAX_FILE, &text, &why) < 0) {
		report_fault(i, i->policy_file, &why);
		return -1;
	}
	r = policy_file_parse((const char *)text.data, text.len, &hooks, out);
	file_release(&text);
	return r;
}

static int
read_key(struct item *i, struct key *out)
{
	struct fault why = { 0 };
	struct view text;
	int r;

	if (i->key.key_errno != 0) {
		report_missing(i, i->key_file, i->key.key_errno);
		return -1;
	}
	if (file_check(i->key_fd, FILE_SECRET, i->load->owner, &why) < 0 ||
		file_read(i->key_fd, FILE_MAX_KEY, &text, &why) < 0) {
		report_fault(i, i->key_file, &why);
		return -1;
	}
	r = key_read(text, out, &why);
	file_release(&text);
	if (r == 0 && out->form == BOOT_FORM_SHELL) {
		r = fault_set(&why,
			"a shell, which has no private key; put the key itself "
			"here, from a backup, or remove this file");
		key_release(out);
	}
	if (r < 0)
		report_fault(i, i->key_file, &why);
	return r;
}

/* Whoever can change it gets no say in what keyd loads, so it is not opened. */
static void
report_foreign(
	struct item *i, const struct policy *p, const struct boot_foreign *f)
{
	char text[1024], whose[64];

	if ((f->mode & 022) != 0)
		(void)snprintf(whose, sizeof(whose),
			"can be written by others (mode %04o)", f->mode);
	else
		(void)snprintf(
			whose, sizeof(whose), "belongs to uid %u", f->uid);
	(void)snprintf(text, sizeof(text),
		"certificate: %.256s is not checked, the key is served "
		"without: %.256s %s; make it root's alone, or remove the line",
		p->certificate, f->path, whose);
	talk_report(i->load->talk, TALK_WARNING, i->policy_file,
		p->certificate_line, text);
}

/* What is wrong with the certificate: words that follow its path. */
__attribute__((format(printf, 3, 4))) static void
warn_certificate(
	struct item *i, const struct policy *p, const char *format, ...)
{
	char words[600], text[1024];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	(void)snprintf(text, sizeof(text), "certificate: %.256s%s",
		p->certificate, words);
	talk_report(i->load->talk, TALK_WARNING, i->policy_file,
		p->certificate_line, text);
}

/*
 * The certificate that a policy names: does it match, and is it valid now? It is
 * public and others send it: whatever is wrong with it is told, and no reason
 * to take the key away from who uses it.
 */
static void
check_certificate(struct item *i, const struct policy *p, const struct key *k)
{
	struct fault why = { 0 };
	struct certificate c = { 0 };
	struct boot_foreign foreign;
	struct view pem;
	int fd, error, r;

	error = talk_open(i->load->talk, p->certificate, &fd, &foreign);
	if (error == TALK_FOREIGN) {
		report_foreign(i, p, &foreign);
		return;
	}
	if (error != 0) {
		warn_certificate(i, p,
			" cannot be opened: %s; correct the path, or remove "
			"the line",
			strerror(error));
		return;
	}
	r = file_read(fd, FILE_MAX_CERTIFICATE, &pem, &why);
	(void)close(fd);
	if (r == 0) {
		r = certificate_read(pem, k, &c, &why);
		file_release(&pem);
	}
	if (r < 0) {
		warn_certificate(i, p, ": %s", why.text);
		return;
	}
	if (!certificate_is_of(&c, k))
		warn_certificate(i, p,
			" is not of the key in %s; name this key's, or, if "
			"both were renewed, keydctl check tells what to do",
			i->key_file);
	else if (c.not_after < i->load->now)
		warn_certificate(i, p, " has expired; renew it");
	else if (c.not_before > i->load->now)
		warn_certificate(i, p, " is not valid yet; renew it");
	certificate_release(&c);
}

/* Does the policy fit the key? */
static void
check_pair(struct item *i, const struct policy *p, const struct key *k)
{
	const struct policy_hooks hooks = make_hooks(i);

	if (policy_file_check(p, k->type, k->bits, &hooks) == 0 &&
		p->certificate[0] != '\0')
		check_certificate(i, p, k);
}

static void
loaded_free(struct loaded *k)
{
	void *block = (void *)(uintptr_t)k->spki.data;

	if (block != NULL)
		OPENSSL_clear_free(block,
			k->spki.len + k->private_key.len + k->secrets.len);
	free(k);
}

/* SPKI, private key and room for secrets, in one block of out's. */
static int
copy_key(const struct key *k, size_t secrets, struct loaded *out)
{
	uint8_t *der, *block;
	size_t len;

	if (key_private_der(k, &der, &len) < 0)
		return -1;
	block = OPENSSL_malloc(k->spki_len + len + secrets);
	if (block != NULL) {
		memcpy(block, k->spki, k->spki_len);
		memcpy(block + k->spki_len, der, len);
		out->spki = (struct view){ block, k->spki_len };
		out->private_key = (struct view){ block + k->spki_len, len };
		out->secrets =
			(struct view){ block + k->spki_len + len, secrets };
	}
	OPENSSL_clear_free(der, len);
	return block == NULL ? -1 : 0;
}

/* All that goes into the ring of a key with this policy. */
static int
copy_all(const struct key *k, const struct policy *p, struct loaded *out)
{
	const struct proto_key as_entry = {
		.type = k->type, .use = p->use, .flags = p->flags
	};
	size_t secrets = ring_secret_len(&as_entry);

	if (copy_key(k, secrets, out) < 0)
		return -1;
	if (secrets == 0)
		return 0;
	return secret_premaster(
		k->pkey, (uint8_t *)(uintptr_t)out->secrets.data);
}

static int
keep(struct item *i, const struct key *k, const struct policy *p, bool left_out)
{
	struct load *l = i->load;
	struct loaded *out, **keys;

	if (l->nkeys == l->size) {
		size_t size = l->size == 0 ? 64 : 2 * l->size;

		keys = realloc(l->keys, size * sizeof(keys[0]));
		if (keys == NULL)
			return -1;
		l->keys = keys;
		l->size = size;
	}
	out = calloc(1, sizeof(*out));
	if (out == NULL)
		return -1;
	if (copy_all(k, p, out) < 0) {
		loaded_free(out);
		return -1;
	}
	memcpy(out->name, i->key.name, sizeof(out->name));
	memcpy(out->hash, k->hash, sizeof(out->hash));
	out->type = k->type;
	out->bits = k->bits;
	out->policy = *p;
	out->policy.allow.listeners = i->key.listeners;
	out->left_out = left_out;
	l->keys[l->nkeys++] = out;
	return 0;
}

/*
 * Key, policy and certificate: whatever is wrong with any is reported. A key with a
 * bad policy is kept too, so that a second copy of it is found in the same run.
 */
static void
load_one(struct item *i)
{
	uint32_t before = i->load->talk->errors;
	struct policy policy = { 0 };
	struct key key;
	bool have_key, have_policy;

	if (i->key.key_errno == ENOENT) {
		talk_report(i->load->talk, TALK_WARNING, i->policy_file, 0,
			"there is no key of this name; remove the policy, or "
			"add the key");
		return;
	}
	have_key = read_key(i, &key) == 0;
	have_policy = read_policy(i, &policy) == 0;
	if (have_key && have_policy)
		check_pair(i, &policy, &key);
	if (have_key) {
		if (keep(i, &key, &policy, i->load->talk->errors != before) < 0)
			talk_report(i->load->talk, TALK_ERROR, i->key_file, 0,
				"no memory to keep the key");
		key_release(&key);
	}
	if (i->load->talk->errors != before)
		talk_left_out(i->load->talk, i->key.name);
}

static void
report_twin(struct load *l, const struct loaded *k, const struct loaded *other)
{
	char file[MAX_FILE_NAME], text[256];

	(void)snprintf(file, sizeof(file), "%s.pem", k->name);
	(void)snprintf(text, sizeof(text),
		"the same key as in %s.pem; remove one of the two",
		other->name);
	talk_report(l->talk, TALK_ERROR, file, 0, text);
}

static void
leave_out(struct load *l, struct loaded *k)
{
	if (k->left_out)
		return;
	k->left_out = true;
	talk_left_out(l->talk, k->name);
}

/*
 * The n keys at keys are one and the same. Where several would be served, nobody
 * can say whose policy is meant: none is. One without a policy of worth, such as a
 * copy that was put beside the key, takes nothing from the other.
 */
static void
judge_twins(struct load *l, struct loaded **keys, size_t n)
{
	size_t i, sound = 0;

	for (i = 0; i < n; i++)
		sound += keys[i]->left_out ? 0 : 1;
	for (i = 1; i < n; i++) {
		struct loaded *a = keys[i - 1], *b = keys[i];

		/* The one that is served is not the faulty one. */
		if (sound == 1 && !b->left_out)
			report_twin(l, a, b);
		else
			report_twin(l, b, a);
	}
	for (i = 0; i < n && sound > 1; i++)
		leave_out(l, keys[i]);
}

static void
judge_duplicates(struct load *l)
{
	size_t first, end;

	publish_sort(l->keys, l->nkeys, publish_by_hash);
	for (first = 0; first < l->nkeys; first = end) {
		for (end = first + 1; end < l->nkeys; end++)
			if (memcmp(l->keys[first]->hash, l->keys[end]->hash,
				    PROTO_HASH_LEN) != 0)
				break;
		judge_twins(l, l->keys + first, end - first);
	}
}

/* Only what is to be published stays. */
static void
drop_left_out(struct load *l)
{
	size_t i, kept = 0;

	for (i = 0; i < l->nkeys; i++)
		if (l->keys[i]->left_out)
			loaded_free(l->keys[i]);
		else
			l->keys[kept++] = l->keys[i];
	l->nkeys = kept;
}

void
load_run(struct load *l)
{
	struct item i = { .load = l };
	uint32_t errors;

	while (talk_next(l->talk, &i.key, &i.key_fd, &i.policy_fd) == 1) {
		(void)snprintf(
			i.key_file, sizeof(i.key_file), "%s.pem", i.key.name);
		(void)snprintf(i.policy_file, sizeof(i.policy_file), "%s.conf",
			i.key.name);
		load_one(&i);
		if (i.key_fd >= 0)
			(void)close(i.key_fd);
		if (i.policy_fd >= 0)
			(void)close(i.policy_fd);
	}
	judge_duplicates(l);
	drop_left_out(l);
	if (l->nkeys == 0 && l->talk->errors == 0)
		talk_report(l->talk, TALK_WARNING, "keys", 0,
			"there are no keys; add one with keydctl import or "
			"keydctl generate");
	/* Errors from here on are no single key's. */
	errors = l->talk->errors;
	publish_all(l);
	if (l->talk->errors == errors)
		talk_done(l->talk, true, (uint32_t)l->nkeys);
	else
		talk_done(l->talk, false, 0);
	while (l->nkeys > 0)
		loaded_free(l->keys[--l->nkeys]);
	free(l->keys);
	l->keys = NULL;
}
