/*
 * keyd: the broker. It has no key and links no libcrypto; it decides by facts of
 * the kernel who gets a session, and with which rings.
 *
 * Exit codes: 0 ended as told, or what -t checked is right; 1 it could
 * not start, or what -t checked is wrong; 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/due.h"
#include "broker/generation.h"
#include "broker/log.h"
#include "broker/notify.h"
#include "broker/reload.h"
#include "broker/program.h"

enum {
	EXIT_USAGE = 2,
	WANTED_FILES = 65536, /* 4,096 rings and 16,384 sessions, and more */
};

static const char usage[] =
	"usage: keyd [-t] [-c FILE]\n"
	"  -c, --config FILE  configuration (" KEYD_SYSCONFDIR
	"/openssl-keyd/keyd.conf)\n"
	"  -t, --test         check the configuration and all keys, and exit\n"
	"      --version      print the version\n"
	"  -h, --help         print this\n"
	"Runs in the foreground and logs to stderr. SIGHUP reloads, SIGTERM "
	"ends it.\n"
	"Exit codes: 0 ended as told or all is right, 1 something is wrong, "
	"2 usage.\n";

struct options {
	const char *config;
	bool test;
};

/* -1: go on; else the exit code. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "test", no_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ KEYD_SYSCONFDIR "/openssl-keyd/keyd.conf",
		false };
	while ((c = getopt_long(argc, argv, "c:th", longs, NULL)) != -1) {
		if (c == 'c') {
			o->config = optarg;
		} else if (c == 't') {
			o->test = true;
		} else if (c == 'v') {
			return puts("keyd " KEYD_VERSION) < 0;
		} else if (c == 'h') {
			return fputs(usage, stdout) < 0;
		} else {
			(void)fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}

static int
read_config(const char *path, struct config *c)
{
	struct ini_error err;

	if (config_load(path, c, &err) == 0) {
		log_level(c->log_level);
		return 0;
	}
	if (err.line > 0)
		log_line(LOG_ERR, "%s:%u: %s", path, err.line, err.text);
	else
		log_line(LOG_ERR, "%s: %s", path, err.text);
	return -1;
}

static int
find_programs(struct broker *b)
{
	const struct {
		const char *name;
		char *path;
	} programs[] = { { "keyd-load", b->load_program },
		{ "keyd-session", b->session_program },
		{ "keyd-logger", b->logger_program } };
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (config_helper(
			    programs[i].name, programs[i].path, PATH_MAX) < 0) {
			log_line(LOG_ERR, "cannot find the program %s: %s",
				programs[i].name, strerror(errno));
			return -1;
		}
	return 0;
}

/* As many descriptors and as much locked memory as we may have. */
static void
raise_limits(void)
{
	const struct rlimit wish = { WANTED_FILES, WANTED_FILES };
	struct rlimit now;

	if (setrlimit(RLIMIT_NOFILE, &wish) < 0 &&
		getrlimit(RLIMIT_NOFILE, &now) == 0) {
		now.rlim_cur = now.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &now) < 0)
			log_line(LOG_WARNING, "RLIMIT_NOFILE: %s",
				strerror(errno));
	}
}

/* Signals arrive through a descriptor from here on. */
static int
take_signals(struct broker *b)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	b->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return b->signal_fd < 0 ? -1 : 0;
}

/* Configuration, user, programs, folders, plan: what -t checks as well. */
static int
prepare(struct broker *b, const char *config)
{
	struct lockdown_plan plan;

	if (read_config(config, &b->config) < 0 ||
		user_find(&b->config, &b->user) < 0 || find_programs(b) < 0 ||
		state_prepare(&b->config) < 0)
		return -1;
	user_plan(&b->user, &b->config, false, &plan);
	if (lockdown_plan_print(&plan, b->plan, sizeof(b->plan)) < 0) {
		log_line(LOG_ERR, "chroot: the path is too long");
		return -1;
	}
	raise_limits();
	return 0;
}

/* From here on with few capabilities and no network. */
static int
lock_in(struct broker *b)
{
	lockdown_namespaces(&b->namespaces);
	if (lockdown_broker() == 0)
		return 0;
	log_line(LOG_ERR, "cannot give up capabilities: %s", strerror(errno));
	return -1;
}

/* What would stop the start, and is no key's. Number of errors. */
static unsigned
check_start(const struct broker *b)
{
	const bool uids = b->config.session_uid_count > 0;
	struct lockdown_plan plan;
	struct layers_facts f = { .namespaces = &b->namespaces,
		.privileged = b->user.privileged,
		.session_uids = uids };
	struct layers layers;
	unsigned errors = 0;

	user_plan(&b->user, &b->config, b->user.privileged && uids, &plan);
	f.wanted = plan.wanted;
	f.session_on = layers_expected(plan.wanted, b->user.privileged);
	layers_judge(&f, &layers);
	errors += layers_require(&layers, &b->config) < 0;
	errors += listen_check(&b->config) < 0;
	return errors;
}

