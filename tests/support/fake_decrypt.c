#include "fake_decrypt.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static int
set_oaep(EVP_PKEY_CTX *c, const struct proto_decrypt *m)
{
	const EVP_MD *md = EVP_get_digestbyname(proto_digest_name(m->digest));
	const EVP_MD *mgf1 = EVP_get_digestbyname(proto_digest_name(m->mgf1));
	void *label = m->label.len == 0
			      ? NULL
			      : OPENSSL_memdup(m->label.data, m->label.len);

	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(c, md) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(c, mgf1) == 1 &&
	       (label == NULL || EVP_PKEY_CTX_set0_rsa_oaep_label(
					 c, label, (int)m->label.len) == 1);
}

static int
set_premaster(EVP_PKEY_CTX *c, const struct proto_decrypt *m)
{
	unsigned version = m->version;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint(
			OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &version),
		OSSL_PARAM_construct_end(),
	};

	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_WITH_TLS_PADDING) ==
		       1 &&
	       EVP_PKEY_CTX_set_params(c, params) == 1;
}

static int
set_padding(EVP_PKEY_CTX *c, const struct proto_decrypt *m)
{
	if (m->padding == PROTO_OAEP)
		return set_oaep(c, m);
	if (m->padding == PROTO_PREMASTER)
		return set_premaster(c, m);
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1;
}

static bool
has_implicit_rejection(void)
{
	return OPENSSL_version_major() > 3 || OPENSSL_version_minor() >= 2;
}

unsigned short
fake_decrypt(EVP_PKEY *key, const struct proto_decrypt *m, uint8_t *out,
	size_t *len, unsigned short *detail)
{
	EVP_PKEY_CTX *c;
	int ok;

	if (m->padding == PROTO_PKCS1 && !has_implicit_rejection()) {
		*detail = DETAIL_PKCS1_DECRYPTION;
		return PROTO_UNSUPPORTED;
	}
	if (m->data.len != (size_t)EVP_PKEY_get_size(key)) {
		*detail = DETAIL_CIPHERTEXT;
		return PROTO_BAD_PARAMETER;
	}
	c = EVP_PKEY_CTX_new(key, NULL);
	*len = PROTO_MAX_OUTPUT;
	ok = EVP_PKEY_decrypt_init(c) == 1 && set_padding(c, m) &&
	     EVP_PKEY_decrypt(c, out, len, m->data.data, m->data.len) == 1;
	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	return ok ? PROTO_OK : PROTO_NOT_DECRYPTED;
}

static EVP_PKEY *
read_peer(EVP_PKEY *key, struct view octets)
{
	EVP_PKEY *peer;

	if (!EVP_PKEY_is_a(key, "EC"))
		return EVP_PKEY_new_raw_public_key_ex(NULL,
			EVP_PKEY_is_a(key, "X448") ? "X448" : "X25519", NULL,
			octets.data, octets.len);
	peer = EVP_PKEY_new();
	/* Uncompressed: docs/PROTOCOL.md §3. */
	if (octets.data[0] == 0x04 &&
		EVP_PKEY_copy_parameters(peer, key) == 1 &&
		EVP_PKEY_set1_encoded_public_key(
			peer, octets.data, octets.len) == 1)
		return peer;
	EVP_PKEY_free(peer);
	return NULL;
}

unsigned short
fake_derive(EVP_PKEY *key, const struct proto_derive *m, uint8_t *out,
	size_t *len, unsigned short *detail)
{
	EVP_PKEY *peer = read_peer(key, m->peer);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	int ok;

	*len = PROTO_MAX_OUTPUT;
	ok = peer != NULL && EVP_PKEY_derive_init(c) == 1 &&
	     EVP_PKEY_derive_set_peer(c, peer) == 1 &&
	     EVP_PKEY_derive(c, out, len) == 1;
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(peer);
	ERR_clear_error();
	if (!ok)
		*detail = DETAIL_PEER_KEY;
	return ok ? PROTO_OK : PROTO_BAD_PARAMETER;
}
