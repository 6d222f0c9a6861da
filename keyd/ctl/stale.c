#include "stale.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activation.h"
#include "cnffile.h"
#include "dropin.h"
#include "enabled.h"
#include "mark.h"
#include "shells.h"
#include "text.h"

/* A file, and what it activates. */
struct reading {
	struct cnf cnf;
	struct activation a;
};

static int
read_text(const char *file, const void *text, size_t len,
	cnf_open_fn *open_file, void *arg, struct reading *out, struct fault *f)
{
	if (cnf_read(file, text, len, open_file, arg, &out->cnf, f) < 0)
		return -1;
	if (activation_find(&out->cnf, &out->a, f) == 0)
		return 0;
	cnf_free(&out->cnf);
	return -1;
}

/* 1 with words, or 0. */
static int
compare(const struct reading *own, const struct reading *whole,
	char words[STALE_MAX])
{
	const struct cnf_entry *e =
		activation_hidden(&own->cnf, &own->a, &whole->cnf, &whole->a);

	if (e != NULL)
		(void)snprintf(words, STALE_MAX,
			"has %s = %s (%s:%u), which came after the block of "
			"keydctl enable and has no effect before that is "
			"written anew",
			e->name, e->value == NULL ? "" : e->value, e->file,
			e->line);
	else if (!whole->a.has_keyd)
		(void)snprintf(words, STALE_MAX,
			"has a block of keydctl enable that activates keyd no "
			"longer, since what stands before it has changed");
	else if (activation_loses_default(&whole->a))
		(void)snprintf(words, STALE_MAX,
			"activates keyd, but no longer the provider default: "
			"what stands before the block of keydctl enable has "
			"changed");
	else
		return 0;
	text_clean(words);
	return 1;
}

int
stale_block(const char *file, const void *text, size_t len,
	cnf_open_fn *open_file, void *arg, char words[STALE_MAX],
	struct fault *f)
{
	struct reading own, whole;
	char *base = malloc(len + 1);
	long n;
	int r = -1;

	if (base == NULL)
		return fault_set(f, FAULT_FAILED, "no memory");
	n = mark_strip(file, text, len, base, f);
	if (n < 0 || (size_t)n == len) {
		free(base);
		return n < 0 ? -1 : 0;
	}
	if (read_text(file, base, (size_t)n, open_file, arg, &own, f) == 0) {
		if (read_text(file, text, len, open_file, arg, &whole, f) ==
			0) {
			r = compare(&own, &whole, words);
			cnf_free(&whole.cnf);
		}
		cnf_free(&own.cnf);
	}
	free(base);
	return r;
}

/* --- for check ------------------------------------------------------------ */

static int
read_file(const char *path, struct bytes *out, struct fault *f)
{
	int fd = cnffile_include(NULL, path, f), r;

	if (fd == CNF_FOREIGN)
		return -1;
	r = fd < 0 ? -1 : bytes_read(fd, CNF_MAX, out);
	if (r < 0)
		(void)fault_set(
			f, FAULT_FAILED, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return r;
}

static void
system_file(struct findings *v, const char *path)
{
	char words[STALE_MAX];
	struct bytes b;
	struct fault f;
	int r;

	/* What it says otherwise is no affair of keyd's. */
	if (read_file(path, &b, &f) < 0)
		return;
	r = stale_block(path, b.data, b.len, cnffile_include, NULL, words, &f);
	bytes_free(&b);
	if (r > 0)
		finding_say(v, FINDING_WARNING, path,
			"it %s: run keydctl enable again", words);
	else if (r < 0)
		finding_say(v, FINDING_WARNING, "openssl.cnf", "%s", f.text);
}

/* The service's file, whole, by the system's. */
static void
against_system(struct findings *v, const char *unit, const char *path,
	const struct reading *whole)
{
	char system[PATH_MAX];
	const struct cnf_entry *e;
	struct reading own;
	struct bytes b;
	struct fault f;
	int r;

	if (read_file(cnffile_default(system), &b, &f) < 0)
		return;
	r = read_text(system, b.data, b.len, cnffile_include, NULL, &own, &f);
	bytes_free(&b);
	if (r < 0)
		return;
	e = activation_hidden(&own.cnf, &own.a, &whole->cnf, &whole->a);
	if (e != NULL)
		finding_say(v, FINDING_WARNING, unit,
			"%s = %s (%s:%u) has no effect on it, by its "
			"OPENSSL_CONF, %s: let that hold the one line "
			"\".include %s\" and run keydctl enable --openssl-cnf "
			"%s",
			e->name, e->value == NULL ? "" : e->value, e->file,
			e->line, path, system, path);
	cnf_free(&own.cnf);
}

static void
service_text(struct findings *v, const char *unit, const char *path,
	const struct bytes *b)
{
	char words[STALE_MAX];
	struct reading whole;
	struct fault f;
	int r = stale_block(
		path, b->data, b->len, cnffile_include, NULL, words, &f);

	if (r > 0) {
		finding_say(v, FINDING_WARNING, unit,
			"its OPENSSL_CONF, %s, %s: run keydctl enable "
			"--openssl-cnf %s again",
			path, words, path);
		return;
	}
	if (r < 0 || read_text(path, b->data, b->len, cnffile_include, NULL,
			     &whole, &f) < 0) {
		finding_say(v, FINDING_WARNING, unit, "%s", f.text);
		return;
	}
	if (whole.a.has_keyd)
		against_system(v, unit, path, &whole);
	else
		finding_say(v, FINDING_ERROR, unit,
			"its OPENSSL_CONF, %s, does not activate keyd: keydctl "
			"enable --openssl-cnf %s",
			path, path);
	cnf_free(&whole.cnf);
}

static void
service(void *arg, const char *unit, const char *path)
{
	struct findings *v = arg;
	struct bytes b;
	struct fault f;

	if (read_file(path, &b, &f) < 0) {
		finding_say(
			v, FINDING_ERROR, unit, "its OPENSSL_CONF: %s", f.text);
		return;
	}
	service_text(v, unit, path, &b);
	bytes_free(&b);
}

/* Programs that run have the provider; the next start or reload finds a file
 * that it cannot read. */
static void
shells(struct findings *v)
{
	struct shells s;

	shells_find(&v->ctl->config, &s);
	if (s.n > 0 && !enabled_somewhere())
		finding_say(v, FINDING_WARNING, "openssl.cnf",
			"no openssl.cnf that is known here activates keyd, and "
			"programs without it cannot read shells (%s): keydctl "
			"enable (or --service NAME.service), before they are "
			"restarted or reloaded",
			s.words);
}

void
stale_examine(struct findings *v)
{
	char path[PATH_MAX];

	system_file(v, cnffile_default(path));
	dropin_each(service, v);
	shells(v);
}
