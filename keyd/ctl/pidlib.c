#include <string.h>

#include "apart.h"
#include "builtin.h"
#include "pidcheck.h"
#include "scan.h"

/* No libcrypto is mapped: what else is there? */
static void
other_library(struct pid_check *k)
{
	const char *other = k->p->libs.other, *built_in;
	bool whole = true;

	if (other[0] != '\0') {
		pidcheck_say(k, FINDING_ERROR,
			"it uses %s, not OpenSSL: it cannot use keyd's keys "
			"(if there is a variant of it for OpenSSL, take that)",
			other);
		return;
	}
	built_in = builtin_library(k->p, &whole);
	if (strcmp(built_in, "OpenSSL") == 0)
		pidcheck_say(k, FINDING_ERROR,
			"OpenSSL is built into the program: it reads the "
			"openssl.cnf, and loads the modules, of wherever that "
			"was built for: use a build that links libcrypto "
			"dynamically");
	else if (built_in[0] != '\0')
		pidcheck_say(k, FINDING_ERROR,
			"%s is built into the program: it cannot use keyd's "
			"keys",
			built_in);
	else
		pidcheck_say(k, FINDING_ERROR,
			"it does not use OpenSSL (no libcrypto is mapped; if "
			"it loads one later, check again then)");
	if (!whole)
		pidcheck_say(k, FINDING_WARNING,
			"its program could not be looked through to its end "
			"(at most %d MB are, for at most %d s): more may be "
			"built in",
			SCAN_MAX / (1024 * 1024), APART_LONG / 1000);
}

bool
pidlib_library(struct pid_check *k)
{
	const struct proclibs *l = &k->p->libs;
	const char *base = strrchr(l->crypto, '/');

	if (base == NULL) {
		other_library(k);
		return false;
	}
	if (strncmp(base, "/libcrypto.so.3", 15) != 0) {
		pidcheck_say(k, FINDING_ERROR,
			"it uses %s, which is not OpenSSL 3 and takes no "
			"providers: it cannot use keyd's keys",
			l->crypto);
		return false;
	}
	if (l->crypto_replaced)
		pidcheck_say(k, FINDING_WARNING,
			"%s was replaced since it was started: restart it",
			l->crypto);
	return true;
}

void
pidlib_provider(struct pid_check *k)
{
	const struct proclibs *l = &k->p->libs;

	if (l->keyd[0] == '\0')
		pidcheck_say(k, FINDING_ERROR,
			"the provider is not loaded: keyd.so is not mapped");
	else if (l->keyd_replaced)
		pidcheck_say(k, FINDING_WARNING,
			"%s is loaded, but was replaced since: restart it",
			l->keyd);
	else
		pidcheck_say(
			k, FINDING_OK, "the provider is loaded: %s", l->keyd);
}
