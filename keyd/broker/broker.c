#include "broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/due.h"
#include "broker/generation.h"
#include "broker/log.h"
#include "broker/notify.h"
#include "broker/reload.h"

enum {
	ACCEPTS_PER_ROUND = 128, /* of each listener */
	ACCEPT_PAUSE = 100,      /* ms when the machine has no room */
	MAX_POLL = 2 + LISTEN_MAX + SESSION_MAX_STARTING + 64 /* spare ones */,
};

void
broker_state_changed(struct broker *b, bool now)
{
	b->state_due =
		due_first(b->state_due, now ? 0 : due_now() + STATE_PAUSE);
}

void
broker_state_write(struct broker *b)
{
	const struct state_facts f = { b->started, b->reload_time, b->loaded,
		b->config.file, b->begun, b->sequence, generation_get(),
		b->reload_ok, b->sets, &b->reasons, &b->layers, &b->sessions,
		&b->listeners };

	b->state_due = DUE_NEVER;
	if (state_write(&b->state, &f) < 0)
		log_line(LOG_ERR, "%s/state: %s", b->config.run,
			strerror(errno));
}

void
broker_stop(struct broker *b, bool failed)
{
	uint64_t now = due_now();

	b->failed = b->failed || failed;
	if (b->stopping)
		return;
	b->stopping = true;
	b->stop_by = now + BROKER_STOP_TIME;
	notify_send("STOPPING=1");
	if (!failed)
		log_line(LOG_INFO, "stopping");
	listen_close(&b->listeners);
	load_free(b->load);
	b->load = NULL;
	generation_set(generation_get() + 1);
	sessions_stop(&b->sessions, now);
}

/* The machine has no descriptor left: the reserved one is given up, so that
 * the client can be told, and not waited for by a loop that spins. */
static void
turn_away_for_lack(struct broker *b, int listener)
{
	struct peer nobody = { 0 };
	int fd, saved = errno;

	if (b->reserve_fd >= 0) {
		(void)close(b->reserve_fd);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			sessions_refuse(&b->sessions, fd, &nobody, PROTO_LIMIT,
				DETAIL_NONE);
	}
	b->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	b->accept_again = due_now() + ACCEPT_PAUSE;
	log_line(LOG_ERR, "cannot accept clients for a moment: %s",
		strerror(saved));
}

/* Whose door the socket is. */
static unsigned
number_of(const struct broker *b, int socket)
{
	unsigned i;

	for (i = 0; i < b->listeners.n; i++)
		if (b->listeners.list[i].fd == socket)
			return b->listeners.list[i].number;
	return LISTENER_MAX + 1; /* nobody's */
}

static void
accept_some(struct broker *b, int listener)
{
	const unsigned number = number_of(b, listener);
	unsigned i;
	int fd;

	for (i = 0; i < ACCEPTS_PER_ROUND; i++) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			sessions_accept(&b->sessions, fd, number);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno != EAGAIN)
			turn_away_for_lack(b, listener);
		break;
	}
	if (i > 0)
		broker_state_changed(b, false);
}

static void
reap(struct broker *b)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (sessions_reaped(&b->sessions, pid, status)) {
			broker_state_changed(b, false);
			continue;
		}
		if (!logger_reaped(&b->logger, pid, status)) {
			if (b->load != NULL)
				(void)load_reaped(b->load, pid);
		} else if (!b->ready && !b->stopping) {
			log_line(LOG_ERR, "the logger could not start");
			broker_stop(b, true);
		}
	}
}

