#include "broker/reload.h"

#include <string.h>

#include "broker/due.h"
#include "broker/generation.h"
#include "broker/log.h"
#include "broker/notify.h"

/* A setting that shapes what is fixed at start. */
struct fixed {
	const char *name;
	bool (*differs)(const struct config *a, const struct config *b);
};

static bool
socket_differs(const struct config *a, const struct config *b)
{
	unsigned i;

	if (a->nsockets != b->nsockets)
		return true;
	for (i = 0; i < a->nsockets; i++)
		if (strcmp(a->socket[i], b->socket[i]) != 0)
			return true;
	return false;
}

/* Keys and users of a listener may change. */
static bool
listeners_differ(const struct config *a, const struct config *b)
{
	const struct listener_config *x, *y;
	unsigned i;

	if (a->nlisteners != b->nlisteners)
		return true;
	for (i = 0; i < a->nlisteners; i++) {
		x = &a->listener[i];
		y = &b->listener[i];
		if (strcmp(x->name, y->name) != 0 ||
			strcmp(x->socket, y->socket) != 0)
			return true;
	}
	return false;
}

static bool
abstract_differs(const struct config *a, const struct config *b)
{
	return strcmp(a->abstract, b->abstract) != 0;
}

static bool
run_differs(const struct config *a, const struct config *b)
{
	return strcmp(a->run, b->run) != 0;
}

static bool
user_differs(const struct config *a, const struct config *b)
{
	return strcmp(a->user, b->user) != 0;
}

static bool
chroot_differs(const struct config *a, const struct config *b)
{
	return strcmp(a->chroot, b->chroot) != 0;
}

static bool
require_differs(const struct config *a, const struct config *b)
{
	return a->require != b->require;
}

static bool
session_uids_differ(const struct config *a, const struct config *b)
{
	return a->session_uid_first != b->session_uid_first ||
	       a->session_uid_count != b->session_uid_count;
}

static bool
user_namespace_differs(const struct config *a, const struct config *b)
{
	return a->user_namespace != b->user_namespace;
}

static const struct fixed fixed[] = {
	{ "socket", socket_differs },
	{ "abstract-socket", abstract_differs },
	{ "listener", listeners_differ },
	{ "run", run_differs },
	{ "user", user_differs },
	{ "chroot", chroot_differs },
	{ "require", require_differs },
	{ "session-uids", session_uids_differ },
	{ "user-namespace", user_namespace_differs },
};

/* 0, or -1 with the reason added. */
static int
read_config(struct broker *b)
{
	struct ini_error err;
	size_t i;
	int r = 0;

	if (config_load(b->config.file, &b->new_config, &err) < 0) {
		if (err.line > 0)
			reasons_add(&b->reasons, LOG_ERR, "%s:%u: %s",
				b->config.file, err.line, err.text);
		else
			reasons_add(&b->reasons, LOG_ERR, "%s: %s",
				b->config.file, err.text);
		return -1;
	}
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (fixed[i].differs(&b->config, &b->new_config)) {
			reasons_add(&b->reasons, LOG_ERR,
				"%s: %s has changed, which needs a restart",
				b->config.file, fixed[i].name);
			r = -1;
		}
	return r;
}

/*
 * Is a load taken that left keys out? At the start, as long as there is any other. Later,
 * if each is left out already: what is served is never taken away by a fault, and a
 * new key comes whole or not at all. If not, the reason is added.
 */
static bool
is_taken(struct broker *b, const struct sets *s)
{
	const char *name;

	if (s->left_out.n == 0)
		return true;
	if (b->was_loaded) {
		name = leftout_beyond(&s->left_out, &b->sets->left_out);
		if (name == NULL)
			return true;
		reasons_add(&b->reasons, LOG_ERR,
			"%s would have to be left out, which it is not now",
			name);
		return false;
	}
	if (s->keys > 0)
		return true;
	reasons_add(&b->reasons, LOG_ERR,
		"no key is without a fault, which leaves none to serve");
	return false;
}

