#include "pid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activation.h"
#include "bytes.h"
#include "daemon.h"
#include "enlist.h"
#include "finding.h"
#include "loadable.h"
#include "process.h"
#include "provider/client.h"
#include "stale.h"
#include "text.h"
#include "tryout.h"

enum {
	MAX_SHOWN = 16, /* pids in a line */
};

struct pid_check {
	struct findings findings;
	bool running; /* keyd does */
	bool stored;  /* the store is open */
	struct store store;
	/* what was looked at, one process of each kind */
	struct process *seen[PROCESS_MAX_FAMILY + 1];
	unsigned alike[PROCESS_MAX_FAMILY + 1]; /* others like it */
	size_t nseen;
	unsigned strangers; /* processes that use no OpenSSL */
	unsigned nusers;    /* of OpenSSL 3, of those seen */
	unsigned usable;    /* keys that one of them may use */
	/* of the process in hand */
	struct process *p;
	char about[64];
	bool conf_is_right; /* its openssl.cnf activates keyd */
	char socket[108], abstract[108];
};

/* About the process in hand. */
__attribute__((format(printf, 3, 4))) static void
say(struct pid_check *k, enum finding_level level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	/* clang-tidy 14 loses track of va_start() in some callers. */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	finding_say(&k->findings, level, k->about, "%s", text);
}

/* --- libcrypto and the provider ------------------------------------------- */

/* Does it use OpenSSL 3 at all? */
static bool
library(struct pid_check *k)
{
	const struct process *p = k->p;
	const char *base = strrchr(p->crypto, '/'), *built_in;

	if (base != NULL && strncmp(base, "/libcrypto.so.3", 15) == 0) {
		if (p->crypto_replaced)
			say(k, FINDING_WARNING,
				"%s was replaced since it was started: restart "
				"it",
				p->crypto);
		return true;
	}
	if (base != NULL) {
		say(k, FINDING_ERROR,
			"it uses %s, which is not OpenSSL 3 and takes no "
			"providers: it cannot use keyd's keys",
			p->crypto);
		return false;
	}
	built_in = process_static_library(p);
	if (p->other[0] != '\0')
		say(k, FINDING_ERROR,
			"it uses %s, not OpenSSL: it cannot use keyd's keys "
			"(if there is a variant of it for OpenSSL, take that)",
			p->other);
	else if (strcmp(built_in, "OpenSSL") == 0)
		say(k, FINDING_ERROR,
			"OpenSSL is built into the program: it reads the "
			"openssl.cnf, and loads the modules, of wherever that "
			"was built for: use a build that links libcrypto "
			"dynamically");
	else if (built_in[0] != '\0')
		say(k, FINDING_ERROR,
			"%s is built into the program: it cannot use keyd's "
			"keys",
			built_in);
	else
		say(k, FINDING_ERROR,
			"it does not use OpenSSL (no libcrypto is mapped; if "
			"it loads one later, check again then)");
	return false;
}

/* Where it looks for openssl.cnf; NULL after words. */
static const char *
conf_path(struct pid_check *k, char out[PATH_MAX])
{
	const struct process *p = k->p;
	char folder[PATH_MAX - 16];

	if (p->env == PROCESS_ENV_SET && !p->secure) {
		(void)snprintf(out, PATH_MAX, "%s", p->conf);
		if (out[0] == '/')
			return out;
		say(k, FINDING_ERROR,
			"OPENSSL_CONF=%s is no absolute path: which file that "
			"is depends on its folder: give it the whole path",
			p->conf);
		return NULL;
	}
	if (p->env == PROCESS_ENV_SET)
		say(k, FINDING_WARNING,
			"OPENSSL_CONF is ignored, since it runs with more "
			"rights than who started it (AT_SECURE): enable keyd "
			"for the whole machine: keydctl enable");
	if (process_built_in(
		    p, p->crypto, "OPENSSLDIR: \"", folder, sizeof(folder)) < 0)
		(void)snprintf(folder, sizeof(folder), "/usr/lib/ssl");
	(void)snprintf(out, PATH_MAX, "%s/openssl.cnf", folder);
	return out;
}

