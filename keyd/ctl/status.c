/* keydctl status: what keyd does, from its state file. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "daemon.h"
#include "running.h"
#include "text.h"

static void
pairs(const char *title, const struct daemon_pairs *p)
{
	unsigned i;

	if (p->n > 0)
		(void)printf("%s:\n", title);
	for (i = 0; i < p->n; i++)
		(void)printf("  %-18s %s\n", p->pair[i].name, p->pair[i].value);
}

static void
pairs_json(struct json *j, const char *name, const struct daemon_pairs *p,
	bool list)
{
	unsigned i;

	json_open(j, name, list ? '[' : '{');
	for (i = 0; i < p->n; i++)
		json_string(j, list ? NULL : p->pair[i].name, p->pair[i].value);
	json_close(j, list ? ']' : '}');
}

static void
numbers_json(struct json *j, const char *name, const struct daemon_pairs *p)
{
	unsigned i;

	json_open(j, name, '{');
	for (i = 0; i < p->n; i++)
		json_number(j, p->pair[i].name,
			strtoull(p->pair[i].value, NULL, 10));
	json_close(j, '}');
}

static const char *
outcome(const struct daemon_state *s)
{
	if (!s->reload_ok)
		return "FAILED";
	return s->left_out > 0 ? "PARTIAL" : "ok";
}

static void
say(const struct ctl *c, const struct daemon_state *s)
{
	char started[32], loaded[32], words[1024];

	(void)printf("keyd %s, process %llu, since %s, with %s\n", s->version,
		s->pid, text_time(s->started, started), c->config.file);
	(void)printf("%llu keys, generation %llu; last load %s, %s\n", s->keys,
		s->generation, outcome(s), text_time(s->reload_time, loaded));
	if (running_is_old((pid_t)s->pid))
		(void)printf("Its program was REPLACED since: restart it\n");
	if (s->left_out > 0)
		(void)printf("%llu LEFT OUT, since they have faults: %s\n",
			s->left_out, daemon_left_out(s, words, sizeof(words)));
	pairs(s->reload_ok && s->left_out == 0 ? "warnings" : "reasons",
		&s->reasons);
	pairs("layers", &s->layers);
	pairs("sessions", &s->sessions);
	pairs("sockets", &s->sockets);
}

static void
say_json(struct ctl *c, const struct daemon_state *s)
{
	struct json *j = &c->out;

	json_open(j, NULL, '{');
	json_bool(j, "running", true);
	json_string(j, "version", s->version);
	json_number(j, "pid", s->pid);
	json_number(j, "started", s->started);
	json_string(j, "config", c->config.file);
	json_number(j, "keys", s->keys);
	json_number(j, "generation", s->generation);
	json_number(j, "sequence", s->sequence);
	json_bool(j, "reload-ok", s->reload_ok);
	json_number(j, "reload-time", s->reload_time);
	json_number(j, "left-out", s->left_out);
	pairs_json(j, "left-out-names", &s->left_out_names, true);
	pairs_json(j, "reasons", &s->reasons, true);
	pairs_json(j, "layers", &s->layers, false);
	numbers_json(j, "sessions", &s->sessions);
	pairs_json(j, "sockets", &s->sockets, true);
	json_close(j, '}');
}

static int
not_running(struct ctl *c)
{
	if (c->json) {
		json_open(&c->out, NULL, '{');
		json_bool(&c->out, "running", false);
		json_string(&c->out, "config", c->config.file);
		json_close(&c->out, '}');
	} else {
		(void)printf("keyd does not run with %s: %s\n", c->config.file,
			daemon_start_words(&c->config));
	}
	return FAULT_NOT_RUNNING;
}

int
status_verb(struct ctl *c, int argc, char **argv)
{
	struct daemon_state *s;
	struct fault f = { 0 };
	pid_t pid;
	int r;

	(void)argv;
	if (argc != 1)
		return ctl_usage("status");
	if (daemon_pid(&c->config, &pid, &f) < 0)
		return fault_print(&f);
	if (pid == 0)
		return not_running(c);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return FAULT_FAILED;
	r = daemon_state(&c->config, s, &f);
	if (r == 0 && c->json)
		say_json(c, s);
	else if (r == 0)
		say(c, s);
	if (r == 0 && s->left_out > 0)
		r = FAULT_PARTLY;
	free(s);
	return r < 0 ? fault_print(&f) : r;
}
