#include "provider/algid.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum {
	/* what RSASSA-PSS-params leaves out: DER encodes no default value */
	DEFAULT_DIGEST = PROTO_SHA1,
	DEFAULT_SALT = 20,
};

static int
digest_nid(uint8_t digest)
{
	return OBJ_txt2nid(proto_digest_name(digest));
}

static X509_ALGOR *
make(int nid, int type, void *value)
{
	X509_ALGOR *a = X509_ALGOR_new();

	if (a == NULL || nid == NID_undef ||
		!X509_ALGOR_set0(a, OBJ_nid2obj(nid), type, value)) {
		X509_ALGOR_free(a);
		return NULL;
	}
	return a;
}

static X509_ALGOR *
make_mgf1(uint8_t digest)
{
	X509_ALGOR *hash = make(digest_nid(digest), V_ASN1_NULL, NULL);
	ASN1_STRING *packed = NULL;
	X509_ALGOR *mgf1 = NULL;

	if (hash != NULL)
		packed = ASN1_item_pack(hash, ASN1_ITEM_rptr(X509_ALGOR), NULL);
	if (packed != NULL)
		mgf1 = make(NID_mgf1, V_ASN1_SEQUENCE, packed);
	if (mgf1 == NULL)
		ASN1_STRING_free(packed);
	X509_ALGOR_free(hash);
	return mgf1;
}

static RSA_PSS_PARAMS *
make_pss(const struct proto_scheme *scheme)
{
	RSA_PSS_PARAMS *pss = RSA_PSS_PARAMS_new();

	if (pss == NULL)
		return NULL;
	if (scheme->digest != DEFAULT_DIGEST) {
		pss->hashAlgorithm =
			make(digest_nid(scheme->digest), V_ASN1_NULL, NULL);
		if (pss->hashAlgorithm == NULL)
			goto err;
	}
	if (scheme->mgf1 != DEFAULT_DIGEST) {
		pss->maskGenAlgorithm = make_mgf1(scheme->mgf1);
		if (pss->maskGenAlgorithm == NULL)
			goto err;
	}
	if (scheme->salt != DEFAULT_SALT) {
		pss->saltLength = ASN1_INTEGER_new();
		if (pss->saltLength == NULL ||
			!ASN1_INTEGER_set(pss->saltLength, scheme->salt))
			goto err;
	}
	return pss;
err:
	RSA_PSS_PARAMS_free(pss);
	return NULL;
}

static X509_ALGOR *
make_rsa_pss(const struct proto_scheme *scheme)
{
	RSA_PSS_PARAMS *pss = make_pss(scheme);
	ASN1_STRING *packed = NULL;
	X509_ALGOR *a = NULL;

	if (pss != NULL)
		packed = ASN1_item_pack(
			pss, ASN1_ITEM_rptr(RSA_PSS_PARAMS), NULL);
	if (packed != NULL)
		a = make(NID_rsassaPss, V_ASN1_SEQUENCE, packed);
	if (a == NULL)
		ASN1_STRING_free(packed);
	RSA_PSS_PARAMS_free(pss);
	return a;
}

static X509_ALGOR *
make_plain(const struct proto_scheme *scheme)
{
	bool rsa = scheme->algorithm == PROTO_RSA_PKCS1;
	int key = rsa ? NID_rsaEncryption : NID_X9_62_id_ecPublicKey;
	int nid;

	/* RFC 8410: of a key type alone, without parameters */
	if (scheme->algorithm == PROTO_ED25519)
		return make(NID_ED25519, V_ASN1_UNDEF, NULL);
	if (scheme->algorithm == PROTO_ED448)
		return make(NID_ED448, V_ASN1_UNDEF, NULL);
	if (!OBJ_find_sigid_by_algs(&nid, digest_nid(scheme->digest), key))
		return NULL;
	/* RFC 8017: NULL. RFC 5758: absent. */
	return make(nid, rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL);
}

int
algid_encode(const struct proto_scheme *scheme, uint8_t **der)
{
	X509_ALGOR *a = scheme->algorithm == PROTO_RSA_PSS
				? make_rsa_pss(scheme)
				: make_plain(scheme);
	uint8_t *out = NULL;
	int len;

	if (a == NULL)
		return -1;
	len = i2d_X509_ALGOR(a, &out);
	X509_ALGOR_free(a);
	if (len <= 0)
		return -1;
	*der = out;
	return len;
}
