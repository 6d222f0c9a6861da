#include "tables.h"

#include "provider/client_error.c"

void
tables_client(void)
{
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		(void)printf("hint\t%s\n", hints[i].hint);
	for (i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		if (advice[i] != NULL)
			(void)printf("advice\t%s\n", advice[i]);
}
