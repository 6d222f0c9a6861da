#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ini/ini.h"
#include "loadable.h"
#include "pidcheck.h"
#include "place.h"
#include "provider/client.h"
#include "reach.h"
#include "text.h"
#include "wire/status.h"

/* --- can it? -------------------------------------------------------------- */

enum way {
	WAY_NONE,
	WAY_FOREIGN, /* another listens there, and no other is tried */
	WAY_OPEN,
};

uid_t
pidway_server(const struct pid_check *k)
{
	const struct passwd *pw;
	unsigned long n;

	if (k->server_user[0] == '\0')
		return (uid_t)-1;
	if (strcmp(k->server_user, "unmapped") == 0)
		return CLIENT_OVERFLOW_UID;
	if (ini_number(k->server_user, UINT32_MAX - 1, &n) == 0)
		return (uid_t)n;
	pw = getpwnam(k->server_user);
	return pw == NULL ? (uid_t)-1 : pw->pw_uid;
}

/* As the provider decides. */
static bool
is_trusted(const struct pid_check *k, const char *name, uid_t uid)
{
	uid_t server = pidway_server(k);
	const struct passwd *pw;

	/* To it, root is whom the kernel cannot name. */
	if (uid == 0 && k->conf_is_right && k->p->own_user &&
		k->p->root_unmapped)
		uid = CLIENT_OVERFLOW_UID;
	if (uid == CLIENT_OVERFLOW_UID)
		return server == CLIENT_OVERFLOW_UID && name[0] == '/';
	if (uid == 0 || uid == server)
		return true;
	pw = getpwnam("keyd");
	return pw != NULL && pw->pw_uid == uid;
}

static void
take(struct pid_check *k, const char *name, const struct reach *r)
{
	(void)snprintf(k->reached, sizeof(k->reached), "%s", name);
	k->reached_socket = r->socket;
	pidcheck_say(k, FINDING_OK, "it can connect to %s%s", name,
		name[0] == '@' && k->p->own_root
			? ", which is enough in a root folder of its own as "
			  "long as it stays in the machine's network: no "
			  "socket is needed there"
			: "");
	/* 1 has made it for keyd; 0 is outside of our processes. */
	if (k->keyd > 0 && r->pid > 1 && r->pid != k->keyd)
		pidcheck_say(k, FINDING_WARNING,
			"who listens there is process %d, not the keyd of %s, "
			"which is process %d",
			(int)r->pid, k->findings.ctl->config.file,
			(int)k->keyd);
	if (name[0] == '/')
		pidlisten_find(k, r->dev, r->ino);
}

static enum way
by(struct pid_check *k, const char *name, char *why, size_t size)
{
	struct reach r;
	int error = reach_try(k->p, name, &r);
	char who[64];

	if (error != 0) {
		(void)snprintf(why, size, "%s: %s%s", name, reach_words(error),
			name[0] == '@' && k->p->own_net
				? " (in a network of its own)"
			: name[0] == '/' && k->p->own_root
				? " (in its root folder)"
				: "");
		return WAY_NONE;
	}
	if (is_trusted(k, name, r.uid)) {
		take(k, name, &r);
		return WAY_OPEN;
	}
	if (r.socket >= 0)
		(void)close(r.socket);
	pidcheck_say(k, FINDING_ERROR,
		"whoever listens at %s is process %d of %s: neither root, nor "
		"keyd, nor server-user in its openssl.cnf; it sends nothing "
		"there, and no key can be used: end that process, or name "
		"keyd's socket",
		name, (int)r.pid, user_name(r.uid, who));
	return WAY_FOREIGN;
}

/* The one or the other, as the provider tries them. */
static enum way
either(struct pid_check *k, const char *path, const char *name, char why[512])
{
	char why_path[250] = "", why_name[250] = "", abstract[110];
	enum way r = WAY_NONE;

	(void)snprintf(
		abstract, sizeof(abstract), "@%s", name + (name[0] == '@'));
	if (path[0] != '\0')
		r = by(k, path, why_path, sizeof(why_path));
	if (r == WAY_NONE && abstract[1] != '\0')
		r = by(k, abstract, why_name, sizeof(why_name));
	if (r == WAY_NONE)
		(void)snprintf(why, 512, "%s%s%s", why_path,
			why_path[0] != '\0' && why_name[0] != '\0' ? "; " : "",
			why_name);
	return r;
}

/* Does its openssl.cnf name sockets? */
static bool
names_sockets(const struct pid_check *k)
{
	return k->conf_is_right &&
	       (k->socket[0] != '\0' || k->abstract[0] != '\0');
}

/* Those that its openssl.cnf names; if that is not known, keyd's. */
static enum way
any_socket(struct pid_check *k, char why[512])
{
	const struct config *c = &k->findings.ctl->config;
	enum way r;
	unsigned i;

	if (names_sockets(k))
		return either(k, k->socket, k->abstract, why);
	if (k->conf_is_right)
		return either(
			k, CLIENT_DEFAULT_SOCKET, CLIENT_DEFAULT_ABSTRACT, why);
	for (i = 0; i + 1 < c->nsockets; i++) {
		r = either(k, c->socket[i], "", why);
		if (r != WAY_NONE)
			return r;
	}
	return either(k, i < c->nsockets ? c->socket[i] : "", c->abstract, why);
}

/* --- what would help ------------------------------------------------------ */

static void
advise(struct pid_check *k, char out[PLACE_MAX_ADVICE])
{
	const struct config *c = &k->findings.ctl->config;
	const char *path = CLIENT_DEFAULT_SOCKET,
		   *name = CLIENT_DEFAULT_ABSTRACT;

	if (names_sockets(k)) {
		path = k->socket;
		name = k->abstract;
	} else if (!k->conf_is_right) {
		path = c->nsockets > 0 ? c->socket[0] : "";
		name = c->abstract;
	}
	(void)place_advice(k->p, c, path, name, out);
}

void
pidway_judge(struct pid_check *k)
{
	char why[512], advice[PLACE_MAX_ADVICE] = "keyd does not run";

	enum way r = any_socket(k, why);

	if (r == WAY_OPEN)
		pidlisten_judge(k);
	if (r != WAY_NONE)
		return;
	if (k->keyd > 0)
		advise(k, advice);
	pidcheck_say(
		k, FINDING_ERROR, "it cannot reach keyd: %s: %s", why, advice);
}

void
pidway_user(struct pid_check *k)
{
	const struct process *p = k->p;

	if (p->overflow)
		pidcheck_say(k, FINDING_ERROR,
			"%s: run it as a user of its own%s",
			status_text(PROTO_NOBODY),
			p->own_user ? " that its user namespace maps" : "");
	else if (p->own_user && p->root_unmapped &&
		 pidway_server(k) != CLIENT_OVERFLOW_UID)
		pidcheck_say(k, FINDING_WARNING,
			"the machine's root is not in its user namespace, so "
			"that it cannot tell who keyd is, unless its "
			"openssl.cnf has server-user = unmapped");
	if (p->filtered)
		pidcheck_say(k, FINDING_OK,
			"a seccomp filter is on it, which cannot be seen into: "
			"it must allow socket and connect with AF_UNIX, "
			"sendmsg, recvmsg and poll%s%s%s",
			p->unit[0] == '\0' ? ""
					   : ": compare "
					     "RestrictAddressFamilies= and "
					     "SystemCallFilter= of ",
			p->unit, p->unit[0] == '\0' ? "" : " (systemctl show)");
}