/* keyd.so as its openssl.cnf names it: in its root folder? */
static void
module(struct pid_check *k, const struct activation *a)
{
	const char *name = a->module == NULL ? "keyd.so" : a->module;
	char folder[PATH_MAX / 2], path[PATH_MAX];
	int fd;

	if (name[0] == '/')
		(void)snprintf(path, sizeof(path), "%s", name);
	else if (process_built_in(k->p, k->p->crypto, "MODULESDIR: \"", folder,
			 sizeof(folder)) == 0)
		(void)snprintf(path, sizeof(path), "%s/%.255s", folder, name);
	else
		return;
	fd = process_find(k->p, path);
	if (fd >= 0)
		(void)close(fd);
	else
		say(k, FINDING_ERROR,
			"the module %s: %s%s: install openssl-keyd there, or "
			"name the module in the file (keydctl enable "
			"--module)",
			path, strerror(errno),
			k->p->own_root ? " in its root folder" : "");
}

/* Is it this machine's file, and may keydctl change it as who it is? */
static bool
is_changeable(const struct pid_check *k, const char *path)
{
	struct fault ignored;

	return !k->p->own_root && !k->p->own_mount && !text_has_control(path) &&
	       loadable_path(path, &ignored) == 0;
}

/* What to do so that the file activates keyd. */
static void
advise(struct pid_check *k, enum finding_level level, const char *path,
	const char *what)
{
	char file[4 * PATH_MAX], unit[4 * PATH_MAX];

	if (level == FINDING_ERROR && k->p->env != PROCESS_ENV_SET &&
		k->p->unit[0] != '\0')
		say(k, level,
			"%s %s: keydctl enable, or for this service alone "
			"keydctl enable --service %s; and restart it",
			path, what, text_quoted(k->p->unit, unit));
	else if (is_changeable(k, path))
		say(k, level,
			"%s %s: keydctl enable --openssl-cnf %s, and restart "
			"it",
			path, what, text_quoted(path, file));
	else
		say(k, level,
			"%s %s, and is not root's alone or not this machine's: "
			"its owner can enable keyd there; then restart it",
			path, what);
}

/* When it was written to: ms since 1970. */
static long long
changed(const struct stat *st)
{
	return st->st_mtim.tv_sec * 1000LL + st->st_mtim.tv_nsec / 1000000;
}

/* Does enable's block in it fit the rest of it? */
static void
block(struct pid_check *k, struct process *reader, const char *path,
	const struct bytes *b)
{
	char words[STALE_MAX];
	struct fault f;

	if (stale_block(path, b->data, b->len, process_include, reader, words,
		    &f) > 0)
		advise(k, FINDING_WARNING, path, words);
}

/* The open file's words, and of what it includes, as the reader found it. */
static void
judge_conf(struct pid_check *k, struct process *reader, const char *path,
	const struct bytes *b, const struct stat *st)
{
	struct activation a;
	struct cnf cnf;
	struct fault f;

	if (cnf_read(path, (const char *)b->data, b->len, process_include,
		    reader, &cnf, &f) < 0) {
		say(k, FINDING_WARNING, "what it reads is not understood: %s",
			f.text);
		return;
	}
	if (activation_find(&cnf, &a, &f) < 0) {
		say(k, FINDING_WARNING, "what it reads is not understood: %s",
			f.text);
	} else if (!a.has_keyd) {
		if (k->p->keyd[0] == '\0')
			advise(k, FINDING_ERROR, path,
				"does not activate keyd");
		else
			advise(k, FINDING_WARNING, path,
				"does not activate keyd (any more), and after "
				"a restart it will be without");
	} else {
		k->conf_is_right = true;
		(void)snprintf(k->socket, sizeof(k->socket), "%s",
			a.socket == NULL ? "" : a.socket);
		(void)snprintf(k->abstract, sizeof(k->abstract), "%s",
			a.abstract_socket == NULL ? "" : a.abstract_socket);
		say(k, FINDING_OK, "%s activates keyd", path);
		block(k, reader, path, b);
		if (k->p->keyd[0] == '\0')
			module(k, &a);
		if (k->p->keyd[0] == '\0' && changed(st) > k->p->started)
			say(k, FINDING_ERROR,
				"it was started before %s was changed: restart "
				"it",
				path);
	}
	cnf_free(&cnf);
}

