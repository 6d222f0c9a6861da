#include "lockdown/layers.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* Capability numbers are 64 at most by the kernel's interface. */
	CAP_NUMBERS = 64,
};

struct caps {
	uint64_t effective, permitted, inheritable;
};

static int
get_caps(struct caps *out)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, d) < 0)
		return -1;
	out->effective = d[0].effective | (uint64_t)d[1].effective << 32;
	out->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	out->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	return 0;
}

static int
set_caps(const struct caps *c)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = {
		{ (uint32_t)c->effective, (uint32_t)c->permitted,
			(uint32_t)c->inheritable },
		{ (uint32_t)(c->effective >> 32),
			(uint32_t)(c->permitted >> 32),
			(uint32_t)(c->inheritable >> 32) },
	};

	return (int)syscall(SYS_capset, &head, d);
}

bool
creds_has(int cap)
{
	struct caps c;

	return get_caps(&c) == 0 && (c.effective & UINT64_C(1) << cap) != 0;
}

/* The bounding set, but for keep. Needs CAP_SETPCAP. */
static int
drop_bounding(uint64_t keep)
{
	for (int cap = 0; cap < CAP_NUMBERS; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (has < 0)
			break; /* beyond the kernel's last one */
		if (has == 0 || (keep & UINT64_C(1) << cap) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -1;
	}
	return 0;
}

/* Old kernels without ambient capabilities have none to clear (EINVAL). */
static int
clear_ambient(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
		errno != EINVAL)
		return -1;
	return 0;
}

int
creds_keep(uint64_t keep)
{
	struct caps c;

	if (get_caps(&c) < 0)
		return -1;
	/* Without CAP_SETPCAP the bounding set stays: it matters to exec
	 * only, and no_new_privs takes that way. */
	if (creds_has(CAP_SETPCAP) && drop_bounding(keep) < 0)
		return -1;
	if (clear_ambient() < 0)
		return -1;
	c.permitted &= keep;
	c.effective = c.permitted;
	c.inheritable = 0;
	return set_caps(&c);
}

/* A folder that holds nothing, and in which none but root can make anything. */
static int
check_empty(const char *path)
{
	struct stat st;
	struct dirent *e;
	DIR *d;
	int r = 0;

	d = opendir(path);
	if (d == NULL)
		return -1;
	if (fstat(dirfd(d), &st) < 0) {
		r = -1;
	} else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		errno = EPERM;
		r = -1;
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		errno = ENOTEMPTY;
		r = -1;
	}
	int saved = errno;
	(void)closedir(d);
	errno = saved;
	return r;
}

int
creds_chroot(const struct lockdown_plan *p)
{
	if (!creds_has(CAP_SYS_CHROOT))
		return EPERM;
	if (p->chroot[0] == '\0')
		return ENOENT;
	if (chroot(p->chroot) < 0 || chdir("/") < 0)
		return -1;
	return check_empty("/");
}

int
creds_user(const struct lockdown_plan *p)
{
	if (p->uid == (uid_t)-1 || !creds_has(CAP_SETUID) ||
		!creds_has(CAP_SETGID))
		return EPERM;
	if (p->uid == 0 || p->gid == 0 || p->gid == (gid_t)-1) {
		errno = EINVAL;
		return -1;
	}
	if (setgroups(0, NULL) < 0)
		return -1;
	if (setresgid(p->gid, p->gid, p->gid) < 0)
		return -1;
	return setresuid(p->uid, p->uid, p->uid);
}

int
creds_session_uid(const struct lockdown_plan *p)
{
	return p->uid != (uid_t)-1 && geteuid() == p->uid ? 0 : EPERM;
}

int
creds_limit(const struct lockdown_plan *p)
{
	(void)p;
	if (!creds_has(CAP_SETPCAP))
		return 0;
	return drop_bounding(0);
}

int
creds_drop(const struct lockdown_plan *p)
{
	const struct caps none = { 0, 0, 0 };

	(void)p;
	if (clear_ambient() < 0)
		return -1;
	return set_caps(&none);
}

static int
verify_user(const struct lockdown_plan *p)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) < 0 ||
		getresgid(&rgid, &egid, &sgid) < 0)
		return -1;
	if (ruid != p->uid || euid != p->uid || suid != p->uid ||
		rgid != p->gid || egid != p->gid || sgid != p->gid ||
		getgroups(0, NULL) != 0)
		goto regained;
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setuid(0) == 0 ||
		setresgid((gid_t)-1, 0, (gid_t)-1) == 0 || setgid(0) == 0 ||
		setgroups(1, &p->gid) == 0)
		goto regained;
	return 0;
regained:
	errno = EPERM;
	return -1;
}

static int
verify_caps(void)
{
	const struct caps all = { 1, 1, 0 };
	struct caps c;

	if (get_caps(&c) < 0)
		return -1;
	if ((c.effective | c.permitted | c.inheritable) != 0 ||
		set_caps(&all) == 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

int
creds_verify(const struct lockdown_plan *p, uint32_t on)
{
	if ((on & LAYER_USER) != 0 && verify_user(p) < 0)
		return -1;
	if ((on & LAYER_CAPABILITIES) != 0 && verify_caps() < 0)
		return -1;
	return 0;
}
