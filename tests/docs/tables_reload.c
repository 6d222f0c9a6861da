#include "tables.h"

#include <stdio.h>

#include "keyd/broker/reload.c"

void
tables_reload(void)
{
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		(void)printf("restart\t%s\n", fixed[i].name);
}
