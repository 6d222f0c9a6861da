#include "broker/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/due.h"
#include "broker/generation.h"
#include "broker/log.h"
#include "broker/program.h"
#include "wire/boot.h"

#define NO_SLOT UINT32_MAX /* of uid_slot: the uid is not its own */

enum {
	SEND_TIMEOUT = 10000, /* ms a session waits for a client to read */
	READY_LEN = 9,
	ACCOUNT_NAME = PEER_MAX_UNIT + 16,
	PLAN_TEXT = PATH_MAX + 64,
};

int
sessions_init(struct sessions *s)
{
	s->list = NULL;
	s->next_number = 1;
	if (s->uid_count == 0)
		return 0;
	s->uid_used = calloc(s->uid_count, 1);
	return s->uid_used == NULL ? -1 : 0;
}

static bool
has_client(const struct session *one)
{
	return one->peer.pid != 0;
}

unsigned
sessions_active(const struct sessions *s)
{
	const struct session *one;
	unsigned n = 0;

	for (one = s->list; one != NULL; one = one->next)
		n += has_client(one);
	return n + s->waiting.n;
}

unsigned
sessions_spare(const struct sessions *s)
{
	const struct session *one;
	unsigned n = 0;

	for (one = s->list; one != NULL; one = one->next)
		n += !has_client(one) && one->state != SESSION_DYING;
	return n;
}

/* Sessions that the account has or waits for: a waiting_rank_fn, too. */
static unsigned
count_account(const void *arg, account_t account)
{
	const struct sessions *s = arg;
	const struct session *one;
	unsigned n = waiting_count(&s->waiting, account);

	for (one = s->list; one != NULL; one = one->next)
		n += has_client(one) && one->peer.account == account;
	return n;
}

static unsigned
count_starting(const struct sessions *s)
{
	const struct session *one;
	unsigned n = 0;

	for (one = s->list; one != NULL; one = one->next)
		n += one->state == SESSION_STARTING;
	return n;
}

/* A kill that fails means that it is a zombie: it will be reaped anyway. */
static void
end(struct session *one)
{
	(void)kill(one->pid, SIGKILL);
	one->state = SESSION_DYING;
	one->due = DUE_NEVER;
}

/* Where the client came in. */
static void
name_listener(const struct sessions *s, const struct peer *p, struct audit *out)
{
	if (s->sets != NULL)
		(void)snprintf(out->name, sizeof(out->name), "%s",
			doors_name(&s->sets->doors, p->listener));
}

static void
record(struct sessions *s, uint8_t kind, const struct session *one,
	uint32_t code)
{
	struct audit a = { .kind = kind,
		.pid = (uint32_t)one->pid,
		.peer_pid = (uint32_t)one->peer.pid,
		.peer_uid = one->peer.uid,
		.peer_gid = one->peer.gid,
		.code = code,
		.generation = one->generation };

	name_listener(s, &one->peer, &a);
	logger_record(s->logger, &a);
}

