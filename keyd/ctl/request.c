#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pubkey.h"
#include "text.h"

enum {
	MAX_ALGORITHM = 256, /* DER of an AlgorithmIdentifier */
};

struct request {
	X509_REQ *req;
	EVP_PKEY *key;
	uint8_t *tbs;
	int tbs_len;
};

static int
add_attribute(X509_NAME *name, char *part, struct fault *f)
{
	char *eq = strchr(part, '=');

	if (eq == NULL || eq == part || eq[1] == '\0')
		return fault_set(f, FAULT_USAGE,
			"--subject: %s: it is NAME=VALUE, such as "
			"CN=example.org",
			part);
	*eq = '\0';
	if (X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8,
		    (const unsigned char *)eq + 1, -1, -1, 0) != 1)
		return fault_set(f, FAULT_USAGE,
			"--subject: %s: no such attribute, or not a value of "
			"it",
			part);
	return 0;
}

/* "/C=DE/O=Example/CN=a", where \/ is a slash, or a single "CN=a". */
static int
set_subject(X509_REQ *req, const char *subject, struct fault *f)
{
	X509_NAME *name = X509_REQ_get_subject_name(req);
	char part[1024];
	size_t n = 0;
	const char *s = subject + (*subject == '/');

	for (;; s++) {
		if (*s == '/' || *s == '\0') {
			part[n] = '\0';
			if (n > 0 && add_attribute(name, part, f) < 0)
				return -1;
			n = 0;
			if (*s == '\0')
				return 0;
			continue;
		}
		if (*s == '\\' && s[1] != '\0')
			s++;
		if (n + 1 == sizeof(part))
			return fault_set(f, FAULT_USAGE, "--subject: too long");
		part[n++] = *s;
	}
}

static int
set_san(X509_REQ *req, const char *san, struct fault *f)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *ext = NULL;
	X509V3_CTX ctx;
	int r = 0;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, NULL, NULL, req, NULL, 0);
	/* '@' and 'copy' would name sections that there are not. */
	if (strchr(san, '@') == NULL || strstr(san, "email:") != NULL)
		ext = X509V3_EXT_conf_nid(
			NULL, &ctx, NID_subject_alt_name, san);
	if (list == NULL || ext == NULL ||
		sk_X509_EXTENSION_push(list, ext) <= 0) {
		X509_EXTENSION_free(ext);
		r = fault_set(f, FAULT_USAGE,
			"--san %s: it is a list of DNS:NAME and IP:ADDRESS",
			san);
	} else if (X509_REQ_add_extensions(req, list) != 1) {
		r = fault_set(f, FAULT_FAILED, "--san: out of memory");
	}
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return r;
}

struct request *
request_new(
	struct view spki, const char *subject, const char *san, struct fault *f)
{
	const unsigned char *p = spki.data;
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		goto memory;
	r->req = X509_REQ_new();
	r->key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	if (r->req == NULL || r->key == NULL ||
		X509_REQ_set_version(r->req, 0) != 1 ||
		X509_REQ_set_pubkey(r->req, r->key) != 1)
		goto memory;
	if (set_subject(r->req, subject, f) < 0 ||
		(san != NULL && set_san(r->req, san, f) < 0))
		goto fail;
	r->tbs_len = i2d_re_X509_REQ_tbs(r->req, &r->tbs);
	if (r->tbs_len > 0)
		return r;
memory:
	(void)fault_set(f, FAULT_FAILED,
		"making the request: not a public key, or out of memory");
fail:
	request_free(r);
	return NULL;
}

void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	X509_REQ_free(r->req);
	EVP_PKEY_free(r->key);
	OPENSSL_free(r->tbs);
	free(r);
}

struct view
request_tbs(const struct request *r)
{
	return (struct view){ .data = r->tbs, .len = (size_t)r->tbs_len };
}

/* The scheme's identifier into the request. */
static bool
put_algorithm(struct request *r, const struct proto_scheme *s)
{
	uint8_t der[MAX_ALGORITHM];
	const unsigned char *p = der;
	size_t len = pubkey_algorithm(r->key, s, der, sizeof(der));
	X509_ALGOR *alg = len == 0 ? NULL : d2i_X509_ALGOR(NULL, &p, (long)len);
	bool ok = alg != NULL && X509_REQ_set1_signature_algo(r->req, alg) == 1;

	X509_ALGOR_free(alg);
	return ok;
}

static bool
put_signature(struct request *r, struct view signature)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

	if (bits == NULL || ASN1_BIT_STRING_set(bits,
				    (unsigned char *)(uintptr_t)signature.data,
				    (int)signature.len) != 1) {
		ASN1_BIT_STRING_free(bits);
		return false;
	}
	/* All eight bits of the last octet count. */
	bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7);
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	X509_REQ_set0_signature(r->req, bits);
	return true;
}

int
request_sign(struct request *r, const struct proto_scheme *s,
	struct view signature, struct fault *f)
{
	if (put_algorithm(r, s) && put_signature(r, signature) &&
		X509_REQ_verify(r->req, r->key) == 1)
		return 0;
	return fault_set(f, FAULT_FAILED,
		"keyd's signature of the request does not verify");
}

long
request_pem(const struct request *r, char *out, size_t size)
{
	unsigned char *der = NULL;
	int n = i2d_X509_REQ(r->req, &der);
	long len = n <= 0 ? -1
			  : text_pem("CERTIFICATE REQUEST", der, (size_t)n, out,
				    size);

	OPENSSL_free(der);
	return len;
}
