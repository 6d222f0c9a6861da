/*
 * keydctl import, of one file: plan (reads and decides, writes nothing), move
 * (changes all of it, or nothing), say. import.c has the command line.
 */
#ifndef KEYD_CTL_IMPORT_H
#define KEYD_CTL_IMPORT_H

#include "ctl.h"
#include "enlist.h"
#include "links.h"
#include "origin.h"
#include "passphrase.h"
#include "shellfile.h"

struct import_options {
	struct policy policy; /* allow, use, certificate as given */
	const char *certificate, *name;
	char *passin;
	char *const *files; /* all that were named; NULL at the end */
	bool dry_run, offline, weak_keys, force, all_links;
	struct passphrase *passphrase;
};

struct import_job {
	struct ctl *ctl;
	const struct import_options *options;
	const struct store *store;
	const struct fault *stopped; /* keyd does not run; or NULL */
	const char *file;            /* as given */
	char name[PROTO_MAX_NAME + 1];
	struct links links;
	const struct path_place *place; /* the first of them */
	struct swap_file old;
	struct helper_answer answer;
	struct helper_extract *key; /* secret memory */
	struct view part;           /* of old: what becomes the shell */
	enum shellfile_form form;
	const char *certificate; /* as given, or the file itself */
	struct policy policy;
	struct origin origin;
	struct enlist enlist;
	/* Its own shell was there: import_again.h. */
	bool again;
	struct origin before; /* the journal from then */
	bool has_original;
	struct bytes original; /* STORE_ORIGINAL from then */
};

/* 0; 1: it is a shell already, and all is said; -1 with *f. */
__attribute__((warn_unused_result)) int
import_plan(struct import_job *j, struct fault *f);

/* Stores, tries, and then replaces the file. -1 with FAULT_PARTLY: it is replaced,
 * but the key is still somewhere. */
__attribute__((warn_unused_result)) int
import_move(struct import_job *j, struct fault *f);

/* What was done, or would be. */
void import_say(const struct import_job *j);

#endif