/* Reads and judges the file; -1 with errno: it cannot be read. */
static int
read_conf(struct pid_check *k, struct process *reader, const char *path)
{
	struct bytes b = { 0 };
	struct stat st;
	int error = 0, fd = process_file(reader, path);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || bytes_read(fd, CNF_MAX, &b) < 0)
		error = errno;
	else
		judge_conf(k, reader, path, &b, &st);
	bytes_free(&b);
	(void)close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

/*
 * A server that has entered an empty folder with the provider loaded has read
 * the file before. It is the one that keydctl sees, if both have the same
 * mounts.
 */
static int
read_outside(struct pid_check *k, const char *path)
{
	struct process outside;
	int r;

	if (k->p->own_mount) {
		say(k, FINDING_OK,
			"it read %s before it entered its root folder", path);
		return 0;
	}
	if (process_outside(k->p, &outside) < 0)
		return -1;
	r = read_conf(k, &outside, path);
	process_close(&outside);
	return r;
}

static void
conf(struct pid_check *k)
{
	char path[PATH_MAX];
	int r;

	if (k->p->env == PROCESS_ENV_UNKNOWN) {
		/* That it is mapped says more than its environment could. */
		if (k->p->keyd[0] != '\0')
			return;
		say(k, FINDING_WARNING,
			"its environment cannot be read (its title is written "
			"over it), so OPENSSL_CONF is unknown: systemctl show "
			"-p Environment UNIT tells what it was started with");
	}
	if (conf_path(k, path) == NULL)
		return;
	r = read_conf(k, k->p, path);
	if (r < 0 && errno == ENOENT && k->p->own_root && k->p->keyd[0] != '\0')
		r = read_outside(k, path);
	if (r < 0)
		say(k, k->p->keyd[0] == '\0' ? FINDING_ERROR : FINDING_WARNING,
			"%s, which it reads: %s", path, strerror(errno));
}

static void
provider(struct pid_check *k)
{
	const struct process *p = k->p;

	if (p->keyd[0] == '\0')
		say(k, FINDING_ERROR,
			"the provider is not loaded: keyd.so is not mapped");
	else if (p->keyd_replaced)
		say(k, FINDING_WARNING,
			"%s is loaded, but was replaced since: restart it",
			p->keyd);
	else
		say(k, FINDING_OK, "the provider is loaded: %s", p->keyd);
}

/* --- the way to keyd ------------------------------------------------------ */

/* Can it connect to the path? */
static bool
path_socket(struct pid_check *k, const char *path, char *why, size_t size)
{
	int error;

	if (geteuid() != 0) {
		error = access(path, W_OK) == 0 ? 0 : errno;
		if (k->p->own_root)
			error = EPERM;
	} else {
		error = process_connect(k->p, path);
	}
	if (error == 0)
		say(k, FINDING_OK, "it can connect to %s", path);
	else
		(void)snprintf(why, size, "%s: %s%s", path, strerror(error),
			k->p->own_root ? " (in its root folder)" : "");
	return error == 0;
}

static bool
abstract_socket(struct pid_check *k, const char *name, char *why, size_t size)
{
	if (process_sees_abstract(k->p, name) == 1) {
		say(k, FINDING_OK, "it can connect to @%s", name);
		return true;
	}
	(void)snprintf(why, size, "@%s: no such socket in its network%s", name,
		k->p->own_net ? " namespace, which is not the machine's" : "");
	return false;
}

/* The one or the other, as the provider tries them. */
static bool
either(struct pid_check *k, const char *path, const char *name, char why[512])
{
	char why_path[250] = "", why_name[250] = "";

	name += name[0] == '@';
	if (path[0] != '\0' && path_socket(k, path, why_path, sizeof(why_path)))
		return true;
	if (name[0] != '\0' &&
		abstract_socket(k, name, why_name, sizeof(why_name)))
		return true;
	(void)snprintf(why, 512, "%s%s%s", why_path,
		why_path[0] != '\0' && why_name[0] != '\0' ? "; " : "",
		why_name);
	return false;
}

/* Those that its openssl.cnf names; if that is not known, keyd's. */
static bool
any_socket(struct pid_check *k, char why[512])
{
	const struct config *c = &k->findings.ctl->config;
	unsigned i;

	if (k->conf_is_right &&
		(k->socket[0] != '\0' || k->abstract[0] != '\0'))
		return either(k, k->socket, k->abstract, why);
	if (k->conf_is_right)
		return either(
			k, CLIENT_DEFAULT_SOCKET, CLIENT_DEFAULT_ABSTRACT, why);
	for (i = 0; i + 1 < c->nsockets; i++)
		if (either(k, c->socket[i], "", why))
			return true;
	return either(k, i < c->nsockets ? c->socket[i] : "", c->abstract, why);
}

