#include "tables.h"

#include <getopt.h>
#include <stdio.h>

const char *tables_of;

int __wrap_getopt_long(int argc, char *const argv[], const char *shorts,
	const struct option *longs, int *index);

/* In the place of the C library's: what a program would parse is told. */
int
__wrap_getopt_long(int argc, char *const argv[], const char *shorts,
	const struct option *longs, int *index)
{
	(void)argc;
	(void)argv;
	(void)index;
	if (tables_of == NULL)
		return -1;
	for (; longs->name != NULL; longs++)
		(void)printf("option\t%s\t--%s\t%d\n", tables_of, longs->name,
			longs->has_arg);
	for (; *shorts != '\0'; shorts++)
		if (*shorts != ':')
			(void)printf("option\t%s\t-%c\t%d\n", tables_of,
				*shorts, shorts[1] == ':');
	tables_of = NULL;
	return '?';
}