static void
on_signals(struct broker *b)
{
	struct signalfd_siginfo info;

	while (read(b->signal_fd, &info, sizeof(info)) ==
		(ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(b);
		else if (info.ssi_signo == SIGHUP && b->ready && !b->stopping)
			reload_begin(b);
		else if (info.ssi_signo == SIGHUP)
			b->again = true; /* after the first load */
		else
			broker_stop(b, false);
	}
}

/* The first session told which layers it has: start-up is complete, or over. */
static void
become_ready(struct broker *b)
{
	const struct layers_facts f = { &b->namespaces, b->sessions.plan.wanted,
		b->sessions.layers_on, b->user.privileged,
		b->config.session_uid_count > 0 };
	unsigned i;

	layers_judge(&f, &b->layers);
	layers_log(&b->layers);
	if (layers_require(&b->layers, &b->config) < 0) {
		broker_stop(b, true);
		return;
	}
	for (i = 0; i < b->listeners.n; i++)
		if (!b->listeners.list[i].waiting)
			log_line(LOG_INFO, "listening on %s%s",
				b->listeners.list[i].name,
				b->listeners.list[i].inherited ? " (inherited)"
							       : "");
	b->ready = true;
	broker_state_write(b);
	reload_notify(b);
	log_line(LOG_INFO, "ready");
	if (b->again)
		reload_begin(b);
}

/* A session that cannot even start at boot is fatal: retrying is for later. */
static void
check_first_session(struct broker *b)
{
	if (b->sessions.has_ready)
		become_ready(b);
	else if (b->sessions.retry_at > 0 && sessions_spare(&b->sessions) == 0)
		broker_stop(b, true);
}

static uint64_t
next_due(const struct broker *b)
{
	uint64_t due = due_first(b->state_due, sessions_due(&b->sessions));

	due = due_first(due, logger_due(&b->logger));
	due = due_first(due, listen_due(&b->listeners));
	if (b->load != NULL)
		due = due_first(due, load_due(b->load));
	if (b->accept_again != 0)
		due = due_first(due, b->accept_again);
	if (b->stopping)
		due = due_first(due, b->stop_by);
	return due;
}

static void
tick(struct broker *b)
{
	uint64_t now = due_now();

	if (b->accept_again <= now)
		b->accept_again = 0;
	if (b->load != NULL && load_due(b->load) <= now)
		reload_step(b);
	if (listen_due(&b->listeners) <= now &&
		listen_retry(&b->listeners, &b->config))
		broker_state_changed(b, true);
	if (b->was_loaded)
		sessions_tick(&b->sessions, now);
	/* Before it starts: what sessions say from then on is of peers that it
	 * knows. */
	if (logger_due(&b->logger) <= now) {
		sessions_introduce(&b->sessions);
		logger_tick(&b->logger, now);
	}
	if (!b->stopping && !b->ready && b->was_loaded)
		check_first_session(b);
	if (b->ready && !b->stopping && b->state_due <= now)
		broker_state_write(b);
}

/* What to wait for. The signals and the load come first. */
static unsigned
fill_poll(const struct broker *b, struct pollfd *p)
{
	unsigned n = 2, i;

	p[0] = (struct pollfd){ .fd = b->signal_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = b->load == NULL ? -1 : load_fd(b->load),
		.events = POLLIN };
	if (b->ready && b->accept_again == 0)
		for (i = 0; i < b->listeners.n; i++)
			if (!b->listeners.list[i].waiting)
				p[n++] = (struct pollfd){
					.fd = b->listeners.list[i].fd,
					.events = POLLIN
				};
	return n;
}

static void
round_trip(struct broker *b)
{
	struct pollfd p[MAX_POLL];
	unsigned listeners = fill_poll(b, p), n, i;

	n = listeners +
	    sessions_poll(&b->sessions, p + listeners, MAX_POLL - listeners);
	if (poll(p, n, due_wait(next_due(b), due_now())) < 0) {
		if (errno != EINTR)
			log_line(LOG_ERR, "poll: %s", strerror(errno));
		return;
	}
	/* Signals first: a SIGHUP that is there belongs to a load that has not
	 * begun yet, and not to the one that may end now. Then sessions: those
	 * that are ready serve the new clients. A descriptor may have been
	 * closed since, so each is looked up, and being readable is no promise.
	 */
	if (p[0].revents != 0)
		on_signals(b);
	for (i = listeners; i < n; i++)
		if (p[i].revents != 0)
			sessions_readable(&b->sessions, p[i].fd);
	if (p[1].revents != 0 && b->load != NULL)
		reload_step(b);
	for (i = 2; i < listeners && !b->stopping; i++)
		if (p[i].revents != 0)
			accept_some(b, p[i].fd);
	tick(b);
}

/* Has everything ended that there is time for? */
static bool
is_over(struct broker *b)
{
	if (!b->stopping)
		return false;
	if (b->sessions.list == NULL)
		logger_finish(&b->logger);
	if (due_now() < b->stop_by)
		return b->sessions.list == NULL && b->logger.pid < 0;
	if (b->logger.pid > 0)
		(void)kill(b->logger.pid, SIGKILL);
	return true;
}

int
broker_run(struct broker *b)
{
	while (!is_over(b))
		round_trip(b);
	state_close(&b->state);
	sets_free(b->sets);
	if (!b->failed)
		log_line(LOG_INFO, "stopped");
	return b->failed ? 1 : 0;
}
