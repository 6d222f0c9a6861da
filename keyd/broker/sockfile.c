#include "broker/sockfile.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <grp.h>
#include <unistd.h>

#include "broker/peer.h"
#include "broker/trust.h"

enum {
	SOCKET_UMASK = 0111,
	FOLDER_MODE = 0755,
};

/* The folder of path. */
static void
folder_of(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == path ? 1 : (size_t)(slash - path);

	(void)snprintf(out, PATH_MAX, "%.*s", (int)n, path);
}

/* As whom to act in the folder: f->uid, and where that begins: f->path, "" if
 * it is this user. 0, or -1 with the reason. */
static int
find_owner(const char *path, struct trust_foreign *f, char why[SOCKFILE_WHY])
{
	char folder[PATH_MAX];
	int fd;

	f->uid = geteuid();
	f->path[0] = '\0';
	if (f->uid != 0)
		return 0; /* what he may do is his own affair */
	folder_of(path, folder);
	fd = trust_open_any(folder, f);
	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	if (fd != TRUST_FOREIGN) {
		(void)snprintf(why, SOCKFILE_WHY, "%s", strerror(errno));
		return -1;
	}
	if (!trust_has_owner(f)) {
		(void)snprintf(why, SOCKFILE_WHY,
			"%.200s %s (mode %04o): make it a folder that only its "
			"owner can write",
			f->path,
			f->uid == PEER_OVERFLOW_ID
				? "belongs to nobody in particular"
				: "can be written by others",
			(unsigned)f->mode);
		return -1;
	}
	return 0;
}

/* From here on, files are reached as this user. */
static int
become(uid_t uid)
{
	if (uid == geteuid())
		return 0;
	/* The broker needs no group, and of root's this user is to have none. */
	if (setgroups(0, NULL) < 0)
		return -1;
	(void)setfsgid(PEER_OVERFLOW_ID);
	(void)setfsuid(uid);
	/* Neither tells whether it has worked; the second call does. */
	if (setfsgid((gid_t)-1) == PEER_OVERFLOW_ID &&
		setfsuid((uid_t)-1) == (int)uid)
		return 0;
	errno = EPERM;
	return -1;
}

static void
become_self(void)
{
	int saved = errno;

	(void)setfsuid(geteuid());
	(void)setfsgid(getegid());
	errno = saved;
}

static socklen_t
address(const char *path, struct sockaddr_un *addr)
{
	size_t len = strlen(path) + 1;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, path, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Removes a socket file that nobody listens on. */
static int
remove_stale(const char *path)
{
	struct sockaddr_un addr;
	socklen_t len = address(path, &addr);
	struct stat st;
	int fd, r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	r = connect(fd, (const struct sockaddr *)&addr, len);
	if (r == 0 || errno != ECONNREFUSED) {
		/* EAGAIN and EPROTOTYPE, too, come from someone listening. */
		(void)close(fd);
		errno = EADDRINUSE;
		return -1;
	}
	(void)close(fd);
	return unlink(path);
}

/* As the owner of the folder. */
static int
bind_there(int fd, const char *path, struct sockfile *out)
{
	struct sockaddr_un addr;
	socklen_t len = address(path, &addr);
	struct stat st;
	mode_t mask;
	int r;

	if (remove_stale(path) < 0)
		return -1;
	mask = umask(SOCKET_UMASK);
	r = bind(fd, (const struct sockaddr *)&addr, len);
	(void)umask(mask);
	if (r < 0)
		return -1;
	/* Whoever has moved it meanwhile has a folder of his own. */
	if (lstat(path, &st) < 0)
		memset(&st, 0, sizeof(st));
	*out = (struct sockfile){ st.st_dev, st.st_ino };
	return 0;
}

/* The folder of path, if it is to be in keyd's own. */
static void
make_folder(const char *path, const char *run)
{
	char folder[PATH_MAX], above[PATH_MAX];
	mode_t mask;

	folder_of(path, folder);
	folder_of(folder, above);
	if (strcmp(above, run) != 0)
		return;
	mask = umask(0);
	/* If it fails, binding does, and says why. */
	(void)mkdir(folder, FOLDER_MODE);
	(void)umask(mask);
}

/* Why it could not be bound, from errno. */
static void
explain(const char *path, const struct trust_foreign *f, char why[SOCKFILE_WHY])
{
	char folder[PATH_MAX];

	if (errno == EADDRINUSE) {
		(void)snprintf(why, SOCKFILE_WHY,
			"%s (another program, or another keyd, listens there)",
			strerror(errno));
	} else if (f->path[0] != '\0' && (errno == EACCES || errno == EPERM)) {
		folder_of(path, folder);
		(void)snprintf(why, SOCKFILE_WHY,
			"%s with the rights of uid %u, who owns %.110s, and "
			"keyd uses no others there: let that user write to "
			"%.110s (chown), or make the former root's alone",
			strerror(errno), (unsigned)f->uid, f->path, folder);
	} else {
		(void)snprintf(why, SOCKFILE_WHY, "%s", strerror(errno));
	}
}

int
sockfile_bind(int fd, const char *path, const char *run, struct sockfile *out,
	char why[SOCKFILE_WHY])
{
	struct trust_foreign f;
	int r, saved;

	make_folder(path, run);
	if (find_owner(path, &f, why) < 0)
		return -1;
	r = become(f.uid);
	if (r == 0)
		r = bind_there(fd, path, out);
	become_self();
	if (r == 0)
		return 0;
	saved = errno;
	explain(path, &f, why);
	errno = saved;
	return -1;
}

bool
sockfile_is_there(const char *path, const struct sockfile *p)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == p->dev &&
	       st.st_ino == p->ino;
}

void
sockfile_remove(const char *path, const struct sockfile *p)
{
	char why[SOCKFILE_WHY];
	struct trust_foreign f;

	if (find_owner(path, &f, why) < 0)
		return;
	if (become(f.uid) == 0 && sockfile_is_there(path, p))
		(void)unlink(path);
	become_self();
}