static void
sockets(struct pid_check *k)
{
	char why[512];
	const char *advice;

	if (any_socket(k, why))
		return;
	if (!k->running)
		advice = "keyd does not run";
	else if (k->p->own_net)
		advice = "add a socket to keyd.conf that is a path in its root "
			 "folder, and name it in its openssl.cnf";
	else if (k->p->own_root)
		advice =
			"use the abstract socket, or add a socket to keyd.conf "
			"that is a path in its root folder";
	else
		advice = "set socket in its openssl.cnf to one of keyd.conf";
	say(k, FINDING_ERROR, "it cannot reach keyd: %s: %s", why, advice);
}

static void
user(struct pid_check *k)
{
	if (k->p->overflow)
		say(k, FINDING_ERROR,
			"its user is uid 65534, or one whom the kernel cannot "
			"name outside of its user namespace: keyd turns it "
			"away: give it a user of its own");
	else if (k->p->own_user && k->p->root_unmapped)
		say(k, FINDING_ERROR,
			"in its user namespace there is no root, so it cannot "
			"tell who keyd is: map uid 0 into it, or run it "
			"outside");
}

/* --- keys ----------------------------------------------------------------- */

static void
key(struct pid_check *k, const char *name, const char *words, struct policy *p,
	struct helper_answer *a)
{
	struct fault f;

	if (policy_get(&k->store, name, p, &f) <= 0)
		return; /* keydctl check says so */
	if (policy_names(p, &k->p->id)) {
		k->usable++;
		if (enlist_inspect(&k->store, name, p, a, &f) < 0)
			finding_say(&k->findings, FINDING_ERROR, name, "%s",
				f.text);
		else
			tryout_key(&k->findings, &k->p->id, words, k->running,
				name, p, &a->d);
	} else if (k->p->unit[0] != '\0' && policy_names_unit(p, k->p->unit)) {
		k->usable++;
		finding_say(&k->findings, FINDING_OK, name,
			"allow names its unit %s (not tried: keydctl is not in "
			"it)",
			k->p->unit);
	}
}

static void
keys(struct pid_check *k)
{
	struct helper_answer *a = malloc(sizeof(*a));
	struct policy *p = malloc(sizeof(*p));
	unsigned before = k->usable;
	char who[64], words[160];
	struct fault f;
	char **names = store_names(&k->store, STORE_KEY, &f), **n;

	(void)snprintf(words, sizeof(words), "%s (process %d)",
		user_name(k->p->id.uid, who), (int)k->p->pid);
	for (n = names; a != NULL && p != NULL && n != NULL && *n != NULL; n++)
		key(k, *n, words, p, a);
	if (names != NULL && k->usable == before)
		say(k, FINDING_OK, "no key names its user %s%s%s in allow", who,
			k->p->unit[0] != '\0' ? " or its unit " : "",
			k->p->unit);
	free(names);
	free(p);
	free(a);
}

/* --- all of it ------------------------------------------------------------ */

/* Would the same be said of both? */
static bool
is_alike(const struct process *a, const struct process *b)
{
	struct stat ra, rb;

	return a->id.uid == b->id.uid && a->id.gid == b->id.gid &&
	       a->id.ngroups == b->id.ngroups &&
	       memcmp(a->id.groups, b->id.groups,
		       sizeof(gid_t) * (size_t)a->id.ngroups) == 0 &&
	       a->own_net == b->own_net && a->own_mount == b->own_mount &&
	       a->own_user == b->own_user && a->env == b->env &&
	       a->secure == b->secure && strcmp(a->conf, b->conf) == 0 &&
	       strcmp(a->keyd, b->keyd) == 0 &&
	       strcmp(a->crypto, b->crypto) == 0 &&
	       a->keyd_replaced == b->keyd_replaced &&
	       a->crypto_replaced == b->crypto_replaced &&
	       fstat(a->root, &ra) == 0 && fstat(b->root, &rb) == 0 &&
	       ra.st_dev == rb.st_dev && ra.st_ino == rb.st_ino;
}

