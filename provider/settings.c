#include "provider/settings.h"

#include "provider/client.h"

#include <openssl/params.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

/* Each takes a value; returns NULL, or what the value should have been. */
typedef const char *set_fn(struct settings *s, const char *value);

static set_fn set_socket, set_abstract, set_timeout, set_server_user, set_fips;

static const struct {
	const char *name;
	set_fn *set;
} table[] = {
	{ "socket", set_socket },
	{ "abstract-socket", set_abstract },
	{ "timeout", set_timeout },
	{ "server-user", set_server_user },
	{ "assume-fips", set_fips },
};

/* Decimal digits alone, at most max. */
static int
parse_number(const char *text, unsigned long max, unsigned long *out)
{
	unsigned long n;

	if (text[0] == '\0' || strlen(text) > 10 ||
		text[strspn(text, "0123456789")] != '\0')
		return -1;
	n = strtoul(text, NULL, 10);
	if (n > max)
		return -1;
	*out = n;
	return 0;
}

static const char *
set_socket(struct settings *s, const char *value)
{
	if (value[0] != '/' || strlen(value) > SETTINGS_MAX_ADDRESS)
		return "an absolute path of at most 107 bytes";
	memcpy(s->socket, value, strlen(value) + 1);
	return NULL;
}

static const char *
set_abstract(struct settings *s, const char *value)
{
	if (value[0] == '@')
		value++;
	if (value[0] == '\0' || strlen(value) >= SETTINGS_MAX_ADDRESS)
		return "a name of 1 to 106 bytes";
	memcpy(s->abstract_socket, value, strlen(value) + 1);
	return NULL;
}

static const char *
set_timeout(struct settings *s, const char *value)
{
	unsigned long n;

	if (parse_number(value, SETTINGS_MAX_TIMEOUT, &n) < 0 || n == 0)
		return "milliseconds, from 1 to 600000";
	s->timeout = (unsigned)n;
	return NULL;
}

static const char *
set_server_user(struct settings *s, const char *value)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	unsigned long n;

	if (strcmp(value, "unmapped") == 0) {
		s->server_user = CLIENT_OVERFLOW_UID;
		return NULL;
	}
	if (parse_number(value, UINT32_MAX - 1, &n) < 0) {
		if (getpwnam_r(value, &pw, buf, sizeof(buf), &found) != 0 ||
			found == NULL)
			return "a user of this system, a user id (a name "
			       "cannot be looked up in a chroot), or "
			       "unmapped";
		n = pw.pw_uid;
	}
	if (n == CLIENT_OVERFLOW_UID)
		return "another user: 65534 is anyone whom the kernel cannot "
		       "name";
	s->server_user = (uid_t)n;
	return NULL;
}

static const char *
set_fips(struct settings *s, const char *value)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return "yes or no";
	s->assume_fips = strcmp(value, "yes") == 0;
	return NULL;
}

void
settings_read(struct settings *out, const OSSL_CORE_HANDLE *handle,
	OSSL_FUNC_core_get_params_fn *get_params)
{
	OSSL_PARAM params[ROWS(table) + 1];
	char *values[ROWS(table)] = { 0 };
	const char *should;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->timeout = SETTINGS_TIMEOUT;
	out->server_user = (uid_t)-1;
	for (i = 0; i < ROWS(table); i++)
		params[i] = OSSL_PARAM_construct_utf8_ptr(
			table[i].name, &values[i], 0);
	params[i] = OSSL_PARAM_construct_end();
	if (get_params == NULL || !get_params(handle, params))
		return;
	for (i = 0; i < ROWS(table); i++) {
		if (values[i] == NULL)
			continue;
		should = table[i].set(out, values[i]);
		if (should != NULL && out->problem[0] == '\0')
			(void)snprintf(out->problem, sizeof(out->problem),
				"setting %s = %.40s must be %s", table[i].name,
				values[i], should);
	}
}
