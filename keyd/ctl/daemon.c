#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "ini/ini.h"

enum {
	TIMEOUT = 60 * 1000, /* ms: thousands of keys take a while */
	STATE_MAX = 256 * 1024,
	NAMES_MAX = 4096,
};

/* 0, or -1 with *f if the name does not fit. */
static int
run_path(const struct config *c, const char *name, char out[PATH_MAX],
	struct fault *f)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", c->run, name);

	if (n < 0 || n >= PATH_MAX)
		return fault_set(
			f, FAULT_FAILED, "%s: too long a path", c->run);
	return 0;
}

/* For who may not read the lock: by the state file, which all may. */
static int
pid_told(const struct config *c, pid_t *out, struct fault *f)
{
	struct daemon_state *s = malloc(sizeof(*s));
	int r;

	if (s == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	*out = 0;
	r = daemon_state(c, s, f);
	if (r == 0 && s->pid > 0 && s->pid <= INT_MAX &&
		(kill((pid_t)s->pid, 0) == 0 || errno == EPERM))
		*out = (pid_t)s->pid;
	free(s);
	return r == DAEMON_NO_STATE ? 0 : r;
}

int
daemon_pid(const struct config *c, pid_t *out, struct fault *f)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	int fd, r;

	if (run_path(c, "keyd.lock", path, f) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		*out = 0;
		return 0;
	}
	if (fd < 0 && errno == EACCES)
		return pid_told(c, out, f);
	if (fd < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	r = fcntl(fd, F_GETLK, &lock);
	if (r < 0)
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	else
		*out = lock.l_type == F_UNLCK ? 0 : lock.l_pid;
	(void)close(fd);
	return r;
}

const char *
daemon_start_words(const struct config *c)
{
	static const char usual[] = KEYD_SYSCONFDIR "/openssl-keyd/keyd.conf";

	/* As sd_booted(3) does. */
	return strcmp(c->file, usual) == 0 &&
			       access("/run/systemd/system", F_OK) == 0
		       ? "start it with systemctl start openssl-keyd"
		       : "start it (keyd -c FILE)";
}

static int
get_pair(struct daemon_pairs *p, const char *name, const char *value)
{
	if (p->n == DAEMON_MAX_PAIRS)
		return 0;
	(void)snprintf(p->pair[p->n].name, sizeof(p->pair[0].name), "%s", name);
	(void)snprintf(
		p->pair[p->n].value, sizeof(p->pair[0].value), "%s", value);
	p->n++;
	return 0;
}

static int
get_keyd(struct daemon_state *s, const char *name, const char *value)
{
	const struct {
		const char *name;
		unsigned long long *out;
	} numbers[] = {
		{ "pid", &s->pid },
		{ "started", &s->started },
		{ "begun", &s->begun },
		{ "sequence", &s->sequence },
		{ "generation", &s->generation },
		{ "reload-time", &s->reload_time },
		{ "loaded", &s->loaded },
		{ "keys", &s->keys },
		{ "left-out", &s->left_out },
	};
	size_t i;

	if (strcmp(name, "version") == 0)
		(void)snprintf(s->version, sizeof(s->version), "%s", value);
	if (strcmp(name, "reload") == 0)
		s->reload_ok = strcmp(value, "ok") == 0 ||
			       strcmp(value, "partial") == 0;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(name, numbers[i].name) == 0)
			*numbers[i].out = strtoull(value, NULL, 10);
	return 0;
}

static int
get_setting(void *arg, const char *section, const char *name, const char *value,
	unsigned line, struct ini_error *err)
{
	struct daemon_state *s = arg;

	(void)line;
	(void)err;
	if (strcmp(section, "keyd") == 0)
		return get_keyd(s, name, value);
	if (strcmp(section, "reasons") == 0)
		return get_pair(&s->reasons, name, value);
	if (strcmp(section, "left-out") == 0)
		return get_pair(&s->left_out_names, name, value);
	if (strcmp(section, "layers") == 0)
		return get_pair(&s->layers, name, value);
	if (strcmp(section, "sessions") == 0)
		return get_pair(&s->sessions, name, value);
	if (strcmp(section, "sockets") == 0)
		return get_pair(&s->sockets, name, value);
	return 0; /* of a newer keyd */
}

int
daemon_state(const struct config *c, struct daemon_state *out, struct fault *f)
{
	struct ini_error err = { 0 };
	struct bytes text;
	char path[PATH_MAX];
	int fd, r;

	if (run_path(c, "state", path, f) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		(void)fault_set(f, FAULT_NOT_RUNNING,
			"keyd is just starting or stopping: try again");
		return DAEMON_NO_STATE;
	}
	if (fd < 0 || bytes_read(fd, STATE_MAX, &text) < 0) {
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)close(fd);
	memset(out, 0, sizeof(*out));
	r = ini_parse(
		(const char *)text.data, text.len, get_setting, out, &err);
	if (r < 0)
		(void)fault_set(
			f, FAULT_FAILED, "%s:%u: %s", path, err.line, err.text);
	bytes_free(&text);
	return r;
}

static bool
leaves_out(const struct daemon_state *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->left_out_names.n; i++)
		if (strcmp(s->left_out_names.pair[i].value, name) == 0)
			return true;
	return false;
}

const char *
daemon_left_out(const struct daemon_state *s, char *out, size_t size)
{
	const struct daemon_pairs *names = &s->left_out_names;
	size_t used = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < names->n && used + 1 < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s",
			i > 0 ? ", " : "", names->pair[i].value);
	if (s->left_out > names->n && used + 1 < size)
		(void)snprintf(out + used, size - used, " and %llu more",
			s->left_out - names->n);
	return out;
}

