/*
 * Run by valgrind, whose memcheck follows memory that was never written: with
 * such for the secret inputs, any branch or index that depends on them is an
 * error. `premaster_time leak` branches on one, and must be found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/premaster.h"

enum { LEN = 256 };

/* Never written; not even the compiler knows. */
static uint8_t *
unwritten(size_t size)
{
	void *volatile p = malloc(size);

	return p;
}

int
main(int argc, char **argv)
{
	static uint8_t out[PROTO_PREMASTER_LEN];
	uint8_t *em = unwritten(LEN), *fallback = unwritten(PREMASTER_RANDOM);

	if (em == NULL || fallback == NULL)
		return 1;
	premaster_unpad(em, LEN, 0x0303, fallback, out);
	if (argc > 1 && strcmp(argv[1], "leak") == 0 && out[2] == 0)
		puts("a branch on a secret");
	/* The version is public. */
	if (out[0] != 3 || out[1] != 3)
		return 1;
	free(fallback);
	free(em);
	return 0;
}
