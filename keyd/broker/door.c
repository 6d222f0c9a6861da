#include "broker/door.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

static void
add_words(struct door *door, const struct listener_config *l,
	const struct config *c, struct reasons *reasons)
{
	const char *rest = l->allow;
	struct listener_users users;
	const struct passwd *pw;
	struct ini_error err;

	while (door->n < LISTENER_MAX_USERS &&
		listener_next_users(&rest, &users, &err) > 0) {
		if (users.name[0] != '\0') {
			pw = getpwnam(users.name);
			if (pw == NULL) {
				reasons_add(reasons, LOG_WARNING,
					"%s: [listener %s]: allow: there is no "
					"user '%s': nobody comes in by that "
					"word; correct or remove it",
					c->file, l->name, users.name);
				continue;
			}
			users.first = users.last = pw->pw_uid;
		}
		door->users[door->n++] =
			(struct door_range){ users.first, users.last };
	}
}

void
doors_make(struct doors *d, const struct config *c, struct reasons *reasons)
{
	struct door *door;

	memset(d, 0, sizeof(*d));
	for (d->n = 0; d->n < c->nlisteners; d->n++) {
		door = &d->door[d->n];
		memcpy(door->name, c->listener[d->n].name, sizeof(door->name));
		add_words(door, &c->listener[d->n], c, reasons);
	}
}

bool
doors_admit(const struct doors *d, const struct peer *p)
{
	const struct door *door;
	unsigned i;

	if (p->uid == PEER_OVERFLOW_ID || p->listener > d->n)
		return false;
	if (p->listener == 0)
		return true;
	door = &d->door[p->listener - 1];
	for (i = 0; i < door->n; i++)
		if (p->uid >= door->users[i].first &&
			p->uid <= door->users[i].last)
			return true;
	return false;
}

const char *
doors_name(const struct doors *d, unsigned number)
{
	return number == 0 || number > d->n ? "" : d->door[number - 1].name;
}
