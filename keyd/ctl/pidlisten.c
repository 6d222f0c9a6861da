#include <string.h>
#include <sys/stat.h>

#include "listeners.h"
#include "pidcheck.h"

void
pidlisten_find(struct pid_check *k, dev_t dev, ino_t ino)
{
	const struct config *c = &k->findings.ctl->config;
	struct stat ours;
	unsigned i;

	for (i = 0; i < c->nlisteners; i++)
		if (stat(c->listener[i].socket, &ours) == 0 &&
			ours.st_dev == dev && ours.st_ino == ino)
			k->listener = &c->listener[i];
}

void
pidlisten_judge(struct pid_check *k)
{
	char who[64];

	if (k->listener == NULL)
		return;
	if (listeners_let_in(k->listener, k->p->id.uid))
		pidcheck_say(k, FINDING_OK,
			"that is the socket of [listener %s], which has the "
			"keys %s",
			k->listener->name, k->listener->keys);
	else
		pidcheck_say(k, FINDING_ERROR,
			"that is the socket of [listener %s], which does not "
			"let in %s: add the user to its allow in %s, and "
			"keydctl reload",
			k->listener->name, user_name(k->p->id.uid, who),
			k->findings.ctl->config.file);
}
