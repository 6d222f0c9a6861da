/* keydctl shell: prints a key's shell, or writes it to a new file. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "enlist.h"
#include "publish.h"
#include "shellfile.h"

static int
run(struct ctl *c, const char *name, const char *out, struct fault *f)
{
	struct helper_answer *a = malloc(sizeof(*a));
	char text[SHELLFILE_MAX];
	struct store store;
	long n = -1;

	if (a == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	if (store_open(&c->config, false, &store, f) == 0) {
		if (enlist_inspect(&store, name, NULL, a, f) == 0)
			n = shellfile_print(
				SHELLFILE_PEM, name, a->d.spki, text, f);
		store_close(&store);
	}
	free(a);
	if (n < 0)
		return -1;
	if (out != NULL && publish_new(out, text, (size_t)n, f) < 0)
		return -1;
	if (c->json) {
		json_open(&c->out, NULL, '{');
		json_string(&c->out, "name", name);
		json_string(&c->out, "shell", text);
		if (out != NULL)
			json_string(&c->out, "file", out);
		json_close(&c->out, '}');
	}
	if (c->json || out != NULL)
		return 0;
	return fwrite(text, 1, (size_t)n, stdout) == (size_t)n
		       ? 0
		       : fault_set(f, FAULT_FAILED, "standard output: failed");
}

int
shell_verb(struct ctl *c, int argc, char **argv)
{
	static const struct option table[] = {
		{ "out", required_argument, NULL, 'o' },
		{ 0 },
	};
	const char *out = NULL, *name;
	struct fault f = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == '?')
			return ctl_usage("shell");
		out = optarg;
	}
	name = ctl_name(argc - optind, argv + optind, "shell");
	if (name == NULL)
		return FAULT_USAGE;
	return run(c, name, out, &f) < 0 ? fault_print(&f) : 0;
}
