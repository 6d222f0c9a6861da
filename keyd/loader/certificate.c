#include "certificate.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "loader/pem.h"
#include "wire/keykind.h"

static int
get_time(const ASN1_TIME *t, uint64_t *out)
{
	struct tm tm;
	time_t s;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	s = timegm(&tm);
	*out = s < 0 ? 0 : (uint64_t)s;
	return 0;
}

/* As ASCII, everything else escaped. A subject that does not fit is cut off. */
static void
get_subject(const X509 *x, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(x), 0,
				   XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, out, (int)size - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

static void
propose(struct certificate *c, uint32_t use, const char *why)
{
	c->use = use;
	c->certain = why == NULL;
	(void)snprintf(c->why, sizeof(c->why), "%s", why == NULL ? "" : why);
}

/* Extended key usages that are not a TLS server's, and what they mean here. */
static const struct {
	uint32_t bit;
	uint32_t use;
	const char *why;
} other_usages[] = {
	{ XKU_SSL_CLIENT, PROTO_USE_TLS_CLIENT,
		"the certificate is for TLS clients only" },
	{ XKU_CODE_SIGN, PROTO_USE_SIGN,
		"the certificate is for signing code: 'sign' would allow any "
		"message" },
	{ XKU_SMIME, PROTO_USE_SIGN,
		"the certificate is for e-mail: 'sign' would allow any "
		"message, 'decrypt' reads what is sent to it" },
	{ XKU_TIMESTAMP, PROTO_USE_SIGN,
		"the certificate is for time stamps: 'sign' would allow any "
		"message" },
	{ XKU_OCSP_SIGN, PROTO_USE_SIGN,
		"the certificate is for signing OCSP answers: 'sign' would "
		"allow any message" },
	/* Any other. */
	{ 0, PROTO_USE_SIGN,
		"the certificate is not for TLS servers: 'sign' would allow "
		"any message" },
};

static void
propose_other(struct certificate *c, uint32_t extended)
{
	enum { OTHERS = sizeof(other_usages) / sizeof(other_usages[0]) };
	size_t i;

	for (i = 0; i < OTHERS - 1; i++)
		if ((extended & other_usages[i].bit) != 0)
			break;
	propose(c, other_usages[i].use, other_usages[i].why);
}

/* The key of a TLS server's certificate that is not to sign. */
static void
propose_without_signature(struct certificate *c, uint32_t usage)
{
	if ((usage & KU_KEY_ENCIPHERMENT) != 0)
		propose(c, 0,
			"the certificate's key usage has keyEncipherment and "
			"no digitalSignature: its key can serve RSA key "
			"exchange ('tls-rsa-kx'), without forward secrecy, or "
			"decrypt ('decrypt')");
	else if ((usage & KU_KEY_AGREEMENT) != 0)
		propose(c, PROTO_USE_DECRYPT,
			"the certificate's key usage is keyAgreement: that is "
			"'decrypt'");
	else
		propose(c, 0,
			"the certificate's key usage has no digitalSignature");
}

/* The type of its key, NULL if keyd has none such. */
static const struct keykind *
find_kind(EVP_PKEY *pkey)
{
	char group[64];

	if (pkey == NULL)
		return NULL;
	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
		EVP_PKEY_is_a(pkey, "EC"))
		return keykind_by_algorithm("EC", group);
	return keykind_by_algorithm(EVP_PKEY_get0_type_name(pkey), NULL);
}

