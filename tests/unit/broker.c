/* The broker's smaller modules: who a peer is, what fits it, who waits. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/account.h"
#include "broker/backoff.h"
#include "broker/door.h"
#include "broker/generation.h"
#include "broker/idmap.h"
#include "broker/layers.h"
#include "broker/peer.h"
#include "broker/sets.h"
#include "broker/user.h"
#include "broker/waiting.h"

static void
expect_unit(const char *text, const char *unit)
{
	char out[64] = "untouched";
	int r = peer_cgroup_unit(text, out, sizeof(out));

	if (unit == NULL) {
		cr_assert_eq(r, -1, "%s gave %s", text, out);
		return;
	}
	cr_assert_eq(r, 0, "%s", text);
	cr_assert_str_eq(out, unit);
}

Test(peer, finds_the_system_unit_in_either_cgroup_version)
{
	expect_unit("0::/system.slice/nginx.service\n", "nginx.service");
	expect_unit("0::/nginx.service\n", "nginx.service");
	expect_unit("0::/a.slice/a-b.slice/nginx.service/worker\n",
		"nginx.service");
	expect_unit("4:memory:/x\n1:name=systemd:/system.slice/n.service\n",
		"n.service");
	expect_unit(
		"0::/\n1:name=systemd:/system.slice/n.service\n", "n.service");
}

Test(peer, does_not_take_a_group_that_a_user_named)
{
	/* A user's own manager may make any unit below its own. */
	expect_unit("0::/user.slice/user-1000.slice/user@1000.service/"
		    "app.slice/nginx.service\n",
		"user@1000.service");
	expect_unit("0::/user.slice/user-1000.slice/session-3.scope/"
		    "nginx.service\n",
		"session-3.scope");
	expect_unit("0::/system.slice/docker-1.scope/system.slice/"
		    "nginx.service\n",
		"docker-1.scope");
	expect_unit("3:memory:/system.slice/nginx.service\n", NULL);
	expect_unit("7:name=mine:/system.slice/nginx.service\n", NULL);
}

Test(peer, finds_no_unit_in_other_texts)
{
	char text[200];

	expect_unit("", NULL);
	expect_unit("0::/\n", NULL);
	expect_unit("0::/system.slice\n", NULL);
	expect_unit("nonsense", NULL);
	expect_unit("0::/../../nginx.service\n", "..");
	memset(text, 'x', sizeof(text));
	memcpy(text, "0::/", 4);
	text[sizeof(text) - 1] = '\0';
	expect_unit(text, NULL);
}

