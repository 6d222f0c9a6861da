/* Settings in the provider's section of openssl.cnf. */
#include <criterion/criterion.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "support/scene.h"

static struct scene s;

static void
stop(void)
{
	scene_end(&s);
}

TestSuite(provider_settings, .fini = stop, .timeout = 60);

/*
 * The provider must be there all the same (scene_start() insists), other keys
 * work, and a shell fails to load, saying why.
 */
static void
assert_reported(const char *setting, const char *says)
{
	const char *data;
	int flags, said = 0;
	EVP_PKEY *key;
	char lines[400];
	BIO *b;

	(void)snprintf(lines, sizeof(lines), "# wrong\n%s", setting);
	scene_start(&s, SCENE_FIRST, lines);
	cr_assert_eq(ERR_peek_error(), 0);
	key = EVP_PKEY_Q_keygen(s.libctx, NULL, "EC", "P-256");
	cr_assert_not_null(key);
	EVP_PKEY_free(key);
	b = scene_pem(&s, SCENE_RSA);
	cr_assert_null(PEM_read_bio_PrivateKey_ex(
		b, NULL, NULL, NULL, s.libctx, NULL));
	BIO_free(b);
	while (ERR_get_error_all(NULL, NULL, NULL, &data, &flags) != 0)
		said += (flags & ERR_TXT_STRING) && strstr(data, says) &&
			strstr(data, "key rsa");
	cr_assert_eq(said, 1, "not said once: %s", says);
}

Test(provider_settings, timeout_of_no_number_is_reported)
{
	assert_reported("timeout = 5s", "timeout = 5s must be milliseconds");
}

Test(provider_settings, timeout_of_zero_is_reported)
{
	assert_reported("timeout = 0", "timeout = 0 must be milliseconds");
}

Test(provider_settings, timeout_that_is_too_long_is_reported)
{
	assert_reported("timeout = 600001", "from 1 to 600000");
}

Test(provider_settings, negative_timeout_is_reported)
{
	assert_reported("timeout = -1", "timeout = -1 must be");
}

Test(provider_settings, timeout_that_overflows_is_reported)
{
	assert_reported("timeout = 18446744073709551617", "must be");
}

Test(provider_settings, relative_socket_is_reported)
{
	assert_reported("socket = keyd.sock",
		"socket = keyd.sock must be an absolute path");
}

Test(provider_settings, socket_that_is_too_long_is_reported)
{
	char line[160] = "socket = /";

	memset(line + strlen(line), 'x', 107);
	assert_reported(line, "at most 107 bytes");
}

Test(provider_settings, abstract_name_of_nothing_is_reported)
{
	assert_reported("abstract-socket = @", "a name of 1 to 106 bytes");
}

Test(provider_settings, unknown_server_user_is_reported)
{
	assert_reported("server-user = nobody-of-that-name",
		"must be a user of this system");
}

Test(provider_settings, server_user_who_is_anyone_is_reported)
{
	assert_reported("server-user = 65534", "must be another user");
}

Test(provider_settings, assume_fips_that_is_neither_is_reported)
{
	assert_reported("assume-fips = 1", "assume-fips = 1 must be yes or no");
}

static bool
is_fips(const char *setting)
{
	EVP_SIGNATURE *sig;
	bool found;

	scene_start(&s, SCENE_LAST, setting);
	cr_assert_not_null(s.shell[SCENE_RSA]);
	sig = EVP_SIGNATURE_fetch(s.libctx, "ECDSA", "provider=keyd,fips=yes");
	found = sig != NULL;
	EVP_SIGNATURE_free(sig);
	ERR_clear_error();
	return found;
}

Test(provider_settings, algorithms_are_not_fips)
{
	cr_assert_not(is_fips(""));
}

Test(provider_settings, algorithms_are_not_fips_when_that_is_said)
{
	cr_assert_not(is_fips("assume-fips = no"));
}

Test(provider_settings, algorithms_are_fips_with_assume_fips)
{
	cr_assert(is_fips("assume-fips = yes"));
}

Test(provider_settings, good_settings_are_taken)
{
	scene_start(&s, SCENE_LAST,
		"abstract-socket = @openssl-keyd-test\ntimeout = 600000\n"
		"server-user = daemon");
	cr_assert_not_null(s.shell[SCENE_RSA]);
	cr_assert_eq(ERR_peek_error(), 0);
}

Test(provider_settings, server_user_may_be_outside_of_the_namespace)
{
	scene_start(&s, SCENE_LAST, "server-user = unmapped");
	cr_assert_not_null(s.shell[SCENE_RSA]);
}

Test(provider_settings, server_user_may_be_a_number)
{
	scene_start(&s, SCENE_LAST, "server-user = 4294967294");
	cr_assert_not_null(s.shell[SCENE_RSA]);
}
