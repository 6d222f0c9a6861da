#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "store.h"

static void
left_out(struct findings *v, const struct daemon_state *s)
{
	unsigned i;

	for (i = 0; i < s->left_out_names.n; i++)
		finding_say(v, FINDING_ERROR, s->left_out_names.pair[i].value,
			"keyd leaves it out since it had faults: mend them, "
			"then keydctl reload");
	if (s->left_out > s->left_out_names.n)
		finding_say(v, FINDING_ERROR, "keyd",
			"it leaves out %llu keys more",
			s->left_out - s->left_out_names.n);
}

/* Those that keyd cannot have, with the reason behind the name. */
static void
sockets(struct findings *v, const struct daemon_state *s)
{
	const char *value;
	unsigned i;

	for (i = 0; i < s->sockets.n; i++) {
		value = s->sockets.pair[i].value;
		if (strstr(value, ": ") != NULL)
			finding_say(v, FINDING_ERROR, "keyd",
				"it cannot listen on %s: programs that can "
				"reach only this socket find no keyd; it tries "
				"again every few seconds",
				value);
	}
}

bool
running_is_old(pid_t pid)
{
	static const char deleted[] = " (deleted)";
	char path[64], program[PATH_MAX];
	size_t end = sizeof(deleted) - 1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%ld/exe", (long)pid);
	n = readlink(path, program, sizeof(program));
	return n > (ssize_t)end &&
	       memcmp(program + n - (ssize_t)end, deleted, end) == 0;
}

/* By the time of the last change, which mv(1) and cp -p do not take back. */
static void
newer(struct findings *v, const char *path, const struct daemon_state *s)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_ctime > 0 &&
		(unsigned long long)st.st_ctime > s->loaded)
		finding_say(v, FINDING_WARNING, path,
			"it was changed after keyd has loaded it: keydctl "
			"reload");
}

static void
newer_of(struct findings *v, const struct store *store, enum store_kind k,
	const struct daemon_state *s)
{
	char path[PATH_MAX], **names, **n;
	struct fault ignored;

	names = store_names(store, k, &ignored);
	for (n = names; n != NULL && *n != NULL; n++)
		newer(v, store_path(store, k, *n, path), s);
	free(names);
}

static void
newer_files(struct findings *v, const struct daemon_state *s)
{
	const struct config *c = &v->ctl->config;
	struct fault ignored;
	struct store store;

	newer(v, c->file, s);
	if (store_open(c, false, &store, &ignored) < 0)
		return;
	newer_of(v, &store, STORE_KEY, s);
	if (store.policies >= 0)
		newer_of(v, &store, STORE_POLICY, s);
	store_close(&store);
}

void
running_examine(struct findings *v, pid_t pid)
{
	struct daemon_state *s = malloc(sizeof(*s));
	struct fault f = { 0 };

	if (s == NULL) {
		finding_say(v, FINDING_ERROR, "keyd", "no memory");
		return;
	}
	if (running_is_old(pid))
		finding_say(v, FINDING_WARNING, "keyd",
			"its program was replaced since it was started: "
			"restart "
			"it");
	if (daemon_state(&v->ctl->config, s, &f) < 0) {
		finding_say(v, FINDING_WARNING, "keyd", "%s", f.text);
	} else {
		left_out(v, s);
		sockets(v, s);
		newer_files(v, s);
		if (!s->reload_ok)
			finding_say(v, FINDING_WARNING, "keyd",
				"it refused the last reload, and goes on with "
				"what it had: keydctl status says why");
	}
	free(s);
}