Test(peer, knows_its_own_process)
{
	struct peer p;
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cr_assert_eq(peer_get(pair[0], &p), PEER_OK);
	cr_assert_eq(p.pid, getpid());
	cr_assert_eq(p.uid, geteuid());
	cr_assert_eq(p.gid, getegid());
	cr_assert_eq(p.ngroups, (size_t)getgroups(0, NULL));
	cr_assert(peer_has_group(&p, getegid()));
	peer_free(&p);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

Test(peer, the_overflow_group_is_nobodys)
{
	gid_t groups[] = { PEER_OVERFLOW_ID, 7 };
	struct peer p = { .gid = 5, .groups = groups, .ngroups = 2 };

	cr_assert(peer_has_group(&p, 5));
	cr_assert(peer_has_group(&p, 7));
	cr_assert_not(peer_has_group(&p, 6));
	cr_assert_not(peer_has_group(&p, PEER_OVERFLOW_ID));
	p.gid = PEER_OVERFLOW_ID;
	cr_assert_not(peer_has_group(&p, PEER_OVERFLOW_ID));
}

/* A table of three sets: uid 10; gid 20; unit n.service. */
static struct sets *
three_sets(void)
{
	struct sets *s = sets_new();
	struct boot_set set = { .ring_len = 1, .listeners = 1 };

	cr_assert_not_null(s);
	set.nuids = 1;
	set.uids[0] = 10;
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	set = (struct boot_set){ .ngids = 1, .ring_len = 2, .listeners = 1 };
	set.gids[0] = 20;
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	set = (struct boot_set){ .nunits = 1, .ring_len = 3, .listeners = 1 };
	(void)strcpy(set.units[0], "n.service");
	cr_assert_not(s->has_units);
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert(s->has_units);
	return s;
}

static unsigned
found(const struct sets *s, struct peer p)
{
	struct sets_match m;

	cr_assert_eq(sets_find(s, &p, &m), 0);
	return m.n == 0 ? 0 : m.n * 100 + m.len[0];
}

Test(sets, a_peer_gets_the_rings_of_the_sets_that_name_it)
{
	struct sets *s = three_sets();
	gid_t groups[] = { 1, 20 };

	cr_assert_eq(found(s, (struct peer){ .uid = 10, .gid = 1 }), 101);
	cr_assert_eq(found(s, (struct peer){ .uid = 1, .gid = 20 }), 102);
	cr_assert_eq(found(s, (struct peer){ .uid = 1,
				      .gid = 1,
				      .groups = groups,
				      .ngroups = 2 }),
		102);
	cr_assert_eq(found(s,
			     (struct peer){
				     .uid = 1, .gid = 1, .unit = "n.service" }),
		103);
	cr_assert_eq(found(s, (struct peer){ .uid = 10, .gid = 20 }), 201);
	sets_free(s);
}

Test(sets, a_peer_that_nobody_named_gets_none)
{
	struct sets *s = three_sets();

	/* Not root either, nor a uid that equals a gid. */
	cr_assert_eq(found(s, (struct peer){ .uid = 0, .gid = 0 }), 0);
	cr_assert_eq(found(s, (struct peer){ .uid = 20, .gid = 10 }), 0);
	cr_assert_eq(found(s, (struct peer){ .unit = "n.service.d" }), 0);
	cr_assert_eq(found(s, (struct peer){ .unit = "n" }), 0);
	sets_free(s);
}

Test(sets, more_rings_than_a_session_takes_is_an_error)
{
	struct sets *s = sets_new();
	struct boot_set set = { .nuids = 1, .ring_len = 1, .listeners = 1 };
	struct peer p = { .uid = 10 };
	struct sets_match m;
	unsigned i;

	set.uids[0] = 10;
	for (i = 0; i < BOOT_MAX_RINGS; i++)
		cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert_eq(sets_find(s, &p, &m), 0);
	cr_assert_eq(m.n, BOOT_MAX_RINGS);
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert_eq(sets_find(s, &p, &m), -1);
	sets_free(s);
}

/* A listener with this `allow`. */
static const struct doors *
door(const char *allow, struct reasons *reasons)
{
	static struct config c;
	static struct doors d;

	memset(reasons, 0, sizeof(*reasons));
	memset(&c, 0, sizeof(c));
	c.nlisteners = 1;
	(void)strcpy(c.listener[0].name, "web");
	(void)strcpy(c.listener[0].allow, allow);
	doors_make(&d, &c, reasons);
	return &d;
}

static bool
admits(const char *allow, uid_t uid)
{
	struct reasons reasons;
	const struct peer p = { .uid = uid, .listener = 1 };

	return doors_admit(door(allow, &reasons), &p);
}

Test(door, lets_in_whom_it_names_and_nobody_else)
{
	cr_assert(admits("uid:33", 33));
	cr_assert_not(admits("uid:33", 34));
	cr_assert(admits("uid:33, uid:100000-100999", 100000));
	cr_assert(admits("uid:33, uid:100000-100999", 100999));
	cr_assert_not(admits("uid:33, uid:100000-100999", 101000));
	cr_assert_not(admits("uid:33, uid:100000-100999", 99999));
	cr_assert(admits("daemon", 1));
	cr_assert_not(admits("daemon", 2));
}

Test(door, root_is_a_user_among_others_and_the_overflow_id_is_nobody)
{
	cr_assert_not(admits("uid:1-65533", 0));
	cr_assert(admits("uid:0", 0));
	cr_assert(admits("root", 0));
	/* Which the configuration refuses, too. */
	cr_assert_not(admits("nobody", PEER_OVERFLOW_ID));
	cr_assert_not(admits("uid:0-4294967294", 1));
}

Test(door, a_user_that_there_is_not_is_told_and_nobody)
{
	struct reasons reasons;
	struct peer p = { .uid = 0, .listener = 1 };
	const struct doors *d = door("no-such-user uid:5", &reasons);

	cr_assert_eq(reasons.n, 1);
	cr_assert_eq(reasons.errors, 0);
	cr_assert_not_null(strstr(reasons.text[0], "'no-such-user'"));
	cr_assert_not(doors_admit(d, &p));
	p.uid = 5;
	cr_assert(doors_admit(d, &p));
}

Test(door, a_listener_that_there_is_not_is_shut_and_no_listener_is_open)
{
	struct reasons reasons;
	const struct doors *d = door("uid:5", &reasons);
	struct peer p = { .uid = 5, .listener = 2 };

	cr_assert_not(doors_admit(d, &p));
	cr_assert_str_eq(doors_name(d, 2), "");
	cr_assert_str_eq(doors_name(d, 1), "web");
	p.listener = 0;
	cr_assert(doors_admit(d, &p));
	p.uid = PEER_OVERFLOW_ID;
	cr_assert_not(doors_admit(d, &p));
}

Test(sets, through_a_listener_only_its_keys_and_its_users)
{
	struct sets *s = sets_new();
	struct boot_set set = { .nuids = 2, .uids = { 10, 11 } };
	struct reasons reasons;

	s->doors = *door("uid:10 uid:12", &reasons);
	/* Rings of keys for all sockets, and for listener 1 beside them. */
	set.ring_len = 1;
	set.listeners = 1;
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	set.ring_len = 2;
	set.listeners = 1 | 2;
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert_eq(found(s, (struct peer){ .uid = 10 }), 201);
	cr_assert_eq(found(s, (struct peer){ .uid = 11 }), 201);
	cr_assert_eq(found(s, (struct peer){ .uid = 10, .listener = 1 }), 102);
	/* The policy names him, the listener does not; and the reverse. */
	cr_assert_eq(found(s, (struct peer){ .uid = 11, .listener = 1 }), 0);
	cr_assert_eq(found(s, (struct peer){ .uid = 12, .listener = 1 }), 0);
	cr_assert_eq(found(s, (struct peer){ .uid = 10, .listener = 2 }), 0);
	cr_assert_eq(found(s, (struct peer){ .uid = 10, .listener = 32 }), 0);
	sets_free(s);
}

/* On whose account a session of p would go. */
static account_t
payer(const struct sets *s, struct peer p)
{
	struct sets_match m;

	cr_assert_eq(sets_find(s, &p, &m), 0);
	return m.account;
}

Test(account, who_is_named_himself_pays_himself)
{
	struct sets *s = three_sets();

	cr_assert_eq(payer(s, (struct peer){ .uid = 10 }),
		account_of(ACCOUNT_USER, 10));
	/* Whatever else lets him in. */
	cr_assert_eq(payer(s, (struct peer){ .uid = 10,
				      .gid = 20,
				      .unit = "n.service" }),
		account_of(ACCOUNT_USER, 10));
	sets_free(s);
}

Test(account, users_of_a_group_or_a_unit_are_one)
{
	struct sets *s = three_sets();
	gid_t groups[] = { 1, 20 };
	struct peer p = { .unit = "n.service" };

	/* With a range of /etc/subuid one user is each of these. */
	for (p.uid = 100000; p.uid < 100010; p.uid++)
		cr_assert_eq(payer(s, p), account_of_unit("n.service"));
	p.groups = groups;
	p.ngroups = 2;
	for (p.uid = 100000; p.uid < 100010; p.uid++)
		cr_assert_eq(payer(s, p), account_of(ACCOUNT_GROUP, 20));
	/* No uid is a gid. */
	cr_assert_neq(payer(s, p), account_of(ACCOUNT_USER, 20));
	cr_assert_neq(
		account_of_unit("n.service"), account_of_unit("m.service"));
	sets_free(s);
}

Test(account, of_several_groups_it_is_the_first_in_any_order)
{
	struct sets *s = sets_new();
	struct boot_set set = {
		.ngids = 2, .listeners = 1, .gids = { 30, 20 }
	};
	gid_t groups[] = { 30, 40, 20 };
	const struct peer p = { .uid = 1, .groups = groups, .ngroups = 3 };

	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert_eq(payer(s, p), account_of(ACCOUNT_GROUP, 20));
	set.ngids = 1;
	set.gids[0] = 40;
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert_eq(payer(s, p), account_of(ACCOUNT_GROUP, 20));
	/* A set behind it names the user. */
	set = (struct boot_set){ .nuids = 1, .uids = { 1 }, .listeners = 1 };
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert_eq(payer(s, p), account_of(ACCOUNT_USER, 1));
	sets_free(s);
}

Test(account, a_set_that_does_not_count_here_names_nobody)
{
	struct sets *s = three_sets();
	struct reasons reasons;

	cr_assert_eq(payer(s, (struct peer){ .uid = 1 }),
		account_of(ACCOUNT_NONE, 0));
	/* Nor is a listener anybody's who may not come in. */
	s->doors = *door("uid:10", &reasons);
	cr_assert_eq(payer(s, (struct peer){ .uid = 10, .listener = 1 }),
		account_of(ACCOUNT_NONE, 0));
	sets_free(s);
}

Test(account, a_listener_is_one_and_none_of_its_users)
{
	struct sets *s = sets_new();
	struct boot_set set = { .nuids = 2, .uids = { 1, 2 }, .listeners = 7 };
	struct reasons reasons;

	s->doors = *door("uid:1-2", &reasons);
	s->doors.door[1] = s->doors.door[0];
	s->doors.n = 2;
	cr_assert_eq(sets_add(s, &set, dup(0)), 0);
	cr_assert_eq(payer(s, (struct peer){ .uid = 1, .listener = 1 }),
		account_of(ACCOUNT_LISTENER, 1));
	cr_assert_eq(payer(s, (struct peer){ .uid = 2, .listener = 1 }),
		account_of(ACCOUNT_LISTENER, 1));
	cr_assert_eq(payer(s, (struct peer){ .uid = 1, .listener = 2 }),
		account_of(ACCOUNT_LISTENER, 2));
	cr_assert_eq(payer(s, (struct peer){ .uid = 1 }),
		account_of(ACCOUNT_USER, 1));
	sets_free(s);
}

Test(idmap, knows_the_map_of_the_whole_range_only)
{
	cr_assert(idmap_is_whole("         0          0 4294967295\n"));
	cr_assert_not(idmap_is_whole("0 1000 1\n"));
	cr_assert_not(idmap_is_whole("0 0 65536\n"));
	cr_assert_not(idmap_is_whole("0 1000 1\n1 100000 65536\n"));
	cr_assert_not(idmap_is_whole("0 0 4294967295\n1 2 3\n"));
	cr_assert_not(idmap_is_whole("1 1 4294967295\n"));
	cr_assert_not(idmap_is_whole(""));
	cr_assert_not(idmap_is_whole("0 0\n"));
}

Test(backoff, doubles_up_to_a_minute_and_forgives)
{
	static struct backoff b;
	uint64_t now = 5000, delay = 0;
	int i;

	cr_assert_eq(backoff_left(&b, 10, now), 0);
	cr_assert_eq(backoff_crash(&b, 10, now), 1000);
	cr_assert_eq(backoff_left(&b, 10, now), 1000);
	cr_assert_eq(backoff_left(&b, 11, now), 0);
	cr_assert_eq(backoff_left(&b, 10, now + 999), 1);
	cr_assert_eq(backoff_left(&b, 10, now + 1000), 0);
	now += 1000;
	cr_assert_eq(backoff_crash(&b, 10, now), 2000);
	for (i = 0; i < 10; i++)
		delay = backoff_crash(&b, 10, now);
	cr_assert_eq(delay, BACKOFF_LONGEST);
	now += BACKOFF_LONGEST + BACKOFF_LONGEST + 1;
	cr_assert_eq(backoff_crash(&b, 10, now), BACKOFF_FIRST);
}

Test(backoff, root_is_a_user_too_and_the_table_is_bounded)
{
	static struct backoff b;
	uid_t uid;

	cr_assert_eq(backoff_crash(&b, 0, 1), BACKOFF_FIRST);
	cr_assert_eq(backoff_left(&b, 0, 1), BACKOFF_FIRST);
	for (uid = 1; uid < BACKOFF_ENTRIES * 2; uid++)
		(void)backoff_crash(&b, uid, 100 + uid);
	cr_assert_eq(backoff_left(&b, 0, 100), 0);
	cr_assert_gt(backoff_left(&b, BACKOFF_ENTRIES * 2 - 1, 100), 0);
}

Test(generation, is_read_only_for_everyone_else)
{
	uint64_t *page;
	int fd;

	cr_assert_eq(generation_open(&fd), 0);
	cr_assert_eq(generation_get(), 0);
	cr_assert_eq(mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
		MAP_FAILED);
	cr_assert_lt(write(fd, "x", 1), 0);
	cr_assert_lt(ftruncate(fd, 0), 0);
	page = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
	cr_assert_neq(page, MAP_FAILED);
	cr_assert_lt(mprotect(page, 8, PROT_READ | PROT_WRITE), 0);
	generation_set(7);
	cr_assert_eq(*page, 7);
}

Test(layers, tells_why_each_is_off)
{
	struct lockdown_result namespaces = { .on = LAYER_MOUNTNS };
	struct layers_facts f = { .namespaces = &namespaces,
		.wanted = UINT32_MAX & ~(uint32_t)LAYER_SESSION_UID,
		.session_on = LAYER_RLIMITS | LAYER_NETNS | LAYER_SECCOMP,
		.privileged = false };
	struct layers l;

	namespaces.error[1] = 1;
	layers_judge(&f, &l);
	/* A session cannot claim the broker's layers. */
	cr_assert_eq(l.on, LAYER_RLIMITS | LAYER_SECCOMP | LAYER_MOUNTNS);
	cr_assert_str_eq(l.why[1], "keyd was not started as root");
	cr_assert_str_eq(l.why[3], "keyd was not started as root");
	cr_assert_str_eq(l.why[5], "session-uids is not set");
	cr_assert_str_eq(l.why[10], "");
	f.privileged = true;
	layers_judge(&f, &l);
	cr_assert_str_eq(l.why[1], "Operation not permitted");
}

static int
require(const struct layers *l, uint32_t layers)
{
	static struct config c;

	c.require = layers;
	return layers_require(l, &c);
}

Test(layers, a_required_one_that_is_off_is_an_error)
{
	struct layers l = { .on = LAYER_SECCOMP };

	cr_assert_eq(require(&l, 0), 0);
	cr_assert_eq(require(&l, LAYER_SECCOMP), 0);
	cr_assert_eq(require(&l, LAYER_SECCOMP | LAYER_CHROOT), -1);
}

static int
find_user(const char *text, struct user *u)
{
	static struct config c;

	/* These tests may run in a container. */
	c.user_namespace = true;
	(void)snprintf(c.user, sizeof(c.user), "%s", text);
	return user_find(&c, u);
}

Test(user, root_and_nobody_and_strangers_are_refused)
{
	struct user u;

	if (geteuid() != 0)
		cr_skip("needs root");
	cr_assert_eq(find_user("58200", &u), 0);
	cr_assert_eq(u.uid, 58200);
	cr_assert_eq(u.gid, 58200);
	cr_assert_eq(find_user("58200:58201", &u), 0);
	cr_assert_eq(u.gid, 58201);
	cr_assert_eq(find_user("daemon", &u), 0);
	cr_assert_eq(find_user("root", &u), -1);
	cr_assert_eq(find_user("0", &u), -1);
	cr_assert_eq(find_user("5:0", &u), -1);
	cr_assert_eq(find_user("65534", &u), -1);
	cr_assert_eq(find_user("5:65534", &u), -1);
	cr_assert_eq(find_user("nobody", &u), -1);
	cr_assert_eq(find_user("no-such-user", &u), -1);
	cr_assert_eq(find_user("5:", &u), -1);
	cr_assert_eq(find_user(":5", &u), -1);
}

Test(user, an_ordinary_user_stays_itself)
{
	struct user u;

	if (geteuid() == 0)
		cr_assert_eq(seteuid(58200), 0);
	cr_assert_eq(find_user("no-such-user", &u), 0);
	cr_assert_not(u.privileged);
	cr_assert_eq(u.uid, (uid_t)-1);
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
}

Test(user, keyd_does_not_run_as_the_overflow_user)
{
	struct user u;

	if (geteuid() != 0)
		cr_skip("needs root");
	cr_assert_eq(seteuid(PEER_OVERFLOW_ID), 0);
	cr_assert_eq(find_user("5", &u), -1);
	cr_assert_eq(seteuid(0), 0);
}

/* User 'a' has three sessions, 'b' has one, and all have those they wait for. */
static unsigned
rank_of(const void *arg, account_t account)
{
	return waiting_count(arg, account) +
	       (account == 'a' ? 3 : account == 'b');
}

Test(waiting, who_has_least_comes_first_then_who_came_first)
{
	static const char users[] = "abacd";
	static const int order[] = { 3, 4, 1, 0, 2 }; /* places in users */
	struct peer peer = { .pid = 1 };
	struct waiting w = { 0 };
	int i, fd = -1;

	for (i = 0; i < 5; i++) {
		peer.uid = (uid_t)users[i];
		peer.account = account_of(ACCOUNT_USER, peer.uid);
		cr_assert_eq(waiting_add(&w, i, &peer), 0);
	}
	cr_assert_eq(waiting_count(&w, 'a'), 2);
	for (i = 0; i < 5; i++) {
		cr_assert_eq(waiting_take(&w, rank_of, &w, &fd, &peer), 0);
		cr_assert_eq(fd, order[i], "%d: %d", i, fd);
		cr_assert_eq(peer.uid, (uid_t)users[fd]);
	}
	cr_assert_eq(waiting_take(&w, rank_of, &w, &fd, &peer), -1);
	cr_assert_eq(w.n, 0);
}

Test(waiting, in_the_order_of_coming)
{
	struct peer peer = { .pid = 1 };
	struct waiting w = { 0 };
	int i, fd = -1;

	for (i = 0; i < 3; i++)
		cr_assert_eq(waiting_add(&w, i, &peer), 0);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(waiting_pop(&w, &fd, &peer), 0);
		cr_assert_eq(fd, i);
	}
	cr_assert_eq(waiting_pop(&w, &fd, &peer), -1);
}

Test(waiting, knows_who_has_gone)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cr_assert_eq(send(pair[1], "x", 1, 0), 1);
	cr_assert_not(waiting_has_gone(pair[0]));
	cr_assert_eq(close(pair[1]), 0);
	cr_assert(waiting_has_gone(pair[0]));
	(void)close(pair[0]);
}
