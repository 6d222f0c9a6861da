#include "broker/load.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/due.h"
#include "broker/log.h"
#include "broker/program.h"
#include "broker/store.h"
#include "lockdown/lockdown.h"

enum load_phase {
	PHASE_START = 1 << 0,   /* before ready */
	PHASE_ASK = 1 << 1,     /* next, and what belongs to a key */
	PHASE_COLLECT = 1 << 2, /* after end: index, sets, done */
};

enum {
	OPENS_PER_KEY = 4,
	MAX_NAMES_PER_KEY = BOOT_MAX_UIDS + BOOT_MAX_GIDS + BOOT_MAX_UNITS,
	MAX_REPORTS = 100000,
	/* Every ring's owner has gone, and so has every way to change it. */
	SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW,
};

struct load {
	const struct config *config;
	int fd;
	pid_t pid;
	struct store store;
	struct reasons *reasons;
	unsigned errors_before;
	uint32_t require;
	unsigned phase;
	unsigned next_key;
	unsigned opens, lookups, reports; /* left */
	bool *is_left_out;                /* by place in the store's list */
	struct sets *sets;
	uint32_t ring_keys; /* in all rings */
	uint64_t due;
	enum load_result result;
};

/* A datagram that was received, type octet read. */
struct question {
	struct reader body;
	int fd; /* -1, or a descriptor; the handler sets -1 if it keeps it */
};

static int
broken(struct load *l, const char *what)
{
	reasons_add(
		l->reasons, LOG_ERR, "the loader broke its protocol: %s", what);
	return -1;
}

/* Sends the message in w. 0, or -1 with the reason added. */
static int
answer(struct load *l, const struct writer *w, const int *fds, size_t nfds)
{
	size_t len;

	if (writer_finish(w, &len) < 0)
		return broken(l, "the answer does not fit");
	if (boot_send(l->fd, w->start, len, fds, nfds) < 0) {
		reasons_add(l->reasons, LOG_ERR,
			"cannot talk to the loader: "
			"%s",
			strerror(errno));
		return -1;
	}
	return 0;
}

static int
answer_no(struct load *l, int error)
{
	uint8_t buf[8];
	struct writer w = writer_init(buf, sizeof(buf));

	writer_u8(&w, BOOT_NO);
	writer_u32(&w, (uint32_t)error);
	return answer(l, &w, NULL, 0);
}

static int
on_ready(struct load *l, struct question *q)
{
	uint32_t on = reader_u32(&q->body), off = reader_u32(&q->body);
	unsigned bit;

	if (reader_finish(&q->body) < 0)
		return broken(l, "ready");
	log_line(LOG_DEBUG, "loader: layers on %#" PRIx32 ", off %#" PRIx32, on,
		off);
	for (bit = 0; bit < LAYER_COUNT; bit++)
		if ((off & l->require & (UINT32_C(1) << bit)) != 0) {
			reasons_add(l->reasons, LOG_ERR,
				"require: the loader cannot have the layer %s",
				lockdown_layer_name(bit));
			return -1;
		}
	l->phase = PHASE_ASK;
	return 0;
}

static int
send_key(struct load *l, const char *name, const struct store_file files[2])
{
	uint8_t buf[PROTO_MAX_NAME + 32];
	struct writer w = writer_init(buf, sizeof(buf));
	struct boot_key key = { .listeners =
					config_listeners_of(l->config, name),
		.key_errno = (uint32_t)files[0].error,
		.policy_errno = (uint32_t)files[1].error };
	int fds[2];
	size_t i, n = 0;

	(void)snprintf(key.name, sizeof(key.name), "%s", name);
	writer_u8(&w, BOOT_KEY);
	boot_put_key(&w, &key);
	for (i = 0; i < 2; i++)
		if (files[i].fd >= 0)
			fds[n++] = files[i].fd;
	l->opens = OPENS_PER_KEY;
	l->lookups = MAX_NAMES_PER_KEY;
	return answer(l, &w, fds, n);
}

