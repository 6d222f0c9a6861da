#include "unitfiles.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

enum {
	MAX_DROPINS = 64,
	MAX_LINE = 16384, /* continued ones joined */
};

/* /lib is /usr/lib or nothing that counts. */
static const char *const folders[] = { "/etc/systemd/system",
	"/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system" };

struct dropin {
	char name[NAME_MAX + 1];
	char path[PATH_MAX];
};

struct dropins {
	struct dropin list[MAX_DROPINS];
	size_t n;
};

/* --- one file ------------------------------------------------------------- */

static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static void
setting(char *line, bool *in_service, unitfiles_fn *fn, void *arg)
{
	char *equal;

	line = trim(line);
	if (line[0] == '[') {
		*in_service = strcmp(line, "[Service]") == 0;
		return;
	}
	equal = strchr(line, '=');
	if (!*in_service || equal == NULL)
		return;
	*equal = '\0';
	fn(arg, trim(line), trim(equal + 1));
}

/* Closes fd. */
static void
read_file(int fd, unitfiles_fn *fn, void *arg)
{
	FILE *in = fdopen(fd, "r");
	char line[MAX_LINE];
	bool in_service = false;
	size_t n = 0, len;

	if (in == NULL) {
		(void)close(fd);
		return;
	}
	while (fgets(line + n, (int)(sizeof(line) - n), in) != NULL) {
		if (line[n] == '#' || line[n] == ';') {
			line[n] = '\0';
			continue;
		}
		len = n + strcspn(line + n, "\r\n");
		if (len > n && line[len - 1] == '\\' &&
			len + 2 < sizeof(line)) {
			line[len - 1] = ' ';
			n = len;
			continue;
		}
		setting(line, &in_service, fn, arg);
		n = 0;
	}
	(void)fclose(in);
}

/* --- which files ---------------------------------------------------------- */

static bool
is_hidden(const struct dropins *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (strcmp(d->list[i].name, name) == 0)
			return true;
	return false;
}

static void
list_dropins(int root, const char *folder, struct dropins *d)
{
	int fd = unit_open(root, folder);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct dropin *one;
	size_t len;

	while (dir != NULL && d->n < MAX_DROPINS &&
		(e = readdir(dir)) != NULL) {
		len = strlen(e->d_name);
		if (len < 6 || strcmp(e->d_name + len - 5, ".conf") != 0 ||
			is_hidden(d, e->d_name))
			continue;
		one = &d->list[d->n++];
		(void)snprintf(one->name, sizeof(one->name), "%s", e->d_name);
		(void)snprintf(one->path, sizeof(one->path), "%.512s/%s",
			folder, e->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name,
		((const struct dropin *)b)->name);
}

/* "a@b.service" is made from "a@.service". */
static void
template_of(const char *unit, char out[NAME_MAX + 1])
{
	const char *at = strchr(unit, '@');

	if (at == NULL)
		(void)snprintf(out, NAME_MAX + 1, "%s", unit);
	else
		(void)snprintf(out, NAME_MAX + 1, "%.*s@.service",
			(int)(at - unit), unit);
}

static int
find_unit(int root, const char *name)
{
	char path[PATH_MAX];
	int fd = -1;
	size_t i;

	for (i = 0; fd < 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		fd = unit_open(root, path);
	}
	return fd;
}

int
unitfiles_read(int root, const char *unit, unitfiles_fn *fn, void *arg)
{
	const size_t n = sizeof(folders) / sizeof(folders[0]);
	struct dropins *d = calloc(1, sizeof(*d));
	char path[PATH_MAX], template[NAME_MAX + 1];
	int fd = find_unit(root, unit);
	size_t i;

	template_of(unit, template);
	if (fd < 0)
		fd = find_unit(root, template);
	if (fd < 0 || d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		free(d);
		return 0;
	}
	read_file(fd, fn, arg);
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s.d", folders[i], unit);
		list_dropins(root, path, d);
	}
	for (i = 0; strcmp(template, unit) != 0 && i < n; i++) {
		(void)snprintf(
			path, sizeof(path), "%s/%s.d", folders[i], template);
		list_dropins(root, path, d);
	}
	qsort(d->list, d->n, sizeof(d->list[0]), by_name);
	for (i = 0; i < d->n; i++) {
		fd = unit_open(root, d->list[i].path);
		if (fd >= 0)
			read_file(fd, fn, arg);
	}
	free(d);
	return 1;
}
