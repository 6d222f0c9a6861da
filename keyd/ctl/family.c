#include "family.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/peer.h"
#include "procdir.h"

enum {
	MAX_DEPTH = 16,
};

/* One of all processes. */
struct row {
	pid_t pid, parent;
	unsigned long long ticks;
	bool in_unit;
};

struct table {
	struct row *rows; /* by pid */
	size_t n, size;
};

static bool
is_in_unit(int dir, const char *unit)
{
	char *text = unit[0] == '\0' ? NULL : procdir_text(dir, "cgroup", NULL);
	char found[256];
	bool same = text != NULL &&
		    peer_cgroup_unit(text, found, sizeof(found)) == 0 &&
		    strcmp(found, unit) == 0;

	free(text);
	return same;
}

/* 0, or -1: no memory. One that ends meanwhile is left out. */
static int
add(struct table *t, pid_t pid, const char *unit)
{
	int dir = procdir_open(pid);
	char *stat = dir < 0 ? NULL : procdir_text(dir, "stat", NULL);
	const char *parent = stat == NULL ? NULL : procdir_stat(stat, 4),
		   *ticks = stat == NULL ? NULL : procdir_stat(stat, 22);
	struct row *grown = t->rows;
	size_t size = t->size == 0 ? 512 : 2 * t->size;

	if (t->n == t->size) {
		grown = realloc(t->rows, size * sizeof(*grown));
		if (grown != NULL) {
			t->rows = grown;
			t->size = size;
		}
	}
	if (grown != NULL && parent != NULL && ticks != NULL)
		t->rows[t->n++] = (struct row){
			.pid = pid,
			.parent = (pid_t)strtol(parent, NULL, 10),
			.ticks = strtoull(ticks, NULL, 10),
			.in_unit = is_in_unit(dir, unit),
		};
	free(stat);
	if (dir >= 0)
		(void)close(dir);
	return grown == NULL ? -1 : 0;
}

static int
by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct row *)a)->pid,
	      y = ((const struct row *)b)->pid;

	return (x > y) - (x < y);
}

static int
read_all(struct table *t, const char *unit)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	pid_t pid;
	int r = dir == NULL ? -1 : 0;

	while (r == 0 && (e = readdir(dir)) != NULL) {
		pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (pid > 0)
			r = add(t, pid, unit);
	}
	if (dir != NULL)
		(void)closedir(dir);
	if (t->n > 0)
		qsort(t->rows, t->n, sizeof(*t->rows), by_pid);
	return r;
}

static bool
is_descendant(const struct table *t, const struct row *row, pid_t of)
{
	struct row key = { 0 };
	unsigned depth;

	for (depth = 0; row != NULL && depth < MAX_DEPTH; depth++) {
		if (row->parent == of)
			return true;
		key.pid = row->parent;
		row = bsearch(&key, t->rows, t->n, sizeof(key), by_pid);
	}
	return false;
}

int
family_find(const struct process *p, struct family *out, struct fault *f)
{
	struct family v = { .list = calloc(FAMILY_MAX, sizeof(*v.list)) };
	struct table t = { 0 };
	const struct row *row;
	size_t i;

	if (v.list == NULL || read_all(&t, p->unit) < 0) {
		free(t.rows);
		free(v.list);
		return fault_set(f, FAULT_FAILED,
			"looking for its children in /proc: %s",
			strerror(errno));
	}
	for (i = 0; i < t.n; i++) {
		row = &t.rows[i];
		if (row->pid == p->pid || row->pid == getpid() ||
			(!row->in_unit && !is_descendant(&t, row, p->pid)))
			continue;
		if (v.n == FAMILY_MAX) {
			v.cut = true;
			break;
		}
		v.list[v.n++] = (struct family_member){ row->pid, row->ticks };
	}
	free(t.rows);
	*out = v;
	return 0;
}

void
family_free(struct family *v)
{
	free(v->list);
	*v = (struct family){ 0 };
}
