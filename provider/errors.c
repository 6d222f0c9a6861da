#include "provider/errors.h"

#include <stdarg.h>

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static const OSSL_ITEM reasons[] = {
	{ ERROR_UNREACHABLE, (char[]){ "keyd cannot be reached" } },
	{ ERROR_UNTRUSTED,
		(char[]){ "who listens on the socket is not keyd" } },
	{ ERROR_TIMEOUT, (char[]){ "keyd did not answer in time" } },
	{ ERROR_PROTOCOL, (char[]){ "keyd's answer is not understood" } },
	{ ERROR_TOO_LARGE, (char[]){ "the request is too large" } },
	{ ERROR_NO_MEMORY, (char[]){ "out of memory" } },
	{ ERROR_REFUSED, (char[]){ "keyd refused" } },
	{ ERROR_UNSUPPORTED, (char[]){ "keyd does not support this" } },
	{ ERROR_UNKNOWN_KEY, (char[]){ "keyd does not have this key" } },
	{ ERROR_NOT_PERMITTED, (char[]){ "this user may not use the key" } },
	{ ERROR_USE_REFUSED, (char[]){ "the key's policy refuses this use" } },
	{ ERROR_LIMIT, (char[]){ "keyd can start no more sessions" } },
	{ ERROR_BACK_OFF, (char[]){ "keyd holds this user off" } },
	{ ERROR_IDENTITY, (char[]){ "not the process that connected" } },
	{ ERROR_KEYD_FAILED, (char[]){ "keyd failed" } },
	{ ERROR_NO_KEYS, (char[]){ "keyd has no key for this user" } },
	{ ERROR_BAD_PARAMETER, (char[]){ "parameter does not fit the key" } },
	{ ERROR_NOBODY, (char[]){ "keyd never serves this user" } },
	{ ERROR_BAD_SHELL, (char[]){ "bad shell file" } },
	{ ERROR_BAD_SETTING, (char[]){ "bad setting in openssl.cnf" } },
	{ ERROR_BAD_DIGEST, (char[]){ "digest cannot be used" } },
	{ ERROR_NO_DIGEST, (char[]){ "no digest set" } },
	{ ERROR_BAD_PADDING, (char[]){ "padding cannot be used" } },
	{ ERROR_BAD_SALT, (char[]){ "salt length cannot be used" } },
	{ ERROR_BAD_LENGTH, (char[]){ "wrong length" } },
	{ ERROR_NOT_FOR_SHELLS, (char[]){ "not with a key kept by keyd" } },
	{ ERROR_NO_KEY, (char[]){ "no key set" } },
	{ ERROR_FINISHED, (char[]){ "the message has been signed" } },
	{ ERROR_BAD_CONTEXT, (char[]){ "context string cannot be used" } },
	{ ERROR_BAD_VERSION, (char[]){ "not a version of TLS" } },
	{ ERROR_BAD_PEER, (char[]){ "the other side's key does not fit" } },
	{ ERROR_NOT_DECRYPTED, (char[]){ "decryption failed" } },
	{ ERROR_BAD_URI, (char[]){ "not a URI of keyd" } },
	{ 0, NULL },
};

static const struct {
	enum client_result result;
	enum error_reason reason;
} by_result[] = {
	{ CLIENT_UNREACHABLE, ERROR_UNREACHABLE },
	{ CLIENT_UNTRUSTED, ERROR_UNTRUSTED },
	{ CLIENT_TIMEOUT, ERROR_TIMEOUT },
	{ CLIENT_PROTOCOL, ERROR_PROTOCOL },
	{ CLIENT_TOO_LARGE, ERROR_TOO_LARGE },
	{ CLIENT_NO_MEMORY, ERROR_NO_MEMORY },
};

static const struct {
	uint16_t status;
	enum error_reason reason;
} by_status[] = {
	{ PROTO_MALFORMED, ERROR_PROTOCOL },
	{ PROTO_BAD_VERSION, ERROR_PROTOCOL },
	{ PROTO_UNSUPPORTED, ERROR_UNSUPPORTED },
	{ PROTO_UNKNOWN_KEY, ERROR_UNKNOWN_KEY },
	{ PROTO_NOT_PERMITTED, ERROR_NOT_PERMITTED },
	{ PROTO_USE_REFUSED, ERROR_USE_REFUSED },
	{ PROTO_LIMIT, ERROR_LIMIT },
	{ PROTO_BACK_OFF, ERROR_BACK_OFF },
	{ PROTO_IDENTITY, ERROR_IDENTITY },
	{ PROTO_INTERNAL, ERROR_KEYD_FAILED },
	{ PROTO_NO_KEYS, ERROR_NO_KEYS },
	{ PROTO_BAD_PARAMETER, ERROR_BAD_PARAMETER },
	{ PROTO_NOT_DECRYPTED, ERROR_NOT_DECRYPTED },
	{ PROTO_NOBODY, ERROR_NOBODY },
};

const OSSL_ITEM *
errors_reasons(void)
{
	return reasons;
}

void
errors_raise_at(const struct context *ctx, const char *file, int line,
	const char *func, enum error_reason reason, const char *format, ...)
{
	const struct core *core = &ctx->core;
	va_list args;

	if (core->new_error == NULL || core->vset_error == NULL)
		return;
	core->new_error(core->handle);
	if (core->set_error_debug != NULL)
		core->set_error_debug(core->handle, file, line, func);
	va_start(args, format);
	core->vset_error(core->handle, (uint32_t)reason, format, args);
	va_end(args);
}

static enum error_reason
reason_of(const struct client_error *e)
{
	size_t i;

	for (i = 0; i < ROWS(by_result); i++)
		if (by_result[i].result == e->result)
			return by_result[i].reason;
	for (i = 0; i < ROWS(by_status); i++)
		if (by_status[i].status == e->status)
			return by_status[i].reason;
	return ERROR_REFUSED;
}

void
errors_raise_client(const struct context *ctx, const struct client_error *error,
	const char *key)
{
	char text[900]; /* the queue keeps 1024 bytes */

	(void)client_error_text(error, key, text, sizeof(text));
	errors_raise(ctx, reason_of(error), "%s", text);
}
