#include "inspect.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader/certificate.h"
#include "loader/file.h"
#include "loader/key.h"
#include "loader/keyfile.h"

static struct view
text_view(const char *s)
{
	return (struct view){ (const uint8_t *)s, strlen(s) };
}

static void
report_fault(struct talk *t, const char *where, const struct fault *why)
{
	talk_report(t, TALK_ERROR, where, why->line, why->text);
}

static int
read_key(struct talk *t, int fd, struct key *out)
{
	struct fault why = { 0 };
	struct view text;
	int r;

	r = file_read(fd, FILE_MAX_KEY, &text, &why);
	if (r == 0) {
		r = key_read(text, out, &why);
		file_release(&text);
	}
	if (r < 0)
		report_fault(t, "key file", &why);
	return r;
}

/* of: the key, if there is one. */
static int
read_certificate(
	struct talk *t, int fd, const struct key *of, struct certificate *out)
{
	struct fault why = { 0 };
	struct view text;
	int r;

	r = file_read(fd, FILE_MAX_CERTIFICATE, &text, &why);
	if (r == 0) {
		r = certificate_read(text, of, out, &why);
		file_release(&text);
	}
	if (r < 0)
		report_fault(t, "certificate", &why);
	return r;
}

/* The public key of a certificate that comes alone. */
static int
read_from_certificate(
	struct talk *t, const struct certificate *c, struct key *out)
{
	struct fault why = { 0 };

	if (c->pkey != NULL)
		(void)EVP_PKEY_up_ref(c->pkey);
	if (key_from_public(c->pkey, BOOT_FORM_CERTIFICATE, out, &why) == 0)
		return 0;
	report_fault(t, "certificate", &why);
	return -1;
}

static void
describe(const struct key *k, const struct certificate *c,
	struct boot_description *d)
{
	*d = (struct boot_description){ .key_type = k->type,
		.bits = k->bits,
		.form = k->form,
		.name = text_view(k->name),
		.spki = { k->spki, k->spki_len },
		.why = text_view("no certificate was given") };
	memcpy(d->hash, k->hash, sizeof(d->hash));
	if (c == NULL)
		return;
	d->certificate = certificate_is_of(c, k) ? 1 : 2;
	d->use = c->use;
	d->certain = c->certain;
	d->not_before = c->not_before;
	d->not_after = c->not_after;
	d->subject = text_view(c->subject);
	d->why = text_view(c->why);
	if (d->certificate == 1)
		return;
	d->use = 0;
	d->certain = 0;
	d->why = text_view("the certificate is not of this key");
}

static void
send_description(
	struct talk *t, const struct key *k, const struct certificate *c)
{
	uint8_t buf[BOOT_MAX];
	struct writer w = writer_init(buf, sizeof(buf));
	struct boot_description d;

	describe(k, c, &d);
	writer_u8(&w, BOOT_DESCRIPTION);
	boot_put_description(&w, &d);
	talk_send(t, buf, writer_len(&w));
}

/* Certificate and key by the descriptors that came, -1: none. */
static void
inspect_files(struct talk *t, int key_fd, int certificate_fd)
{
	struct certificate c = { 0 };
	struct key k = { 0 };
	bool have_certificate, have_key;

	have_key = key_fd >= 0 && read_key(t, key_fd, &k) == 0;
	have_certificate =
		certificate_fd >= 0 && read_certificate(t, certificate_fd,
					       have_key ? &k : NULL, &c) == 0;
	if (key_fd < 0)
		have_key = have_certificate &&
			   read_from_certificate(t, &c, &k) == 0;
	if (have_key && t->errors == 0)
		send_description(t, &k, have_certificate ? &c : NULL);
	else
		talk_done(t, false, 0);
	key_release(&k);
	certificate_release(&c);
}

