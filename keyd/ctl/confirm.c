#include "confirm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
confirm(bool yes, const char *question, struct fault *f)
{
	char answer[16];

	if (yes)
		return 0;
	if (isatty(STDIN_FILENO) != 1)
		return fault_set(f, FAULT_REFUSED,
			"%s: there is no one to ask: say --yes", question);
	(void)fprintf(stderr, "%s? [y/N] ", question);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
		(strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return 0;
	return fault_set(f, FAULT_REFUSED, "not done");
}
