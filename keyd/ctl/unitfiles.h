/* The settings of a service, as systemd reads them from its files. */
#ifndef KEYD_CTL_UNITFILES_H
#define KEYD_CTL_UNITFILES_H

/* Takes one setting of the section [Service]. */
typedef void unitfiles_fn(void *arg, const char *name, const char *value);

/*
 * Passes the settings of the unit (unit.h: unit_is_name()) in the order in which
 * systemd takes them: its file, or its template's, then its drop-ins by name, of
 * which one in /etc hides one of the same name in /run and /usr. root: a
 * descriptor of the root folder. 1, or 0 if there is no such unit.
 */
__attribute__((warn_unused_result)) int
unitfiles_read(int root, const char *unit, unitfiles_fn *fn, void *arg);

#endif
