/* What all verbs share. */
#ifndef KEYD_CTL_CTL_H
#define KEYD_CTL_CTL_H

#include <stdbool.h>

#include "config/config.h"
#include "fault.h"
#include "json.h"

struct ctl {
	struct config config;
	bool json;       /* print it */
	struct json out; /* where that stands */
};

/* A verb: argv[0] is its name. Returns the exit code. */
typedef int ctl_verb_fn(struct ctl *c, int argc, char **argv);

ctl_verb_fn import_verb, generate_verb, csr_verb, restore_verb, shell_verb,
	remove_verb, list_verb, show_verb, status_verb, check_verb, reload_verb,
	enable_verb, disable_verb;

/* Prints the verb's synopsis to standard error; returns FAULT_USAGE. */
int ctl_usage(const char *verb);

/* The one argument NAME of a verb at argv[optind]: checked, or NULL after words
 * on standard error. */
const char *ctl_name(int argc, char **argv, const char *verb);

#endif
