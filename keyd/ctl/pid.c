#include "pid.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "kinds.h"
#include "pidcheck.h"
#include "unit.h"
#include "unitbox.h"

void
pidcheck_note(struct pid_check *k, enum finding_level level, const char *path,
	const char *text)
{
	struct pid_note *note = &k->notes->note[k->notes->n];

	if (k->notes->n == PID_NOTES)
		return;
	note->level = level;
	(void)snprintf(note->path, sizeof(note->path), "%s", path);
	(void)snprintf(note->text, sizeof(note->text), "%s", text);
	k->notes->n++;
}

void
pidcheck_say(
	struct pid_check *k, enum finding_level level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	/* clang-tidy 14 loses track of va_start() in some callers. */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (k->notes != NULL)
		pidcheck_note(k, level, "", text);
	else
		finding_say(&k->findings, level, k->about, "%s", text);
}

static void
one(struct pid_check *k, struct process *p)
{
	k->p = p;
	(void)snprintf(
		k->about, sizeof(k->about), "%d %s", (int)p->pid, p->name);
	k->conf_is_right = false;
	k->listener = NULL;
	k->socket[0] = k->abstract[0] = k->server_user[0] = '\0';
	k->reached[0] = '\0';
	k->reached_socket = -1;
	if (!pidlib_library(k))
		return;
	k->nusers++;
	pidlib_provider(k);
	pidconf_judge(k);
	pidway_user(k);
	pidway_judge(k);
	if (k->stored && !p->overflow)
		pidkeys_try(k);
	if (k->reached_socket >= 0)
		(void)close(k->reached_socket);
}

/* What its files say of its sandbox; those may have been changed since. */
static void
unit(struct pid_check *k, const struct process *p)
{
	int root;

	if (!unit_is_name(p->unit))
		return;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	(void)unitbox_judge(&k->findings, root, p->unit);
	(void)close(root);
}

/* Users of the processes that could be named in allow. */
static void
allow_words(const struct kinds *v, char *out, size_t size)
{
	size_t i, j, n = 0;
	char name[64], *colon;

	out[0] = '\0';
	for (i = 0; i < v->n && n < size; i++) {
		for (j = 0; j < i; j++)
			if (v->list[j]->id.uid == v->list[i]->id.uid)
				break;
		if (j < i || v->list[i]->overflow ||
			v->list[i]->libs.crypto[0] == '\0')
			continue;
		(void)user_name(v->list[i]->id.uid, name);
		/* "uid N" is written uid:N. */
		colon = strchr(name, ' ');
		if (colon != NULL)
			*colon = ':';
		n += (size_t)snprintf(
			out + n, size - n, "%s%s", n == 0 ? "" : " or ", name);
	}
}

static void
say_left_out(struct pid_check *k, const struct kinds *v)
{
	struct findings *f = &k->findings;

	if (v->strangers > 0)
		finding_say(f, FINDING_OK, "others",
			"%u processes with it do not use OpenSSL, and were "
			"left out",
			v->strangers);
	if (v->unread > 0)
		finding_say(f, FINDING_WARNING, "others",
			"%u processes with it cannot be looked at, so what "
			"they lack is not known: %s",
			v->unread, v->why);
	if (v->too_many > 0 || v->cut)
		finding_say(f, FINDING_WARNING, "others",
			"it has too many processes: of those that differ %d "
			"were looked at, of all %d",
			KINDS_MAX, FAMILY_MAX);
}

static void
summary(struct pid_check *k, const struct kinds *v)
{
	char words[256], about[64];
	size_t i;

	allow_words(v, words, sizeof(words));
	if (k->stored && k->usable == 0 && words[0] != '\0')
		finding_say(&k->findings, FINDING_ERROR, "keys",
			"none of these processes may use a key: add the user "
			"(%s) to allow in a file of %s, and keydctl reload",
			words, k->findings.ctl->config.policies);
	for (i = 0; i < v->n; i++) {
		(void)snprintf(about, sizeof(about), "%d %s",
			(int)v->list[i]->pid, v->list[i]->name);
		if (v->alike[i] > 0)
			finding_say(&k->findings, FINDING_OK, about,
				"%u more processes are like it", v->alike[i]);
	}
	say_left_out(k, v);
}

static void
look(struct pid_check *k, struct kinds *v)
{
	struct ctl *c = k->findings.ctl;
	struct fault f;
	pid_t pid = 0;
	size_t i;

	if (c->json)
		json_open(&c->out, NULL, '[');
	if (daemon_pid(&c->config, &pid, &f) < 0)
		finding_say(&k->findings, FINDING_ERROR, "keyd", "%s", f.text);
	else if (pid == 0)
		finding_say(&k->findings, FINDING_ERROR, "keyd",
			"it does not run with %s", c->config.file);
	k->keyd = pid;
	k->stored = store_open(&c->config, false, &k->store, &f) == 0;
	if (!k->stored)
		finding_say(&k->findings, FINDING_ERROR, "keys", "%s", f.text);
	for (i = 0; i < v->n; i++)
		one(k, v->list[i]);
	unit(k, v->list[0]);
	summary(k, v);
	if (k->stored)
		store_close(&k->store);
	if (c->json)
		json_close(&c->out, ']');
	else
		(void)printf("%u errors, %u warnings\n",
			k->findings.count[FINDING_ERROR],
			k->findings.count[FINDING_WARNING]);
}

int
pid_check(struct ctl *c, pid_t pid)
{
	static struct pid_check k;
	static struct kinds v;
	struct fault f;
	int r = 0;

	k.findings.ctl = c;
	if (kinds_find(&v, pid, &f) < 0)
		r = fault_print(&f);
	else
		look(&k, &v);
	if (r == 0 && k.findings.count[FINDING_ERROR] > 0)
		r = FAULT_FAILED;
	kinds_free(&v);
	return r;
}
