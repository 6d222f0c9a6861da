#include "provider/remote.h"

#include <openssl/crypto.h>

#include <string.h>

#include "provider/errors.h"

enum {
	OVERHEAD = 64, /* of a request, without its data */
	/*
	 * On the stack, and so no longer than it need be: libcrypto gives
	 * ASYNC jobs 32 kB for all of a handshake.
	 */
	REPLY_SIZE = PROTO_REPLY_HEADER + 2 + PROTO_MAX_SIGNATURE,
	OUTPUT_SIZE = PROTO_REPLY_HEADER + 2 + PROTO_MAX_OUTPUT,
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

/*
 * Sends the request and returns the reply; its body points into reply, which
 * has size bytes.
 */
static int
call(const struct key *key, struct writer *w, uint8_t *reply, size_t size,
	struct view *body)
{
	struct client_error error = { 0 };
	struct proto_reply answer;
	uint8_t *request = w->start;
	size_t len;

	if (writer_finish(w, &len) < 0) {
		errors_raise(key->ctx, ERROR_TOO_LARGE, "key %s", key->name);
		return -1;
	}
	error.result = client_call(
		key->ctx->client, request, len, reply, size, &answer, &error);
	if (error.result != CLIENT_OK) {
		errors_raise_client(key->ctx, &error, key->name);
		return -1;
	}
	*body = answer.body;
	return 0;
}

static int
refuse_answer(const struct key *key, const char *what)
{
	errors_raise(key->ctx, ERROR_PROTOCOL,
		"key %s: the answer is not %s of this key", key->name, what);
	return -1;
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
	size_t size = OVERHEAD + data.len;
	uint8_t reply[REPLY_SIZE];
	struct view body, got;
	struct writer w;
	uint8_t *request;
	int result = -1;

	request = OPENSSL_malloc(size);
	if (request == NULL)
		return -1;
	memcpy(message.hash, key->hash, sizeof(message.hash));
	w = writer_init(request, size);
	proto_put_request(&w, PROTO_SIGN, 1);
	proto_put_sign(&w, &message);
	if (call(key, &w, reply, sizeof(reply), &body) < 0)
		goto out;
	if (proto_get_signature(body, &got) < 0 || !is_signature(key, got)) {
		result = refuse_answer(key, "a signature");
		goto out;
	}
	memcpy(sig, got.data, got.len);
	*len = got.len;
	result = 0;
out:
	OPENSSL_clear_free(request, size);
	return result;
}

int
remote_decrypt(const struct key *key, struct proto_decrypt *m, uint8_t *out,
	size_t size, size_t *len)
{
	uint8_t request[OVERHEAD + PROTO_MAX_LABEL + PROTO_MAX_CIPHERTEXT];
	uint8_t reply[OUTPUT_SIZE];
	struct view body, got;
	struct writer w = writer_init(request, sizeof(request));
	int result = -1;

	memcpy(m->hash, key->hash, sizeof(m->hash));
	proto_put_request(&w, PROTO_DECRYPT, 1);
	proto_put_decrypt(&w, m);
	if (call(key, &w, reply, sizeof(reply), &body) < 0)
		goto out;
	if (proto_get_output(body, &got) < 0) {
		result = refuse_answer(key, "a decryption");
	} else if (got.len > size) {
		errors_raise(key->ctx, ERROR_BAD_LENGTH,
			"key %s: the data decrypted do not fit into %zu bytes",
			key->name, size);
	} else {
		memcpy(out, got.data, got.len);
		*len = got.len;
		result = 0;
	}
out:
	OPENSSL_cleanse(reply, sizeof(reply));
	return result;
}

int
remote_derive(
	const struct key *key, struct view peer, uint8_t *out, size_t size)
{
	struct proto_derive m = { .peer = peer };
	uint8_t request[OVERHEAD + PROTO_MAX_PEER], reply[OUTPUT_SIZE];
	struct view body, got;
	struct writer w = writer_init(request, sizeof(request));
	int result = -1;

	memcpy(m.hash, key->hash, sizeof(m.hash));
	proto_put_request(&w, PROTO_DERIVE, 1);
	proto_put_derive(&w, &m);
	if (call(key, &w, reply, sizeof(reply), &body) < 0)
		goto out;
	if (proto_get_output(body, &got) < 0 || got.len != size) {
		result = refuse_answer(key, "a shared secret");
	} else {
		memcpy(out, got.data, got.len);
		result = 0;
	}
out:
	OPENSSL_cleanse(reply, sizeof(reply));
	return result;
}
