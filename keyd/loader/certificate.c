#include "certificate.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "loader/pem.h"

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
	const char *why;
} other_usages[] = {
	{ XKU_SSL_CLIENT, "the certificate is for TLS clients only, and there "
			  "is no use for them alone yet: 'sign' would allow "
			  "any message" },
	{ XKU_CODE_SIGN, "the certificate is for signing code: 'sign' would "
			 "allow any message" },
	{ XKU_SMIME, "the certificate is for e-mail: 'sign' would allow any "
		     "message" },
	{ XKU_TIMESTAMP, "the certificate is for time stamps: 'sign' would "
			 "allow any message" },
	{ XKU_OCSP_SIGN, "the certificate is for signing OCSP answers: 'sign' "
			 "would allow any message" },
};

static void
propose_use(X509 *x, struct certificate *c)
{
	enum { OTHERS = sizeof(other_usages) / sizeof(other_usages[0]) };
	uint32_t flags = X509_get_extension_flags(x);
	uint32_t usage = X509_get_key_usage(x); /* all bits if absent */
	uint32_t extended = X509_get_extended_key_usage(x); /* likewise */
	size_t i;

	if ((flags & EXFLAG_INVALID) != 0) {
		propose(c, 0, "the certificate has a malformed extension");
	} else if ((flags & EXFLAG_CA) != 0) {
		propose(c, PROTO_USE_SIGN,
			"the certificate is a CA's: 'sign' would allow any "
			"message");
	} else if ((extended & XKU_SSL_SERVER) == 0) {
		for (i = 0; i < OTHERS; i++)
			if ((extended & other_usages[i].bit) != 0)
				break;
		propose(c, PROTO_USE_SIGN,
			i < OTHERS ? other_usages[i].why
				   : "the certificate is not for TLS servers: "
				     "'sign' would allow any message");
	} else if ((usage & KU_DIGITAL_SIGNATURE) == 0) {
		propose(c, 0,
			"the certificate's key usage has no digitalSignature, "
			"and this version of keyd only signs");
	} else {
		propose(c, PROTO_USE_TLS_SERVER, NULL);
	}
}

static int
read_x509(X509 *x, struct certificate *out, struct fault *why)
{
	struct certificate c = { 0 };

	if (get_time(X509_get0_notBefore(x), &c.not_before) < 0 ||
		get_time(X509_get0_notAfter(x), &c.not_after) < 0)
		return fault_set(why, "the certificate has a malformed date");
	get_subject(x, c.subject, sizeof(c.subject));
	propose_use(x, &c);
	c.pkey = X509_get_pubkey(x);
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
find_block(struct view text, struct pem_block *b, struct fault *why)
{
	struct pem_cursor c = pem_start(text);
	const char *error;
	int r;

	do
		r = pem_next(&c, b, &error);
	while (r == 1 && !pem_is_label(b, "CERTIFICATE"));
	if (r == 1)
		return 0;
	if (r == 0)
		return fault_set(
			why, "holds no PEM certificate (a CERTIFICATE block)");
	(void)fault_set(why, "%s", error);
	why->line = b->line;
	return -1;
}

int
certificate_read(struct view text, struct certificate *out, struct fault *why)
{
	struct pem_block b = { 0 };
	size_t len = 0;
	uint8_t *buf;
	int r;

	if (find_block(text, &b, why) < 0)
		return -1;
	buf = OPENSSL_malloc(b.body.len + 1);
	if (buf == NULL)
		return fault_set(why, "no memory to read the certificate");
	if (pem_decode(&b, buf, b.body.len + 1, &len) < 0)
		r = fault_set(why,
			"the CERTIFICATE block is damaged: it is not base64");
	else
		r = read_der((struct view){ buf, len }, out, why);
	if (r < 0)
		why->line = b.line;
	OPENSSL_free(buf);
	ERR_clear_error();
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
