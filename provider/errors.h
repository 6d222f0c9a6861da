/* What goes wrong, in OpenSSL's error queue: a library of errors of our own. */
#ifndef KEYD_PROVIDER_ERRORS_H
#define KEYD_PROVIDER_ERRORS_H

#include "provider/context.h"

/* Numbers are part of the interface: only ever added to. */
enum error_reason {
	ERROR_UNREACHABLE = 1,
	ERROR_UNTRUSTED = 2,
	ERROR_TIMEOUT = 3,
	ERROR_PROTOCOL = 4,
	ERROR_TOO_LARGE = 5,
	ERROR_NO_MEMORY = 6,
	ERROR_REFUSED = 7, /* a status that this version does not know */
	ERROR_UNSUPPORTED = 8,
	ERROR_UNKNOWN_KEY = 9,
	ERROR_NOT_PERMITTED = 10,
	ERROR_USE_REFUSED = 11,
	ERROR_LIMIT = 12,
	ERROR_BACK_OFF = 13,
	ERROR_IDENTITY = 14,
	ERROR_KEYD_FAILED = 15,
	ERROR_NO_KEYS = 16,
	ERROR_BAD_PARAMETER = 17,
	ERROR_NOBODY = 18,
	ERROR_BAD_SHELL = 32,
	ERROR_BAD_SETTING = 33,
	ERROR_BAD_DIGEST = 34,
	ERROR_NO_DIGEST = 35,
	ERROR_BAD_PADDING = 36,
	ERROR_BAD_SALT = 37,
	ERROR_BAD_LENGTH = 38,
	ERROR_NOT_FOR_SHELLS = 39,
	ERROR_NO_KEY = 40,
	ERROR_FINISHED = 41,
	ERROR_BAD_CONTEXT = 42,
	ERROR_BAD_VERSION = 43,
	ERROR_BAD_PEER = 44,
	ERROR_NOT_DECRYPTED = 45,
	ERROR_BAD_URI = 48,
};

/* For OSSL_FUNC_provider_get_reason_strings. */
const OSSL_ITEM *errors_reasons(void);

/* One entry in the queue; the format's text is its data. */
#define errors_raise(ctx, reason, ...)                                         \
	errors_raise_at(                                                       \
		(ctx), __FILE__, __LINE__, __func__, (reason), __VA_ARGS__)

void errors_raise_at(const struct context *ctx, const char *file, int line,
	const char *func, enum error_reason reason, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* An operation on this key that failed at or on the way to keyd. */
void errors_raise_client(const struct context *ctx,
	const struct client_error *error, const char *key);

#endif
