#include "pid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "family.h"
#include "pidcheck.h"
#include "unit.h"
#include "unitbox.h"

enum {
	MAX_KINDS = 64, /* of processes, each of which is looked at */
};

/* What was looked at, one process of each kind. */
struct kinds {
	struct process *list[MAX_KINDS];
	unsigned alike[MAX_KINDS]; /* others like it */
	size_t n;
	/* of its relatives */
	unsigned strangers; /* use no OpenSSL */
	unsigned too_many;  /* of further kinds */
	unsigned unread;    /* may not be looked at */
	char why[400];      /* that is so, of the first */
	bool cut;           /* there are more, not even counted */
};

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
	finding_say(&k->findings, level, k->about, "%s", text);
}

/* --- which processes ------------------------------------------------------ */

/* Would the same be said of both? */
static bool
is_alike(const struct process *a, const struct process *b)
{
	struct stat ra, rb;

	return a->id.uid == b->id.uid && a->id.gid == b->id.gid &&
	       a->id.ngroups == b->id.ngroups &&
	       memcmp(a->id.groups, b->id.groups,
		       sizeof(gid_t) * (size_t)a->id.ngroups) == 0 &&
	       a->own_net == b->own_net && a->own_mount == b->own_mount &&
	       a->own_user == b->own_user && a->env == b->env &&
	       a->secure == b->secure && a->filtered == b->filtered &&
	       strcmp(a->conf, b->conf) == 0 &&
	       strcmp(a->libs.keyd, b->libs.keyd) == 0 &&
	       strcmp(a->libs.crypto, b->libs.crypto) == 0 &&
	       a->libs.keyd_replaced == b->libs.keyd_replaced &&
	       a->libs.crypto_replaced == b->libs.crypto_replaced &&
	       fstat(a->root, &ra) == 0 && fstat(b->root, &rb) == 0 &&
	       ra.st_dev == rb.st_dev && ra.st_ino == rb.st_ino;
}

/* Takes over p. */
static void
keep(struct kinds *v, struct process *p)
{
	size_t i;

	for (i = 0; i < v->n && !is_alike(v->list[i], p); i++)
		;
	if (i == v->n && v->n < MAX_KINDS) {
		v->list[v->n++] = p;
		return;
	}
	if (i == v->n) {
		v->too_many++;
	} else {
		v->alike[i]++;
		/* The oldest of them may have been changed under. */
		if (p->first < v->list[i]->first)
			v->list[i]->first = p->first;
	}
	process_close(p);
	free(p);
}

static void
add_relative(struct kinds *v, const struct family_member *m)
{
	struct process *p = malloc(sizeof(*p));
	struct fault f = { .text = "no memory" };
	int r = p == NULL ? -1 : process_open(m->pid, p, &f);

	/* One that has ended meanwhile is no loss. */
	if (r == -1 && v->unread++ == 0)
		(void)snprintf(v->why, sizeof(v->why), "%s", f.text);
	if (r < 0) {
		free(p);
		return;
	}
	if (p->ticks == m->ticks &&
		(p->libs.crypto[0] != '\0' || p->libs.other[0] != '\0')) {
		keep(v, p);
		return;
	}
	v->strangers += p->ticks == m->ticks;
	process_close(p);
	free(p);
}

static int
find(struct kinds *v, pid_t pid, struct fault *f)
{
	struct process *p = malloc(sizeof(*p));
	struct family family;
	size_t i;

	if (p == NULL)
		return fault_set(f, FAULT_FAILED, "no memory");
	if (process_open(pid, p, f) < 0) {
		free(p);
		return -1;
	}
	keep(v, p);
	if (family_find(p, &family, f) < 0)
		return -1;
	for (i = 0; i < family.n; i++)
		add_relative(v, &family.list[i]);
	v->cut = family.cut;
	family_free(&family);
	return 0;
}

static void
kinds_free(struct kinds *v)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		process_close(v->list[i]);
		free(v->list[i]);
	}
	free(v);
}

/* --- what is said of them ------------------------------------------------- */

static void
one(struct pid_check *k, struct process *p)
{
	k->p = p;
	(void)snprintf(
		k->about, sizeof(k->about), "%d %s", (int)p->pid, p->name);
	k->conf_is_right = false;
	k->listener = NULL;
	k->socket[0] = k->abstract[0] = '\0';
	if (!pidlib_library(k))
		return;
	k->nusers++;
	pidlib_provider(k);
	pidconf_judge(k);
	pidway_user(k);
	pidway_judge(k);
	if (k->stored && !p->overflow)
		pidkeys_try(k);
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
			MAX_KINDS, FAMILY_MAX);
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
	k->running = pid > 0;
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
	struct kinds *v = calloc(1, sizeof(*v));
	struct fault f;
	int r = 0;

	k.findings.ctl = c;
	if (v == NULL || find(v, pid, &f) < 0) {
		if (v == NULL)
			(void)fault_set(&f, FAULT_FAILED, "no memory");
		else
			kinds_free(v);
		return fault_print(&f);
	}
	look(&k, v);
	if (k.findings.count[FINDING_ERROR] > 0)
		r = FAULT_FAILED;
	kinds_free(v);
	return r;
}