static void
one(struct pid_check *k, struct process *p)
{
	k->p = p;
	(void)snprintf(
		k->about, sizeof(k->about), "%d %s", (int)p->pid, p->name);
	k->conf_is_right = false;
	k->socket[0] = k->abstract[0] = '\0';
	if (!library(k))
		return;
	k->nusers++;
	provider(k);
	conf(k);
	user(k);
	sockets(k);
	if (k->stored)
		keys(k);
}

/* Takes over p. */
static void
add(struct pid_check *k, struct process *p)
{
	size_t i;

	for (i = 0; i < k->nseen; i++)
		if (is_alike(k->seen[i], p)) {
			k->alike[i]++;
			process_close(p);
			free(p);
			return;
		}
	k->seen[k->nseen++] = p;
}

static int
start(struct pid_check *k, pid_t pid, struct fault *f)
{
	pid_t family[PROCESS_MAX_FAMILY];
	struct process *p = malloc(sizeof(*p));
	struct fault ignored;
	size_t n, i;

	if (p == NULL)
		return fault_set(f, FAULT_FAILED, "no memory");
	if (process_open(pid, p, f) < 0) {
		free(p);
		return -1;
	}
	add(k, p);
	n = process_family(k->seen[0], family);
	for (i = 0; i < n; i++) {
		p = malloc(sizeof(*p));
		/* One that has ended meanwhile is no loss. */
		if (p == NULL || process_open(family[i], p, &ignored) < 0) {
			free(p);
			continue;
		}
		if (p->crypto[0] == '\0' && p->other[0] == '\0') {
			k->strangers++;
			process_close(p);
			free(p);
			continue;
		}
		add(k, p);
	}
	return 0;
}

static void
summary(struct pid_check *k)
{
	size_t i;

	(void)snprintf(k->about, sizeof(k->about), "%s", "keys");
	if (k->stored && k->nusers > 0 && k->usable == 0)
		say(k, FINDING_ERROR,
			"none of these processes may use a key: add the user "
			"to allow in a file of %s, and keydctl reload",
			k->findings.ctl->config.policies);
	for (i = 0; i < k->nseen; i++) {
		(void)snprintf(k->about, sizeof(k->about), "%d %s",
			(int)k->seen[i]->pid, k->seen[i]->name);
		if (k->alike[i] > 0)
			say(k, FINDING_OK, "%u more processes are like it",
				k->alike[i]);
	}
	if (k->strangers > 0)
		say(k, FINDING_OK,
			"%u processes with it do not use OpenSSL, and were "
			"left out",
			k->strangers);
}

static void
look(struct pid_check *k)
{
	struct ctl *c = k->findings.ctl;
	struct fault f;
	pid_t pid = 0;
	size_t i;

	if (c->json)
		json_open(&c->out, NULL, '[');
	if (daemon_pid(&c->config, &pid, &f) < 0)
		finding_say(&k->findings, FINDING_ERROR, "keyd", "%s", f.text);
	else if (pid == 0)
		finding_say(&k->findings, FINDING_ERROR, "keyd",
			"it does not run with %s", c->config.file);
	k->running = pid > 0;
	k->stored = store_open(&c->config, false, &k->store, &f) == 0;
	if (!k->stored)
		finding_say(&k->findings, FINDING_ERROR, "keys", "%s", f.text);
	for (i = 0; i < k->nseen; i++)
		one(k, k->seen[i]);
	summary(k);
	if (k->stored)
		store_close(&k->store);
	if (c->json)
		json_close(&c->out, ']');
	else
		(void)printf("%u errors, %u warnings\n",
			k->findings.count[FINDING_ERROR],
			k->findings.count[FINDING_WARNING]);
}

int
pid_check(struct ctl *c, pid_t pid)
{
	static struct pid_check k;
	struct fault f;
	size_t i;
	int r = 0;

	k.findings.ctl = c;
	if (start(&k, pid, &f) < 0)
		return fault_print(&f);
	look(&k);
	if (k.findings.count[FINDING_ERROR] > 0)
		r = FAULT_FAILED;
	for (i = 0; i < k.nseen; i++) {
		process_close(k.seen[i]);
		free(k.seen[i]);
	}
	return r;
}
