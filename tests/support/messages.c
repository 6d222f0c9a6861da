#include "messages.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* Ends the test program: nothing here can fail but for a broken set-up. */
static void
need(int ok)
{
	if (!ok)
		abort();
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift". */
uint64_t
messages_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

void
messages_fill(uint64_t *state, uint8_t *out, size_t len)
{
	uint64_t v;
	size_t n;

	while (len > 0) {
		v = messages_random(state);
		n = len < sizeof(v) ? len : sizeof(v);
		memcpy(out, &v, n);
		out += n;
		len -= n;
	}
}

void
messages_verify(
	struct message *m, const char *text, size_t hash_len, uint64_t *state)
{
	size_t n = strlen(text);

	memset(m->data, 0x20, 64);
	memcpy(m->data + 64, text, n);
	m->data[64 + n] = 0;
	messages_fill(state, m->data + 65 + n, hash_len);
	m->len = 65 + n + hash_len;
}

void
messages_ske(struct message *m, uint16_t group, const uint8_t *point,
	size_t len, uint64_t *state)
{
	messages_fill(state, m->data, 64);
	m->data[64] = 3;
	m->data[65] = (uint8_t)(group >> 8);
	m->data[66] = (uint8_t)group;
	m->data[67] = (uint8_t)len;
	memcpy(m->data + 68, point, len);
	m->len = 68 + len;
}

struct points {
	size_t len;
	uint8_t data[MESSAGES_POINTS][133];
};

static void
make_points(struct points *p, const char *curve)
{
	EVP_PKEY *key;
	size_t i;

	for (i = 0; i < MESSAGES_POINTS; i++) {
		key = EVP_EC_gen(curve);
		need(key != NULL);
		need(EVP_PKEY_get_octet_string_param(key, "pub", p->data[i],
			     sizeof(p->data[i]), &p->len) == 1);
		EVP_PKEY_free(key);
	}
}

void
messages_ske_group(struct message *m, uint16_t group, uint64_t *state)
{
	static const char *const curves[] = { "P-256", "P-384", "P-521",
		"brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1" };
	static struct points made[6];
	uint8_t value[56];
	struct points *p;

	/* x25519, x448 */
	if (group == 29 || group == 30) {
		messages_fill(state, value, sizeof(value));
		messages_ske(m, group, value, group == 29 ? 32 : 56, state);
		return;
	}
	p = &made[group - 23];
	if (p->len == 0)
		make_points(p, curves[group - 23]);
	messages_ske(m, group,
		p->data[messages_random(state) % MESSAGES_POINTS], p->len,
		state);
}

static void
add_names(X509_REQ *req)
{
	X509_NAME *name = X509_REQ_get_subject_name(req);
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL,
		NID_subject_alt_name, "DNS:www.example.org,DNS:example.org");

	need(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
		(const unsigned char *)"Example", -1, -1, 0));
	need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"www.example.org", -1, -1, 0));
	need(list != NULL && ext != NULL && sk_X509_EXTENSION_push(list, ext));
	need(X509_REQ_add_extensions(req, list));
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

void
messages_csr(struct message *m, EVP_PKEY *key)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int len;

	need(req != NULL && X509_REQ_set_version(req, 0) &&
		X509_REQ_set_pubkey(req, key));
	add_names(req);
	len = i2d_re_X509_REQ_tbs(req, &der);
	need(len > 0 && (size_t)len <= sizeof(m->data));
	memcpy(m->data, der, (size_t)len);
	m->len = (size_t)len;
	OPENSSL_free(der);
	X509_REQ_free(req);
}

void
messages_spki(struct message *m, EVP_PKEY *key)
{
	unsigned char *p = m->data;
	int len = i2d_PUBKEY(key, NULL);

	need(len > 0 && (size_t)len <= sizeof(m->data));
	m->len = (size_t)i2d_PUBKEY(key, &p);
}