static int
on_next(struct load *l, struct question *q)
{
	uint8_t end;
	struct writer w = writer_init(&end, 1);
	struct store_file files[2];
	const char *name;
	int r;

	if (reader_finish(&q->body) < 0)
		return broken(l, "next");
	if (l->next_key < l->store.n) {
		name = l->store.names[l->next_key++];
		store_open_key(&l->store, name, files);
		r = send_key(l, name, files);
		store_close_key(files);
		return r;
	}
	writer_u8(&w, BOOT_END);
	l->phase = PHASE_COLLECT;
	return answer(l, &w, NULL, 0);
}

/* A vector as a string without zero octets. 0 or -1. */
static int
get_string(struct view v, char *out, size_t size)
{
	if (v.data == NULL || v.len == 0 || v.len >= size ||
		memchr(v.data, '\0', v.len) != NULL)
		return -1;
	memcpy(out, v.data, v.len);
	out[v.len] = '\0';
	return 0;
}

/* Someone else than root has a hand in the file: what he could aim at is not
 * opened. */
static int
answer_foreign(struct load *l, const struct trust_foreign *why)
{
	struct boot_foreign f = { .uid = why->uid, .mode = why->mode };
	uint8_t buf[BOOT_MAX];
	struct writer w = writer_init(buf, sizeof(buf));

	(void)snprintf(f.path, sizeof(f.path), "%s", why->path);
	writer_u8(&w, BOOT_FOREIGN);
	boot_put_foreign(&w, &f);
	return answer(l, &w, NULL, 0);
}

static int
on_open(struct load *l, struct question *q)
{
	struct view v = reader_vec16(&q->body);
	uint8_t type;
	struct writer w = writer_init(&type, 1);
	char path[BOOT_MAX_PATH + 1];
	struct trust_foreign why;
	int fd, r;

	if (reader_finish(&q->body) < 0 ||
		get_string(v, path, sizeof(path)) < 0 || l->opens == 0)
		return broken(l, "open");
	l->opens--;
	fd = store_open_file(&l->store, path, &why);
	if (fd == TRUST_FOREIGN)
		return answer_foreign(l, &why);
	if (fd < 0)
		return answer_no(l, errno);
	writer_u8(&w, BOOT_FILE);
	r = answer(l, &w, &fd, 1);
	(void)close(fd);
	return r;
}

/* Answers with an id; the one that stands for everything unmapped is none. */
static int
answer_id(struct load *l, bool known, uint32_t id)
{
	uint8_t buf[8];
	struct writer w = writer_init(buf, sizeof(buf));

	if (!known)
		return answer_no(l, ENOENT);
	if (id == PEER_OVERFLOW_ID)
		return answer_no(l, EINVAL);
	writer_u8(&w, BOOT_ID);
	writer_u32(&w, id);
	return answer(l, &w, NULL, 0);
}

static int
on_user(struct load *l, struct question *q)
{
	struct view v = reader_vec8(&q->body);
	const struct passwd *user;
	char name[256];

	if (reader_finish(&q->body) < 0 ||
		get_string(v, name, sizeof(name)) < 0 || l->lookups == 0)
		return broken(l, "user");
	l->lookups--;
	user = getpwnam(name);
	return answer_id(l, user != NULL, user == NULL ? 0 : user->pw_uid);
}

static int
on_group(struct load *l, struct question *q)
{
	struct view v = reader_vec8(&q->body);
	const struct group *group;
	char name[256];

	if (reader_finish(&q->body) < 0 ||
		get_string(v, name, sizeof(name)) < 0 || l->lookups == 0)
		return broken(l, "group");
	l->lookups--;
	group = getgrnam(name);
	return answer_id(l, group != NULL, group == NULL ? 0 : group->gr_gid);
}

static int
on_report(struct load *l, struct question *q)
{
	uint8_t priority = reader_u8(&q->body);
	struct view v = reader_vec16(&q->body);
	char text[BOOT_MAX_TEXT + 1];

	if (reader_finish(&q->body) < 0 ||
		get_string(v, text, sizeof(text)) < 0 || l->reports == 0 ||
		(priority != LOG_ERR && priority != LOG_WARNING &&
			priority != LOG_INFO))
		return broken(l, "report");
	l->reports--;
	reasons_add(l->reasons, priority, "%s", text);
	return 0;
}

