/* keydctl disable: takes out what enable has put in. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "activation.h"
#include "cnffile.h"
#include "ctl.h"
#include "dropin.h"
#include "text.h"

/* Does keyd stay active, by other lines? */
static bool
is_by_hand(const struct cnffile *c)
{
	struct activation a = { 0 };
	struct fault ignored;
	struct cnf cnf;

	if (cnffile_parse(c, c->base, c->len, &cnf, &ignored) < 0)
		return false;
	if (activation_find(&cnf, &a, &ignored) < 0)
		a.has_keyd = false;
	cnf_free(&cnf);
	return a.has_keyd;
}

static void
say(struct ctl *c, const struct cnffile *cnf, bool changed, int backup,
	bool dry_run)
{
	const char *outcome = !changed  ? "not enabled"
			      : dry_run ? "would be disabled"
					: "disabled";
	const char *more = "";
	char file[PATH_MAX];

	if (is_by_hand(cnf))
		more = ": keyd stays active by lines that keydctl did not "
		       "write";
	else if (changed && backup == 1)
		more = ": byte for byte as before enable";
	else if (changed && backup == 0)
		more = ": what was edited since is kept; it differs from the "
		       "file before enable";
	else if (changed)
		more = ": the file from before enable is gone, so nothing "
		       "was compared";
	if (!c->json) {
		(void)printf("%s: %s%s\n", text_shown(cnf->place.real, file),
			outcome, more);
		if (changed && backup == 0)
			(void)printf("That one stays in %s\n",
				text_shown(cnf->backup_path, file));
		return;
	}
	json_open(&c->out, NULL, '{');
	json_string(&c->out, "file", cnf->place.real);
	json_string(&c->out, "outcome", outcome);
	if (changed && backup >= 0)
		json_bool(&c->out, "as-before", backup == 1);
	json_bool(&c->out, "still-active", is_by_hand(cnf));
	json_close(&c->out, '}');
}

static int
disable_file(struct ctl *c, const char *file, bool dry_run)
{
	static struct cnffile cnf;
	char path[PATH_MAX];
	struct fault f;
	bool changed;
	int backup, r = 0;

	if (cnffile_open(
		    file == NULL ? cnffile_default(path) : file, &cnf, &f) < 0)
		return fault_print(&f);
	changed = cnf.len != cnf.old.bytes.len;
	backup = cnffile_is_backup(&cnf, cnf.base, cnf.len);
	if (changed && !dry_run)
		r = cnffile_replace(&cnf, cnf.base, cnf.len, &f);
	/* It holds nothing that the file has not. Also what a keydctl that
	 * was killed has left. */
	if (r == 0 && backup == 1 && !dry_run)
		r = cnffile_drop_backup(&cnf, &f);
	if (r == 0)
		say(c, &cnf, changed, backup, dry_run);
	else
		r = fault_print(&f);
	cnffile_close(&cnf);
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
		{ 0 },
	};
	const char *file = NULL, *service = NULL, *root = NULL;
	bool dry_run = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == 'f')
			file = optarg;
		else if (opt == 's')
			service = optarg;
		else if (opt == 'r')
			root = optarg;
		else if (opt == 'n')
			dry_run = true;
		else
			return ctl_usage("disable");
	}
	if (optind != argc || (service == NULL && root != NULL) ||
		(service != NULL && file != NULL))
		return ctl_usage("disable");
	if (service != NULL)
		return dropin_disable(c, root, service, dry_run);
	return disable_file(c, file, dry_run);
}
