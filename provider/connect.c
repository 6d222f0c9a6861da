#include "provider/connect.h"

#include "provider/client.h"
#include "provider/deadline.h"
#include "provider/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char server_name[] = "keyd";

int
connect_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int high, error;

	if (fd < 0)
		return -errno;
	if (fd > STDERR_FILENO)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	/* fcntl() has another name for a limit that allows no such number. */
	error = errno == EINVAL ? EMFILE : errno;
	(void)close(fd);
	return high < 0 ? -error : high;
}

/* Length of the address in *len; -1: the name does not fit. */
static int
make_address(
	const struct connect_target *t, struct sockaddr_un *a, socklen_t *len)
{
	bool is_abstract = t->name[0] == '@';
	size_t n = strlen(t->name);

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (n >= sizeof(a->sun_path))
		return -1;
	memcpy(a->sun_path, t->name, n);
	if (is_abstract)
		a->sun_path[0] = '\0';
	/* The zero after a path counts; an abstract name has no end mark. */
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
			   !is_abstract);
	return 0;
}

int
connect_to(
	struct pool_conn *c, const struct connect_target *t, uint64_t deadline)
{
	struct sockaddr_un address;
	socklen_t len;
	int rc;

	if (make_address(t, &address, &len) < 0)
		return -ENAMETOOLONG;
	/* Tried at least once, so that the error says how things are. */
	if (deadline_left(deadline) == 0)
		deadline = deadline_now() + 1;
	do {
		/* A full queue makes connect() wait as long as a send may. */
		rc = exchange_set_wait(c, deadline);
		if (rc < 0)
			return rc;
		if (connect(c->fd, (const struct sockaddr *)&address, len) == 0)
			return 0;
	} while (errno == EINTR || errno == EAGAIN);
	return -errno;
}

static bool
is_named_user(uid_t uid)
{
	struct passwd pw, *found = NULL;
	char buf[2048];

	return getpwnam_r(server_name, &pw, buf, sizeof(buf), &found) == 0 &&
	       found != NULL && found->pw_uid == uid;
}

bool
connect_is_trusted(const struct pool_conn *c, const struct connect_target *t,
	uid_t server_user, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	*uid = (uid_t)-1;
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		len != sizeof(peer) || peer.uid == (uid_t)-1)
		return false;
	*uid = peer.uid;
	if (peer.uid == CLIENT_OVERFLOW_UID)
		return server_user == CLIENT_OVERFLOW_UID && t->name[0] == '/';
	return peer.uid == 0 || peer.uid == server_user ||
	       is_named_user(peer.uid);
}
