#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loadable.h"
#include "pidcheck.h"
#include "place.h"
#include "provider/client.h"
#include "reach.h"
#include "text.h"
#include "wire/status.h"

/* --- can it? -------------------------------------------------------------- */

/* Can it connect to the path? */
static bool
by_path(struct pid_check *k, const char *path, char *why, size_t size)
{
	int error;

	if (geteuid() != 0) {
		error = access(path, W_OK) == 0 ? 0 : errno;
		if (k->p->own_root)
			error = EPERM;
	} else {
		error = reach_path(k->p, path);
	}
	if (error == 0) {
		pidcheck_say(k, FINDING_OK, "it can connect to %s", path);
		pidlisten_find(k, path);
	} else {
		(void)snprintf(why, size, "%s: %s%s", path, strerror(error),
			k->p->own_root ? " (in its root folder)" : "");
	}
	return error == 0;
}

static bool
by_name(struct pid_check *k, const char *name, char *why, size_t size)
{
	if (reach_abstract(k->p, name) == 1) {
		pidcheck_say(k, FINDING_OK, "it can connect to @%s%s", name,
			k->p->own_root
				? ", which is enough in a root folder of its "
				  "own as long as it stays in the machine's "
				  "network: no socket is needed there"
				: "");
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
	if (path[0] != '\0' && by_path(k, path, why_path, sizeof(why_path)))
		return true;
	if (name[0] != '\0' && by_name(k, name, why_name, sizeof(why_name)))
		return true;
	(void)snprintf(why, 512, "%s%s%s", why_path,
		why_path[0] != '\0' && why_name[0] != '\0' ? "; " : "",
		why_name);
	return false;
}

/* Does its openssl.cnf name sockets? */
static bool
names_sockets(const struct pid_check *k)
{
	return k->conf_is_right &&
	       (k->socket[0] != '\0' || k->abstract[0] != '\0');
}

/* Those that its openssl.cnf names; if that is not known, keyd's. */
static bool
any_socket(struct pid_check *k, char why[512])
{
	const struct config *c = &k->findings.ctl->config;
	unsigned i;

	if (names_sockets(k))
		return either(k, k->socket, k->abstract, why);
	if (k->conf_is_right)
		return either(
			k, CLIENT_DEFAULT_SOCKET, CLIENT_DEFAULT_ABSTRACT, why);
	for (i = 0; i + 1 < c->nsockets; i++)
		if (either(k, c->socket[i], "", why))
			return true;
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

	if (any_socket(k, why)) {
		pidlisten_judge(k);
		return;
	}
	if (k->running)
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
	else if (p->own_user && p->root_unmapped)
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