static long long
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A descriptor of the process, made sure to be keyd's: the lock is asked again
 * after it. */
static int
open_keyd(const struct config *c, struct fault *f)
{
	pid_t pid = 0, again = 0;
	int fd;

	if (daemon_pid(c, &pid, f) < 0)
		return -1;
	if (pid == 0)
		return fault_set(f, FAULT_NOT_RUNNING,
			"keyd does not run with %s: %s", c->file,
			daemon_start_words(c));
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return fault_set(
			f, FAULT_FAILED, "pidfd_open: %s", strerror(errno));
	if (daemon_pid(c, &again, f) == 0 && again == pid)
		return fd;
	(void)close(fd);
	return fault_set(f, FAULT_NOT_RUNNING,
		"keyd is just stopping or starting: try again");
}

/* Waits until something in the run folder changes, or keyd is gone. */
static int
wait_change(int notify, int keyd, long long deadline, struct fault *f)
{
	struct pollfd p[2] = {
		{ .fd = notify, .events = POLLIN },
		{ .fd = keyd, .events = POLLIN },
	};
	char events[NAMES_MAX];
	long long left = deadline - now_ms();
	int r = poll(p, 2, left < 0 ? 0 : (int)left);

	if (r == 0)
		return fault_set(f, FAULT_FAILED,
			"keyd did not finish loading within %d s: see its log",
			TIMEOUT / 1000);
	if (r < 0 && errno != EINTR)
		return fault_set(f, FAULT_FAILED, "poll: %s", strerror(errno));
	if (r > 0 && p[1].revents != 0)
		return fault_set(f, FAULT_NOT_RUNNING,
			"keyd ended while it was to load: see its log");
	if (r > 0 && read(notify, events, sizeof(events)) < 0 &&
		errno != EAGAIN && errno != EINTR)
		return fault_set(
			f, FAULT_FAILED, "inotify: %s", strerror(errno));
	return 0;
}

static int
outcome(const struct daemon_state *s, struct fault *f)
{
	unsigned i;

	if (s->reload_ok)
		return 0;
	(void)fault_set(f, FAULT_FAILED, "keyd refused to load:");
	for (i = 0; i < s->reasons.n; i++)
		fault_add(
			f, "%s %s", i > 0 ? ";" : "", s->reasons.pair[i].value);
	return -1;
}

/* The state, as soon as a keyd that is starting tells it. */
static int
await_state(const struct config *c, int keyd, int notify, long long deadline,
	struct daemon_state *out, struct fault *f)
{
	int r;

	while ((r = daemon_state(c, out, f)) == DAEMON_NO_STATE)
		if (wait_change(notify, keyd, deadline, f) < 0)
			return -1;
	return r;
}

static int
signal_and_wait(const struct config *c, int keyd, int notify,
	struct daemon_state *out, struct fault *f)
{
	long long deadline = now_ms() + TIMEOUT;
	unsigned long long before;

	if (await_state(c, keyd, notify, deadline, out, f) < 0)
		return -1;
	/* Loads that had begun by now may not have seen what was changed. */
	before = out->begun;
	if (syscall(SYS_pidfd_send_signal, keyd, SIGHUP, NULL, 0) < 0)
		return fault_set(f, FAULT_FAILED, "signalling keyd: %s",
			strerror(errno));
	while (out->sequence <= before) {
		if (wait_change(notify, keyd, deadline, f) < 0 ||
			await_state(c, keyd, notify, deadline, out, f) < 0)
			return -1;
	}
	return outcome(out, f);
}

int
daemon_reload(const struct config *c, struct daemon_state *out, struct fault *f)
{
	int keyd, notify, r = -1;

	keyd = open_keyd(c, f);
	if (keyd < 0)
		return -1;
	notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (notify < 0 || inotify_add_watch(notify, c->run,
				  IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
		(void)fault_set(f, FAULT_FAILED, "%s: inotify: %s", c->run,
			strerror(errno));
	else
		r = signal_and_wait(c, keyd, notify, out, f);
	if (notify >= 0)
		(void)close(notify);
	(void)close(keyd);
	return r;
}

int
daemon_tell(const struct config *c, struct fault *f)
{
	return daemon_tell_of(c, NULL, f);
}

int
daemon_tell_of(const struct config *c, const char *name, struct fault *f)
{
	struct daemon_state *state = malloc(sizeof(*state));
	char words[1024];
	int r;

	if (state == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	r = daemon_reload(c, state, f);
	if (r == 0 && name != NULL && leaves_out(state, name))
		r = fault_set(f, FAULT_FAILED,
			"keyd leaves %s out: keydctl check says why", name);
	else if (r == 0 && state->left_out > 0)
		(void)fprintf(stderr,
			"keydctl: keyd leaves out keys that have faults: %s: "
			"see keydctl check\n",
			daemon_left_out(state, words, sizeof(words)));
	free(state);
	return r;
}

int
daemon_without(const struct config *c, const char *name, struct fault *f)
{
	struct fault why;

	if (daemon_tell(c, &why) == 0)
		return 0;
	return fault_set(f, FAULT_PARTLY,
		"%s is out of the store, but keyd was not told, and STILL "
		"SERVES IT if it runs: mend this, then keydctl reload: %s",
		name, why.text);
}
