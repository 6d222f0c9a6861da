#include "decode.h"

#include <openssl/asn1t.h>
#include <openssl/decoder.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "wire/keykind.h"

enum {
	MAX_OID = 128,   /* characters of its dotted form */
	MAX_KINDS = 384, /* characters of all names */
};

/* OneAsymmetricKey of RFC 5958. Without a public key it is PKCS#8's PrivateKeyInfo,
 * and that is all that libcrypto 3.0 reads. */
typedef struct {
	ASN1_INTEGER *version;
	X509_ALGOR *algorithm;
	ASN1_OCTET_STRING *private_key;
	STACK_OF(X509_ATTRIBUTE) * attributes;
	ASN1_BIT_STRING *public_key;
} ONE_KEY;

ASN1_SEQUENCE(ONE_KEY) = { ASN1_SIMPLE(ONE_KEY, version, ASN1_INTEGER),
	ASN1_SIMPLE(ONE_KEY, algorithm, X509_ALGOR),
	ASN1_SIMPLE(ONE_KEY, private_key, ASN1_OCTET_STRING),
	ASN1_IMP_SET_OF_OPT(ONE_KEY, attributes, X509_ATTRIBUTE, 0),
	ASN1_IMP_OPT(ONE_KEY, public_key, ASN1_BIT_STRING,
		1) } static_ASN1_SEQUENCE_END(ONE_KEY)

				 const char *
			 decode_kinds(char *out, size_t size)
{
	const struct keykind *k;
	size_t i, n = 0;

	for (i = 0; (k = keykind_at(i)) != NULL && n < size; i++)
		n += (size_t)snprintf(
			out + n, size - n, "%s%s", i > 0 ? ", " : "", k->name);
	return out;
}

/* libcrypto's name of the algorithm, if a type of key is of it; else NULL. */
static const char *
find_algorithm(const ASN1_OBJECT *oid)
{
	const struct keykind *k;
	EVP_KEYMGMT *m;
	char text[MAX_OID];
	bool is = false;
	size_t i;
	int n = OBJ_obj2txt(text, sizeof(text), oid, 1);

	if (n <= 0 || n >= (int)sizeof(text))
		return NULL;
	for (i = 0; (k = keykind_at(i)) != NULL; i++) {
		m = EVP_KEYMGMT_fetch(NULL, k->algorithm, NULL);
		is = m != NULL && EVP_KEYMGMT_is_a(m, text);
		EVP_KEYMGMT_free(m);
		if (is)
			return k->algorithm;
	}
	return NULL;
}

/* Is it one element of definite length, and nothing behind it? libcrypto's
 * decoders would take no notice of more. */
static bool
is_one_element(const uint8_t *der, long len)
{
	const unsigned char *p = der;
	long inner = 0;
	int tag, class, r = ASN1_get_object(&p, &inner, &tag, &class, len);

	return (r & 0x80) == 0 && (r & 1) == 0 && p + inner == der + len;
}

static EVP_PKEY *
decode(struct view der, const char *structure, const char *algorithm)
{
	const unsigned char *p = der.data;
	size_t left = der.len;
	EVP_PKEY *pkey = NULL;
	OSSL_DECODER_CTX *ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER",
		structure, algorithm, EVP_PKEY_KEYPAIR, NULL, NULL);

	if (ctx == NULL || OSSL_DECODER_from_data(ctx, &p, &left) != 1 ||
		left != 0) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	OSSL_DECODER_CTX_free(ctx);
	return pkey;
}

/* What PrivateKeyInfo has of it. */
static EVP_PKEY *
decode_private(ONE_KEY *k, const char *algorithm)
{
	unsigned char *der = NULL;
	EVP_PKEY *pkey = NULL;
	ONE_KEY plain = { .version = k->version,
		.algorithm = k->algorithm,
		.private_key = k->private_key };
	int len;

	if (!is_one_element(ASN1_STRING_get0_data(k->private_key),
		    ASN1_STRING_length(k->private_key)) ||
		ASN1_INTEGER_set(plain.version, 0) != 1)
		return NULL;
	len = ASN1_item_i2d(
		(const ASN1_VALUE *)&plain, &der, ASN1_ITEM_rptr(ONE_KEY));
	if (len > 0)
		pkey = decode((struct view){ der, (size_t)len },
			"PrivateKeyInfo", algorithm);
	if (len > 0)
		OPENSSL_clear_free(der, (size_t)len);
	return pkey;
}

