#include "logger/limit.h"

#include <string.h>

/* Whom to tell, and when it is. */
struct clock {
	uint64_t now;
	limit_summary_fn *fn;
	void *arg;
};

struct limit_who
limit_who_of(const struct track_peer *peer, uint32_t uid)
{
	struct limit_who who = { .uid = peer == NULL ? uid : peer->uid };

	if (peer == NULL || peer->listener[0] == '\0')
		return who;
	who.uid = 0;
	memcpy(who.listener, peer->listener, sizeof(who.listener));
	return who;
}

struct limit_id
limit_id_of(const struct audit *a, const struct limit_who *who)
{
	struct limit_id id = { .who = *who,
		.kind = a->kind,
		.status = a->status,
		.detail = a->detail };

	switch (a->status) {
	case PROTO_UNSUPPORTED:
	case PROTO_NOT_PERMITTED:
	case PROTO_USE_REFUSED:
	case PROTO_INTERNAL:
	case PROTO_BAD_PARAMETER:
	case PROTO_NOT_DECRYPTED:
		memcpy(id.key, a->hash, sizeof(id.key));
		break;
	default:
		break;
	}
	if (a->kind == AUDIT_SESSION_END)
		id.detail =
			a->code > UINT16_MAX ? UINT16_MAX : (uint16_t)a->code;
	return id;
}

static bool
is_same_who(const struct limit_who *a, const struct limit_who *b)
{
	return a->uid == b->uid &&
	       strncmp(a->listener, b->listener, sizeof(a->listener)) == 0;
}

static bool
is_same(const struct limit_id *a, const struct limit_id *b)
{
	return is_same_who(&a->who, &b->who) && a->kind == b->kind &&
	       a->status == b->status && a->detail == b->detail &&
	       memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* Which set of a table. Keys are hashes already. */
static size_t
set_of(const struct limit_id *id, size_t sets)
{
	uint32_t h, words[4] = { id->who.uid, id->kind,
		(uint32_t)id->status << 16 | id->detail };
	const char *c;
	size_t i;

	memcpy(&words[3], id->key, sizeof(words[3]));
	for (c = id->who.listener; *c != '\0'; c++)
		words[0] = words[0] * 31 + (unsigned char)*c;
	for (h = 2166136261U, i = 0; i < 4; i++) {
		h = (h ^ words[i]) * 2654435761U;
		h ^= h >> 15;
	}
	return h % sets;
}

static void
tell(struct limit_bucket *b, const struct clock *c)
{
	if (b->held == 0)
		return;
	c->fn(c->arg, &b->id, b->held);
	b->held = 0;
	b->told = c->now;
}

/* Its bucket: the one there is, a free one, or the one longest unseen. */
static struct limit_bucket *
get(struct limit_bucket *table, size_t size, const struct limit_id *id,
	uint32_t burst, const struct clock *c)
{
	struct limit_bucket *b =
		table + LIMIT_WAYS * set_of(id, size / LIMIT_WAYS);
	struct limit_bucket *oldest = b;
	size_t i;

	for (i = 0; i < LIMIT_WAYS; i++) {
		if (b[i].used && is_same(&b[i].id, id))
			return &b[i];
		if (!oldest->used)
			continue;
		if (!b[i].used || b[i].last < oldest->last)
			oldest = &b[i];
	}
	tell(oldest, c);
	*oldest = (struct limit_bucket){
		.used = true, .id = *id, .lines = burst, .filled = c->now
	};
	return oldest;
}

static void
fill(struct limit_bucket *b, uint32_t burst, uint64_t interval, uint64_t now)
{
	uint64_t more = (now - b->filled) / interval;

	b->filled += more * interval;
	b->lines = more >= burst - b->lines ? burst : b->lines + (uint32_t)more;
	b->last = now;
}

static void
hold(struct limit *l, struct limit_bucket *b, uint32_t count, uint64_t now)
{
	if (b->held == 0) {
		b->first = now;
		if (l->due == 0 || now + LIMIT_SUMMARY < l->due)
			l->due = now + LIMIT_SUMMARY;
	}
	b->held = count > UINT32_MAX - b->held ? UINT32_MAX : b->held + count;
}

bool
limit_allows(struct limit *l, const struct limit_id *id, uint32_t count,
	uint64_t now, limit_summary_fn *fn, void *arg)
{
	const struct clock c = { now, fn, arg };
	const struct limit_id of_user = { .who = id->who, .kind = LIMIT_ANY };
	struct limit_id of_kind = *id;
	struct limit_bucket *key, *kind, *user;

	memset(of_kind.key, 0, sizeof(of_kind.key));
	key = get(l->keys, LIMIT_KEYS, id, LIMIT_KEY_BURST, &c);
	kind = get(l->kinds, LIMIT_KINDS, &of_kind, LIMIT_KIND_BURST, &c);
	user = get(l->users, LIMIT_USERS, &of_user, LIMIT_USER_BURST, &c);
	fill(key, LIMIT_KEY_BURST, LIMIT_KEY_INTERVAL, now);
	fill(kind, LIMIT_KIND_BURST, LIMIT_KIND_INTERVAL, now);
	fill(user, LIMIT_USER_BURST, LIMIT_USER_INTERVAL, now);
	if (key->lines == 0 || kind->lines == 0) {
		hold(l, kind, count, now);
		return false;
	}
	if (user->lines == 0) {
		hold(l, user, count, now);
		return false;
	}
	key->lines--;
	kind->lines--;
	user->lines--;
	return true;
}

/* Tells what is due of a table; when the next is, at most due. */
static uint64_t
tell_due(struct limit_bucket *b, size_t n, const struct clock *c, uint64_t due)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (b[i].held > 0 && c->now - b[i].first >= LIMIT_SUMMARY)
			tell(&b[i], c);
		else if (b[i].held > 0 &&
			 (due == 0 || b[i].first + LIMIT_SUMMARY < due))
			due = b[i].first + LIMIT_SUMMARY;
	return due;
}

void
limit_tell(struct limit *l, uint64_t now, limit_summary_fn *fn, void *arg)
{
	const struct clock c = { now, fn, arg };

	if (l->due == 0 || now < l->due)
		return;
	l->due = tell_due(l->kinds, LIMIT_KINDS, &c, 0);
	l->due = tell_due(l->users, LIMIT_USERS, &c, l->due);
}

static void
tell_those_of(struct limit_bucket *b, size_t n, const struct limit_who *who,
	const struct clock *c)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (b[i].held > 0 && is_same_who(&b[i].id.who, who) &&
			(b[i].told == 0 || c->now - b[i].told >= LIMIT_SUMMARY))
			tell(&b[i], c);
}

void
limit_tell_user(struct limit *l, const struct limit_who *who, uint64_t now,
	limit_summary_fn *fn, void *arg)
{
	const struct clock c = { now, fn, arg };

	if (l->due == 0)
		return;
	tell_those_of(l->kinds, LIMIT_KINDS, who, &c);
	tell_those_of(l->users, LIMIT_USERS, who, &c);
}
