#include "provider/algid.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

/* NIST's: not in the table that OBJ_find_sigid_by_algs() looks at. */
static const struct {
	uint8_t digest;
	int nid;
} ecdsa_sha3[] = {
	{ PROTO_SHA3_224, NID_ecdsa_with_SHA3_224 },
	{ PROTO_SHA3_256, NID_ecdsa_with_SHA3_256 },
	{ PROTO_SHA3_384, NID_ecdsa_with_SHA3_384 },
	{ PROTO_SHA3_512, NID_ecdsa_with_SHA3_512 },
};

static int
ecdsa_nid(uint8_t digest)
{
	int nid;
	size_t i;

	if (digest == PROTO_NO_DIGEST)
		return NID_undef;
	for (i = 0; i < sizeof(ecdsa_sha3) / sizeof(ecdsa_sha3[0]); i++)
		if (ecdsa_sha3[i].digest == digest)
			return ecdsa_sha3[i].nid;
	if (!OBJ_find_sigid_by_algs(&nid,
		    OBJ_txt2nid(proto_digest_name(digest)),
		    NID_X9_62_id_ecPublicKey))
		return NID_undef;
	return nid;
}

static int
nid_of(const struct proto_scheme *scheme)
{
	/* RFC 8410: the key's own */
	switch (scheme->algorithm) {
	case PROTO_ED25519:
	case PROTO_ED25519CTX:
	case PROTO_ED25519PH:
		return NID_ED25519;
	case PROTO_ED448:
	case PROTO_ED448CTX:
	case PROTO_ED448PH:
		return NID_ED448;
	}
	return ecdsa_nid(scheme->digest);
}

int
algid_encode(const struct proto_scheme *scheme, uint8_t **der)
{
	int nid = nid_of(scheme), len = -1;
	X509_ALGOR *a = X509_ALGOR_new();
	uint8_t *out = NULL;

	/* RFC 5758, RFC 8410: parameters absent */
	if (a != NULL && nid != NID_undef &&
		X509_ALGOR_set0(a, OBJ_nid2obj(nid), V_ASN1_UNDEF, NULL))
		len = i2d_X509_ALGOR(a, &out);
	X509_ALGOR_free(a);
	if (len <= 0)
		return -1;
	*der = out;
	return len;
}