/* Of a key that was sent, once, and after the reason. */
static int
on_left_out(struct load *l, struct question *q)
{
	struct view v = reader_vec8(&q->body);
	char name[PROTO_MAX_NAME + 1];
	int i;

	if (reader_finish(&q->body) < 0 ||
		get_string(v, name, sizeof(name)) < 0 ||
		(i = store_find(&l->store, name)) < 0 ||
		(unsigned)i >= l->next_key || l->is_left_out[i] ||
		l->reasons->errors == l->errors_before)
		return broken(l, "left-out");
	l->is_left_out[i] = true;
	if (leftout_add(&l->sets->left_out, name) == 0)
		return 0;
	reasons_add(l->reasons, LOG_ERR, "no memory for a load");
	return -1;
}

/* Is this a memory file of just that length, that cannot change any more? A
 * session that maps it must not meet its end. */
static bool
is_fit(int fd, uint32_t len, bool sealed)
{
	struct stat st;
	int seals;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_size != (off_t)len)
		return false;
	if (!sealed)
		return true;
	seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int
on_index(struct load *l, struct question *q)
{
	uint32_t len = reader_u32(&q->body), keys = reader_u32(&q->body);

	if (reader_finish(&q->body) < 0 || l->sets->index >= 0 || len == 0 ||
		len > BOOT_MAX_RING || !is_fit(q->fd, len, true))
		return broken(l, "index");
	l->sets->index = q->fd;
	l->sets->index_len = len;
	l->sets->keys = keys;
	q->fd = -1;
	return 0;
}

static int
on_set(struct load *l, struct question *q)
{
	struct boot_set set;

	if (l->sets->index < 0 || boot_get_set(&q->body, &set) < 0 ||
		set.keys > UINT32_MAX - l->ring_keys ||
		!is_fit(q->fd, set.ring_len, set.ring_kind == BOOT_RING_SEALED))
		return broken(l, "set");
	if (sets_add(l->sets, &set, q->fd) < 0) {
		reasons_add(l->reasons, LOG_ERR, "a set of users: %s",
			strerror(errno));
		return -1;
	}
	q->fd = -1;
	l->ring_keys += set.keys;
	return 0;
}

static int
on_done(struct load *l, struct question *q)
{
	uint8_t ok = reader_u8(&q->body);
	uint32_t keys = reader_u32(&q->body), errors = reader_u32(&q->body);

	if (reader_finish(&q->body) < 0 || ok > 1)
		return broken(l, "done");
	if (ok == 1 && ((errors != 0 && l->sets->left_out.n == 0) ||
			       l->sets->index < 0 || keys != l->sets->keys ||
			       keys != l->ring_keys))
		return broken(l, "keys are missing");
	if (ok == 0 && l->reasons->errors == l->errors_before)
		return broken(l, "failed without a reason");
	leftout_sort(&l->sets->left_out);
	l->result = ok == 1 ? LOAD_OK : LOAD_FAILED;
	return 0;
}

static const struct handler {
	int (*run)(struct load *l, struct question *q);
	unsigned phases;
	uint8_t type;
	bool with_fd;
} handlers[] = {
	{ on_ready, PHASE_START, BOOT_READY, false },
	{ on_next, PHASE_ASK, BOOT_NEXT, false },
	{ on_open, PHASE_ASK, BOOT_OPEN, false },
	{ on_user, PHASE_ASK, BOOT_USER, false },
	{ on_group, PHASE_ASK, BOOT_GROUP, false },
	{ on_report, PHASE_START | PHASE_ASK | PHASE_COLLECT, BOOT_REPORT,
		false },
	{ on_left_out, PHASE_ASK | PHASE_COLLECT, BOOT_LEFT_OUT, false },
	{ on_index, PHASE_COLLECT, BOOT_INDEX, true },
	{ on_set, PHASE_COLLECT, BOOT_SET, true },
	{ on_done, PHASE_START | PHASE_ASK | PHASE_COLLECT, BOOT_DONE, false },
};