void
inspect_run(struct talk *t)
{
	uint8_t buf[BOOT_MAX], given;
	struct reader r;
	size_t nfds;
	int fds[2];

	if (talk_receive(t, buf, BOOT_INSPECT, &r, fds, &nfds) < 0)
		return;
	given = reader_u8(&r);
	if (reader_finish(&r) < 0 || given > 1 || nfds == 0 ||
		(given == 0 && nfds != 1)) {
		t->lost = true;
	} else if (nfds == 2) {
		inspect_files(t, fds[0], fds[1]);
	} else {
		inspect_files(t, given ? -1 : fds[0], given ? fds[0] : -1);
	}
	while (nfds > 0)
		(void)close(fds[--nfds]);
}

/* One answer of the starter's to the question for a passphrase. */
static int
ask_passphrase(struct talk *t, bool wrong, uint8_t buf[BOOT_MAX],
	struct view *passphrase)
{
	const uint8_t question[] = { BOOT_LOCKED, wrong };
	struct reader r;
	size_t nfds;
	int fds[2];

	talk_send(t, question, sizeof(question));
	if (talk_receive(t, buf, BOOT_PASSPHRASE, &r, fds, &nfds) < 0)
		return -1;
	*passphrase = reader_vec16(&r);
	if (reader_finish(&r) == 0 && nfds == 0 &&
		passphrase->len <= BOOT_MAX_PASSPHRASE)
		return 0;
	while (nfds > 0)
		(void)close(fds[--nfds]);
	t->lost = true;
	return -1;
}

/* As often as the starter has another passphrase to try; if it has none, it
 * hangs up. */
static int
open_asking(struct talk *t, const struct keyfile *file, struct key *out,
	struct fault *why)
{
	uint8_t buf[BOOT_MAX];
	struct view passphrase = { 0 };
	bool wrong = false;
	int r;

	while ((r = key_open(file, passphrase, out, why)) == KEY_LOCKED) {
		if (ask_passphrase(t, wrong, buf, &passphrase) < 0)
			break;
		wrong = true;
	}
	OPENSSL_cleanse(buf, sizeof(buf));
	return r;
}

/* What the store is to hold of a key that is not there in PEM, plain. 0 or -1. */
static int
send_extracted(struct talk *t, const struct key *k, struct boot_extracted *e)
{
	char pem[BOOT_MAX];
	uint8_t buf[BOOT_MAX], *der = NULL;
	struct writer w = writer_init(buf, sizeof(buf));
	size_t der_len = 0, len = 0;
	int r = 0;

	if (k->form != BOOT_FORM_SHELL && (e->der || e->encrypted)) {
		r = key_private_der(k, &der, &der_len);
		if (r == 0)
			r = pem_encode("PRIVATE KEY",
				(struct view){ der, der_len }, pem, sizeof(pem),
				&len);
		e->pem = (struct view){ (const uint8_t *)pem, len };
	}
	writer_u8(&w, BOOT_EXTRACTED);
	boot_put_extracted(&w, e);
	if (r == 0)
		r = writer_finish(&w, &len);
	if (r == 0)
		talk_send(t, buf, len);
	e->pem = (struct view){ 0 };
	OPENSSL_clear_free(der, der_len);
	OPENSSL_cleanse(pem, sizeof(pem));
	OPENSSL_cleanse(buf, sizeof(buf));
	return r;
}

/* The certificate that was given, or one of this key in its own file. -1 if the
 * one that was given cannot be read; *have: there is one. */
static int
find_certificate(struct talk *t, int fd, struct view text, const struct key *k,
	struct certificate *out, bool *have)
{
	struct fault ignored;

	*have = false;
	if (fd >= 0) {
		*have = read_certificate(t, fd, k, out) == 0;
		return *have ? 0 : -1;
	}
	if (certificate_read(text, k, out, &ignored) < 0)
		return 0;
	*have = certificate_is_of(out, k);
	if (!*have)
		certificate_release(out);
	return 0;
}

static uint8_t
at_most_255(unsigned n)
{
	return n < UINT8_MAX ? (uint8_t)n : UINT8_MAX;
}

