/* keyd's options: a program of its own, since its libraries and keydctl's have
 * names in common. */
#include "tables.h"

int keyd_main(int argc, char **argv);

#define main keyd_main
#include "keyd/broker/main.c"
#undef main

int
main(int argc, char **argv)
{
	tables_reload();
	/* It ends with its usage, since an option is wrong. */
	tables_of = "keyd";
	return keyd_main(argc, argv) == EXIT_USAGE ? 0 : EXIT_FAILURE;
}
