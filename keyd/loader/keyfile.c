#include "keyfile.h"

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <string.h>

#include "wire/boot.h"
#include "wire/shell.h"

/* PEM blocks that stand for a private key. */
static const struct label {
	const char *text;
	uint8_t form;
	enum keyfile_cipher cipher;
	const char *refusal; /* of what keyd does not read */
} labels[] = {
	{ "PRIVATE KEY", BOOT_FORM_PKCS8, KEYFILE_PLAIN, NULL },
	{ "RSA PRIVATE KEY", BOOT_FORM_PKCS1, KEYFILE_PLAIN, NULL },
	{ "EC PRIVATE KEY", BOOT_FORM_SEC1, KEYFILE_PLAIN, NULL },
	{ "ENCRYPTED PRIVATE KEY", BOOT_FORM_PKCS8, KEYFILE_PKCS8, NULL },
	{ "OPENSSH PRIVATE KEY", 0, KEYFILE_PLAIN,
		"an OpenSSH key; convert a copy first: ssh-keygen -p -m PKCS8 "
		"-f COPY" },
	{ "DSA PRIVATE KEY", 0, KEYFILE_PLAIN,
		"a DSA key, which keyd does not keep" },
};

static const char public_key[] = "holds a public key but no private key";
static const char request[] = "holds a certificate request but no private key";
static const char certificate[] = "holds a certificate but no private key";

/* What else may stand in its place, the most telling first. */
static const struct other {
	const char *text;
	const char *refusal;
} others[] = {
	{ "CERTIFICATE", certificate },
	{ "TRUSTED CERTIFICATE", certificate },
	{ "X509 CERTIFICATE", certificate },
	{ "CERTIFICATE REQUEST", request },
	{ "NEW CERTIFICATE REQUEST", request },
	{ "PUBLIC KEY", public_key },
	{ "RSA PUBLIC KEY", public_key },
	{ "SSH2 PUBLIC KEY", public_key },
	{ "PKCS7", "holds certificates (PKCS#7) but no private key" },
};

