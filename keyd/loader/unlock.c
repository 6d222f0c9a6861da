#include "unlock.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/proverr.h>
#include <openssl/x509.h>
#include <string.h>

enum {
	MAX_HEADERS = 512,
	MAX_ITERATIONS = 10 * 1000 * 1000, /* some seconds */
};

/* What libcrypto says of a padding that is none: of a wrong passphrase. */
static const struct {
	int lib, reason;
} wrong[] = {
	{ ERR_LIB_EVP, EVP_R_BAD_DECRYPT },
	{ ERR_LIB_PROV, PROV_R_BAD_DECRYPT },
};

/* After a failure: was it the passphrase? Empties the error queue. */
static int
explain(struct fault *why)
{
	const char *reason = NULL;
	unsigned long e;
	bool is_wrong = false;
	size_t i;

	while ((e = ERR_get_error()) != 0) {
		reason = reason == NULL ? ERR_reason_error_string(e) : reason;
		for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
			is_wrong |= ERR_GET_LIB(e) == wrong[i].lib &&
				    ERR_GET_REASON(e) == wrong[i].reason;
	}
	if (is_wrong)
		return UNLOCK_WRONG;
	return fault_set(why,
		"the key cannot be decrypted (%s): it is damaged, or its "
		"cipher is one that OpenSSL has given up; then convert a "
		"copy: openssl pkey -provider legacy -provider default -in "
		"FILE -aes256 -out COPY",
		reason == NULL ? "no reason given" : reason);
}

static uint64_t
get_count(const ASN1_INTEGER *n)
{
	uint64_t count;

	return ASN1_INTEGER_get_uint64(&count, n) == 1 ? count : UINT64_MAX;
}

/* How often the passphrase is hashed; 0 where that is not told by a number. */
static uint64_t
iterations(const X509_ALGOR *a)
{
	PBE2PARAM *pbes2 = NULL;
	PBKDF2PARAM *derive = NULL;
	PBEPARAM *pbes1 = NULL;
	uint64_t n = 0;

	if (OBJ_obj2nid(a->algorithm) == NID_pbes2)
		pbes2 = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(PBE2PARAM), a->parameter);
	else
		pbes1 = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(PBEPARAM), a->parameter);
	if (pbes2 != NULL &&
		OBJ_obj2nid(pbes2->keyfunc->algorithm) == NID_id_pbkdf2)
		derive = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(PBKDF2PARAM), pbes2->keyfunc->parameter);
	if (derive != NULL)
		n = get_count(derive->iter);
	if (pbes1 != NULL)
		n = get_count(pbes1->iter);
	PBKDF2PARAM_free(derive);
	PBE2PARAM_free(pbes2);
	PBEPARAM_free(pbes1);
	/* Of what does not fit. */
	ERR_clear_error();
	return n;
}

static int
unlock_pkcs8(struct view in, struct view passphrase, struct view *out,
	struct fault *why)
{
	const unsigned char *p = in.data;
	X509_SIG *sig = d2i_X509_SIG(NULL, &p, (long)in.len);
	const ASN1_OCTET_STRING *bytes;
	const X509_ALGOR *algorithm;
	unsigned char *plain = NULL;
	int len = 0, r = 0;

	if (sig == NULL || p != in.data + in.len) {
		r = fault_set(why,
			"the encrypted key is damaged: it is not one "
			"EncryptedPrivateKeyInfo");
	} else {
		X509_SIG_get0(sig, &algorithm, &bytes);
		if (iterations(algorithm) > MAX_ITERATIONS)
			r = fault_set(why,
				"the key is encrypted with more than %d "
				"iterations, which would take minutes; encrypt "
				"a copy with fewer: openssl pkcs8 -topk8 "
				"-in FILE -out COPY",
				MAX_ITERATIONS);
		else if (PKCS12_pbe_crypt(algorithm,
				 (const char *)passphrase.data,
				 (int)passphrase.len,
				 ASN1_STRING_get0_data(bytes),
				 ASN1_STRING_length(bytes), &plain, &len,
				 0) == NULL)
			r = explain(why);
	}
	X509_SIG_free(sig);
	if (r == 0)
		*out = (struct view){ plain, (size_t)len };
	return r;
}

/* For PEM_do_header(), which wipes the copy. */
static int
give_passphrase(char *buf, int size, int writing, void *arg)
{
	const struct view *passphrase = arg;

	(void)writing;
	if (passphrase->len > (size_t)size)
		return -1;
	memcpy(buf, passphrase->data, passphrase->len);
	return (int)passphrase->len;
}

/* Decrypts *der in its place. */
static int
unlock_traditional(struct view headers, struct view passphrase,
	struct view *der, struct fault *why)
{
	unsigned char *p = (unsigned char *)(uintptr_t)der->data;
	char text[MAX_HEADERS];
	EVP_CIPHER_INFO cipher;
	long len = (long)der->len;

	if (headers.len >= sizeof(text))
		return fault_set(why, "the headers of the PEM block are longer "
				      "than those of a key");
	memcpy(text, headers.data, headers.len);
	text[headers.len] = '\0';
	if (PEM_get_EVP_CIPHER_INFO(text, &cipher) != 1)
		return explain(why);
	if (cipher.cipher == NULL)
		return fault_set(why, "the PEM block has headers, but none "
				      "that says how it is encrypted");
	if (PEM_do_header(&cipher, p, &len, give_passphrase, &passphrase) != 1)
		return explain(why);
	/* What the padding was stays in the block, to be wiped with it. */
	OPENSSL_cleanse(p + len, der->len - (size_t)len);
	der->len = (size_t)len;
	return 0;
}

/* One time in 256, what a wrong passphrase leaves ends like a padding. */
static bool
is_sequence(struct view der)
{
	const unsigned char *p = der.data;
	int tag, class, r;
	long len;

	if (der.len == 0)
		return false;
	r = ASN1_get_object(&p, &len, &tag, &class, (long)der.len);
	return (r & 0x81) == 0 && tag == V_ASN1_SEQUENCE &&
	       class == V_ASN1_UNIVERSAL && p + len == der.data + der.len;
}

int
unlock(const struct keyfile *k, struct view passphrase, struct view *der,
	struct fault *why)
{
	struct view headers = { 0 }, in, out = { 0 };
	int r = keyfile_der(k, &headers, &in, why);

	if (r < 0)
		return r;
	if (k->cipher == KEYFILE_PKCS8) {
		r = unlock_pkcs8(in, passphrase, &out, why);
		keyfile_release(&in);
	} else {
		r = unlock_traditional(headers, passphrase, &in, why);
		out = in;
	}
	if (r == 0 && !is_sequence(out))
		r = UNLOCK_WRONG;
	ERR_clear_error();
	if (r == 0)
		*der = out;
	else
		keyfile_release(&out);
	return r;
}