static void
propose_use(X509 *x, struct certificate *c)
{
	uint32_t flags = X509_get_extension_flags(x);
	uint32_t usage = X509_get_key_usage(x); /* all bits if absent */
	uint32_t extended = X509_get_extended_key_usage(x); /* likewise */
	const struct keykind *kind = find_kind(c->pkey);

	if ((flags & EXFLAG_INVALID) != 0)
		propose(c, 0, "the certificate has a malformed extension");
	else if (kind != NULL && (kind->uses & PROTO_USE_SIGN) == 0)
		propose(c, kind->uses,
			"the certificate's key cannot sign, it agrees on keys: "
			"that is 'decrypt'");
	else if ((flags & EXFLAG_CA) != 0)
		propose(c, PROTO_USE_SIGN,
			"the certificate is a CA's: 'sign' would allow any "
			"message");
	else if ((extended & XKU_SSL_SERVER) == 0)
		propose_other(c, extended);
	else if ((usage & KU_DIGITAL_SIGNATURE) == 0)
		propose_without_signature(c, usage);
	else if ((flags & EXFLAG_XKUSAGE) == 0)
		propose(c, PROTO_USE_TLS_SERVER,
			"the certificate has no extended key usage, which "
			"would say whether it is a TLS server's");
	else
		propose(c, PROTO_USE_TLS_SERVER, NULL);
}

static int
read_x509(X509 *x, struct certificate *out, struct fault *why)
{
	struct certificate c = { 0 };

	if (get_time(X509_get0_notBefore(x), &c.not_before) < 0 ||
		get_time(X509_get0_notAfter(x), &c.not_after) < 0)
		return fault_set(why, "the certificate has a malformed date");
	get_subject(x, c.subject, sizeof(c.subject));
	c.pkey = X509_get_pubkey(x);
	propose_use(x, &c);
	*out = c;
	return 0;
}

static int
read_der(struct view der, struct certificate *out, struct fault *why)
{
	const unsigned char *p = der.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	int r;

	if (x == NULL || p != der.data + der.len)
		r = fault_set(why,
			"the CERTIFICATE block is damaged: it cannot be "
			"decoded");
	else
		r = read_x509(x, out, why);
	X509_free(x);
	return r;
}

static int
read_block(
	const struct pem_block *b, struct certificate *out, struct fault *why)
{
	size_t len = 0;
	uint8_t *buf = OPENSSL_malloc(b->body.len + 1);
	int r;

	if (buf == NULL)
		return fault_set(why, "no memory to read the certificate");
	if (pem_decode(b, buf, b->body.len + 1, &len) < 0)
		r = fault_set(why,
			"the CERTIFICATE block is damaged: it is not base64");
	else
		r = read_der((struct view){ buf, len }, out, why);
	if (r < 0)
		why->line = b->line;
	OPENSSL_free(buf);
	return r;
}

/* The first that is of the key, else the first of all. found: how many were
 * looked at. */
static int
read_blocks(struct view text, const struct key *of, struct certificate *out,
	unsigned *found, struct fault *why)
{
	struct pem_cursor c = pem_start(text);
	struct certificate next;
	struct pem_block b;
	const char *error;
	int r;

	while ((r = pem_next(&c, &b, &error)) == 1) {
		if (!pem_is_label(&b, "CERTIFICATE"))
			continue;
		if (read_block(&b, &next, why) < 0)
			return -1;
		if ((*found)++ == 0) {
			*out = next;
		} else if (certificate_is_of(&next, of)) {
			certificate_release(out);
			*out = next;
		} else {
			certificate_release(&next);
		}
		if (of == NULL || certificate_is_of(out, of))
			return 0;
	}
	if (r == 0)
		return 0;
	(void)fault_set(why, "%s", error);
	why->line = b.line;
	return -1;
}

int
certificate_read(struct view text, const struct key *of,
	struct certificate *out, struct fault *why)
{
	struct certificate c = { 0 };
	unsigned found = 0;
	int r = read_blocks(text, of, &c, &found, why);

	ERR_clear_error();
	if (r == 0 && found == 0)
		r = fault_set(
			why, "holds no PEM certificate (a CERTIFICATE block)");
	if (r == 0)
		*out = c;
	else
		certificate_release(&c);
	return r;
}

bool
certificate_is_of(const struct certificate *c, const struct key *k)
{
	bool same = c->pkey != NULL && EVP_PKEY_eq(c->pkey, k->pkey) == 1;

	ERR_clear_error();
	return same;
}

void
certificate_release(struct certificate *c)
{
	EVP_PKEY_free(c->pkey);
	c->pkey = NULL;
}
