#include "tables.h"

#include "provider/settings.c"

static const char *given_name, *given_value;

void
tables_provider(void)
{
	size_t i;

	for (i = 0; i < ROWS(table); i++)
		(void)printf("provider\t%s\n", table[i].name);
}

/* What libcrypto answers out of openssl.cnf. */
static int
get(const OSSL_CORE_HANDLE *handle, OSSL_PARAM params[])
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, given_name);

	(void)handle;
	return p == NULL || OSSL_PARAM_set_utf8_ptr(p, given_value);
}

int
tables_read_provider(const char *name, const char *value)
{
	struct settings s;

	given_name = name;
	given_value = value;
	settings_read(&s, NULL, get);
	if (s.problem[0] != '\0') {
		(void)fprintf(stderr, "%s\n", s.problem);
		return -1;
	}
	(void)printf("socket %s\nabstract-socket %s\ntimeout %u\n"
		     "server-user %d\nassume-fips %d\n",
		s.socket, s.abstract_socket, s.timeout, (int)s.server_user,
		s.assume_fips);
	return 0;
}