/* -t: one load, and what else a start needs. */
static int
check(struct broker *b)
{
	struct load *l;
	struct pollfd p;
	unsigned errors;
	bool all;

	/* What it finds is the answer, whatever log-level says. */
	log_level(LOG_INFO);
	if (lock_in(b) < 0)
		return 1;
	errors = check_start(b);
	l = load_start(&b->config, b->load_program, b->plan, &b->reasons);
	if (l == NULL)
		return 1;
	do {
		p = (struct pollfd){ .fd = load_fd(l), .events = POLLIN };
		(void)poll(&p, 1, due_wait(load_due(l), due_now()));
	} while (load_step(l) == LOAD_GOES_ON);
	/* keyd would start without keys that have faults; to be told of those is
	 * what is asked. */
	errors += b->reasons.errors;
	all = errors == 0;
	if (all) {
		struct sets *s = load_take(l);

		log_line(LOG_INFO,
			"checked %s, the keys in %s and their "
			"policies in %s: %u keys for %u sets of "
			"users, all right",
			b->config.file, b->config.keys, b->config.policies,
			s->keys, s->n);
		sets_free(s);
	} else {
		log_line(LOG_ERR,
			"checked %s, the keys in %s and their "
			"policies in %s: %u errors",
			b->config.file, b->config.keys, b->config.policies,
			errors);
	}
	load_free(l);
	return all ? 0 : 1;
}

static int
init_sessions(struct broker *b, int generation_fd)
{
	struct sessions *s = &b->sessions;
	const struct config *c = &b->config;

	s->program = b->session_program;
	user_plan(&b->user, c, b->user.privileged && c->session_uid_count > 0,
		&s->plan);
	if (b->user.privileged) {
		s->uid_first = c->session_uid_first;
		s->uid_count = c->session_uid_count;
	}
	if (s->uid_count > 0 &&
		s->uid_count < c->max_sessions + c->spare_sessions)
		log_line(LOG_WARNING,
			"session-uids has %u uids, fewer than "
			"max-sessions and spare-sessions: it is "
			"the limit then",
			s->uid_count);
	s->generation_fd = generation_fd;
	s->logger = &b->logger;
	s->max = c->max_sessions;
	s->max_per_user = c->max_sessions_per_user;
	s->spare = c->spare_sessions;
	s->idle_timeout = c->idle_timeout;
	return sessions_init(s);
}

/* The order matters, and is to be read from top to bottom. */
static int
boot(struct broker *b)
{
	int generation_fd;

	b->started = time(NULL);
	b->state_due = DUE_NEVER;
	/* Before the lock, by which keydctl finds whom to send a SIGHUP. */
	if (take_signals(b) < 0) {
		log_line(LOG_ERR, "at start: %s", strerror(errno));
		return -1;
	}
	if (state_lock(&b->state, &b->config) < 0)
		return -1;
	if (listen_bind(&b->listeners, &b->config) < 0)
		goto err;
	if (generation_open(&generation_fd) < 0) {
		log_line(LOG_ERR, "at start: %s", strerror(errno));
		goto err;
	}
	b->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (lock_in(b) < 0)
		goto err;
	if (logger_open(&b->logger, b->logger_program, b->plan) < 0)
		goto err;
	if (init_sessions(b, generation_fd) < 0) {
		log_line(LOG_ERR, "at start: no memory");
		goto err;
	}
	/* The loop does the rest: load, first session, then clients. */
	reload_first(b);
	return 0;
err:
	listen_close(&b->listeners);
	state_close(&b->state);
	return -1;
}

int
main(int argc, char **argv)
{
	static struct broker broker;
	struct options options;
	int r = parse_options(argc, argv, &options);

	if (r >= 0)
		return r;
	log_init();
	if (!options.test && listen_inherit(&broker.listeners) < 0)
		return 1;
	if (program_init() < 0) {
		log_line(LOG_ERR, "/dev/null: %s", strerror(errno));
		return 1;
	}
	if (!options.test)
		log_never_wait();
	if (!options.test && notify_open() < 0)
		log_line(LOG_WARNING, "NOTIFY_SOCKET: %s", strerror(errno));
	if (prepare(&broker, options.config) < 0)
		return 1;
	if (options.test)
		return check(&broker);
	if (boot(&broker) < 0)
		return 1;
	return broker_run(&broker);
}
