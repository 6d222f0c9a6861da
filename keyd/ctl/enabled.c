#include "enabled.h"

#include <unistd.h>

#include "activation.h"
#include "cnffile.h"
#include "dropin.h"

static bool
text_activates(const char *path, const struct bytes *b)
{
	struct activation a;
	struct fault ignored;
	struct cnf cnf;
	bool r;

	if (cnf_read(path, (const char *)b->data, b->len, cnffile_include, NULL,
		    &cnf, &ignored) < 0)
		return false;
	r = activation_find(&cnf, &a, &ignored) == 0 && a.has_keyd;
	cnf_free(&cnf);
	return r;
}

static bool
file_activates(const char *path)
{
	struct bytes b;
	bool r = false;
	struct fault ignored;
	int fd = cnffile_include(NULL, path, &ignored);

	if (fd >= 0 && bytes_read(fd, CNF_MAX, &b) == 0) {
		r = text_activates(path, &b);
		bytes_free(&b);
	}
	if (fd >= 0)
		(void)close(fd);
	return r;
}

bool
enabled_system(void)
{
	char path[PATH_MAX];

	return file_activates(cnffile_default(path));
}

static void
service(void *arg, const char *unit, const char *path)
{
	bool *found = arg;

	(void)unit;
	*found = *found || file_activates(path);
}

bool
enabled_somewhere(void)
{
	bool found = enabled_system();

	if (!found)
		dropin_each(service, &found);
	return found;
}