static int
extract(struct talk *t, struct view text, int certificate_fd, struct fault *why)
{
	struct certificate c = { 0 };
	struct boot_extracted e = { 0 };
	struct keyfile file;
	struct key k = { 0 };
	bool have;
	int r;

	if (keyfile_find(text, KEYFILE_NEXT, &file, why) < 0 ||
		open_asking(t, &file, &k, why) != 0)
		return -1;
	e.start = (uint32_t)(file.part.data - text.data);
	e.len = (uint32_t)file.part.len;
	e.der = file.is_der;
	e.encrypted = file.cipher != KEYFILE_PLAIN;
	e.shells = at_most_255(file.shells);
	e.more = at_most_255(file.more);
	r = find_certificate(t, certificate_fd, text, &k, &c, &have);
	e.own = have && certificate_fd < 0;
	if (r == 0) {
		r = send_extracted(t, &k, &e);
		if (r < 0)
			(void)fault_set(why, "the key cannot be encoded");
	}
	if (r == 0)
		send_description(t, &k, have ? &c : NULL);
	certificate_release(&c);
	key_release(&k);
	return r;
}

static void
extract_file(struct talk *t, int key_fd, int certificate_fd)
{
	struct fault why = { 0 };
	struct view text;
	int r = file_read(key_fd, FILE_MAX_KEY, &text, &why);

	if (r == 0) {
		r = extract(t, text, certificate_fd, &why);
		file_release(&text);
	}
	if (r == 0 || t->lost)
		return;
	if (why.text[0] != '\0')
		report_fault(t, "key file", &why);
	talk_done(t, false, 0);
}

void
inspect_extract(struct talk *t)
{
	uint8_t buf[BOOT_MAX], given;
	struct reader r;
	size_t nfds;
	int fds[2];

	if (talk_receive(t, buf, BOOT_EXTRACT, &r, fds, &nfds) < 0)
		return;
	given = reader_u8(&r);
	if (reader_finish(&r) < 0 || given > 1 || nfds != 1 + (size_t)given)
		t->lost = true;
	else
		extract_file(t, fds[0], given ? fds[1] : -1);
	while (nfds > 0)
		(void)close(fds[--nfds]);
}

/* PEM and description in one datagram. 0 or -1. */
static int
send_generated(struct talk *t, const struct key *k)
{
	char pem[BOOT_MAX];
	uint8_t buf[BOOT_MAX], *der;
	struct writer w = writer_init(buf, sizeof(buf));
	struct boot_description d;
	size_t der_len, len = 0;
	int r = -1;

	if (key_private_der(k, &der, &der_len) < 0)
		return -1;
	describe(k, NULL, &d);
	d.why = text_view("");
	writer_u8(&w, BOOT_GENERATED);
	if (pem_encode("PRIVATE KEY", (struct view){ der, der_len }, pem,
		    sizeof(pem), &len) == 0) {
		writer_vec16(&w, pem, len);
		boot_put_description(&w, &d);
		r = writer_finish(&w, &len);
	}
	if (r == 0)
		talk_send(t, buf, len);
	OPENSSL_clear_free(der, der_len);
	OPENSSL_cleanse(pem, sizeof(pem));
	OPENSSL_cleanse(buf, sizeof(buf));
	return r;
}

void
inspect_generate(struct talk *t)
{
	uint8_t buf[BOOT_MAX], type;
	struct fault why = { 0 };
	struct reader r;
	struct key k;
	uint16_t bits;
	size_t nfds;
	int fds[2], ok;

	if (talk_receive(t, buf, BOOT_GENERATE, &r, fds, &nfds) < 0)
		return;
	type = reader_u8(&r);
	bits = reader_u16(&r);
	if (reader_finish(&r) < 0 || nfds > 0) {
		while (nfds > 0)
			(void)close(fds[--nfds]);
		t->lost = true;
		return;
	}
	ok = key_generate(type, bits, &k, &why);
	if (ok == 0) {
		ok = send_generated(t, &k);
		if (ok < 0)
			(void)fault_set(&why, "the key cannot be encoded");
		key_release(&k);
	}
	if (ok < 0) {
		report_fault(t, "generate", &why);
		talk_done(t, false, 0);
	}
}
