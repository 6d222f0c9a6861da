/* The provider's section of openssl.cnf. */
#ifndef KEYD_PROVIDER_SETTINGS_H
#define KEYD_PROVIDER_SETTINGS_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <stdbool.h>
#include <sys/types.h>

enum {
	SETTINGS_MAX_ADDRESS = 107, /* bytes of a socket's name: unix(7) */
	SETTINGS_TIMEOUT = 5000,
	SETTINGS_MAX_TIMEOUT = 600000,
};

struct settings {
	char socket[SETTINGS_MAX_ADDRESS + 1];          /* "": not set */
	char abstract_socket[SETTINGS_MAX_ADDRESS + 1]; /* "": not set */
	unsigned timeout;                               /* ms */
	uid_t server_user;                              /* as in client.h */
	bool assume_fips;  /* say that all algorithms are `fips=yes` */
	char problem[200]; /* "", or what is wrong, to be said later */
};

/*
 * Reads the settings. Never fails: OpenSSL would swallow the reason, and an
 * application without a shell must not suffer. What is wrong is kept in
 * problem and reported when a shell is loaded.
 */
void settings_read(struct settings *out, const OSSL_CORE_HANDLE *handle,
	OSSL_FUNC_core_get_params_fn *get_params);

#endif