static int
handle(struct load *l, const uint8_t *data, size_t len, int *fd)
{
	struct question q = { reader_init(data, len), *fd };
	uint8_t type = reader_u8(&q.body);
	size_t i;
	int r;

	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].type == type)
			break;
	if (i == sizeof(handlers) / sizeof(handlers[0]) ||
		(handlers[i].phases & l->phase) == 0 ||
		handlers[i].with_fd != (q.fd >= 0))
		return broken(l, "a datagram out of order");
	r = handlers[i].run(l, &q);
	*fd = q.fd;
	return r;
}

static enum load_result
fail(struct load *l)
{
	l->result = LOAD_FAILED;
	return LOAD_FAILED;
}

enum load_result
load_step(struct load *l)
{
	uint8_t data[BOOT_MAX];
	int fd = -1, r;
	size_t nfds;
	long n;

	if (l->result != LOAD_GOES_ON)
		return l->result;
	n = boot_recv(l->fd, data, sizeof(data), &fd, 1, &nfds);
	if (n < 0 && errno == EAGAIN) {
		if (due_now() < l->due)
			return LOAD_GOES_ON;
		reasons_add(l->reasons, LOG_ERR,
			"the loader did not answer for %d s",
			LOAD_PATIENCE / 1000);
		return fail(l);
	}
	if (n <= 0) {
		reasons_add(l->reasons, LOG_ERR, "the loader ended early%s%s",
			n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
		return fail(l);
	}
	if (nfds == 0)
		fd = -1;
	r = handle(l, data, (size_t)n, &fd);
	if (fd >= 0)
		(void)close(fd);
	if (r < 0)
		return fail(l);
	l->due = due_now() + LOAD_PATIENCE;
	return l->result;
}

struct load *
load_start(const struct config *c, const char *program, const char *plan,
	struct reasons *reasons)
{
	struct load *l = calloc(1, sizeof(*l));
	int pair[2];

	if (l == NULL || (l->sets = sets_new()) == NULL) {
		reasons_add(reasons, LOG_ERR, "no memory for a load");
		free(l);
		return NULL;
	}
	l->config = c;
	l->reasons = reasons;
	doors_make(&l->sets->doors, c, reasons);
	l->errors_before = reasons->errors;
	/* Those that only sessions have cannot be asked of the loader. */
	l->require = c->require & ~(uint32_t)(LAYER_SESSION_UID | LAYER_NETNS |
					      LAYER_MOUNTNS | LAYER_MSEAL);
	l->phase = PHASE_START;
	l->reports = MAX_REPORTS;
	l->due = due_now() + LOAD_PATIENCE;
	l->fd = -1;
	l->pid = -1;
	if (store_open(&l->store, c, reasons, &l->sets->left_out) < 0)
		goto err;
	l->is_left_out = calloc(l->store.n + 1, sizeof(l->is_left_out[0]));
	if (l->is_left_out == NULL) {
		reasons_add(reasons, LOG_ERR, "no memory for a load");
		goto err;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		reasons_add(reasons, LOG_ERR, "a socket for the loader: %s",
			strerror(errno));
		goto err;
	}
	l->fd = pair[0];
	if (fcntl(l->fd, F_SETFL, O_NONBLOCK) < 0 ||
		program_start(program, plan, "load", &pair[1], 1, &l->pid) <
			0) {
		reasons_add(reasons, LOG_ERR, "cannot start %s: %s", program,
			strerror(errno));
		(void)close(pair[1]);
		goto err;
	}
	(void)close(pair[1]);
	return l;
err:
	load_free(l);
	return NULL;
}

int
load_fd(const struct load *l)
{
	return l->fd;
}

uint64_t
load_due(const struct load *l)
{
	return l->due;
}

bool
load_reaped(struct load *l, pid_t pid)
{
	if (l->pid != pid)
		return false;
	l->pid = -1;
	return true;
}

struct sets *
load_take(struct load *l)
{
	struct sets *s = l->sets;

	l->sets = NULL;
	return s;
}

void
load_free(struct load *l)
{
	if (l == NULL)
		return;
	/* After a success it ends by itself; else it may not. */
	if (l->pid > 0 && l->result != LOAD_OK)
		(void)kill(l->pid, SIGKILL);
	store_close(&l->store);
	if (l->fd >= 0)
		(void)close(l->fd);
	sets_free(l->sets);
	free(l->is_left_out);
	free(l);
}
