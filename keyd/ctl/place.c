#include "place.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/trust.h"
#include "provider/client.h"
#include "text.h"

/* Can it stand in a line of keyd.conf? */
static bool
is_word(const char *path)
{
	return path[0] == '/' && path[strcspn(path, " \t,;#\"'\\")] == '\0' &&
	       !text_has_control(path) &&
	       strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

/* All sockets of keyd.conf, and one more. */
static void
line(const struct config *c, const char *more, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "socket =");
	unsigned i;

	for (i = 0; i < c->nsockets && n < size; i++)
		n += (size_t)snprintf(
			out + n, size - n, " %.107s", c->socket[i]);
	if (n < size)
		(void)snprintf(out + n, size - n, " %.107s", more);
}

/* Is something on the way to a socket's folder, which ends at end, not root's
 * alone, so that keyd listens there with other rights, or not at all? */
static bool
is_foreign(const char *path, const char *end, struct trust_foreign *f)
{
	char folder[2 * PATH_MAX];
	int fd;

	if (geteuid() != 0)
		return false;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(end - path), path);
	fd = trust_open_any(folder, f);
	if (fd >= 0)
		(void)close(fd);
	return fd == TRUST_FOREIGN;
}

/* What keyd makes of that: broker/sockfile.h. */
static void
foreign(const struct trust_foreign *f, const char *path, const char *end,
	char out[PLACE_MAX_ADVICE])
{
	char instead[300];

	(void)snprintf(instead, sizeof(instead),
		"; or, if no systemd makes keyd's sockets, make the folder "
		"%.*s that user's (install -d -o %u), and add %.107s to "
		"socket in keyd.conf",
		(int)(end - path), path, (unsigned)f->uid, path);
	(void)snprintf(out, PLACE_MAX_ADVICE,
		"keyd would have to listen inside of its root folder too, but "
		"%.200s is not root's alone (uid %u, mode %04o)%s: make it so "
		"first%s",
		f->path, (unsigned)f->uid, (unsigned)f->mode,
		trust_has_owner(f)
			? ""
			: ", and where several can write, keyd makes no socket",
		trust_has_owner(f) ? instead : "");
}

/* Its root folder is one of the machine's. */
static void
in_chroot(const struct process *p, const struct config *c, const char *path,
	char out[PLACE_MAX_ADVICE])
{
	char inside[2 * PATH_MAX], sockets[1024];
	struct trust_foreign f;
	const char *end, * or ;

	/* It may be off for a reason. */
	or = !p->own_net && c->abstract[0] == '\0'
		     ? "set abstract-socket, which is enough there; or "
		     : "";
	if (path[0] == '\0')
		path = CLIENT_DEFAULT_SOCKET;
	(void)snprintf(inside, sizeof(inside), "%s%s", p->root_path, path);
	end = strrchr(inside, '/');
	if (!is_word(inside)) {
		(void)snprintf(out, PLACE_MAX_ADVICE,
			"keyd would have to listen inside of its root folder "
			"too, but %.200s can be no socket's path in keyd.conf "
			"(too long, or with blanks or signs)",
			inside);
	} else if (is_foreign(inside, end, &f)) {
		foreign(&f, inside, end, out);
	} else {
		line(c, inside, sockets, sizeof(sockets));
		(void)snprintf(out, PLACE_MAX_ADVICE,
			"%slet keyd listen inside of its root folder too: make "
			"the folder %.*s, in %.300s set \"%.600s\" (with "
			"systemd also "
			"\"ListenSequentialPacket=%.107s\" under [Socket]: "
			"systemctl edit openssl-keyd.socket), and restart keyd",
			or, (int)(end - inside), inside, c->file, sockets,
			inside);
	}
}

/* Its files are others than the machine's: it gets a socket of its own, under
 * the name by which it looks for one. */
static void
in_container(const struct process *p, const struct config *c, const char *path,
	char out[PLACE_MAX_ADVICE])
{
	const char *to =
		strrchr(path, '/') == NULL ? CLIENT_DEFAULT_SOCKET : path;
	const char *base = strrchr(to, '/');

	(void)snprintf(out, PLACE_MAX_ADVICE,
		"give its container a socket of its own: in %.300s a section "
		"\"[listener NAME]\" with \"socket = %.200s/NAME%s\", "
		"\"keys =\" its keys, and \"allow = uid:%u\"; restart keyd; "
		"and mount that folder, not the file, into the container: "
		"docker or podman run -v %.200s/NAME:%.*s:ro, in a unit "
		"BindReadOnlyPaths=%.200s/NAME:%.*s",
		c->file, c->run, base, (unsigned)p->id.uid, c->run,
		(int)(base - to), to, c->run, (int)(base - to), to);
}

/* It has mounts of its own in the machine's root folder: a unit's. */
static void
in_unit(const struct config *c, char out[PLACE_MAX_ADVICE])
{
	const char *path = c->socket[0];

	(void)snprintf(out, PLACE_MAX_ADVICE,
		"its mounts are its own, and may hide the socket "
		"(InaccessiblePaths=, TemporaryFileSystem= of its unit): "
		"BindReadOnlyPaths=%.*s shows it",
		(int)(strrchr(path, '/') - path), path);
}

const char *
place_advice(const struct process *p, const struct config *c, const char *path,
	const char *abstract, char out[PLACE_MAX_ADVICE])
{
	abstract += abstract[0] == '@';
	if (!p->own_net && c->abstract[0] != '\0' &&
		strcmp(abstract, c->abstract) != 0)
		(void)snprintf(out, PLACE_MAX_ADVICE,
			"set \"abstract-socket = %s\", as in %.300s, in keyd's "
			"section of its openssl.cnf",
			c->abstract, c->file);
	else if (process_is_in_chroot(p))
		in_chroot(p, c, path, out);
	else if (p->own_root)
		in_container(p, c, path, out);
	else if (c->nsockets == 0)
		(void)snprintf(out, PLACE_MAX_ADVICE,
			"keyd listens at no path: set socket in %.300s",
			c->file);
	else if (p->own_mount)
		in_unit(c, out);
	else
		(void)snprintf(out, PLACE_MAX_ADVICE,
			"set \"socket = %.107s\", as in %.300s, in keyd's "
			"section of "
			"its openssl.cnf",
			c->socket[0], c->file);
	return out;
}
