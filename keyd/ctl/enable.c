/* keydctl enable: activates the provider in an openssl.cnf, or for one
 * service. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block.h"
#include "cnffile.h"
#include "ctl.h"
#include "dropin.h"
#include "probe.h"
#include "stale.h"
#include "text.h"

struct enable {
	struct ctl *ctl;
	const char *file, *service, *root;
	bool dry_run;
	const char *module;
	struct block_settings settings;
	struct kept kept;
	struct cnffile cnf;
	struct cnf read;          /* without our block */
	struct activation before; /* of that */
	char *text;               /* the new file */
	/* what the block from before did wrong, or empty */
	char stale[STALE_MAX];
	size_t len, block_at;
};

/* Reads what the file would say with the text. */
static int
look(const struct enable *e, const char *text, size_t len, struct activation *a,
	struct cnf *cnf, struct fault *f)
{
	if (cnffile_parse(&e->cnf, text, len, cnf, f) < 0)
		return -1;
	if (activation_find(cnf, a, f) == 0)
		return 0;
	cnf_free(cnf);
	return -1;
}

/* Is it activated by hand, the way it is wanted? */
static bool
is_enough(const struct enable *e, const struct activation *a)
{
	const char *module = e->settings.module;

	return a->has_keyd && !activation_loses_default(a) &&
	       e->kept.len == 0 &&
	       (module == NULL ||
		       (a->module != NULL && strcmp(a->module, module) == 0));
}

/* The new text, or the old one if that is all right. */
static int
plan(struct enable *e, struct fault *f)
{
	const struct kept_file file = { e->cnf.place.real,
		e->cnf.old.bytes.data, e->cnf.old.bytes.len, &e->read,
		&e->before };
	char block[BLOCK_MAX];
	long n = 0;

	if (look(e, e->cnf.base, e->cnf.len, &e->before, &e->read, f) < 0 ||
		kept_take(&file, &e->settings, &e->kept, f) < 0)
		return -1;
	e->settings.kept = &e->kept;
	e->text = malloc(e->cnf.len + sizeof(block));
	if (e->text == NULL)
		return fault_set(f, FAULT_FAILED, "no memory");
	if (!is_enough(e, &e->before))
		n = block_write(&e->read, &e->before, e->cnf.base, e->cnf.len,
			&e->settings, block, f);
	if (n < 0)
		return -1;
	if (e->cnf.len > 0)
		memcpy(e->text, e->cnf.base, e->cnf.len);
	memcpy(e->text + e->cnf.len, block, (size_t)n);
	e->block_at = e->cnf.len;
	e->len = e->cnf.len + (size_t)n;
	return 0;
}

/* By libcrypto's reading: what was there before stays, and keyd comes. */
static int
compare(const struct enable *e, const char *module, struct fault *f)
{
	const struct probe_conf old = { e->cnf.base, e->cnf.len };
	const struct probe_conf new = { e->text, e->len };
	struct probe *before = malloc(sizeof(*before));
	struct probe *after = malloc(sizeof(*after));
	const char *file = e->cnf.place.real;
	int r = -1;

	if (before == NULL || after == NULL) {
		(void)fault_set(f, FAULT_FAILED, "no memory");
		goto done;
	}
	r = probe_text(file, old.data, old.len, before, f);
	if (r == PROBE_DIES)
		fault_add(f, ", without keyd's lines too: mend that first");
	if (r == 0)
		r = probe_text(file, new.data, new.len, after, f);
	if (r == 0)
		r = probe_compare(before, after, f);
	if (r == PROBE_INACTIVE)
		probe_why(&old, &new, module, f);
done:
	free(before);
	free(after);
	return r < 0 ? -1 : 0;
}

/* The block does what it is for, by our own reading, and by libcrypto's. */
static int
try_out(const struct enable *e, struct fault *f)
{
	struct activation a;
	struct cnf cnf;
	int r = -1;

	if (look(e, e->text, e->len, &a, &cnf, f) < 0)
		return -1;
	if (!a.has_keyd || activation_loses_default(&a))
		(void)fault_set(f, FAULT_REFUSED,
			"the provider would not be active in the end");
	else
		r = compare(e, a.module, f);
	cnf_free(&cnf);
	return r;
}

static void
say_json(const struct enable *e, const char *outcome, bool backup)
{
	struct json *j = &e->ctl->out;
	char block[BLOCK_MAX];

	(void)snprintf(block, sizeof(block), "%.*s",
		(int)(e->len - e->block_at), e->text + e->block_at);
	json_open(j, NULL, '{');
	json_string(j, "file", e->cnf.place.real);
	json_string(j, "outcome", outcome);
	json_string(j, "added", block);
	if (backup)
		json_string(j, "backup", e->cnf.backup_path);
	if (e->stale[0] != '\0')
		json_string(j, "before", e->stale);
	json_close(j, '}');
}

/* Why the block from before would not do. */
static void
say_stale(const struct enable *e)
{
	if (e->stale[0] != '\0')
		(void)printf("As it was it %s.\n", e->stale);
}

