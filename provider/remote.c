#include "provider/remote.h"

#include <openssl/crypto.h>

#include <string.h>

#include "provider/errors.h"

enum {
	OVERHEAD = 64, /* of a sign request, without its data */
	/*
	 * On the stack, and so no longer than it need be: libcrypto gives
	 * ASYNC jobs 32 kB for all of a handshake.
	 */
	REPLY_SIZE = PROTO_REPLY_HEADER + 2 + PROTO_MAX_SIGNATURE,
	DER_INTEGER = 0x02,
	DER_SEQUENCE = 0x30,
	DER_LONG = 0x81,
};

/* DER: SEQUENCE { INTEGER, INTEGER }, and nothing after it (RFC 3279). */
static bool
is_ecdsa(struct view sig)
{
	/* P-521 has up to 139 bytes: at most one octet for the length. */
	size_t head = sig.len > 3 && sig.data[1] == DER_LONG ? 3 : 2;
	size_t pos = head, i;

	if (sig.len <= head || sig.data[0] != DER_SEQUENCE ||
		sig.data[head - 1] != sig.len - head)
		return false;
	for (i = 0; i < 2; i++) {
		if (sig.len - pos < 3 || sig.data[pos] != DER_INTEGER ||
			sig.data[pos + 1] > sig.len - pos - 2)
			return false;
		pos += 2 + (size_t)sig.data[pos + 1];
	}
	return pos == sig.len;
}

/*
 * Does it have the form of a signature of this key? Whether it is one, the
 * other side checks, and it would take longer than signing (EC).
 */
static bool
is_signature(const struct key *key, struct view sig)
{
	size_t size = key_signature_size(key);

	if (key->kind == KEY_EC)
		return sig.len <= size && is_ecdsa(sig);
	return sig.len == size;
}

/* Sends the request; the reply's views point into reply. */
static int
call(const struct key *key, uint8_t *request, size_t len, uint8_t *reply,
	struct view *sig)
{
	struct client_error error = { 0 };
	struct proto_reply answer;

	error.result = client_call(key->ctx->client, request, len, reply,
		REPLY_SIZE, &answer, &error);
	if (error.result != CLIENT_OK) {
		errors_raise_client(key->ctx, &error, key->name);
		return -1;
	}
	if (proto_get_signature(answer.body, sig) < 0 ||
		!is_signature(key, *sig)) {
		errors_raise(key->ctx, ERROR_PROTOCOL,
			"key %s: the answer is not a signature of this key",
			key->name);
		return -1;
	}
	return 0;
}

int
remote_sign(const struct key *key, const struct proto_scheme *scheme,
	enum proto_input input, struct view data, uint8_t *sig, size_t *len)
{
	struct proto_sign message = {
		.scheme = *scheme,
		.input = (uint8_t)input,
		.data = data,
	};
	size_t size = OVERHEAD + data.len, request_len;
	uint8_t reply[REPLY_SIZE];
	struct writer w;
	struct view got;
	uint8_t *request;
	int result = -1;

	request = OPENSSL_malloc(size);
	if (request == NULL)
		return -1;
	memcpy(message.hash, key->hash, sizeof(message.hash));
	w = writer_init(request, size);
	proto_put_request(&w, PROTO_SIGN, 1);
	proto_put_sign(&w, &message);
	if (writer_finish(&w, &request_len) < 0) {
		errors_raise(key->ctx, ERROR_TOO_LARGE, "key %s", key->name);
		goto out;
	}
	if (call(key, request, request_len, reply, &got) < 0)
		goto out;
	memcpy(sig, got.data, got.len);
	*len = got.len;
	result = 0;
out:
	OPENSSL_clear_free(request, size);
	return result;
}
