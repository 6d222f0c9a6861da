#include "derive.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "wire/keykind.h"

enum {
	UNCOMPRESSED = 4, /* SEC 1 §2.3.3 */
};

/* Of a coordinate: in all our curves the order has the field's length. */
static size_t
field_len(const struct keykind *kind)
{
	return (kind->max_bits + 7U) / 8U;
}

static enum proto_status
refuse(uint16_t reason, uint16_t *detail)
{
	*detail = reason;
	return PROTO_BAD_PARAMETER;
}

enum proto_status
derive_check(const struct proto_key *key, const struct proto_derive *m,
	uint16_t *detail)
{
	const struct keykind *kind = keykind_by_type(key->type);
	size_t len;

	if (kind == NULL || keykind_is_rsa(kind) ||
		(kind->uses & PROTO_USE_DECRYPT) == 0)
		return refuse(DETAIL_KEY_TYPE, detail);
	len = field_len(kind);
	if (keykind_is_ec(kind)) {
		/* The point at infinity has no such form. */
		if (m->peer.len != 1 + 2 * len ||
			m->peer.data[0] != UNCOMPRESSED)
			return refuse(DETAIL_PEER_KEY, detail);
	} else if (m->peer.len != len) {
		return refuse(DETAIL_PEER_KEY, detail);
	}
	return PROTO_OK;
}

/* NULL: not on the curve, for EC; of X25519 and X448 all bytes are keys. */
static EVP_PKEY *
make_peer(EVP_PKEY *pkey, const struct keykind *kind, struct view peer)
{
	EVP_PKEY *p;

	if (!keykind_is_ec(kind))
		return EVP_PKEY_new_raw_public_key_ex(
			NULL, kind->algorithm, NULL, peer.data, peer.len);
	p = EVP_PKEY_new();
	if (p == NULL || EVP_PKEY_copy_parameters(p, pkey) != 1 ||
		EVP_PKEY_set1_encoded_public_key(p, peer.data, peer.len) != 1) {
		EVP_PKEY_free(p);
		return NULL;
	}
	return p;
}

/* RFC 7748 §6: no secret, whatever the private key is. */
static bool
is_all_zeros(const uint8_t *secret, size_t len)
{
	static const uint8_t zeros[PROTO_MAX_OUTPUT];

	return CRYPTO_memcmp(secret, zeros, len) == 0;
}

/*
 * After the peer's key has been accepted, ECDH on a curve of prime order does
 * not fail for what it is; X25519 and X448 fail where the secret is zero.
 */
static enum proto_status
run(EVP_PKEY_CTX *ctx, EVP_PKEY *peer, const struct keykind *kind, uint8_t *out,
	size_t *len)
{
	size_t n = PROTO_MAX_OUTPUT;

	if (EVP_PKEY_derive_init(ctx) != 1)
		return PROTO_INTERNAL;
	if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 1) != 1)
		return PROTO_BAD_PARAMETER;
	if (EVP_PKEY_derive(ctx, out, &n) != 1)
		return keykind_is_ec(kind) ? PROTO_INTERNAL
					   : PROTO_BAD_PARAMETER;
	if (n != field_len(kind))
		return PROTO_INTERNAL;
	if (!keykind_is_ec(kind) && is_all_zeros(out, n))
		return PROTO_BAD_PARAMETER;
	*len = n;
	return PROTO_OK;
}

enum proto_status
derive_make(EVP_PKEY *pkey, const struct proto_key *key,
	const struct proto_derive *m, uint8_t out[PROTO_MAX_OUTPUT],
	size_t *len, uint16_t *detail)
{
	const struct keykind *kind = keykind_by_type(key->type);
	enum proto_status status = PROTO_INTERNAL;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *peer;

	if (kind == NULL)
		return PROTO_INTERNAL;
	peer = make_peer(pkey, kind, m->peer);
	if (peer == NULL) {
		status = PROTO_BAD_PARAMETER;
		goto out;
	}
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (ctx != NULL)
		status = run(ctx, peer, kind, out, len);
	EVP_PKEY_CTX_free(ctx);
out:
	EVP_PKEY_free(peer);
	ERR_clear_error();
	return status == PROTO_BAD_PARAMETER ? refuse(DETAIL_PEER_KEY, detail)
					     : status;
}