static const struct {
	const char *start;
	const char *refusal;
} texts[] = {
	{ "ssh-", "holds an OpenSSH public key but no private key" },
	{ "ecdsa-sha2-", "holds an OpenSSH public key but no private key" },
	{ "PuTTY-User-Key-File",
		"a PuTTY key; convert a copy first: puttygen FILE -O "
		"private-openssh -o COPY, then ssh-keygen -p -m PKCS8 -f "
		"COPY" },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct label *
find_label(const struct pem_block *b)
{
	size_t i;

	for (i = 0; i < COUNT(labels); i++)
		if (pem_is_label(b, labels[i].text))
			return &labels[i];
	return NULL;
}

static bool
is_private(const struct pem_block *b)
{
	static const char tail[] = "PRIVATE KEY";
	size_t len = sizeof(tail) - 1;

	return b->label.len >= len &&
	       memcmp(b->label.data + b->label.len - len, tail, len) == 0;
}

/* --- DER ------------------------------------------------------------------ */

enum {
	CONSTRUCTED = V_ASN1_CONSTRUCTED,
	NOTHING = -1,   /* no element */
	CONTEXT = 1000, /* added to the tags of other classes */
	MAX_SMALL = 127,
};

/* Takes one element of definite length from *v: its tag and contents. */
static int
take(struct view *v, struct view *contents)
{
	const unsigned char *p = v->data;
	int tag, class, r;
	long len;

	if (v->len == 0)
		return NOTHING;
	r = ASN1_get_object(&p, &len, &tag, &class, (long)v->len);
	if ((r & 0x80) != 0 || (r & 1) != 0)
		return NOTHING;
	*contents = (struct view){ p, (size_t)len };
	v->len -= (size_t)(p - v->data) + (size_t)len;
	v->data = p + len;
	return class == V_ASN1_UNIVERSAL ? tag : CONTEXT + tag;
}

/* A SEQUENCE, by its first elements. */
struct shape {
	int first, inside, second; /* tags; inside: the first one's first */
	int number;                /* of an INTEGER up to 127; else -1 */
};

static const struct kind {
	struct shape is; /* number: NOTHING if any will do */
	uint8_t form;
	enum keyfile_cipher cipher;
	const char *refusal;
} kinds[] = {
	{ { V_ASN1_INTEGER, 0, V_ASN1_SEQUENCE, 0 }, BOOT_FORM_PKCS8,
		KEYFILE_PLAIN, NULL },
	{ { V_ASN1_INTEGER, 0, V_ASN1_SEQUENCE, 1 }, BOOT_FORM_PKCS8,
		KEYFILE_PLAIN, NULL },
	{ { V_ASN1_INTEGER, 0, V_ASN1_INTEGER, 0 }, BOOT_FORM_PKCS1,
		KEYFILE_PLAIN, NULL },
	{ { V_ASN1_INTEGER, 0, V_ASN1_OCTET_STRING, 1 }, BOOT_FORM_SEC1,
		KEYFILE_PLAIN, NULL },
	{ { V_ASN1_SEQUENCE, V_ASN1_OBJECT, V_ASN1_OCTET_STRING, NOTHING },
		BOOT_FORM_PKCS8, KEYFILE_PKCS8, NULL },
	{ { V_ASN1_INTEGER, 0, V_ASN1_SEQUENCE, 3 }, 0, KEYFILE_PLAIN,
		"a PKCS#12 file; take its key out: (umask 077; openssl pkcs12 "
		"-in FILE -nocerts -noenc -out KEY.pem), its certificates: "
		"openssl pkcs12 -in FILE -nokeys -out CERT.pem (both with "
		"-legacy if it is an old one), then import KEY.pem with "
		"--certificate CERT.pem, and remove FILE" },
	{ { V_ASN1_SEQUENCE, V_ASN1_OBJECT, V_ASN1_BIT_STRING, NOTHING }, 0,
		KEYFILE_PLAIN, public_key },
	{ { V_ASN1_INTEGER, 0, V_ASN1_INTEGER, NOTHING }, 0, KEYFILE_PLAIN,
		public_key },
	{ { V_ASN1_SEQUENCE, V_ASN1_INTEGER, V_ASN1_SEQUENCE, NOTHING }, 0,
		KEYFILE_PLAIN, request },
	{ { V_ASN1_SEQUENCE, CONTEXT, V_ASN1_SEQUENCE, NOTHING }, 0,
		KEYFILE_PLAIN, certificate },
};

/* Is the text one SEQUENCE, with nothing behind it? */
static bool
get_shape(struct view text, struct shape *s)
{
	struct view body, first, second, inside;

	if (take(&text, &body) != V_ASN1_SEQUENCE || text.len != 0)
		return false;
	s->first = take(&body, &first);
	s->second = take(&body, &second);
	s->number = NOTHING;
	s->inside = 0;
	if (s->first == V_ASN1_INTEGER && first.len == 1 &&
		first.data[0] <= MAX_SMALL)
		s->number = first.data[0];
	if (s->first == V_ASN1_SEQUENCE)
		s->inside = take(&first, &inside);
	return true;
}

static const struct kind *
find_kind(const struct shape *s)
{
	size_t i;

	for (i = 0; i < COUNT(kinds); i++)
		if (s->first == kinds[i].is.first &&
			s->inside == kinds[i].is.inside &&
			s->second == kinds[i].is.second &&
			(kinds[i].is.number == NOTHING ||
				s->number == kinds[i].is.number))
			return &kinds[i];
	return NULL;
}

static int
find_der(struct view text, struct keyfile *out, struct fault *why)
{
	const struct kind *k;
	struct shape s;

	if (!get_shape(text, &s))
		return fault_set(why,
			"holds no private key: a DER file, but damaged: it is "
			"not one SEQUENCE, or there is more behind it");
	k = find_kind(&s);
	if (k == NULL)
		return fault_set(why,
			"holds no private key: a DER file of an unknown kind");
	if (k->refusal != NULL)
		return fault_set(why, "%s", k->refusal);
	*out = (struct keyfile){ .part = text,
		.block = { .body = text, .whole = text },
		.is_der = true,
		.form = k->form,
		.cipher = k->cipher };
	return 0;
}

/* --- PEM ------------------------------------------------------------------ */

/* What was found in the file. */
struct survey {
	struct pem_block shell, key; /* the first of each */
	unsigned shells, keys, rest; /* rest: but for EC PARAMETERS */
	const char *other;
};

static bool
is_shell(const struct pem_block *b)
{
	struct keyfile k = { .block = *b };
	struct fault ignored;
	struct shell shell;
	struct view der;
	bool is;

	if (!pem_is_label(b, "PRIVATE KEY") ||
		keyfile_der(&k, NULL, &der, &ignored) < 0)
		return false;
	is = shell_decode(der.data, der.len, &shell) == SHELL_OK;
	keyfile_release(&der);
	return is;
}

static void
note(struct survey *s, const struct pem_block *b)
{
	size_t i;

	if (!is_private(b)) {
		s->rest += !pem_is_label(b, "EC PARAMETERS");
		for (i = 0; s->other == NULL && i < COUNT(others); i++)
			if (pem_is_label(b, others[i].text))
				s->other = others[i].refusal;
	} else if (is_shell(b)) {
		if (s->shells++ == 0)
			s->shell = *b;
	} else if (s->keys++ == 0) {
		s->key = *b;
	}
}

static int
refuse_text(struct view text, const struct survey *s, struct fault *why)
{
	size_t i, n;

	if (s->other != NULL)
		return fault_set(why, "%s", s->other);
	for (i = 0; i < COUNT(texts); i++) {
		n = strlen(texts[i].start);
		if (text.len >= n && memcmp(text.data, texts[i].start, n) == 0)
			return fault_set(why, "%s", texts[i].refusal);
	}
	return fault_set(why, "holds no PEM private key");
}

static int
refuse_block(
	const struct pem_block *b, const struct label *l, struct fault *why)
{
	if (l == NULL)
		(void)fault_set(why, "an unknown kind of private key, %.*s",
			(int)b->label.len, (const char *)b->label.data);
	else
		(void)fault_set(why, "%s", l->refusal);
	why->line = b->line;
	return -1;
}

static int
pick_block(struct view text, enum keyfile_pick pick, const struct survey *s,
	struct keyfile *out, struct fault *why)
{
	const struct pem_block *b = s->keys > 0 ? &s->key : &s->shell;
	const struct label *l;

	if (s->keys + s->shells == 0)
		return refuse_text(text, s, why);
	if (pick == KEYFILE_ONLY && s->keys + s->shells > 1)
		return fault_set(why,
			"holds %u private keys; put each in a file of its own",
			s->keys + s->shells);
	l = find_label(b);
	if (l == NULL || l->refusal != NULL)
		return refuse_block(b, l, why);
	*out = (struct keyfile){ .part = text,
		.block = *b,
		.form = l->form,
		.cipher = l->cipher,
		.shells = s->keys > 0 ? s->shells : s->shells - 1,
		.more = s->keys > 1 ? s->keys - 1 : 0 };
	if (s->keys + s->shells + s->rest > 1)
		out->part = b->whole;
	if (l->cipher == KEYFILE_PLAIN && pem_has_headers(b))
		out->cipher = KEYFILE_TRADITIONAL;
	return 0;
}

static bool
is_der(struct view text)
{
	enum { SEQUENCE = CONSTRUCTED | V_ASN1_SEQUENCE };

	return text.len > 1 && text.data[0] == SEQUENCE;
}

int
keyfile_find(struct view text, enum keyfile_pick pick, struct keyfile *out,
	struct fault *why)
{
	struct pem_cursor c = pem_start(text);
	struct survey s = { 0 };
	struct pem_block b;
	const char *error;
	int r;

	/* '0' is text, too, but not of any key without a PEM block. */
	while ((r = pem_next(&c, &b, &error)) == 1)
		note(&s, &b);
	if (r < 0) {
		(void)fault_set(why, "%s", error);
		why->line = b.line;
		return -1;
	}
	if (s.keys + s.shells + s.rest == 0 && is_der(text))
		return find_der(text, out, why);
	return pick_block(text, pick, &s, out, why);
}

int
keyfile_der(const struct keyfile *k, struct view *headers, struct view *der,
	struct fault *why)
{
	struct pem_block b = k->block;
	size_t size, len = 0;
	uint8_t *buf;
	int r = 0;

	if (k->cipher == KEYFILE_TRADITIONAL &&
		pem_split(&k->block, headers, &b) < 0)
		return fault_set(why,
			"the PEM block is damaged: no empty line ends its "
			"headers");
	size = b.body.len + 1;
	buf = OPENSSL_malloc(size);
	if (buf == NULL)
		return fault_set(why, "no memory to read the key");
	if (k->is_der) {
		memcpy(buf, b.body.data, b.body.len);
		len = b.body.len;
	} else {
		r = pem_decode(&b, buf, size, &len);
	}
	if (r < 0) {
		OPENSSL_clear_free(buf, size);
		return fault_set(
			why, "the PEM block is damaged: it is not base64");
	}
	*der = (struct view){ buf, len };
	return 0;
}

void
keyfile_release(struct view *der)
{
	uint8_t *buf = (uint8_t *)(uintptr_t)der->data;

	OPENSSL_clear_free(buf, der->len);
	*der = (struct view){ 0 };
}
