#include "kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	       a->hangs == b->hangs && a->reader.uid == b->reader.uid &&
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
	if (i == v->n && v->n < KINDS_MAX) {
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

int
kinds_find(struct kinds *v, pid_t pid, struct fault *f)
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
	v->list[0] = p;
	v->n = 1;
	if (family_find(p, &family, f) < 0)
		return -1;
	for (i = 0; i < family.n; i++)
		add_relative(v, &family.list[i]);
	v->cut = family.cut;
	family_free(&family);
	return 0;
}

void
kinds_free(struct kinds *v)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		process_close(v->list[i]);
		free(v->list[i]);
	}
	*v = (struct kinds){ 0 };
}