static int
done(const struct enable *e, bool changed)
{
	char file[PATH_MAX], backup[PATH_MAX];

	(void)text_shown(e->cnf.place.real, file);
	(void)text_shown(e->cnf.backup_path, backup);
	if (e->ctl->json)
		say_json(e,
			!changed     ? "already enabled"
			: e->dry_run ? "would be enabled"
				     : "enabled",
			changed && !e->dry_run);
	else if (!changed)
		(void)printf("%s: already enabled\n", file);
	else if (e->dry_run)
		(void)printf("%s: would be enabled by these lines at its "
			     "end:\n%.*s",
			file, (int)(e->len - e->block_at),
			e->text + e->block_at);
	else
		(void)printf("%s: enabled. Its bytes from before are in %s.\n"
			     "Programs that run read it when they are started "
			     "again; what one of them still lacks says "
			     "keydctl check --pid PID\n",
			file, backup);
	if (changed && !e->ctl->json)
		say_stale(e);
	return 0;
}

/* A refusal, with what to do by hand. */
static int
refuse(const struct enable *e, const struct fault *f)
{
	char recipe[2048];

	(void)fault_print(f);
	if (f->code != FAULT_REFUSED)
		return f->code;
	block_recipe(&e->before, recipe, sizeof(recipe));
	(void)fprintf(stderr,
		"keydctl: nothing was changed; by hand it is:\n%s", recipe);
	return f->code;
}

static int
write_it(const struct enable *e, struct fault *f)
{
	bool first = cnffile_is_backup(&e->cnf, "", 0) < 0;
	struct fault more;
	int r;

	if (cnffile_back_up(&e->cnf, f) < 0)
		return -1;
	r = cnffile_replace(&e->cnf, e->text, e->len, f);
	/* Nothing has changed, then: not by a backup either. */
	if (r == -1 && first && cnffile_drop_backup(&e->cnf, &more) < 0)
		fault_add(f, "; %s", more.text);
	return r == 0 ? 0 : -1;
}

static int
change(struct enable *e, struct fault *f)
{
	const struct bytes *old = &e->cnf.old.bytes;
	struct fault ignored;
	bool changed;

	if (plan(e, f) < 0 || try_out(e, f) < 0)
		return -1;
	if (stale_block(e->cnf.place.real, old->data, old->len, cnffile_include,
		    NULL, e->stale, &ignored) <= 0)
		e->stale[0] = '\0';
	changed = e->len != e->cnf.old.bytes.len ||
		  memcmp(e->text, e->cnf.old.bytes.data, e->len) != 0;
	if (changed && !e->dry_run && write_it(e, f) < 0)
		return -1;
	return done(e, changed);
}

static int
enable_file(struct enable *e)
{
	char path[PATH_MAX];
	struct fault f, g;
	int r;

	if (e->file == NULL)
		e->file = cnffile_default(path);
	block_settings(&e->ctl->config, &e->settings);
	e->settings.module = e->module;
	if (cnffile_open(e->file, !e->dry_run, &e->cnf, &f) < 0)
		return fault_print(&f);
	r = change(e, &f);
	if (r < 0 && strncmp(f.text, e->cnf.place.real,
			     strlen(e->cnf.place.real)) != 0) {
		g = f;
		(void)fault_set(
			&f, g.code, "%s: %s", e->cnf.place.real, g.text);
	}
	if (r < 0)
		r = refuse(e, &f);
	free(e->text);
	cnf_free(&e->read);
	cnffile_close(&e->cnf);
	return r;
}

static int
is_usable_module(const char *path, struct fault *f)
{
	if (path[0] != '/')
		return fault_set(f, FAULT_USAGE,
			"--module %s: programs run anywhere: give the whole "
			"path",
			path);
	if (access(path, R_OK) < 0)
		return fault_set(f, FAULT_USAGE, "--module %s: %s", path,
			strerror(errno));
	return 0;
}

int
enable_verb(struct ctl *c, int argc, char **argv)
{
	static const struct option table[] = {
		{ "openssl-cnf", required_argument, NULL, 'f' },
		{ "module", required_argument, NULL, 'm' },
		{ "service", required_argument, NULL, 's' },
		{ "root", required_argument, NULL, 'r' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 },
	};
	static struct enable e;
	struct fault f;
	int opt;

	e.ctl = c;
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == 'f')
			e.file = optarg;
		else if (opt == 'm')
			e.module = optarg;
		else if (opt == 's')
			e.service = optarg;
		else if (opt == 'r')
			e.root = optarg;
		else if (opt == 'n')
			e.dry_run = true;
		else
			return ctl_usage("enable");
	}
	if (optind != argc || (e.service == NULL && e.root != NULL) ||
		(e.service != NULL && e.module != NULL))
		return ctl_usage("enable");
	if (e.service != NULL)
		return dropin_enable(c, e.root, e.service, e.file, e.dry_run);
	if (e.module != NULL && is_usable_module(e.module, &f) < 0)
		return fault_print(&f);
	return enable_file(&e);
}