/*
 * Is the public key, where there is one, the private key's? Of Ed25519 and
 * Ed448 keys it enters each signature: two signatures of one message made with
 * different ones give the private key away.
 */
static bool
is_public_key(const ONE_KEY *k, EVP_PKEY *pkey)
{
	const ASN1_BIT_STRING *given = k->public_key;
	X509_PUBKEY *spki = NULL;
	const unsigned char *bits;
	bool same;
	int len;

	if (given == NULL)
		return true;
	same = X509_PUBKEY_set(&spki, pkey) == 1 &&
	       X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, spki) == 1 &&
	       len == ASN1_STRING_length(given) &&
	       memcmp(bits, ASN1_STRING_get0_data(given), (size_t)len) == 0;
	X509_PUBKEY_free(spki);
	return same;
}

static EVP_PKEY *
decode_one_key(ONE_KEY *k, struct fault *why)
{
	const ASN1_OBJECT *oid = NULL;
	const char *algorithm;
	char kinds[MAX_KINDS];
	EVP_PKEY *pkey;
	int nid;

	X509_ALGOR_get0(&oid, NULL, NULL, k->algorithm);
	algorithm = find_algorithm(oid);
	nid = OBJ_obj2nid(oid);
	if (algorithm == NULL) {
		(void)fault_set(why,
			"a key of type %s; keyd keeps keys of the types %s",
			nid == NID_undef ? "unknown" : OBJ_nid2ln(nid),
			decode_kinds(kinds, sizeof(kinds)));
		return NULL;
	}
	pkey = decode_private(k, algorithm);
	if (pkey == NULL) {
		(void)fault_set(why,
			"the PRIVATE KEY block is damaged: its %s key cannot "
			"be decoded",
			algorithm);
		return NULL;
	}
	if (is_public_key(k, pkey))
		return pkey;
	(void)fault_set(why,
		"the PRIVATE KEY block is damaged: its public key is not that "
		"of its private key");
	EVP_PKEY_free(pkey);
	return NULL;
}

EVP_PKEY *
decode_pkcs8(struct view der, struct fault *why)
{
	const unsigned char *p = der.data;
	ONE_KEY *k = (ONE_KEY *)ASN1_item_d2i(
		NULL, &p, (long)der.len, ASN1_ITEM_rptr(ONE_KEY));
	EVP_PKEY *pkey = NULL;
	int64_t version;

	if (k == NULL || p != der.data + der.len ||
		ASN1_INTEGER_get_int64(&version, k->version) != 1 ||
		version < 0 || version > 1)
		(void)fault_set(why,
			"the PRIVATE KEY block is damaged: it is not one "
			"PKCS#8 key");
	else
		pkey = decode_one_key(k, why);
	ASN1_item_free((ASN1_VALUE *)k, ASN1_ITEM_rptr(ONE_KEY));
	return pkey;
}

static EVP_PKEY *
decode_traditional(struct view der, const char *algorithm, struct fault *why)
{
	EVP_PKEY *pkey = decode(der, "type-specific", algorithm);

	if (pkey == NULL)
		(void)fault_set(why,
			"the %s PRIVATE KEY block is damaged: its key cannot "
			"be decoded",
			algorithm);
	return pkey;
}

EVP_PKEY *
decode_pkcs1(struct view der, struct fault *why)
{
	return decode_traditional(der, "RSA", why);
}

EVP_PKEY *
decode_sec1(struct view der, struct fault *why)
{
	return decode_traditional(der, "EC", why);
}