static void
log_taken(const struct sets *s)
{
	char words[512];

	log_line(LOG_INFO, "%u keys for %u sets of users, generation %lu",
		s->keys, s->n, (unsigned long)generation_get());
	if (s->left_out.n > 0)
		log_line(LOG_ERR,
			"KEYS ARE LEFT OUT, since they have faults: %s; the "
			"others are served; mend what is named above, then "
			"keydctl reload",
			leftout_words(&s->left_out, words, sizeof(words)));
}

/*
 * The outcome, for the log, the service manager and the state file. Not for the
 * file when another SIGHUP has come meanwhile: who sent it waits for the sequence
 * to advance, and for the outcome of a load that began after what he changed.
 */
static void
conclude(struct broker *b, bool ok)
{
	load_free(b->load);
	b->load = NULL;
	b->reload_ok = ok;
	b->reload_time = time(NULL);
	if (!b->again)
		b->sequence = b->begun;
	if (ok)
		log_taken(b->sets);
	else
		log_line(LOG_ERR, "%s",
			b->was_loaded ? "the reload failed: nothing "
					"has changed"
				      : "the keys cannot be loaded");
	if (b->ready)
		reload_notify(b);
	if (!ok && !b->was_loaded) {
		broker_stop(b, true);
		return;
	}
	if (b->again && b->ready)
		reload_begin(b);
	else
		broker_state_changed(b, true);
}

void
reload_notify(const struct broker *b)
{
	notify_send("READY=1\nSTATUS=%s%s, %u keys",
		b->reload_ok ? "serving"
			     : "serving, but the last reload failed (see the "
			       "log)",
		b->sets->left_out.n > 0 ? ", but not all keys (see the log)"
					: "",
		b->sets->keys);
}

/* What was read takes effect. */
static void
apply(struct broker *b, struct sets *sets)
{
	struct sets *old = b->sets;

	b->config = b->new_config;
	b->sets = sets;
	b->sessions.sets = b->sets;
	b->sessions.max = b->config.max_sessions;
	b->sessions.max_per_user = b->config.max_sessions_per_user;
	b->sessions.spare = b->config.spare_sessions;
	b->sessions.idle_timeout = b->config.idle_timeout;
	log_level(b->config.log_level);
	generation_set(generation_get() + 1);
	sessions_expire(&b->sessions, due_now());
	sets_free(old);
	b->was_loaded = true;
	b->loaded = b->load_began;
	if (b->sets->keys == 0)
		reasons_add(&b->reasons, LOG_WARNING,
			"there is no key in %s: every client is turned away",
			b->config.keys);
}

/* Starts the load of new_config. */
static void
start(struct broker *b)
{
	b->load_began = time(NULL);
	b->load = load_start(
		&b->new_config, b->load_program, b->plan, &b->reasons);
	if (b->load == NULL)
		conclude(b, false);
}

void
reload_first(struct broker *b)
{
	b->new_config = b->config;
	b->begun++;
	start(b);
}

void
reload_begin(struct broker *b)
{
	if (b->load != NULL) {
		b->again = true;
		return;
	}
	b->again = false;
	/* Told before a file is opened: what was changed before someone saw
	 * this number not yet counted counts in this load. */
	b->begun++;
	broker_state_write(b);
	memset(&b->reasons, 0, sizeof(b->reasons));
	notify_reloading();
	log_line(LOG_INFO, "reloading");
	if (listen_refresh(&b->listeners, &b->config))
		broker_state_changed(b, true);
	if (read_config(b) < 0)
		conclude(b, false);
	else
		start(b);
}

void
reload_step(struct broker *b)
{
	enum load_result r = load_step(b->load);
	struct sets *sets;

	if (r == LOAD_GOES_ON)
		return;
	sets = r == LOAD_OK ? load_take(b->load) : NULL;
	if (sets != NULL && !is_taken(b, sets)) {
		sets_free(sets);
		sets = NULL;
	}
	if (sets != NULL)
		apply(b, sets);
	conclude(b, sets != NULL);
}
