#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "regular.h"
#include "text.h"

void
unit_warn(struct unit_warnings *w, const char *fmt, ...)
{
	va_list ap;

	if (w->n == sizeof(w->text) / sizeof(w->text[0]))
		return;
	va_start(ap, fmt);
	/* clang-tidy 14 loses track of va_start() in some callers. */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	(void)vsnprintf(w->text[w->n], sizeof(w->text[0]), fmt, ap);
	va_end(ap);
	text_clean(w->text[w->n++]);
}

bool
unit_is_name(const char *unit)
{
	static const char suffix[] = ".service";
	static const char more[] = ":_.\\@-";
	size_t len = strlen(unit), i;

	if (len < sizeof(suffix) || len > NAME_MAX - sizeof(".d") ||
		strcmp(unit + len - sizeof(suffix) + 1, suffix) != 0 ||
		unit[0] == '.')
		return false;
	for (i = 0; i < len; i++)
		if (!((unit[i] >= 'a' && unit[i] <= 'z') ||
			    (unit[i] >= 'A' && unit[i] <= 'Z') ||
			    (unit[i] >= '0' && unit[i] <= '9') ||
			    strchr(more, unit[i]) != NULL))
			return false;
	return true;
}

/* Services in which a drop-in does not do, or not all. */
static const struct {
	const char *unit; /* up to a dot or @ */
	const char *words;
} special[] = {
	{ "postfix", "postfix gives its processes an environment of its own: "
		     "enable keyd for the whole machine (keydctl enable), or "
		     "add OPENSSL_CONF to import_environment" },
	{ "dovecot", "dovecot gives its processes an environment of its own: "
		     "enable keyd for the whole machine (keydctl enable), or "
		     "add OPENSSL_CONF to import_environment" },
	{ "nginx", "an upgrade of the running nginx (signal USR2) drops it "
		   "from the environment: add \"env OPENSSL_CONF;\" to "
		   "nginx.conf if you use that" },
};

static void
known(const char *unit, struct unit_warnings *w)
{
	size_t i, len = strcspn(unit, ".@");

	for (i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (strlen(special[i].unit) == len &&
			strncmp(special[i].unit, unit, len) == 0)
			unit_warn(w, "%s", special[i].words);
}

int
unit_open(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return regular_reopen(
		(int)syscall(SYS_openat2, root, path, &how, sizeof(how)));
}

/* Says of the lines in a unit's file that are about OPENSSL_CONF. */
static void
read_unit(int fd, const char *path, struct unit_warnings *w)
{
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	unsigned n = 0;

	while (in != NULL && getline(&line, &size, in) >= 0) {
		n++;
		line[strcspn(line, "\r\n")] = '\0';
		if (strstr(line, "OPENSSL_CONF") != NULL && line[0] != '#' &&
			line[0] != ';')
			unit_warn(w,
				"%s:%u: it is about OPENSSL_CONF already (of a "
				"unit and its drop-ins the last one holds: the "
				"unit comes first, then they, by name): %s",
				path, n, line);
		else if (strncmp(line, "EnvironmentFile=", 16) == 0)
			unit_warn(w,
				"%s:%u: if that file sets OPENSSL_CONF, that "
				"one holds: %s",
				path, n, line);
	}
	free(line);
	if (in != NULL)
		(void)fclose(in);
	else
		(void)close(fd);
}

static void
read_folder(int root, const char *folder, const char *except,
	struct unit_warnings *w)
{
	int fd = unit_open(root, folder);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	char path[PATH_MAX];
	size_t len;
	int file;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		len = strlen(e->d_name);
		if (len < 6 || strcmp(e->d_name + len - 5, ".conf") != 0 ||
			strcmp(e->d_name, except) == 0 ||
			snprintf(path, sizeof(path), "%s/%s", folder,
				e->d_name) >= (int)sizeof(path))
			continue;
		file = unit_open(root, path);
		if (file >= 0)
			read_unit(file, path, w);
	}
	if (dir != NULL)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd);
}

static const char *const folders[] = { "/etc/systemd/system",
	"/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system" };

bool
unit_exists(int root, const char *unit)
{
	bool found = strchr(unit, '@') != NULL;
	char path[PATH_MAX];
	size_t i;
	int fd;

	for (i = 0; !found && i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
		fd = unit_open(root, path);
		found = fd >= 0;
		if (fd >= 0)
			(void)close(fd);
	}
	return found;
}

/* As systemd finds it: the first file, and every drop-in. */
void
unit_examine(
	int root, const char *unit, const char *except, struct unit_warnings *w)
{
	char path[PATH_MAX];
	bool found = false;
	size_t i;
	int fd;

	known(unit, w);
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
		fd = found ? -1 : unit_open(root, path);
		if (fd >= 0) {
			read_unit(fd, path, w);
			found = true;
		}
		/* On a machine whose /lib is /usr/lib, once. */
		if (strcmp(folders[i], "/lib/systemd/system") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s.d", folders[i], unit);
		read_folder(root, path, except, w);
	}
	if (!found && !unit_exists(root, unit))
		unit_warn(w, "%s: no such unit was found", unit);
}
