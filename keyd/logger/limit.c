#include "logger/limit.h"

#include <stddef.h>

static void
tell(struct limit_user *u, limit_summary_fn *fn, void *arg)
{
	if (u->held > 0)
		fn(arg, u->uid, u->held);
	u->held = 0;
}

static struct limit_user *
find(struct limit *l, uint32_t uid)
{
	size_t i;

	for (i = 0; i < LIMIT_USERS; i++)
		if (l->users[i].used && l->users[i].uid == uid)
			return &l->users[i];
	return NULL;
}

/* A free place, else the one longest unseen. */
static struct limit_user *
make_room(struct limit *l)
{
	struct limit_user *oldest = &l->users[0];
	size_t i;

	for (i = 0; i < LIMIT_USERS; i++) {
		if (!l->users[i].used)
			return &l->users[i];
		if (l->users[i].last < oldest->last)
			oldest = &l->users[i];
	}
	return oldest;
}

static void
fill(struct limit_user *u, uint64_t now)
{
	uint64_t more = (now - u->filled) / LIMIT_INTERVAL;

	u->filled += more * LIMIT_INTERVAL;
	if (more >= LIMIT_BURST - u->lines)
		u->lines = LIMIT_BURST;
	else
		u->lines += (uint32_t)more;
}

bool
limit_allows(struct limit *l, uint32_t uid, uint64_t now, limit_summary_fn *fn,
	void *arg)
{
	struct limit_user *u = find(l, uid);

	if (u == NULL) {
		u = make_room(l);
		tell(u, fn, arg);
		*u = (struct limit_user){ .used = true,
			.uid = uid,
			.lines = LIMIT_BURST,
			.filled = now };
	}
	u->last = now;
	fill(u, now);
	if (u->lines == 0) {
		if (u->held == 0)
			u->first = now;
		if (u->held < UINT32_MAX)
			u->held++;
		return false;
	}
	u->lines--;
	return true;
}

void
limit_tell(struct limit *l, uint64_t now, limit_summary_fn *fn, void *arg)
{
	struct limit_user *u;
	size_t i;

	for (i = 0; i < LIMIT_USERS; i++) {
		u = &l->users[i];
		if (u->held > 0 && now - u->first >= LIMIT_SUMMARY)
			tell(u, fn, arg);
	}
}

void
limit_tell_user(struct limit *l, uint32_t uid, limit_summary_fn *fn, void *arg)
{
	struct limit_user *u = find(l, uid);

	if (u != NULL)
		tell(u, fn, arg);
}
