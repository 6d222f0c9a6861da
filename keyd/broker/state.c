#include "broker/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/log.h"

enum {
	RUN_MODE = 0755,
	EMPTY_MODE = 0555,
	FILE_MODE = 0644,
	LOCK_MODE = 0600,
	WRITABLE = S_IWGRP | S_IWOTH,
};

static int
prepare_folder(
	const struct config *c, const char *name, const char *path, mode_t mode)
{
	char where[CONFIG_MAX_WHERE];
	struct stat st;

	if (mkdir(path, mode) == 0) {
		/* mkdir(2) counts the umask in. */
		if (chmod(path, mode) < 0)
			goto err;
	} else if (errno != EEXIST) {
		goto err;
	}
	if (lstat(path, &st) < 0)
		goto err;
	if (!S_ISDIR(st.st_mode) ||
		(st.st_uid != 0 && st.st_uid != geteuid()) ||
		(st.st_mode & WRITABLE) != 0) {
		log_line(LOG_ERR,
			"%s: %s must be a folder of root's that nobody "
			"else can write",
			config_where(c, name, where), path);
		return -1;
	}
	return 0;
err:
	log_line(LOG_ERR, "%s: the folder %s: %s", config_where(c, name, where),
		path, strerror(errno));
	return -1;
}

/* Those who are to live there check it too, but cannot say whose setting it is. */
static int
check_empty(const struct config *c, const char *name, const char *path)
{
	char where[CONFIG_MAX_WHERE];
	const struct dirent *e;
	DIR *d = opendir(path);
	int r = 0;

	if (d == NULL) {
		log_line(LOG_ERR, "%s: the folder %s: %s",
			config_where(c, name, where), path, strerror(errno));
		return -1;
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		log_line(LOG_ERR,
			"%s: %s must be an empty folder, and has %s in it",
			config_where(c, name, where), path, e->d_name);
		r = -1;
	}
	(void)closedir(d);
	return r;
}

int
state_prepare(const struct config *c)
{
	if (prepare_folder(c, "run", c->run, RUN_MODE) < 0)
		return -1;
	if (geteuid() != 0)
		return 0;
	if (prepare_folder(c, "chroot", c->chroot, EMPTY_MODE) < 0)
		return -1;
	return check_empty(c, "chroot", c->chroot);
}

int
state_lock(struct state *s, const struct config *c)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	s->lock = -1;
	s->folder = open(c->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0) {
		log_line(LOG_ERR, "%s: %s", c->run, strerror(errno));
		return -1;
	}
	s->lock = openat(s->folder, "keyd.lock",
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
	/* Who can open it for reading can lock it against us. */
	if (s->lock < 0 || fchmod(s->lock, LOCK_MODE) < 0) {
		log_line(LOG_ERR, "%s/keyd.lock: %s", c->run, strerror(errno));
		return -1;
	}
	if (fcntl(s->lock, F_SETLK, &lock) == 0) {
		(void)unlinkat(s->folder, "state", 0);
		return 0;
	}
	if (fcntl(s->lock, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		log_line(LOG_ERR, "%s is in use by another keyd, pid %d",
			c->run, (int)lock.l_pid);
	else
		log_line(LOG_ERR, "%s/keyd.lock cannot be locked", c->run);
	return -1;
}

static void
print_layers(FILE *f, const struct layers *l)
{
	unsigned n;

	(void)fprintf(f, "\n[layers]\n");
	for (n = 0; n < LAYER_COUNT; n++)
		if ((l->on & UINT32_C(1) << n) != 0)
			(void)fprintf(f, "%s = on\n", lockdown_layer_name(n));
		else
			(void)fprintf(f, "%s = off: %s\n",
				lockdown_layer_name(n), l->why[n]);
}

static void
print_sessions(FILE *f, const struct sessions *s)
{
	const struct session_counters *c = &s->counters;

	(void)fprintf(f,
		"\n[sessions]\nactive = %u\nspare = %u\n"
		"started = %" PRIu64 "\nended = %" PRIu64 "\n"
		"crashed = %" PRIu64 "\nturned-away = %" PRIu64 "\n",
		sessions_active(s), sessions_spare(s), c->started, c->ended,
		c->crashed, c->turned_away);
}

static const char *
outcome(const struct state_facts *s)
{
	if (!s->reload_ok)
		return "failed";
	return s->sets->left_out.n > 0 ? "partial" : "ok";
}

static void
print_left_out(FILE *f, const struct leftout *l)
{
	unsigned i;

	(void)fprintf(f, "\n[left-out]\n");
	for (i = 0; i < l->n && i < STATE_LEFT_OUT; i++)
		(void)fprintf(f, "%u = %s\n", i + 1, l->names[i]);
}

static void
print_socket(FILE *f, unsigned n, const struct listener *one,
	const struct doors *doors)
{
	(void)fprintf(f, "%u = %s", n, one->name);
	if (one->number > 0)
		(void)fprintf(
			f, " (listener %s)", doors_name(doors, one->number));
	if (one->waiting)
		(void)fprintf(f, ": %s", one->why);
	(void)fputc('\n', f);
}

static void
print(FILE *f, const struct state_facts *s)
{
	unsigned i;

	(void)fprintf(f,
		"[keyd]\nversion = " KEYD_VERSION "\npid = %d\n"
		"started = %lld\nconfig = %s\nbegun = %" PRIu64
		"\nsequence = %" PRIu64 "\n"
		"generation = %" PRIu64 "\nreload = %s\nreload-time = %lld\n"
		"loaded = %lld\n"
		"keys = %" PRIu32 "\nleft-out = %u\n",
		(int)getpid(), (long long)s->started, s->config, s->begun,
		s->sequence, s->generation, outcome(s),
		(long long)s->reload_time, (long long)s->loaded, s->sets->keys,
		s->sets->left_out.n);
	(void)fprintf(f, "\n[reasons]\n");
	for (i = 0; i < s->reasons->n; i++)
		(void)fprintf(f, "%u = %s\n", i + 1, s->reasons->text[i]);
	print_left_out(f, &s->sets->left_out);
	print_layers(f, s->layers);
	print_sessions(f, s->sessions);
	(void)fprintf(f, "\n[sockets]\n");
	for (i = 0; i < s->listeners->n; i++)
		print_socket(f, i + 1, &s->listeners->list[i], &s->sets->doors);
}

int
state_write(const struct state *s, const struct state_facts *facts)
{
	int fd, saved;
	FILE *f;

	fd = openat(s->folder, "state.new",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		FILE_MODE);
	if (fd < 0)
		return -1;
	f = fdopen(fd, "w");
	if (f == NULL) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	print(f, facts);
	if (fclose(f) != 0)
		return -1;
	return renameat(s->folder, "state.new", s->folder, "state");
}

void
state_close(struct state *s)
{
	if (s->folder < 0)
		return;
	(void)unlinkat(s->folder, "state", 0);
	if (s->lock >= 0)
		(void)close(s->lock);
	(void)close(s->folder);
	s->folder = s->lock = -1;
}