void
sessions_refuse(struct sessions *s, int client, const struct peer *peer,
	uint16_t status, uint16_t detail)
{
	uint8_t frame[PROTO_REFUSAL_LEN];
	struct writer w = writer_init(frame, sizeof(frame));
	struct audit a = { .kind = AUDIT_TURNED_AWAY,
		.status = status,
		.detail = detail,
		.peer_pid = (uint32_t)peer->pid,
		.peer_uid = peer->uid,
		.peer_gid = peer->gid,
		.generation = generation_get() };

	proto_put_error(&w, PROTO_REFUSAL, 0, status, detail);
	/* A client that has gone needs no answer. */
	(void)send(client, frame, sizeof(frame), MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(client);
	s->counters.turned_away++;
	name_listener(s, peer, &a);
	logger_record(s->logger, &a);
}

/* Are more sessions to be started now? */
static bool
is_short(const struct sessions *s)
{
	return sessions_spare(s) < s->spare + s->waiting.n &&
	       count_starting(s) < SESSION_MAX_STARTING;
}

static bool
has_uid(const struct sessions *s)
{
	return s->uid_count == 0 ||
	       memchr(s->uid_used, 0, s->uid_count) != NULL;
}

/* Reserves a uid for one session. 0, or -1 if all are in use. */
static int
reserve_uid(struct sessions *s, struct lockdown_plan *plan, uint32_t *slot)
{
	uint32_t i;

	*slot = NO_SLOT;
	if (s->uid_count == 0)
		return 0;
	for (i = 0; i < s->uid_count; i++)
		if (s->uid_used[i] == 0)
			break;
	if (i == s->uid_count)
		return -1;
	s->uid_used[i] = 1;
	plan->uid = s->uid_first + i;
	*slot = i;
	return 0;
}

static void
release_uid(struct sessions *s, uint32_t slot)
{
	if (slot != NO_SLOT)
		s->uid_used[slot] = 0;
}

/* Executes the program for one. 0, or -1 with errno. */
static int
execute(struct sessions *s, struct session *one)
{
	struct lockdown_plan plan = s->plan;
	char text[PLAN_TEXT];
	int pair[2], fds[3], saved;

	if (reserve_uid(s, &plan, &one->uid_slot) < 0) {
		errno = EUSERS;
		return -1;
	}
	if (lockdown_plan_print(&plan, text, sizeof(text)) < 0) {
		errno = ENAMETOOLONG;
		goto err_uid;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		goto err_uid;
	fds[0] = pair[1];
	fds[1] = s->logger->send_fd;
	fds[2] = s->generation_fd;
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 ||
		program_start(s->program, text, NULL, fds, 3, &one->pid) < 0)
		goto err_pair;
	(void)close(pair[1]);
	one->control = pair[0];
	return 0;
err_pair:
	saved = errno;
	(void)close(pair[0]);
	(void)close(pair[1]);
	errno = saved;
err_uid:
	release_uid(s, one->uid_slot);
	return -1;
}

static struct session *
start(struct sessions *s, uint64_t now)
{
	struct session *one = calloc(1, sizeof(*one));

	if (one == NULL || execute(s, one) < 0) {
		/* Once a second is enough, whatever clients do. */
		if (now >= s->retry_at)
			log_line(LOG_ERR, "cannot start a session: %s",
				errno == EUSERS ? "all session-uids are in use"
						: strerror(errno));
		if (now >= s->retry_at)
			s->retry_at = now + SESSION_RETRY;
		free(one);
		return NULL;
	}
	one->state = SESSION_STARTING;
	one->due = now + SESSION_READY_TIME;
	one->next = s->list;
	s->list = one;
	return one;
}

/* Nobody is left to serve who waits: they are told to come again. */
static void
turn_waiting_away(struct sessions *s)
{
	struct peer peer;
	int client;

	while (waiting_pop(&s->waiting, &client, &peer) == 0) {
		sessions_refuse(s, client, &peer, PROTO_LIMIT, DETAIL_NONE);
		peer_free(&peer);
	}
}

void
sessions_fill(struct sessions *s, uint64_t now)
{
	unsigned free_ones;

	while (!s->stopping && is_short(s)) {
		free_ones = sessions_spare(s);
		/* For a client it is tried at once, for a spare one later. */
		if (free_ones >= s->waiting.n) {
			if (now < s->retry_at)
				return;
			if (!has_uid(s)) {
				s->retry_at = now + SESSION_RETRY;
				return;
			}
		}
		if (start(s, now) == NULL) {
			if (free_ones == 0)
				turn_waiting_away(s);
			return;
		}
	}
}

/* Credentials with each message, also where the client came before we could
 * ask the listener for that; limits on how long it can hold its session up. */
static int
prepare_client(int client, unsigned long idle_ms)
{
	const struct timeval idle = { .tv_sec = (time_t)(idle_ms / 1000),
		.tv_usec = (suseconds_t)(idle_ms % 1000 * 1000) };
	const struct timeval sending = { .tv_sec = SEND_TIMEOUT / 1000 };
	const int on = 1;

	if (setsockopt(client, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -1;
	if (setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle)) <
		0)
		return -1;
	return setsockopt(
		client, SOL_SOCKET, SO_SNDTIMEO, &sending, sizeof(sending));
}

/* Writes the start message. Descriptors: client, index, rings. */
static int
send_start(struct sessions *s, struct session *one, int client,
	const struct sets_match *m)
{
	uint8_t data[BOOT_MAX];
	struct writer w = writer_init(data, sizeof(data));
	struct boot_start start = { .number = one->number,
		.generation = one->generation,
		.peer_pid = (uint32_t)one->peer.pid,
		.peer_uid = one->peer.uid,
		.peer_gid = one->peer.gid,
		.index_len = s->sets->index_len,
		.nrings = m->n };
	int fds[BOOT_MAX_RINGS + 2];
	size_t len;

	memcpy(start.ring_len, m->len, sizeof(start.ring_len));
	fds[0] = client;
	fds[1] = s->sets->index;
	memcpy(&fds[2], m->fds, m->n * sizeof(m->fds[0]));
	writer_u8(&w, BOOT_SESSION_START);
	boot_put_start(&w, &start);
	if (writer_finish(&w, &len) < 0) {
		errno = EMSGSIZE;
		return -1;
	}
	return boot_send(one->control, data, len, fds, (size_t)m->n + 2);
}

/* The client waits from now on. Takes client and peer over. */
static void
enqueue(struct sessions *s, int client, struct peer *peer)
{
	if (waiting_add(&s->waiting, client, peer) == 0)
		return;
	sessions_refuse(s, client, peer, PROTO_LIMIT, DETAIL_NONE);
	peer_free(peer);
}

/*
 * A ready session gets a client; client and peer are taken over. 0, or -1: the
 * session is broken, and both still the caller's.
 */
static int
hand_over(
	struct sessions *s, struct session *one, int client, struct peer *peer)
{
	struct sets_match match;

	/* By the sets of now: they may have changed while it waited. */
	if (sets_find(s->sets, peer, &match) < 0 || match.n == 0) {
		sessions_refuse(s, client, peer, PROTO_NO_KEYS, DETAIL_NONE);
		peer_free(peer);
		return 0;
	}
	peer->account = match.account;
	one->peer = *peer;
	one->number = s->next_number++;
	one->generation = generation_get();
	/* Before the session can do anything of its own. */
	log_line(LOG_DEBUG, "session %d: peer pid %d uid %u gid %u, %u rings",
		(int)one->pid, (int)peer->pid, (unsigned)peer->uid,
		(unsigned)peer->gid, match.n);
	record(s, AUDIT_SESSION_START, one, 0);
	if (send_start(s, one, client, &match) < 0) {
		record(s, AUDIT_SESSION_END, one, 0);
		memset(&one->peer, 0, sizeof(one->peer));
		return -1;
	}
	s->counters.started++;
	(void)close(client);
	(void)close(one->control);
	one->control = -1;
	one->state = SESSION_ACTIVE;
	one->due = DUE_NEVER;
	peer_free(&one->peer);
	return 0;
}

static struct session *
find_ready(const struct sessions *s)
{
	struct session *one;

	for (one = s->list; one != NULL; one = one->next)
		if (one->state == SESSION_READY)
			return one;
	return NULL;
}

/* Ready sessions to those who wait. */
static void
serve(struct sessions *s)
{
	struct session *one;
	struct peer peer;
	int client;

	while ((one = find_ready(s)) != NULL &&
		waiting_take(&s->waiting, count_account, s, &client, &peer) ==
			0) {
		if (waiting_has_gone(client)) {
			(void)close(client);
			peer_free(&peer);
			continue;
		}
		if (hand_over(s, one, client, &peer) == 0)
			continue;
		/* It died a moment ago; the next one gets the client. */
		end(one);
		enqueue(s, client, &peer);
	}
}

/* May peer have a session, and on whose account? PROTO_OK, or the status to turn
 * it away with. */
static uint16_t
judge(struct sessions *s, struct peer *peer, uint16_t *detail)
{
	struct sets_match match;

	*detail = DETAIL_NONE;
	if (s->sets == NULL)
		return PROTO_INTERNAL;
	if (sets_find(s->sets, peer, &match) < 0) {
		log_line(LOG_ERR,
			"uid %u may use keys of more than %d sets of "
			"users: join their `allow` settings",
			(unsigned)peer->uid, BOOT_MAX_RINGS);
		return PROTO_INTERNAL;
	}
	if (match.n == 0) {
		if (!doors_admit(&s->sets->doors, peer))
			*detail = DETAIL_LISTENER;
		return PROTO_NO_KEYS;
	}
	peer->account = match.account;
	if (backoff_left(&s->backoff, peer->account, due_now()) > 0)
		return PROTO_BACK_OFF;
	if (sessions_active(s) >= s->max) {
		*detail = DETAIL_SESSIONS;
		return PROTO_LIMIT;
	}
	if (count_account(s, peer->account) >= s->max_per_user) {
		*detail = DETAIL_SESSIONS_USER;
		return PROTO_LIMIT;
	}
	return PROTO_OK;
}

void
sessions_accept(struct sessions *s, int client, unsigned listener)
{
	struct peer peer = { 0 };
	uint16_t status, detail = DETAIL_NONE;
	enum peer_result result;

	result = peer_get(client, &peer);
	peer.listener = (uint8_t)listener;
	switch (result) {
	case PEER_NOBODY:
		sessions_refuse(s, client, &peer,
			peer.uid == PEER_OVERFLOW_ID ? PROTO_NOBODY
						     : PROTO_IDENTITY,
			DETAIL_NONE);
		return;
	case PEER_FAILED:
		log_line(LOG_ERR, "who a client is: %s", strerror(errno));
		sessions_refuse(s, client, &peer, PROTO_INTERNAL, DETAIL_NONE);
		return;
	case PEER_OK:
		break;
	}
	if (s->sets != NULL && s->sets->has_units)
		peer_find_unit(&peer, client);
	status = judge(s, &peer, &detail);
	if (status == PROTO_OK && prepare_client(client, s->idle_timeout) < 0)
		status = PROTO_INTERNAL;
	if (status == PROTO_OK) {
		enqueue(s, client, &peer);
		serve(s);
		return;
	}
	sessions_refuse(s, client, &peer, status, detail);
	peer_free(&peer);
}

unsigned
sessions_poll(const struct sessions *s, struct pollfd *out, unsigned size)
{
	const struct session *one;
	unsigned n = 0;

	for (one = s->list; one != NULL && n < size; one = one->next)
		if (one->state == SESSION_STARTING)
			out[n++] = (struct pollfd){ .fd = one->control,
				.events = POLLIN };
	return n;
}

/* Reads `ready`. 1, 0: nothing yet, or -1: not that. */
static int
get_ready(const struct session *one, uint32_t *on)
{
	uint8_t data[READY_LEN + 1];
	ssize_t n = recv(one->control, data, sizeof(data), MSG_DONTWAIT);
	const bool nothing = n < 0 && (errno == EAGAIN || errno == EINTR);
	struct reader r = reader_init(data, n < 0 ? 0 : (size_t)n);
	uint8_t type = reader_u8(&r);
	uint32_t layers = reader_u32(&r);

	(void)reader_u32(&r); /* those that are off: all the others are */
	if (nothing)
		return 0;
	if (reader_finish(&r) < 0 || type != BOOT_SESSION_READY)
		return -1;
	*on = layers;
	return 1;
}

void
sessions_readable(struct sessions *s, int fd)
{
	struct session *one;
	uint32_t on;
	int r;

	for (one = s->list; one != NULL; one = one->next)
		if (one->state == SESSION_STARTING && one->control == fd)
			break;
	if (one == NULL)
		return;
	r = get_ready(one, &on);
	if (r == 0)
		return;
	if (r < 0) {
		/* It ended, as sessions_reaped() will tell, or talks rubbish. */
		if (s->retry_at < due_now() + SESSION_RETRY)
			s->retry_at = due_now() + SESSION_RETRY;
		end(one);
		return;
	}
	if (s->has_ready && on != s->layers_on)
		log_line(LOG_WARNING,
			"session %d has layers %#x, not %#x as "
			"the first had",
			(int)one->pid, on, s->layers_on);
	if (!s->has_ready)
		s->layers_on = on;
	s->has_ready = true;
	one->state = SESSION_READY;
	one->due = DUE_NEVER;
	serve(s);
}

static bool
is_crash(int status)
{
	static const int signals[] = { SIGSEGV, SIGABRT, SIGSYS, SIGBUS, SIGILL,
		SIGFPE, SIGTRAP };
	size_t i;

	if (!WIFSIGNALED(status))
		return false;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (WTERMSIG(status) == signals[i])
			return true;
	return false;
}

static const char *
account_name(
	const struct sessions *s, const struct peer *p, char out[ACCOUNT_NAME])
{
	const enum account_kind kind = account_kind(p->account);

	if (kind == ACCOUNT_LISTENER)
		(void)snprintf(out, ACCOUNT_NAME, "listener %s",
			doors_name(&s->sets->doors, p->listener));
	else if (kind == ACCOUNT_UNIT)
		(void)snprintf(out, ACCOUNT_NAME, "unit %s", p->unit);
	else
		(void)snprintf(out, ACCOUNT_NAME, "%s %u",
			kind == ACCOUNT_GROUP ? "group" : "uid",
			(unsigned)account_id(p->account));
	return out;
}

/* A session with a client ended: counters, record, back-off. */
static void
account(struct sessions *s, const struct session *one, int status)
{
	char name[ACCOUNT_NAME];
	uint64_t wait;

	s->counters.ended++;
	record(s, AUDIT_SESSION_END, one,
		WIFSIGNALED(status) ? 256 + (uint32_t)WTERMSIG(status)
				    : (uint32_t)WEXITSTATUS(status));
	if (!is_crash(status))
		return;
	s->counters.crashed++;
	wait = backoff_crash(&s->backoff, one->peer.account, due_now());
	log_line(LOG_ALERT,
		"session %d of peer pid %d uid %u gid %u died of "
		"signal %d (%s): a defect, or an attack; %s "
		"waits %lu s for the next session",
		(int)one->pid, (int)one->peer.pid, (unsigned)one->peer.uid,
		(unsigned)one->peer.gid, WTERMSIG(status),
		strsignal(WTERMSIG(status)), account_name(s, &one->peer, name),
		(unsigned long)wait / 1000);
}

/* One without a client ended: nobody's fault but ours. */
static void
account_spare(struct sessions *s, const struct session *one, int status)
{
	uint64_t now = due_now();
	/* Its socket may tell that it ended before the kernel tells how: then
	 * keyd stops already, and this is why. */
	bool is_reason =
		!s->has_ready && WIFEXITED(status) && WEXITSTATUS(status) != 0;

	if (s->stopping && !is_reason)
		return;
	if (WIFSIGNALED(status))
		log_line(LOG_ERR,
			"session %d, without a client, died of "
			"signal %d (%s)",
			(int)one->pid, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		log_line(LOG_ERR,
			"session %d, without a client, ended with "
			"exit code %d",
			(int)one->pid, WEXITSTATUS(status));
	if (one->state != SESSION_READY)
		s->retry_at = now + SESSION_RETRY;
}

/*
 * A session ended before it was ready. What was killed from outside (by an
 * operator, or since we stop) is simply replaced. What fails by itself may do
 * so again: then each failure is told to a client, and nobody waits for ever.
 */
static void
bereave(struct sessions *s, int status)
{
	struct peer peer;
	int client;

	if ((WIFSIGNALED(status) && !is_crash(status)) ||
		waiting_pop(&s->waiting, &client, &peer) < 0)
		return;
	sessions_refuse(s, client, &peer, PROTO_INTERNAL, DETAIL_NONE);
	peer_free(&peer);
}

bool
sessions_reaped(struct sessions *s, pid_t pid, int status)
{
	struct session **link, *one;

	for (link = &s->list; *link != NULL; link = &(*link)->next)
		if ((*link)->pid == pid)
			break;
	if (*link == NULL)
		return false;
	one = *link;
	*link = one->next;
	release_uid(s, one->uid_slot);
	if (has_client(one)) {
		account(s, one, status);
	} else {
		account_spare(s, one, status);
		if (one->state != SESSION_READY && one->number == 0)
			bereave(s, status);
	}
	if (one->control >= 0)
		(void)close(one->control);
	free(one);
	return true;
}

/* A session waits for its client, and can be told of nothing. */
static void
expire(struct sessions *s, uint64_t due)
{
	struct session *one;

	for (one = s->list; one != NULL; one = one->next)
		if (one->state == SESSION_ACTIVE &&
			one->generation != generation_get())
			one->due = due_first(one->due, due);
}

void
sessions_expire(struct sessions *s, uint64_t now)
{
	expire(s, now + SESSION_GRACE);
}

void
sessions_stop(struct sessions *s, uint64_t now)
{
	struct session *one;
	struct peer peer;
	int client;

	s->stopping = true;
	/* They come again, and may find the next keyd. */
	while (waiting_pop(&s->waiting, &client, &peer) == 0) {
		(void)close(client);
		peer_free(&peer);
	}
	/* All clients wait until the next keyd has our place. */
	expire(s, now + SESSION_STOP_GRACE);
	for (one = s->list; one != NULL; one = one->next)
		if (one->state == SESSION_STARTING ||
			one->state == SESSION_READY)
			end(one);
}

uint64_t
sessions_due(const struct sessions *s)
{
	const struct session *one;
	uint64_t due = DUE_NEVER;

	for (one = s->list; one != NULL; one = one->next)
		due = due_first(due, one->due);
	if (!s->stopping && is_short(s))
		due = due_first(due, s->retry_at);
	return due;
}

void
sessions_tick(struct sessions *s, uint64_t now)
{
	struct session *one;

	for (one = s->list; one != NULL; one = one->next) {
		if (one->due > now)
			continue;
		if (one->state == SESSION_STARTING)
			log_line(LOG_ERR, "session %d was not ready in %d s",
				(int)one->pid, SESSION_READY_TIME / 1000);
		end(one);
	}
	sessions_fill(s, now);
}

void
sessions_introduce(struct sessions *s)
{
	const struct session *one;

	for (one = s->list; one != NULL; one = one->next)
		if (one->state == SESSION_ACTIVE)
			record(s, AUDIT_SESSION_START, one, 0);
}
