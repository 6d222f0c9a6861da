/* keydctl disable: takes out what enable has put in. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "block.h"
#include "cnffile.h"
#include "confirm.h"
#include "ctl.h"
#include "dropin.h"
#include "shells.h"
#include "text.h"

struct disable {
	struct ctl *ctl;
	bool dry_run;
	struct cnffile cnf;
	bool changed;
	bool by_hand; /* keyd stays active, by other lines */
	int backup;   /* as cnffile_is_backup() */
	struct kept foreign;
};

/* What is there besides the block, and in it besides enable's lines. */
static void
look(struct disable *d)
{
	struct kept_file file = { d->cnf.place.real, d->cnf.old.bytes.data,
		d->cnf.old.bytes.len, NULL, NULL };
	struct activation a = { 0 };
	struct block_settings s;
	struct fault ignored;
	struct cnf cnf = { 0 };
	bool known;

	known = cnffile_parse(&d->cnf, d->cnf.base, d->cnf.len, &cnf,
			&ignored) == 0 &&
		activation_find(&cnf, &a, &ignored) == 0;
	d->by_hand = known && a.has_keyd;
	block_settings(&d->ctl->config, &s);
	if (known) {
		file.base = &cnf;
		file.a = &a;
	}
	kept_foreign(&file, &s, &d->foreign);
	cnf_free(&cnf);
}

static void
say_lines(const struct disable *d)
{
	char file[PATH_MAX];

	if (d->foreign.len == 0)
		return;
	(void)printf("%s, which keydctl did not write:\n%.*s",
		d->dry_run ? "These lines would go with its block"
			   : "These lines went with its block",
		(int)d->foreign.len, d->foreign.text);
	if (!d->dry_run)
		(void)printf("The file as it was with them is in %s\n",
			text_shown(d->cnf.kept_path, file));
}

static void
say_json(const struct disable *d, const char *outcome)
{
	struct json *j = &d->ctl->out;

	json_open(j, NULL, '{');
	json_string(j, "file", d->cnf.place.real);
	json_string(j, "outcome", outcome);
	if (d->changed && d->backup >= 0)
		json_bool(j, "as-before", d->backup == 1);
	json_bool(j, "still-active", d->by_hand);
	if (d->foreign.len > 0)
		json_string(j, "removed", d->foreign.text);
	if (d->foreign.len > 0 && !d->dry_run)
		json_string(j, "kept", d->cnf.kept_path);
	json_close(j, '}');
}

static void
say(const struct disable *d)
{
	const char *outcome = !d->changed  ? "not enabled"
			      : d->dry_run ? "would be disabled"
					   : "disabled";
	const char *more = "";
	char file[PATH_MAX];

	if (d->by_hand)
		more = ": keyd stays active by lines that keydctl did not "
		       "write";
	else if (d->changed && d->backup == 1)
		more = ": byte for byte as before enable";
	else if (d->changed && d->backup == 0)
		more = ": what was edited since is kept; it differs from the "
		       "file before enable";
	else if (d->changed)
		more = ": the file from before enable is gone, so nothing "
		       "was compared";
	if (d->ctl->json) {
		say_json(d, outcome);
		return;
	}
	(void)printf("%s: %s%s\n", text_shown(d->cnf.place.real, file), outcome,
		more);
	if (d->changed && d->backup == 0)
		(void)printf("That one stays in %s\n",
			text_shown(d->cnf.backup_path, file));
	say_lines(d);
}

static int
change(const struct disable *d, struct fault *f)
{
	const struct cnffile *c = &d->cnf;

	if (d->foreign.len > 0 && cnffile_keep(c, f) < 0)
		return -1;
	if (d->changed && cnffile_replace(c, c->base, c->len, f) < 0)
		return -1;
	/* It holds nothing that the file has not. Also what a keydctl that
	 * was killed has left. */
	return d->backup == 1 ? cnffile_drop_backup(c, f) : 0;
}

/* Whoever reads a shell by this file cannot any more. */
static int
ask(const struct disable *d, bool yes, struct fault *f)
{
	char question[PATH_MAX + 2048], file[PATH_MAX];
	struct shells s;

	if (!d->changed || d->by_hand)
		return 0;
	shells_find(&d->ctl->config, &s);
	if (s.n == 0)
		return 0;
	(void)snprintf(question, sizeof(question),
		"%s: take keyd out of it, while there are shells (%s), which "
		"what reads this file cannot load then, from its next restart "
		"or reload on (keydctl restore NAME, before this, puts the "
		"keys back)",
		text_shown(d->cnf.place.real, file), s.words);
	return confirm(yes, question, f);
}

static int
disable_file(struct ctl *c, const char *file, bool dry_run, bool yes)
{
	static struct disable d;
	char path[PATH_MAX];
	struct fault f;
	int r = 0;

	d.ctl = c;
	d.dry_run = dry_run;
	if (file == NULL)
		file = cnffile_default(path);
	if (cnffile_open(file, !dry_run, &d.cnf, &f) < 0)
		return fault_print(&f);
	d.changed = d.cnf.len != d.cnf.old.bytes.len;
	d.backup = cnffile_is_backup(&d.cnf, d.cnf.base, d.cnf.len);
	look(&d);
	if (!dry_run)
		r = ask(&d, yes, &f);
	if (r == 0 && !dry_run)
		r = change(&d, &f);
	if (r == 0)
		say(&d);
	else
		r = fault_print(&f);
	cnffile_close(&d.cnf);
	return r;
}

int
disable_verb(struct ctl *c, int argc, char **argv)
{
	static const struct option table[] = {
		{ "openssl-cnf", required_argument, NULL, 'f' },
		{ "service", required_argument, NULL, 's' },
		{ "root", required_argument, NULL, 'r' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "yes", no_argument, NULL, 'y' },
		{ 0 },
	};
	const char *file = NULL, *service = NULL, *root = NULL;
	bool dry_run = false, yes = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "y", table, NULL)) != -1) {
		if (opt == 'f')
			file = optarg;
		else if (opt == 's')
			service = optarg;
		else if (opt == 'r')
			root = optarg;
		else if (opt == 'n')
			dry_run = true;
		else if (opt == 'y')
			yes = true;
		else
			return ctl_usage("disable");
	}
	if (optind != argc || (service == NULL && root != NULL) ||
		(service != NULL && file != NULL))
		return ctl_usage("disable");
	if (service != NULL)
		return dropin_disable(c, root, service, dry_run, yes);
	return disable_file(c, file, dry_run, yes);
}
