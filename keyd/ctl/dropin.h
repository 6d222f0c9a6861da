/*
 * systemd's drop-in NAME.service.d/openssl-keyd.conf, which gives one service an
 * openssl.cnf that activates keyd.
 */
#ifndef KEYD_CTL_DROPIN_H
#define KEYD_CTL_DROPIN_H

#include "ctl.h"

/*
 * Both return the exit code, after words. root stands before every path, and no
 * link leads out of it (NULL:
 * none; then cnf is tried out as well). cnf NULL: the installed one.
 */
int dropin_enable(struct ctl *c, const char *root, const char *unit,
	const char *cnf, bool dry_run);
/* yes: not asked, though there are shells. */
int dropin_disable(struct ctl *c, const char *root, const char *unit,
	bool dry_run, bool yes);

/* Calls fn for each service of this machine that has one, with the openssl.cnf
 * that it gives the service. */
void dropin_each(
	void (*fn)(void *arg, const char *unit, const char *cnf), void *arg);

#endif
