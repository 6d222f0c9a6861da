#include "tables.h"

int keydctl_main(int argc, char **argv);

#define main keydctl_main
#include "keyd/ctl/main.c"
#undef main

void
tables_ctl(void)
{
	static struct ctl c;
	char name[32], more[] = "-", *argv[4];
	size_t i;

	/* What they say of these arguments. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return;
	for (i = 0; i < NVERBS; i++) {
		(void)printf("verb\t%s\t%s\t%s\n", verbs[i].name,
			verbs[i].synopsis, verbs[i].summary);
		(void)snprintf(name, sizeof(name), "%s", verbs[i].name);
		argv[0] = name;
		argv[1] = argv[2] = more;
		argv[3] = NULL;
		tables_of = verbs[i].name;
		/* Too many arguments for those that have no options. */
		(void)verbs[i].run(&c, 3, argv);
		tables_of = NULL;
	}
}
