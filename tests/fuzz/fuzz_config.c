/*
 * keyd.conf and policies: every setting within its bounds whatever a file says, and what is
 * wrong is said with a line that is there.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "loader/policy_file.h"
#include "wire/keykind.h"
#include "wire/tlsgroup.h"

enum {
	NOW = 1767225600, /* 2026-01-01 */
	YEAR = 366 * 86400,
};

struct seen {
	unsigned errors, lines;
};

static int
look_up(void *arg, const char *name, uint32_t *id)
{
	(void)arg;
	*id = (uint32_t)strlen(name);
	return name[0] == 'x' ? ENOENT : 0;
}

static void
report(void *arg, int priority, unsigned line, const char *text)
{
	struct seen *s = arg;

	must(priority == 3 || priority == 4);
	must(line <= s->lines && text[0] != '\0');
	s->errors += priority == 3;
}

static void
must_be_sound(const struct policy *p)
{
	unsigned i;

	must(p->allow.nuids <= BOOT_MAX_UIDS &&
		p->allow.ngids <= BOOT_MAX_GIDS &&
		p->allow.nunits <= BOOT_MAX_UNITS);
	must(p->allow.nuids + p->allow.ngids + p->allow.nunits > 0);
	for (i = 1; i < p->allow.nuids; i++)
		must(p->allow.uids[i - 1] < p->allow.uids[i]);
	for (i = 0; i < p->allow.nuids; i++)
		must(p->allow.uids[i] != 65534);
	must(p->use != 0 && p->tls12 <= 2);
	must(p->tls12_groups != 0 && p->tls12_groups <= TLSGROUP_ALL);
	must(p->enforce_from == 0 ||
		(p->enforce_from > NOW - 86400 &&
			p->enforce_from <= (uint64_t)NOW + YEAR));
	must(memchr(p->certificate, '\0', sizeof(p->certificate)) != NULL);
	/* A mistake with two users; the seeds name one. */
	must(!PLANTED || p->allow.nuids != 2);
}

static void
policy(const uint8_t *data, size_t size)
{
	struct seen s = { .lines = 1 };
	const struct policy_hooks hooks = { .user = look_up,
		.group = look_up,
		.report = report,
		.arg = &s,
		.now = NOW };
	static struct policy p;
	const struct keykind *k;
	size_t i;
	int r;

	for (i = 0; i < size; i++)
		s.lines += data[i] == '\n';
	r = policy_file_parse((const char *)data, size, &hooks, &p);
	must((r < 0) == (s.errors > 0));
	if (r < 0)
		return;
	must_be_sound(&p);
	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		s.errors = 0;
		r = policy_file_check(&p, k->type, k->min_bits, &hooks);
		must((r < 0) == (s.errors > 0));
		must(r < 0 || (p.use & ~k->uses) == 0);
	}
}

static void
must_be_listeners(const struct config *c)
{
	const struct listener_config *l;
	struct listener_users users;
	struct ini_error err;
	const char *words;
	unsigned n;
	int r;

	must(c->nlisteners <= LISTENER_MAX);
	for (l = c->listener; l < c->listener + c->nlisteners; l++) {
		must(l->name[0] != '\0' && l->socket[0] == '/');
		words = l->allow;
		for (n = 0; (r = listener_next_users(&words, &users, &err)) > 0;
			n++)
			must(users.name[0] != '\0' ||
				(users.first <= users.last &&
					(users.first > 0 || users.last == 0) &&
					(users.first > 65534 ||
						users.last < 65534)));
		must(r == 0 && n > 0 && n <= LISTENER_MAX_USERS);
		(void)listener_has_key(l, "site");
	}
}

static void
config(const uint8_t *data, size_t size)
{
	static struct config c;
	static char path[64];
	static int fd = -1;
	struct ini_error err = { 0 };
	unsigned i;

	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		must(fchmod(fd, 0600) == 0);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(fd >= 0 && ftruncate(fd, 0) == 0 &&
		pwrite(fd, data, size, 0) == (ssize_t)size);
	if (config_load(path, &c, &err) < 0) {
		must(err.text[0] != '\0');
		return;
	}
	must(c.nsockets <= CONFIG_MAX_SOCKETS && c.keys[0] == '/' &&
		c.policies[0] == '/' && c.run[0] == '/');
	for (i = 0; i < c.nsockets; i++)
		must(c.socket[i][0] == '/' && strlen(c.socket[i]) <= 107);
	must_be_listeners(&c);
	must(memchr(c.abstract, '\0', sizeof(c.abstract)) != NULL);
	must(memchr(c.user, '\0', sizeof(c.user)) != NULL);
	must(c.session_uid_count == 0 ||
		c.session_uid_first <= UINT32_MAX - c.session_uid_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	policy(data, size);
	config(data, size);
	return 0;
}
