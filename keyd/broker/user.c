#include "broker/user.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/idmap.h"
#include "broker/log.h"
#include "broker/peer.h"
#include "ini/ini.h"

enum {
	MAX_ID = 0x7fffffff,
};

/* "UID" or "UID:GID". 0, or -1: not of that form. */
static int
parse_numbers(const char *text, unsigned long *uid, unsigned long *gid)
{
	const char *colon = strchr(text, ':');
	char first[16];

	if (colon == NULL) {
		if (ini_number(text, MAX_ID, uid) < 0)
			return -1;
		*gid = *uid;
		return 0;
	}
	if ((size_t)(colon - text) >= sizeof(first))
		return -1;
	(void)snprintf(first, sizeof(first), "%.*s", (int)(colon - text), text);
	if (ini_number(first, MAX_ID, uid) < 0 ||
		ini_number(colon + 1, MAX_ID, gid) < 0)
		return -1;
	return 0;
}

static int
resolve(const struct config *c, struct user *u)
{
	const char *text = c->user;
	char where[CONFIG_MAX_WHERE];
	unsigned long uid, gid;
	const struct passwd *pw;

	if (parse_numbers(text, &uid, &gid) == 0) {
		u->uid = (uid_t)uid;
		u->gid = (gid_t)gid;
	} else {
		pw = getpwnam(text);
		if (pw == NULL) {
			log_line(LOG_ERR,
				"%s: there is no user '%s' on this "
				"machine (see sysusers.d(5), or set "
				"`user` to UID:GID)",
				config_where(c, "user", where), text);
			return -1;
		}
		u->uid = pw->pw_uid;
		u->gid = pw->pw_gid;
	}
	if (u->uid == 0 || u->gid == 0 || u->uid == PEER_OVERFLOW_ID ||
		u->gid == PEER_OVERFLOW_ID) {
		log_line(LOG_ERR,
			"%s: '%s' is uid %u, gid %u: neither root "
			"nor nobody may keep keys",
			config_where(c, "user", where), text, (unsigned)u->uid,
			(unsigned)u->gid);
		return -1;
	}
	return 0;
}

int
user_find(const struct config *c, struct user *out)
{
	char where[CONFIG_MAX_WHERE];
	uid_t uid = geteuid();
	int initial;

	if (uid == PEER_OVERFLOW_ID || getegid() == PEER_OVERFLOW_ID) {
		log_line(LOG_ERR,
			"keyd runs as uid %u, gid %u: as nobody, or "
			"in a user namespace where its user is not "
			"mapped, it cannot tell users apart",
			(unsigned)uid, (unsigned)getegid());
		return -1;
	}
	initial = c->user_namespace ? 1 : idmap_is_initial();
	if (initial < 0) {
		log_line(LOG_ERR,
			"%s: whether keyd runs in a user namespace cannot be "
			"known: /proc/self/uid_map: %s: mount /proc, or set "
			"user-namespace = allow",
			config_where(c, "user-namespace", where),
			strerror(errno));
		return -1;
	}
	if (initial == 0) {
		log_line(LOG_ERR,
			"%s: keyd runs in a user namespace, where users "
			"outside look like one, 65534, and those inside are "
			"others than they say: run it outside; or, if all its "
			"clients are in this namespace (a whole system in a "
			"container), set user-namespace = allow",
			config_where(c, "user-namespace", where));
		return -1;
	}
	*out = (struct user){ uid == 0, (uid_t)-1, (gid_t)-1 };
	if (!out->privileged)
		return 0;
	if (resolve(c, out) < 0)
		return -1;
	/* False for a count of 0. */
	if (out->uid - c->session_uid_first < c->session_uid_count) {
		log_line(LOG_ERR,
			"%s: uid %u is that of `user`, as whom loader and "
			"logger run: choose a range without it",
			config_where(c, "session-uids", where),
			(unsigned)out->uid);
		return -1;
	}
	return 0;
}

void
user_plan(const struct user *u, const struct config *c, bool session_uid,
	struct lockdown_plan *out)
{
	memset(out, 0, sizeof(*out));
	out->uid = u->uid;
	out->gid = u->gid;
	out->wanted = lockdown_wanted();
	if (!session_uid)
		out->wanted &= ~(uint32_t)LAYER_SESSION_UID;
	if (u->privileged)
		memcpy(out->chroot, c->chroot, sizeof(out->chroot));
}
